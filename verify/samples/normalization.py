"""Settings: normalizations."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "layer_norm": ({}, {"weight": None, "bias": None}, {"axes": 2}),
    "rms_norm": ({}, {"weight": None}, {"axes": 2}),
    "batch_norm": (
        {},
        {"momentum": 0.3},
        {"training": False},
        {"weight": None, "bias": None},
        {"running_mean": None, "running_var": None},
    ),
    "instance_norm": (
        {"momentum": 0.3},
        {"use_input_stats": False},
        {"running_mean": None, "running_var": None, "weight": None, "bias": None},
    ),
    "group_norm": ({"num_groups": 2}, {"num_groups": 3}, {"num_groups": 1, "weight": None, "bias": None}),
    "local_response_norm": ({"size": 2, "alpha": 0.3}, {"size": 3, "alpha": 0.4, "beta": 0.5, "k": 2}),
    "cross_map_lrn2d": ({"size": 3, "alpha": 0.4}, {"size": 4, "alpha": 0.3, "k": 2}),
    "normalize": ({}, {"p": 1, "dim": -1, "eps": 0.9}),
}
