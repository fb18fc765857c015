"""torch's own operation: dropouts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _dropout(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch draws the mask itself, so the reference is the sentence of its documentation."""
    if not hypers["training"]:
        return (F.dropout(inputs["x"], hypers["p"], training=False),)
    return (inputs["x"] * inputs["keep"] / (1 - hypers["p"]),)


def _spread(inputs: Inputs) -> tuple[Array, Array]:
    """x, and what is kept of each channel along the other axes."""
    x, keep = inputs["x"], inputs["keep"]
    return x, keep.reshape((*keep.shape, *(1,) * (x.ndim - keep.ndim)))


def _feature(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x, keep = _spread(inputs)
    return (x * keep / (1 - hypers["p"]) if hypers["training"] else x * 1,)


def _alpha(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """Klambauer et al., Self-normalizing neural networks (2017), section 3: a(x·keep + α'(1 − keep)) + b."""
    x, keep = _spread(inputs)
    if not hypers["training"]:
        return (x * 1,)
    p, low = hypers["p"], -1.7580993408473766
    a = ((1 - p) * (1 + p * low**2)) ** -0.5
    return (a * torch.where(keep, x, torch.tensor(low, dtype=x.dtype)) - a * p * low,)


REFERENCES: dict[str, Reference] = {
    "dropout": _dropout,
    "feature_dropout": _feature,
    "alpha_dropout": _alpha,
    "feature_alpha_dropout": _alpha,
}
