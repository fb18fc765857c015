"""Parameters of a group moved one step on, their states with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.optim.table import Entry
from derive.optim.update import Update, update_for

State = dict[str, Any]


def advance(entry: Entry, states: Mapping[Any, State], group: dict[str, Any], params: list, grads: list) -> None:
    """Every parameter of the group, given its gradient; what is new is written into what was there."""
    update, hypers = update_for(entry.definition, group)
    hypers = {name: _number(value) for name, value in hypers.items()}
    for p, grad in zip(params, grads, strict=True):
        _one(entry, update, states[p], p, grad, hypers)


def _number(value: Any) -> Any:
    """A tensor of one number as that number."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_number, value))
    return value.item() if hasattr(value, "item") else value


def _one(entry: Entry, update: Update, state: State, p: Any, grad: Any, hypers: dict[str, Any]) -> None:
    keys = [entry.states[s] for s in update.states]
    t = _time(entry, keys, state)
    if any(state.get(k) is None for k in keys):
        before = update.initial(p, hypers)
    else:
        before = tuple(state[k] for k in keys)
    theta, after = update.step(p, grad, before, t, **hypers)
    p.copy_(theta)
    for key, new in zip(keys, after, strict=True):
        if state.get(key) is None:
            state[key] = new
        else:
            state[key].copy_(new)


def _time(entry: Entry, keys: list[str], state: State) -> int:
    """The number of this step; where none is kept it is 1 before there is any state, and 2 later."""
    if not entry.clock:
        return 1 if any(state.get(k) is None for k in keys) else 2
    state[entry.clock] += 1
    return int(state[entry.clock])
