"""Settings: finer and coarser grids, sampling at given places."""

from __future__ import annotations

from derive.verify.samples.form import Settings

_SIZES: dict[int, object] = {1: 5, 2: (5, 3), 3: (3, 2, 4)}
#: So large that no point lies beyond the input: there torch's kernels read other rows.
_SCALES: dict[int, tuple[float, ...]] = {1: (5.3,), 2: (5.2, 3.1), 3: (3.2, 2.1, 4.3)}


def _nearest(rank: int) -> tuple[dict[str, object], ...]:
    size = _SIZES[rank]
    return {"output_size": size}, {"output_size": size, "scale_factors": _SCALES[rank]}


def _lines(rank: int) -> tuple[dict[str, object], ...]:
    return (*_nearest(rank), {"output_size": _SIZES[rank], "align_corners": True})


SETTINGS: Settings = {
    **{f"upsample_nearest{rank}d": _nearest(rank) for rank in (1, 2)},
    **{f"upsample_nearest_exact{rank}d": _nearest(rank) for rank in (1, 2)},
    "upsample_nearest3d": _nearest(3)[1:],
    "upsample_nearest_exact3d": _nearest(3)[:1],
    "upsample_linear1d": _lines(1),
    "upsample_bilinear2d": _lines(2),
    "upsample_trilinear3d": _lines(3)[1:],
    "upsample_bicubic2d": _lines(2),
    "cubic_weight": ({}, {"a": -0.5}),
    "affine_grid": ({"size": (1, 1, 3, 4)}, {"size": (1, 1, 3, 1), "align_corners": True}),
    "grid_place": (
        {"length": 4},
        {"length": 4, "padding_mode": "reflection"},
        {"length": 3, "padding_mode": "reflection", "align_corners": True},
        {"length": 4, "padding_mode": "border", "align_corners": True},
    ),
    "grid_sample": (
        {},
        {"padding_mode": "reflection"},
        {"padding_mode": "border", "align_corners": True},
        {"mode": "nearest"},
    ),
}
