"""Which definition each optimizer steps by, and what its states are called in ``state_dict``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
FREE = {"x": "x", "z": "z", "top": "lr_max", "total": "weight_sum"}


@dataclass(frozen=True)
class Entry:
    """A class's definition and its states: of the definition → key in ``state_dict``.

    ``vectors``: the definition for parameters of fewer than two axes, where that differs.  ``clock``: the key of t;
    '' where none is kept and only the first step differs.  ``narrow``: the axis of length 1 that a kept state has and
    the definition's has not.  ``given``: attributes of a parameter with further inputs of the step, besides ``.grad``.
    ``sparse``: 'rows' where a sparse gradient moves its own rows alone, 'without state' where only if nothing is kept;
    ``dense``: whether a dense gradient is taken; ``ranks``: how many axes a parameter may have, any number if empty.
    """

    definition: str
    states: Mapping[str, str] = field(default_factory=dict)
    vectors: str = ""
    clock: str = "step"
    narrow: Mapping[str, int] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    sparse: str = ""
    dense: bool = True
    ranks: tuple[int, ...] = ()


#: torch.optim's classes.
TORCHS: dict[str, Entry] = {
    "SGD": Entry("sgd", {"b": "momentum_buffer"}, clock="", sparse="without state"),
    "Adam": Entry("adam", {**MOMENTS, "u": "max_exp_avg_sq"}),
    "AdamW": Entry("adamw", {**MOMENTS, "u": "max_exp_avg_sq"}),
    "Adamax": Entry("adamax", {"m": "exp_avg", "u": "exp_inf"}),
    "NAdam": Entry("nadam", {**MOMENTS, "p": "mu_product"}),
    "RAdam": Entry("radam", MOMENTS),
    "Adadelta": Entry("adadelta", {"v": "square_avg", "a": "acc_delta"}),
    "Adagrad": Entry("adagrad", {"v": "sum"}, sparse="rows"),
    "Adafactor": Entry(
        "adafactor", {"R": "row_var", "C": "col_var", "v": "variance"}, "adafactor_vector", narrow={"R": -1, "C": -2}
    ),
    "RMSprop": Entry("rmsprop", {"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer"}),
    "Rprop": Entry("rprop", {"g": "prev", "size": "step_size"}),
    "ASGD": Entry("asgd", {"ax": "ax", "eta": "eta", "mu": "mu"}),
    "Muon": Entry("muon", {"b": "momentum_buffer"}, clock="", ranks=(2,)),
    "SparseAdam": Entry("sparse_adam", MOMENTS, sparse="rows", dense=False),
    "LBFGS": Entry("lbfgs"),
}

#: Those torch has not.
OWN: dict[str, Entry] = {
    "SignSGD": Entry("sign_sgd", {"m": "momentum_buffer"}),
    "Lion": Entry("lion", {"m": "exp_avg"}),
    "AdaBelief": Entry("adabelief", {"m": "exp_avg", "v": "exp_avg_var", "u": "max_exp_avg_var"}),
    "Yogi": Entry("yogi", MOMENTS),
    "Adan": Entry("adan", {"m": "exp_avg", "c": "exp_avg_diff", "n": "exp_avg_sq", "g": "previous_grad"}),
    "Sophia": Entry("sophia", {"m": "exp_avg", "h": "hessian"}, given=("hess",)),
    "LARS": Entry("lars", {"b": "momentum_buffer"}),
    "LAMB": Entry("lamb", MOMENTS),
    "Shampoo": Entry("shampoo", {"L": "rows", "R": "columns", "b": "momentum_buffer"}, ranks=(2,)),
    "ScheduleFreeSGD": Entry("schedule_free_sgd", FREE),
    "ScheduleFreeAdamW": Entry("schedule_free_adamw", {**FREE, "v": "exp_avg_sq"}),
}

#: What a hyperparameter of these may be: at least, and below.
BOUNDS: dict[str, tuple[float, float]] = {
    "lr": (0.0, float("inf")),
    "eps": (0.0, float("inf")),
    "weight_decay": (0.0, float("inf")),
    "momentum": (0.0, 1.0),
    "betas": (0.0, 1.0),
    "rho": (0.0, float("inf")),
    "trust_coefficient": (0.0, float("inf")),
    "initial_accumulator": (0.0, float("inf")),
    "update_every": (1, float("inf")),
    "warmup_steps": (0, float("inf")),
}
