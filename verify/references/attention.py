"""torch's own operation: attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _attention(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch takes one mask: additive, boolean or causal; several at once are one additive mask."""
    query, key, value = (inputs[name] for name in ("query", "key", "value"))
    mask, keep = inputs.get("attn_mask"), inputs.get("keep")
    causal = hypers["is_causal"]
    if mask is None and (keep is None or not causal):
        given = {"attn_mask": keep, "is_causal": causal}
    else:
        seen = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool)
        seen = seen.tril() if causal else seen
        seen = seen if keep is None else seen & keep
        added = torch.zeros((), dtype=query.dtype) if mask is None else mask
        given = {"attn_mask": added.masked_fill(~seen, -torch.inf)}
    if hypers["dropout_p"] > 0:  # torch draws for itself: its weights, then what is left of them
        value = torch.eye(key.shape[-2], dtype=value.dtype).expand(*key.shape[:-1], -1)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        grouped = query.ndim > 2 and query.shape[-3] != key.shape[-3]
        y = F.scaled_dot_product_attention(query, key, value, scale=hypers["scale"], enable_gqa=grouped, **given)
    if hypers["dropout_p"] > 0:
        value = inputs["value"].repeat_interleave(query.shape[-3] // key.shape[-3], -3) if grouped else inputs["value"]
        y = (y * inputs["left_0"] / (1 - hypers["dropout_p"])) @ value
    return (y,)


REFERENCES: dict[str, Reference] = {
    "scaled_dot_product_attention": _attention,
    "grouped_query_attention": _attention,
}
