"""torch's own operation: dropouts."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _dropout(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch draws the mask itself, so the reference is the sentence of its documentation."""
    if not hypers["training"]:
        return (F.dropout(inputs["x"], hypers["p"], training=False),)
    return (inputs["x"] * inputs["keep"] / (1 - hypers["p"]),)


REFERENCES: dict[str, Reference] = {
    "dropout": _dropout,
}
