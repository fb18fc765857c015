"""torch's own operation: axes put in, tensors added and compared."""

from __future__ import annotations

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _front(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (inputs["x"].expand(hypers["n"], *inputs["x"].shape),)


def _axis(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (inputs["x"].repeat_interleave(hypers["n"], hypers["axis"]),)


def _identity(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.nn.Identity()(inputs["x"]),)


REFERENCES: dict[str, Reference] = {
    "identity": _identity,
    "add": of(torch.add, "x", "other"),
    "minimum": of(torch.minimum, "x", "other"),
    "spread_front": _front,
    "spread_axis": _axis,
}
