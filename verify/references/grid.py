"""torch's own operation: values at given places of a grid."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _affine_grid(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch wants the batch in the size too, which here is the maps'."""
    theta = inputs["theta"]
    size = [len(theta), *hypers["size"][1:]]
    return (F.affine_grid(theta, size, align_corners=hypers["align_corners"]),)


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


def _grid_taps(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """Points as torch places them; the weights of bicubic by sampling unit vectors between two points."""
    mode, n, padding, corners = (hypers[k] for k in ("mode", "length", "padding_mode", "align_corners"))
    (u,) = _grid_place(inputs, {**hypers, "padding_mode": "zeros" if mode == "bicubic" else padding})
    if mode == "nearest":
        return torch.ones(*u.shape, 1, dtype=u.dtype), torch.round(u).long()[..., None]
    low = torch.floor(u)
    a = u - low
    if mode == "bilinear":
        return torch.stack([1 - a, a], -1), low.long()[..., None] + torch.arange(2)
    flat = (2 * (a.flatten() + 3) + 1) / 8 - 1  # between the points 3 and 4 of eight
    lines = F.grid_sample(
        torch.eye(8, dtype=u.dtype).reshape(1, 8, 1, 8),
        torch.stack([flat, 0 * flat], -1)[None, None], "bicubic", "border", False,
    )  # fmt: skip
    k = low.long()[..., None] + torch.arange(-1, 3)
    if padding == "border":
        k = k.clamp(0, n - 1)
    elif padding == "reflection":
        period = max(2 * n - 2, 1) if corners else 2 * n
        back = -k if corners else -1 - k
        k = torch.minimum(k % period, back % period)
    return lines[0, 2:6, 0].T.reshape(*u.shape, 4), k


REFERENCES: dict[str, Reference] = {
    "affine_grid": _affine_grid,
    "affine_grid3d": _affine_grid,
    "grid_place": _grid_place,
    "grid_taps": _grid_taps,
    "grid_sample": _grid_sample,
    "grid_sample3d": _grid_sample,
}
