"""torch's own operation: finer and coarser grids, sampling at given places."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _resampled(name: str, rank: int) -> Reference:
    """torch._C._nn's operation over the last axes, all others one."""
    function = getattr(torch._C._nn, name)

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x, scales = inputs["x"], hypers["scale_factors"]
        plane = x.reshape(1, -1, *x.shape[x.ndim - rank :])
        more = (hypers["align_corners"],) if "align_corners" in hypers else ()
        scales = (None,) * rank if scales is None else scales
        size = hypers["output_size"]
        sizes = list(size) if isinstance(size, tuple) else [size]
        y = function(plane, sizes, *more, *(scales if isinstance(scales, tuple) else (scales,)))
        return (y.reshape(*x.shape[: x.ndim - rank], *y.shape[2:]),)

    return call


def _cubic_weight(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    d, a = inputs["d"], hypers["a"]
    near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return (torch.where(d <= 1, near, torch.where(d < 2, far, 0)),)


def _affine_grid(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on grids of one point
        return (F.affine_grid(inputs["theta"], list(hypers["size"]), hypers["align_corners"]),)


def _grid_sample(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.grid_sample(inputs["x"], inputs["grid"], **hypers),)


def _grid_place(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """A line of places 0, 1, 2, … sampled between them by F.grid_sample gives the place, but for padding by zeros."""
    g, n, corners = inputs["g"], hypers["length"], hypers["align_corners"]
    if hypers["padding_mode"] == "zeros":
        return ((g + 1) / 2 * (n - 1) if corners else ((g + 1) * n - 1) / 2,)
    line = torch.arange(n, dtype=g.dtype).reshape(1, 1, 1, n)
    grid = torch.stack([g.reshape(1, 1, -1), torch.zeros(1, 1, g.numel(), dtype=g.dtype)], -1)
    y = F.grid_sample(line, grid, "bilinear", hypers["padding_mode"], corners)
    return (y.reshape(g.shape),)


REFERENCES: dict[str, Reference] = {
    **{
        name.strip("_"): _resampled(name, int(name[-2]))
        for name in (
            "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d",
            "upsample_trilinear3d", "upsample_bicubic2d",
        )
    },
    "cubic_weight": _cubic_weight,
    "affine_grid": _affine_grid,
    "grid_place": _grid_place,
    "grid_sample": _grid_sample,
}  # fmt: skip
