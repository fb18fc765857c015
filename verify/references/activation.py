"""torch's own operation: activation."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _softmax(function: Callable) -> Reference:
    return lambda inputs, hypers: (function(inputs["x"], dim=-1),)


def _dropout(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch draws the mask itself, so the reference is the sentence of its documentation."""
    if not hypers["training"]:
        return (F.dropout(inputs["x"], hypers["p"], training=False),)
    return (inputs["x"] * inputs["keep"] / (1 - hypers["p"]),)


REFERENCES: dict[str, Reference] = {
    "relu": of(F.relu, "x"),
    "leaky_relu": of(F.leaky_relu, "x"),
    "sigmoid": of(torch.sigmoid, "x"),
    "tanh": of(torch.tanh, "x"),
    "gelu": of(F.gelu, "x"),
    "silu": of(F.silu, "x"),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
    "dropout": _dropout,
}
