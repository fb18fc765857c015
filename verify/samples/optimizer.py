"""Settings: optimizer."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "sgd": (
        {},
        {"momentum": 0.9},
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        {"momentum": 0.7, "nesterov": True, "weight_decay": 0.05},
        {"momentum": 0.6, "dampening": 0.5, "maximize": True},
        {"weight_decay": 0.2, "maximize": True},
    ),
    "adam": (
        {},
        {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1},
        {"amsgrad": True, "lr": 0.1, "betas": (0.5, 0.6)},
        {"maximize": True, "weight_decay": 0.3, "amsgrad": True, "eps": 0.1},
    ),
}
