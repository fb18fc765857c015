"""Settings: dropouts."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "dropout": ({}, {"p": 0.3}, {"training": False}),
    "feature_dropout": ({"p": 0.3}, {"training": False}),
    "alpha_dropout": ({"p": 0.3}, {"training": False}),
    "feature_alpha_dropout": ({"p": 0.3}, {"training": False}),
}
