"""Settings: every option away from its default, and every two of them together."""

from __future__ import annotations

from itertools import combinations

ADAM = {"lr": 0.1, "betas": (0.7, 0.8), "eps": 1e-2, "weight_decay": 0.1, "maximize": True}

#: class name -> (definition, every option's other value).
OPTIONS: dict[str, tuple[str, dict]] = {
    "SGD": (
        "sgd",
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "nesterov": True, "maximize": True},
    ),
    "Adam": ("adam", {**ADAM, "amsgrad": True, "decoupled_weight_decay": True}),
    "AdamW": ("adamw", {**ADAM, "amsgrad": True}),
    "Adamax": ("adamax", ADAM),
    "NAdam": ("nadam", {**ADAM, "momentum_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam": ("radam", {**ADAM, "decoupled_weight_decay": True}),
    "Adadelta": ("adadelta", {"lr": 0.3, "rho": 0.7, "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    "Adagrad": (
        "adagrad",
        {
            "lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-2,
            "maximize": True,
        },
    ),
    "Adafactor": (
        "adafactor_vector",
        {"lr": 0.1, "beta2_decay": -0.6, "eps": (1e-2, 0.3), "d": 1.3, "weight_decay": 0.1, "maximize": True},
    ),
    "RMSprop": (
        "rmsprop",
        {
            "lr": 0.1, "alpha": 0.8, "eps": 1e-2, "weight_decay": 0.1, "momentum": 0.7, "centered": True,
            "maximize": True,
        },
    ),
    "Rprop": ("rprop", {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (1e-2, 0.105), "maximize": True}),
    "ASGD": ("asgd", {"lr": 0.1, "lambd": 0.2, "alpha": 0.6, "t0": 3.0, "weight_decay": 0.1, "maximize": True}),
}  # fmt: skip


def settings(name: str) -> list[dict]:
    """The defaults, every option alone, every pair; those torch refuses left out."""
    options = OPTIONS[name][1]
    found = [{}, *({n: v} for n, v in options.items())]
    found += [{a: options[a], b: options[b]} for a, b in combinations(options, 2)]
    if name == "SGD":
        found = [{**s, "momentum": 0.9} if "nesterov" in s or "dampening" in s else s for s in found]
    return [s for s in found if not ("nesterov" in s and "dampening" in s)]
