"""Parameters of a group moved one step on, their states with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import InputError
from derive.optim.table import Entry
from derive.optim.update import Update, update_for

State = dict[str, Any]

#: A group of fewer entries than this is not worth a compiled kernel.
WORTHWHILE = 1 << 16
#: Tensors of fewer entries than this are stepped together, as one flat array.
SMALL = 1 << 12


@dataclass
class Moving:
    """One parameter at its step: arrays, and the numbers of the step."""

    p: Any
    states: list[Any]
    given: list[Any]
    numbers: dict[str, Any]

    def arrays(self) -> list[Any]:
        return [self.p, *self.states, *self.given]


def advance(entry: Entry, states: Mapping[Any, State], group: Mapping[str, Any], params: list, grads: list) -> None:
    """Every parameter of the group, given its gradient; what is new is written into what was there."""
    together: dict[tuple, list[Moving]] = {}
    chosen = _Chosen(entry, group)
    compiled = sum(p.numel() for p in params) >= WORTHWHILE
    for p, grad in zip(params, grads, strict=True):
        update, hypers = chosen.of(p)
        if grad.is_sparse and hypers.get("weight_decay", 0) != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        if grad.is_sparse and (entry.sparse == "rows" or not update.states):
            _some_rows(chosen, update, _state(chosen, update, states, p), p, grad, hypers)
            continue
        grad = grad.to_dense() if grad.is_sparse else grad
        state = _state(chosen, update, states, p)
        moving = _moving(chosen, update, state, p, [grad, *_given(entry, p)], hypers)
        if group.get("differentiable"):
            _traced(entry, update, state, moving)
        elif update.is_elementwise and group.get("foreach") is not False and p.numel() < SMALL:
            key = (update, p.device, p.dtype, *moving.numbers.values())
            together.setdefault(key, []).append(moving)
        else:
            _whole(update, moving, compiled)
    for (update, *_), several in together.items():
        _flat(update, several, compiled)


class _Chosen:
    """The update and hyperparameters of a group's parameters: one a definition, and a type where eps waits."""

    def __init__(self, entry: Entry, group: Mapping[str, Any]) -> None:
        self.entry, self.group = entry, group
        eps = group.get("eps")
        self.waits = isinstance(eps, tuple | list) and eps[0] is None
        self.found: dict[tuple, tuple[Update, dict[str, Any]]] = {}
        self.counted: dict[tuple, tuple[dict, dict]] = {}

    def of(self, p: Any) -> tuple[Update, dict[str, Any]]:
        name = self.entry.vectors if self.entry.vectors and p.ndim < 2 else self.entry.definition
        key = (name, p.dtype if self.waits else None)
        if key not in self.found:
            self.found[key] = update_for(name, self._group(p))
        return self.found[key]

    def numbers(
        self, update: Update, t: int, scalars: dict[str, float], hypers: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float]]:
        """The numbers of a step, computed once for all parameters at the same one."""
        key = (update, t, *scalars.values(), *hypers.values())
        if key not in self.counted:
            self.counted[key] = update.numbers(t, scalars, hypers)
        return self.counted[key]

    def _group(self, p: Any) -> Mapping[str, Any]:
        """The group's options; an eps left to the parameter's type is that type's."""
        if not self.waits:
            return self.group
        import torch

        return {**self.group, "eps": (torch.finfo(p.dtype).eps, *self.group["eps"][1:])}


def _given(entry: Entry, p: Any) -> Iterator[Any]:
    for name in entry.given:
        value = getattr(p, name, None)
        if value is None:
            raise InputError(
                f"the step of {entry.definition} reads {name}, which a parameter of shape {tuple(p.shape)} lacks",
                mend=f"set p.{name} to a tensor of the parameter's shape before step()",
            )
        yield value


# ------------------------------------------------------------------------------ state


def _state(chosen: _Chosen, update: Update, states: Mapping[Any, State], p: Any) -> State:
    """The parameter's state; asking for one that nothing is kept in would make it."""
    kept = chosen.entry.clock or update.states or update.scalars
    return states[p] if kept else {}


def _moving(chosen: _Chosen, update: Update, state: State, p: Any, given: list, hypers: dict[str, Any]) -> Moving:
    """A parameter's arrays and numbers; what it lacked of state is there afterwards, its clock one on."""
    entry = chosen.entry
    t = _clock(entry, update, state, p, hypers)
    scalars = {n: float(state[entry.states[n]]) for n in update.scalars}
    numbers, new = chosen.numbers(update, t, scalars, hypers)
    for name, value in new.items():
        state[entry.states[name]].fill_(value)
    return Moving(p, [_narrow(entry, n, state[entry.states[n]]) for n in update.states], given, numbers)


def _clock(entry: Entry, update: Update, state: State, p: Any, hypers: dict[str, Any]) -> int:
    """The number of this step; where none is kept it is 1 before there is state, and 2 later."""
    for name in update.states:
        kept = state.get(entry.states[name])
        if kept is not None and kept.is_sparse:  # torch keeps a sparse gradient's momentum so
            state[entry.states[name]] = kept.to_dense()
    lacking = [n for n in (*update.states, *update.scalars) if state.get(entry.states[n]) is None]
    if lacking:
        start = update.start(p.detach(), hypers)
        for name in lacking:
            axis = entry.narrow.get(name)
            state[entry.states[name]] = start[name] if axis is None else start[name].unsqueeze(axis)
    if not entry.clock:
        return 1 if lacking else 2
    state[entry.clock] += 1
    return int(state[entry.clock])


def _narrow(entry: Entry, name: str, value: Any) -> Any:
    """A state in the definition's shape."""
    return value.squeeze(entry.narrow[name]) if name in entry.narrow else value


# ------------------------------------------------------------------------------ the ways to step


def _whole(update: Update, moving: Moving, compiled: bool) -> None:
    """One parameter: in one pass over its memory, or by array code and a copy."""
    theta = moving.p.detach()
    if compiled and update.fused(theta, moving.states, moving.given, moving.numbers):
        return
    after = update.eager(theta, moving.states, moving.given, moving.numbers)
    for old, new in zip([theta, *moving.states], after, strict=True):
        old.copy_(new)


def _flat(update: Update, several: list[Moving], compiled: bool) -> None:
    """Many small parameters as one array: few calls, whatever their number."""
    import torch

    if len(several) == 1:
        return _whole(update, several[0], compiled)
    lists = [list(column) for column in zip(*(m.arrays() for m in several), strict=True)]
    flat = [torch.cat([a.detach().reshape(-1) for a in column]) for column in lists]
    whole = Moving(flat[0], flat[1 : 1 + len(update.states)], flat[1 + len(update.states) :], several[0].numbers)
    _whole(update, whole, compiled)
    sizes = [m.p.numel() for m in several]
    for olds, new in zip(lists, [whole.p, *whole.states], strict=False):
        torch._foreach_copy_(olds, [n.view(o.shape) for n, o in zip(new.split(sizes), olds, strict=True)])
    return None


def _traced(entry: Entry, update: Update, state: State, moving: Moving) -> None:
    """New states take the old ones' place, so that autograd can follow them."""
    theta, *after = update.eager(moving.p.clone(), moving.states, moving.given, moving.numbers)
    moving.p.copy_(theta)
    for name, new in zip(update.states, after, strict=True):
        axis = entry.narrow.get(name)
        state[entry.states[name]] = new if axis is None else new.unsqueeze(axis)


def _some_rows(chosen: _Chosen, update: Update, state: State, p: Any, grad: Any, hypers: dict[str, Any]) -> None:
    """A sparse step: only where the gradient has entries does anything move."""
    import torch

    grad = grad.coalesce()
    at, values = tuple(grad.indices()), grad.values()
    moving = _moving(chosen, update, state, p, [values], hypers)
    if not len(values):
        return
    if not chosen.entry.dense:
        moving.given.append(torch.ones_like(values, dtype=torch.bool))
    rows = [s[at] for s in moving.states]
    theta, *after = update.eager(p.detach()[at], rows, moving.given, moving.numbers)
    p[at] = theta
    for kept, new in zip(moving.states, after, strict=True):
        kept[at] = new
