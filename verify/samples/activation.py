"""Settings: activations."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "gelu": ({}, {"approximate": "tanh"}),
    "softmax": ({}, {"dim": 1}, {"dim": -3}),
    "softmin": ({}, {"dim": 0}),
    "log_softmax": ({}, {"dim": 1}),
    "glu": ({}, {"dim": 0}, {"dim": -2}),
    "threshold": ({"threshold": 0.2, "value": -0.4},),
    "prelu": ({}, {"num_parameters": 3}),
    "rrelu": ({}, {"training": True, "lower": 0.2}),
    "hardtanh": ({}, {"min_val": -0.3, "max_val": 0.4}),
    "softplus": ({}, {"beta": 3, "threshold": 0.5}),
}
