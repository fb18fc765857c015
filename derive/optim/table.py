"""Which definition each optimizer steps by, and what its states are called in ``state_dict``."""

from __future__ import annotations

from dataclasses import dataclass, field

MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}


@dataclass(frozen=True)
class Entry:
    """A class's definition; ``states``: of the definition → key of the state; ``clock``: the key of t, if kept.

    ``by_rank``: the definition for parameters of fewer axes than two, where that differs.
    """

    definition: str
    states: dict[str, str] = field(default_factory=dict)
    clock: str = "step"
    vectors: str = ""
    sparse: bool = False


#: torch.optim's classes.
TORCHS: dict[str, Entry] = {
    "SGD": Entry("sgd", {"b": "momentum_buffer"}, clock="", sparse=True),
    "Adam": Entry("adam", {**MOMENTS, "u": "max_exp_avg_sq"}),
    "AdamW": Entry("adamw", {**MOMENTS, "u": "max_exp_avg_sq"}),
    "Adamax": Entry("adamax", {"m": "exp_avg", "u": "exp_inf"}),
    "NAdam": Entry("nadam", {**MOMENTS, "p": "mu_product"}),
    "RAdam": Entry("radam", MOMENTS),
    "Adadelta": Entry("adadelta", {"v": "square_avg", "a": "acc_delta"}),
    "Adagrad": Entry("adagrad", {"v": "sum"}, sparse=True),
    "RMSprop": Entry("rmsprop", {"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer"}),
    "Rprop": Entry("rprop", {"g": "prev", "size": "step_size"}),
    "ASGD": Entry("asgd", {"ax": "ax", "eta": "eta", "mu": "mu"}),
}

#: Those torch has not.
OWN: dict[str, Entry] = {}
