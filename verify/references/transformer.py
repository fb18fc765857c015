"""torch's own operation: attention of several heads, and the layers of a transformer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference

_PARTS = ("q_proj", "k_proj", "v_proj")


def _heads(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """By torch's function; what it drops it draws itself, so with ``keep`` the heads are attended one by one."""
    query, heads = inputs["query"], hypers["num_heads"]
    biases = [inputs.get(f"{p}_bias", torch.zeros(len(inputs[f"{p}_weight"]), dtype=query.dtype)) for p in _PARTS]
    q, k, v = (
        _split(F.linear(inputs[n], inputs[f"{p}_weight"], b), heads)
        for n, p, b in zip(("query", "key", "value"), _PARTS, biases, strict=True)
    )
    mask = inputs.get("mask")
    for extra in range(hypers["more"]):
        given = [inputs.get(n) if extra == 0 else None for n in ("bias_k", "bias_v")]
        k, v = (
            torch.cat([x, torch.zeros_like(x[:, :, :1]) if e is None else _split(e, heads).expand_as(x[:, :, :1])], 2)
            for x, e in zip((k, v), given, strict=True)
        )
        mask = None if mask is None else F.pad(mask, (0, 1))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    p = torch.softmax(scores if mask is None else scores + mask, -1)
    if "keep" in inputs:
        p = p * inputs["keep"] / (1 - hypers["dropout_p"])
    z = (p @ v).permute(2, 0, 1, 3).flatten(2)
    y = F.linear(z, inputs["out_proj_weight"], inputs.get("out_proj_bias"))
    if not hypers["need_weights"]:
        return (y,)
    return y, p.mean(1) if hypers["average_attn_weights"] else p


def _split(x: Array, heads: int) -> Array:
    """[S, N, H·D] as [N, H, S, D]."""
    return x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)


def _packed(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    weight = inputs["in_proj_weight"]
    bias = inputs.get("in_proj_bias", torch.zeros(len(weight), dtype=weight.dtype))
    y, _ = F.multi_head_attention_forward(
        inputs["query"], inputs["memory"], inputs["memory"], weight.shape[1], hypers["num_heads"], weight, bias,
        None, None, False, 0.0, inputs["out_proj_weight"], inputs.get("out_proj_bias"), need_weights=False,
        attn_mask=inputs.get("mask"), key_padding_mask=inputs.get("padding"),
    )  # fmt: skip
    return (y,)


def _feed_forward(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    bend = getattr(F, hypers["activation"])
    h = bend(F.linear(inputs["x"], inputs["linear1_weight"], inputs.get("linear1_bias")))
    return (F.linear(h, inputs["linear2_weight"], inputs.get("linear2_bias")),)


#: The definitions' words for torch's parts of a layer, and its arguments.
_PARTS_OF_A_LAYER = (
    ("self_in_proj_", "self_attn.in_proj_"), ("self_out_proj_", "self_attn.out_proj."),
    ("cross_in_proj_", "multihead_attn.in_proj_"), ("cross_out_proj_", "multihead_attn.out_proj."),
    ("in_proj_", "self_attn.in_proj_"), ("out_proj_", "self_attn.out_proj."), ("linear1_", "linear1."),
    ("linear2_", "linear2."), ("norm1_", "norm1."), ("norm2_", "norm2."), ("norm3_", "norm3."),
)  # fmt: skip
_MASKS = {
    "encoder": {"mask": "src_mask", "padding": "src_key_padding_mask"},
    "decoder": {
        "tgt_mask": "tgt_mask", "memory_mask": "memory_mask", "tgt_padding": "tgt_key_padding_mask",
        "memory_padding": "memory_key_padding_mask",
    },
}  # fmt: skip


def _layer(kind: str) -> Reference:
    """torch's module of one layer, its parameters those given."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        return (_one_layer(kind, inputs, hypers),)

    return call


def _one_layer(kind: str, inputs: Inputs, hypers: Hypers) -> Array:
    """Biases absent are zeros and weights of norms ones, as torch makes the former and the latter."""
    data = ("src",) if kind == "encoder" else ("tgt", "memory")
    wide, longer = inputs["linear2_weight"].shape
    cls = getattr(torch.nn, f"Transformer{kind.title()}Layer")
    options = {n: hypers[n] for n in ("activation", "layer_norm_eps", "batch_first", "norm_first")}
    module = cls(wide, hypers["nhead"], longer, 0.0, dtype=inputs[data[0]].dtype, **options)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    given = {
        torchs + name.removeprefix(ours): value
        for name, value in inputs.items()
        for ours, torchs in _PARTS_OF_A_LAYER
        if name.startswith(ours)
    }
    masks = {torchs: inputs[ours] for ours, torchs in _MASKS[kind].items() if ours in inputs}
    return torch.func.functional_call(module, given, tuple(inputs[n] for n in data), masks)


def _stack(kind: str) -> Reference:
    """Layers one above the other, then the last norm."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        first = "src" if kind == "encoder" else "tgt"
        z, alike = inputs[first], {n: v for n, v in inputs.items() if n == "memory" or n in _MASKS[kind]}
        for i in range(hypers["num_layers"]):
            own = {n.removesuffix(f"_{i}"): v for n, v in inputs.items() if n.endswith(f"_{i}")}
            z = _one_layer(kind, {first: z, **alike, **own}, hypers)
        if "norm_weight" in inputs:
            weight, bias = inputs["norm_weight"], inputs.get("norm_bias")
            z = F.layer_norm(z, weight.shape, weight, bias, hypers["layer_norm_eps"])
        return (z,)

    return call


REFERENCES: dict[str, Reference] = {
    "multi_head_attention": _heads,
    "packed_attention": _packed,
    "feed_forward": _feed_forward,
    **{f"transformer_{kind}_layer": _layer(kind) for kind in _MASKS},
    **{f"transformer_{kind}": _stack(kind) for kind in _MASKS},
}
