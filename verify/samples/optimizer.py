"""Settings: optimizers; every pair of options that act together meets in one of them or in tests/optim."""

from __future__ import annotations

from derive.verify.samples.form import Settings

#: Far from the defaults, decay, ascent and an eps that is felt.
_FELT: dict[str, object] = {"betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1, "maximize": True}

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
        {"decoupled_weight_decay": True, "weight_decay": 0.2, "lr": 0.1},
    ),
    "adamw": ({}, {**_FELT, "amsgrad": True, "lr": 0.1}),
    "adamax": ({}, {**_FELT, "lr": 0.1}),
    "nadam": ({"momentum_decay": 0.1}, {**_FELT, "decoupled_weight_decay": True, "lr": 0.1}),
    "radam": ({"betas": (0.8, 0.9)}, {**_FELT, "decoupled_weight_decay": True, "lr": 0.1}),
    "adadelta": ({}, {"rho": 0.8, "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    "adagrad": (
        {},
        {
            "lr": 0.1,
            "lr_decay": 0.2,
            "weight_decay": 0.1,
            "initial_accumulator_value": 0.3,
            "eps": 1e-2,
            "maximize": True,
        },
    ),
    "rmsprop": (
        {},
        {"centered": True, "eps": 1e-2, "weight_decay": 0.1},
        {"alpha": 0.8, "momentum": 0.7, "eps": 1e-2, "weight_decay": 0.1, "centered": True, "maximize": True},
    ),
    "rprop": ({}, {"lr": 0.3, "etas": (0.4, 1.3), "step_sizes": (1e-2, 0.5), "maximize": True}),
    "asgd": ({}, {"lr": 0.1, "lambd": 0.2, "alpha": 0.6, "t0": 3.0, "weight_decay": 0.1, "maximize": True}),
    "sparse_adam": ({}, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "maximize": True}),
    "sign_sgd": ({"momentum": 0.0}, {"momentum": 0.7, "lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    "lion": ({}, {"betas": (0.7, 0.8), "lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    "adabelief": ({"eps": 1e-3}, {**_FELT, "amsgrad": True, "decoupled_weight_decay": False, "lr": 0.1}),
    "yogi": ({}, {**_FELT, "initial_accumulator": 0.1, "lr": 0.1}),
    "adan": (
        {"lr": 0.1},
        {"betas": (0.9, 0.8, 0.7), "eps": 1e-2, "weight_decay": 0.1, "no_prox": True, "maximize": True},
        {"betas": (0.9, 0.8, 0.7), "eps": 1e-2, "weight_decay": 0.3, "lr": 0.1},
    ),
    "sophia": (
        {"update_every": 3, "lr": 0.1},
        {"update_every": 2, "betas": (0.8, 0.9), "rho": 0.5, "eps": 1e-2, "weight_decay": 0.2, "maximize": True},
    ),
    "schedule_free_sgd": (
        {},
        {"momentum": 0.7, "lr": 0.1, "weight_decay": 0.2, "warmup_steps": 4.0, "r": 1.0, "weight_lr_power": 1.0},
    ),
    "schedule_free_adamw": ({"lr": 0.1}, {**_FELT, "lr": 0.1, "warmup_steps": 4.0, "r": 1.0, "weight_lr_power": 1.0}),
    "lars": (
        {"lr": 0.1},
        {"momentum": 0.7, "trust_coefficient": 0.1, "weight_decay": 0.2, "eps": 0.1, "maximize": True},
    ),
    "lamb": ({"lr": 0.1}, {**_FELT, "lr": 0.1}),
    "adafactor": (
        {"lr": 0.3, "beta2_decay": -0.6, "eps": (1e-2, 0.3), "d": 1.2, "weight_decay": 0.1, "maximize": True},
    ),
    "adafactor_vector": (
        {},
        {"lr": 0.3, "beta2_decay": -0.6, "eps": (1e-2, 0.3), "d": 1.2, "weight_decay": 0.1, "maximize": True},
    ),
    "muon": ({"ns_steps": 2}, {"momentum": 0.8, "nesterov": False, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 1}),
    "shampoo": ({"lr": 0.3, "momentum": 0.5, "weight_decay": 0.1, "eps": 0.1, "root_steps": 28, "maximize": True},),
    "ema": ({"decay": 0.7},),
    "root": ({},),
    "lbfgs": ({},),
}
