"""Attention: torch's packed weights, masks and options as the definitions' inputs."""

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


def scaled_dot_product(call: Call) -> None:
    """Masks, of truth or added, spread over the batch and the heads; heads that are shared, repeated."""
    import torch

    from derive.nn.binding import bound

    a = call.arguments
    mask, p = a.pop("attn_mask"), float(a["dropout_p"])
    if mask is not None and a["is_causal"]:
        raise InputError("scaled_dot_product_attention: attn_mask and is_causal exclude each other", mend="give one")
    if not 0 <= p <= 1:
        raise InputError(f"scaled_dot_product_attention: dropout_p is {p}", mend="it is a probability")
    if a.pop("enable_gqa"):
        heads = a["query"].shape[-3]
        a |= {n: _repeated(a[n], heads, n) for n in ("key", "value")}
    data = ("query", "key", "value")
    batch = torch.broadcast_shapes(*(a[n].shape[:-2] for n in data), () if mask is None else mask.shape[:-2])
    a |= {n: spread(a[n], (*batch, *a[n].shape[-2:])) for n in data}
    shape = (*batch, a["query"].shape[-2], a["key"].shape[-2])
    if mask is not None and mask.dtype == torch.bool:
        a["keep"] = mask.expand(shape)
    elif mask is not None:  # where all is −inf nothing may be seen
        a |= {"attn_mask": spread(mask, shape) if mask.requires_grad else mask.expand(shape),
              "keep": (mask > -torch.inf).expand(shape)}  # fmt: skip
    if p == 1:  # nothing is left, and nothing drawn
        a |= {"value": bound("nn.functional.dropout")(a["value"], 1.0), "dropout_p": 0.0}


def _repeated(x: Any, heads: int, name: str) -> Any:
    """Each head for as many of the query's as share it."""
    own = x.shape[-3]
    if not own or heads % own:
        raise InputError(f"scaled_dot_product_attention: query has {heads} heads, {name} {own}",
                         mend=f"enable_gqa shares each head of {name} among equally many of the query")  # fmt: skip
    wide = (*x.shape[:-2], heads // own, *x.shape[-2:])
    return spread(x.unsqueeze(-3), wide).reshape(*x.shape[:-3], heads, *x.shape[-2:])


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
