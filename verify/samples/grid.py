"""Settings: values at given places of a grid."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "affine_grid": ({"size": (1, 1, 3, 4)}, {"size": (1, 1, 3, 1), "align_corners": True}),
    "affine_grid3d": ({"size": (1, 1, 2, 3, 4)}, {"size": (1, 1, 2, 1, 3), "align_corners": True}),
    "grid_place": (
        {"length": 4},
        {"length": 4, "padding_mode": "reflection"},
        {"length": 3, "padding_mode": "reflection", "align_corners": True},
        {"length": 4, "padding_mode": "border", "align_corners": True},
    ),
    "grid_taps": (
        {"length": 4},
        {"length": 4, "mode": "nearest", "padding_mode": "border"},
        {"length": 3, "mode": "bicubic", "padding_mode": "reflection", "align_corners": True},
    ),
    "grid_sample": (
        {},
        {"padding_mode": "reflection"},
        {"padding_mode": "border", "align_corners": True},
        {"mode": "nearest"},
        {"mode": "bicubic"},
        {"mode": "bicubic", "padding_mode": "reflection", "align_corners": True},
    ),
    "grid_sample3d": (
        {"padding_mode": "border"},
        {"align_corners": True},
        {"mode": "nearest", "padding_mode": "reflection"},
    ),
}
