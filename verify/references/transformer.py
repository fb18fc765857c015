"""torch's own operation: attention of several heads."""

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


REFERENCES: dict[str, Reference] = {"multi_head_attention": _heads}
