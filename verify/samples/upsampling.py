"""Settings: finer and coarser grids."""

from __future__ import annotations

from derive.verify.samples.form import Settings

#: Neither as long as an input nor twice: there torch's backward of 1 and 3 axes is not that of its forward.
_SCALED: dict[int, object] = {1: 7, 2: (7, 5), 3: (7, 5, 7)}
_SIZES: dict[int, object] = {1: 5, 2: (5, 3), 3: (3, 2, 4)}
#: Given beside a size, not what gives it.
_SCALES: dict[int, tuple[float, ...]] = {1: (2.6,), 2: (2.6, 1.6), 3: (1.6, 1.0, 2.1)}


def _nearest(rank: int) -> tuple[dict[str, object], ...]:
    size = _SIZES[rank]
    return {"output_size": size}, {"output_size": _SCALED[rank], "scale_factors": _SCALES[rank]}


def _lines(rank: int) -> tuple[dict[str, object], ...]:
    return (*_nearest(rank), {"output_size": _SIZES[rank], "align_corners": True})


SETTINGS: Settings = {
    **{f"upsample_nearest{rank}d": _nearest(rank) for rank in (1, 2)},
    **{f"upsample_nearest_exact{rank}d": _nearest(rank) for rank in (1, 2)},
    "upsample_nearest3d": _nearest(3),
    "upsample_nearest_exact3d": _nearest(3)[:1],
    "upsample_linear1d": _lines(1),
    "upsample_bilinear2d": _lines(2),
    "upsample_trilinear3d": _lines(3)[1:],
    "upsample_bicubic2d": _lines(2),
    "upsample_bilinear2d_aa": _lines(2),
    "upsample_bicubic2d_aa": _lines(2)[:1],
    "upsample_lanczos2d_aa": _nearest(2),
    "resample_nearest": (
        {"size": 5},
        {"size": 3, "exact": True, "dim": -2},
        {"size": 7, "scale": 2.3},
        {"size": 4, "snap": True, "scale": 2.3},
    ),
    "resample_linear": (
        {"size": 5},
        {"size": 2, "dim": -2, "align_corners": True},
        {"size": 4, "scale": 1.7, "dim": -2},
    ),
    "resample_cubic": ({"size": 5}, {"size": 2, "dim": -2, "align_corners": True}, {"size": 4, "scale": 1.7}),
    "resample_antialias": (
        {"size": 2},
        {"size": 2, "kernel": "cubic", "dim": -2},
        {"size": 5, "kernel": "lanczos"},
        {"size": 3, "align_corners": True},
    ),
    "antialias_weight": ({}, {"kernel": "cubic"}, {"kernel": "lanczos"}),
}
