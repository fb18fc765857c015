"""L-BFGS: the direction is the definition's; the loop that stops on data and the line search are torch's.

State is kept as torch keeps it, so that a run goes on from torch's ``state_dict`` and back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from derive.errors import InputError

#: A pair of a step and a turn of the gradient is kept if the curvature along it is above this.
CURVED = 1e-10


@lru_cache(maxsize=1)
def _direction() -> Callable[..., Any]:
    from derive.language import load_definition, specialise
    from derive.targets.files import callable_of

    return callable_of(specialise(load_definition("lbfgs")), "torch")


@dataclass
class Found:
    """Where the search stands: loss, flat gradient, evaluations so far."""

    loss: float
    grad: Any
    evaluations: int


def step(self: Any, closure: Callable[[], Any]) -> Any:
    """Up to ``max_iter`` steps, as long as they get on; the closure's first loss."""
    import torch

    if closure is None:
        raise InputError("LBFGS evaluates the loss several times a step", mend="give step(closure), which returns it")
    group, state = self.param_groups[0], self.state[self._params[0]]
    state.setdefault("func_evals", 0)
    state.setdefault("n_iter", 0)
    with torch.no_grad():
        evaluate = torch.enable_grad()(closure)
        first = evaluate()
        state["func_evals"] += 1
        found = Found(float(first), self._gather_flat_grad(), 1)
        if found.grad.abs().max() > group["tolerance_grad"]:
            for turn in range(1, group["max_iter"] + 1):
                if not _one(self, group, state, evaluate, found, last=turn == group["max_iter"]):
                    break
    return first


def _one(self: Any, group: dict, state: dict, evaluate: Callable[[], Any], found: Found, *, last: bool) -> bool:
    """One step along the direction; whether to go on."""
    before, rate = found.loss, group["lr"]
    rate = rate.item() if hasattr(rate, "item") else rate
    state["n_iter"] += 1
    first = state["n_iter"] == 1
    d = _first(state, found) if first else _along(state, found, group["history_size"])
    length = min(1.0, 1.0 / found.grad.abs().sum()) * rate if first else rate
    state["d"], state["t"] = d, length
    state["prev_flat_grad"], state["prev_loss"] = found.grad.clone(), found.loss
    if found.grad.dot(d) > -group["tolerance_change"]:
        return False
    spent = found.evaluations
    state["t"] = length = _moved(self, group, evaluate, found, d, length, last=last)
    state["func_evals"] += found.evaluations - spent
    return not (
        last
        or found.evaluations >= group["max_eval"]
        or bool(found.grad.abs().max() <= group["tolerance_grad"])
        or bool(d.mul(length).abs().max() <= group["tolerance_change"])
        or abs(found.loss - before) < group["tolerance_change"]
    )


def _first(state: dict, found: Found) -> Any:
    """−grad, with nothing remembered."""
    state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
    return found.grad.neg()


def _along(state: dict, found: Found, most: int) -> Any:
    """The direction, after the last step was remembered where the gradient turned along it."""
    import torch

    turn, moved = found.grad.sub(state["prev_flat_grad"]), state["d"].mul(state["t"])
    curvature = turn.dot(moved)
    if curvature > CURVED:
        for key, new in (("old_dirs", turn), ("old_stps", moved), ("ro", 1.0 / curvature)):
            state[key] = [*state[key], new][-most:]
        state["H_diag"] = curvature / turn.dot(turn)
    if not state["old_dirs"]:
        return found.grad.neg() * state["H_diag"]
    steps, turns = (torch.stack(state[key][::-1]) for key in ("old_stps", "old_dirs"))
    return _direction()(torch.zeros_like(found.grad), found.grad, steps, turns, found.grad.new_ones(()))[1]


def _moved(
    self: Any, group: dict, evaluate: Callable[[], Any], found: Found, d: Any, length: Any, *, last: bool
) -> Any:
    """The parameters moved along d, by the fixed length or by the line search's; the length taken."""
    if group["line_search_fn"] is None:
        self._add_grad(length, d)
        if not last:
            found.loss, found.grad = float(evaluate()), self._gather_flat_grad()
            found.evaluations += 1
        return length
    if group["line_search_fn"] != "strong_wolfe":
        raise InputError(
            f"LBFGS has no line search {group['line_search_fn']!r}", mend="give line_search_fn='strong_wolfe', or None"
        )
    from torch.optim.lbfgs import _strong_wolfe

    found.loss, found.grad, length, evaluations = _strong_wolfe(
        lambda x, t, d: self._directional_evaluate(evaluate, x, t, d), self._clone_param(), length, d,
        found.loss, found.grad, found.grad.dot(d), max_ls=group["max_eval"] - found.evaluations,
    )  # fmt: skip
    found.evaluations += evaluations
    self._add_grad(length, d)
    return length
