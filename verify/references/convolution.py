"""torch's own operation: convolutions."""

from __future__ import annotations

import warnings

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _convolution(rank: int) -> Reference:
    """F.conv over what F.pad makes, as torch's module does it."""
    operation = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        given = {k: hypers[k] for k in ("stride", "dilation", "groups")}
        x, weight, bias = inputs["x"], inputs["weight"], inputs.get("bias")
        padding = "same" if hypers["same"] else hypers["padding"]
        if hypers["padding_mode"] == "zeros":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # on the copy that an even kernel takes
                return (operation(x, weight, bias, padding=padding, **given),)
        around = _around(weight, hypers, rank)
        return (operation(F.pad(x, around, hypers["padding_mode"]), weight, bias, **given),)

    return call


def _around(weight: Array, hypers: Hypers, rank: int) -> list[int]:
    """What F.pad takes: the last axis first, before and after."""
    one = lambda v: v if isinstance(v, tuple) else (v,) * rank  # noqa: E731
    padding, dilation = one(hypers["padding"]), one(hypers["dilation"])
    out: list[int] = []
    for k in reversed(range(rank)):
        total = dilation[k] * (weight.shape[2 + k] - 1) if hypers["same"] else 2 * padding[k]
        out += [total // 2, total - total // 2]
    return out


REFERENCES: dict[str, Reference] = {
    **{f"conv{rank}d": _convolution(rank) for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": of(getattr(F, f"conv_transpose{rank}d"), "x", "weight", "bias") for rank in (1, 2, 3)},
}
