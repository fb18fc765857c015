"""Settings: activation."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "gelu": ({}, {"approximate": "tanh"}),
    "dropout": ({}, {"p": 0.3}, {"training": False}),
}
