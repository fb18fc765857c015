"""Settings: normalization."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "batch_norm": ({}, {"momentum": 0.3}, {"training": False}, {"weight": None, "bias": None}),
    "group_norm": ({"num_groups": 2}, {"num_groups": 3}, {"num_groups": 1, "weight": None, "bias": None}),
}
