"""torch's own operation: embedding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _embedding(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.embedding(inputs["token"], inputs["weight"], padding_idx=hypers["padding_idx"]),)


REFERENCES: dict[str, Reference] = {
    "embedding": _embedding,
}
