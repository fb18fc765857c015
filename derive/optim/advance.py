"""Parameters of a group moved one step on, their states with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.errors import InputError
from derive.optim.table import Entry
from derive.optim.update import Update, update_for

State = dict[str, Any]


def advance(entry: Entry, states: Mapping[Any, State], group: Mapping[str, Any], params: list, grads: list) -> None:
    """Every parameter of the group, given its gradient; what is new is written into what was there."""
    for p, grad in zip(params, grads, strict=True):
        update, hypers = update_for(_definition(entry, p), _at(group, p))
        hypers = {name: _number(value) for name, value in hypers.items()}
        if grad.is_sparse:
            _some_rows(entry, update, states[p], p, grad, hypers)
        else:
            _whole(entry, update, states[p], p, [grad, *_given(entry, p)], hypers)


def _definition(entry: Entry, p: Any) -> str:
    return entry.vectors if entry.vectors and p.ndim < 2 else entry.definition


def _at(group: Mapping[str, Any], p: Any) -> Mapping[str, Any]:
    """The group's options; an eps left to the parameter's type is that type's."""
    eps = group.get("eps")
    if not isinstance(eps, tuple | list) or eps[0] is not None:
        return group
    import torch

    return {**group, "eps": (torch.finfo(p.dtype).eps, *eps[1:])}


def _number(value: Any) -> Any:
    """A tensor of one number as that number."""
    if isinstance(value, tuple | list):
        return tuple(map(_number, value))
    return value.item() if hasattr(value, "item") else value


def _given(entry: Entry, p: Any) -> list[Any]:
    found = []
    for name in entry.given:
        value = getattr(p, name, None)
        if value is None:
            raise InputError(
                f"the step of {entry.definition} reads {name}, which a parameter of shape {tuple(p.shape)} lacks",
                mend=f"set p.{name} to a tensor of the parameter's shape before step()",
            )
        found.append(value)
    return found


def _whole(entry: Entry, update: Update, state: State, p: Any, given: list, hypers: dict[str, Any]) -> None:
    """A dense step: what is new is copied over what was."""
    before, t = _before(entry, update, state, p, hypers)
    theta, after = update.step(p, *given, before, t, **hypers)
    p.copy_(theta)
    for name, new in zip(update.states, after, strict=True):
        key, axis = entry.states[name], entry.narrow.get(name)
        new = new if axis is None else new.unsqueeze(axis)
        if state.get(key) is None:
            state[key] = new
        else:
            state[key].copy_(new)


def _before(entry: Entry, update: Update, state: State, p: Any, hypers: dict[str, Any]) -> tuple[tuple, int]:
    """The states as the definition has them, and the number of this step."""
    keys = {name: entry.states[name] for name in update.states}
    missing = [name for name, key in keys.items() if state.get(key) is None]
    first = dict(zip(update.states, update.initial(p, hypers), strict=True)) if missing else {}
    before = tuple(first[n] if n in missing else _kept(state[k], entry.narrow.get(n)) for n, k in keys.items())
    if not entry.clock:
        return before, 1 if missing else 2
    state[entry.clock] += 1
    return before, int(state[entry.clock])


def _kept(value: Any, narrow: int | None) -> Any:
    """A kept state; scalars in double precision, as Python's numbers are."""
    if narrow is not None:
        return value.squeeze(narrow)
    return value.double() if value.ndim == 0 else value


def _some_rows(entry: Entry, update: Update, state: State, p: Any, grad: Any, hypers: dict[str, Any]) -> None:
    """A sparse step: only where the gradient has entries does anything move."""
    import torch

    grad = grad.coalesce()
    at, values = tuple(grad.indices()), grad.values()
    before, t = _before(entry, update, state, p, hypers)
    if not len(values):
        return
    rows = tuple(b[at] if b.ndim else b for b in before)
    given = [values] if entry.dense else [values, torch.ones_like(values, dtype=torch.bool)]
    theta, after = update.step(p[at], *given, rows, t, **hypers)
    p[at] = theta
    for name, old, new in zip(update.states, before, after, strict=True):
        key = entry.states[name]
        if state.get(key) is None:
            state[key] = old
        if new.ndim:
            state[key][at] = new
        else:
            state[key].copy_(new)
