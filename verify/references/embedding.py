"""torch's own operation: embedding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _embedding(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.embedding(inputs["token"], inputs["weight"], padding_idx=hypers["padding_idx"]),)


def _embedding_bag(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    weights = inputs.get("per_sample_weights") if hypers["mode"] == "sum" else None
    token, weight = inputs["token"], inputs["weight"]
    return (F.embedding_bag(token, weight, mode=hypers["mode"], per_sample_weights=weights,
                            padding_idx=hypers["padding_idx"]),)  # fmt: skip


REFERENCES: dict[str, Reference] = {
    "embedding": _embedding,
    "embedding_bag": _embedding_bag,
}
