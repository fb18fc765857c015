"""torch's own operation: pads."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference

_MODES = {"constant": "constant", "reflection": "reflect", "replication": "replicate", "circular": "circular"}


def _padded(mode: str, rank: int) -> Reference:
    """F.pad over the last axes, all others one."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x = inputs["x"]
        plane = x.reshape(1, -1, *x.shape[x.ndim - rank :])
        y = F.pad(plane, list(hypers["padding"]), mode, hypers.get("value"))
        return (y.reshape(*x.shape[: x.ndim - rank], *y.shape[2:]),)

    return call


REFERENCES: dict[str, Reference] = {
    f"{name}_pad{rank}d": _padded(mode, rank) for name, mode in _MODES.items() for rank in (1, 2, 3)
}
