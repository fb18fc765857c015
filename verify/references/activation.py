"""torch's own operation: activations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _rrelu(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch draws the slopes itself, so in training the reference is the sentence of its documentation."""
    if not hypers["training"]:
        return (F.rrelu(inputs["x"], hypers["lower"], hypers["upper"]),)
    x = inputs["x"]
    return (torch.where(x > 0, x, inputs["slope"] * x),)


def _hardsigmoid(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's own gradient is right to 5e-9 only (its 1/6 is a float32), so this is its documentation's sentence."""
    return (F.relu6(inputs["x"] + 3) / 6,)


def _celu(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's own gradient is right to 1e-9 only, so this is its documentation's sentence."""
    x, alpha = inputs["x"], hypers["alpha"]
    return (torch.where(x > 0, x, alpha * torch.expm1(x / alpha)),)


def _prelu(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.prelu(inputs["x"], inputs["weight"]),)


REFERENCES: dict[str, Reference] = {
    **{
        name: of(getattr(F, name), "x")
        for name in (
            "relu", "leaky_relu", "gelu", "silu", "softmax", "softmin", "log_softmax", "glu", "relu6", "hardtanh",
            "hardswish", "hardshrink", "softshrink", "tanhshrink", "threshold", "elu", "selu", "softplus", "softsign",
            "logsigmoid", "mish",
        )
    },
    "sigmoid": of(torch.sigmoid, "x"),
    "tanh": of(torch.tanh, "x"),
    "hardsigmoid": _hardsigmoid,
    "celu": _celu,
    "prelu": _prelu,
    "rrelu": _rrelu,
}  # fmt: skip
