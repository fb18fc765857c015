"""``multi_head_attention_forward``: torch's packed weights, masks and options as the definition's inputs."""

from __future__ import annotations

from typing import Any

from derive.errors import InputError
from derive.nn.call import Call
from derive.nn.shapes import spread

_PARTS = ("q_proj", "k_proj", "v_proj")


def multi_head_attention(call: Call) -> None:
    """Weights for each of query, key and value; one mask of scores; what dropout keeps."""
    import torch

    a: dict[str, Any] = call.arguments
    functional: Any = torch.nn.functional
    batched = functional._mha_shape_check(
        a["query"], a["key"], a["value"], a["key_padding_mask"], a["attn_mask"], a["num_heads"]
    )
    if a["static_k"] is not None or a["static_v"] is not None:
        raise InputError("multi_head_attention_forward does not support static_k and static_v", mend="leave them out")
    data = {n: a[n] if batched else a[n].unsqueeze(1) for n in ("query", "key", "value")}
    (length, batch, _), places = data["query"].shape, data["key"].shape[0]
    more = (a["bias_k"] is not None) + bool(a["add_zero_attn"])
    shape = (batch, a["num_heads"], length, places)
    given = {**data, **_weights(a), "bias_k": a["bias_k"], "bias_v": a["bias_v"]}
    given |= {"out_proj_weight": a["out_proj_weight"], "out_proj_bias": a["out_proj_bias"], "mask": _mask(a, shape)}
    p = a["dropout_p"] if a["training"] else 0.0
    if p > 0:
        noise = torch.empty((*shape[:3], places + more), dtype=data["query"].dtype, device=data["query"].device)
        given["keep"] = noise.bernoulli_(1 - p).bool() if p < 1 else noise.fill_(0).bool()
    given |= {n: a[n] for n in ("num_heads", "need_weights", "average_attn_weights")}
    call.arguments = given | {"more": more, "dropout_p": p}
    call.afterwards.append(lambda result: _answer(result, a["need_weights"], batched))


def _answer(result: Any, weights: bool, batched: bool) -> tuple[Any, Any]:
    y, w = result if weights else (result, None)
    if batched:
        return y, w
    return y.squeeze(1), None if w is None else w.squeeze(0)


def _weights(a: dict[str, Any]) -> dict[str, Any]:
    """The packed weight and bias, a third each."""
    if a["use_separate_proj_weight"]:
        weights = [a[f"{part}_weight"] for part in _PARTS]
    else:
        weights = list(a["in_proj_weight"].chunk(3))
    bias = a["in_proj_bias"]
    biases = [None] * 3 if bias is None else list(bias.chunk(3))
    named = dict(zip((f"{part}_weight" for part in _PARTS), weights, strict=True))
    return named | dict(zip((f"{part}_bias" for part in _PARTS), biases, strict=True))


def _mask(a: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Both masks as one that is added to the scores, −inf where attention is not allowed."""
    import torch

    canonical, kind = torch.nn.functional._canonical_mask, torch.nn.functional._none_or_dtype
    query, batch, heads = a["query"], shape[0], shape[1]
    padding = canonical(mask=a["key_padding_mask"], mask_name="key_padding_mask",
                        other_type=kind(a["attn_mask"]), other_name="attn_mask", target_type=query.dtype)  # fmt: skip
    causal = a["is_causal"] and padding is None and not a["need_weights"]
    if a["is_causal"] and a["attn_mask"] is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    mask = canonical(mask=a["attn_mask"], mask_name="attn_mask", other_type=None, other_name="",
                     target_type=query.dtype, check_other=False)  # fmt: skip
    if causal:
        mask = torch.full(shape[2:], -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    if mask is not None:
        mask = mask.view(batch, heads, *shape[2:]) if mask.ndim == 3 else mask[None, None]
    if padding is not None:
        padding = padding.reshape(batch, 1, 1, shape[3])
        mask = padding if mask is None else mask + padding
    if mask is None:
        return None
    return spread(mask, shape) if mask.requires_grad else mask.expand(shape)
