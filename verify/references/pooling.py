"""torch's own operation: pools."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _planes(function: Callable, rank: int) -> Reference:
    """A pool of the last axes, all others one; its places too where they are asked for."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x = inputs["x"]
        ahead = x.shape[: x.ndim - rank]
        found = function(x.reshape(1, -1, *x.shape[x.ndim - rank :]), **hypers)
        found = found if isinstance(found, tuple) else (found,)
        return tuple(y.reshape(*ahead, *y.shape[2:]) for y in found)

    return call


def _lp(rank: int) -> Reference:
    """torch's own gradient of a window whose powers add up to nothing is NaN: left out there."""
    pool, average = getattr(F, f"lp_pool{rank}d"), getattr(F, f"avg_pool{rank}d")

    def checked(x: Array, **hypers: object) -> Array:
        given = {k: hypers[k] for k in ("kernel_size", "stride", "ceil_mode")}
        if bool((average(x.detach() ** hypers["norm_type"], **given) == 0).any()):  # type: ignore[arg-type]
            raise ValueError("its gradient is NaN where the powers of a window add up to 0")
        return pool(x, **hypers)

    return _planes(checked, rank)


def _fractional(rank: int) -> Reference:
    function = (F.fractional_max_pool2d, F.fractional_max_pool3d)[rank - 2]

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        found = function(inputs["x"], _random_samples=inputs["samples"], **hypers)
        return found if isinstance(found, tuple) else (found,)

    return call


def _unpool(rank: int) -> Reference:
    """Of values for one place torch keeps one; their sum is what the transpose of a gather gives."""
    function = getattr(F, f"max_unpool{rank}d")

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x, at = inputs["x"], inputs["indices"]
        ahead, size = x.shape[: x.ndim - rank], hypers["output_size"]
        size = size if isinstance(size, tuple) else (size,)
        x, at = (a.reshape(1, -1, *a.shape[a.ndim - rank :]) for a in (x, at))
        rows = at.reshape(at.shape[1], -1)
        if all(len(row.unique()) == len(row) for row in rows):
            y = function(x, at, 1, 1, 0, (1, at.shape[1], *size))
        else:
            flat = torch.zeros(len(rows), torch.Size(size).numel(), dtype=x.dtype)
            y = flat.scatter_add(1, rows, x.reshape(len(rows), -1))
        return (y.reshape(*ahead, *size),)

    return call


REFERENCES: dict[str, Reference] = {
    **{
        f"{name}{rank}d": _planes(getattr(F, f"{name}{rank}d"), rank)
        for name in ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool")
        for rank in (1, 2, 3)
    },
    **{f"lp_pool{rank}d": _lp(rank) for rank in (1, 2, 3)},
    **{f"max_unpool{rank}d": _unpool(rank) for rank in (1, 2, 3)},
    **{f"fractional_max_pool{rank}d": _fractional(rank) for rank in (2, 3)},
    "pixel_shuffle": of(F.pixel_shuffle, "x"),
    "pixel_unshuffle": of(F.pixel_unshuffle, "x"),
    "channel_shuffle": of(F.channel_shuffle, "x"),
    "unfold": of(F.unfold, "x"),
    "fold": of(F.fold, "x"),
}
