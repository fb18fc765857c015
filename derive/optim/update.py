"""One step of a definition at some choices: numbers first, then the entries, by kernel or by array code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sympy import Rational

from derive.calculus.step import initial, step
from derive.language import load_definition, specialise
from derive.language.definition import Definition, HyperInput
from derive.language.hypers import Open
from derive.optim.numbers import apart, is_elementwise
from derive.program import Program, substitute
from derive.targets.files import callable_of
from derive.targets.kernels.function import in_place
from derive.targets.kernels.native import Unfit
from derive.targets.optimizer import clock_as_number, only_states

Arrays = Sequence[Any]


class Update:
    """The step of an optimizer's program.

    ``states``: kept arrays, in order; ``scalars``: kept numbers; ``given``: inputs of a step, the gradient first.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        once = clock_as_number(step(program))
        numbers, self.entries = apart(once)
        self.theta = once.inputs[0].name
        moved = [t.name for t in once.inputs[1 : len(once.outputs)]]
        arrays = {t.name for t in self.entries.inputs}
        self.states = tuple(n for n in moved if n in arrays)
        self.scalars = tuple(n for n in moved if n not in arrays)
        self.given = tuple(t.name for t in once.inputs[len(once.outputs) :])
        self.hypers = tuple(p.name for p in program.parameters if p.value is None)
        self.is_elementwise = is_elementwise(self.entries)
        self._numbers = callable_of(numbers, "numpy") if numbers.outputs else None
        self._names = numbers.outputs
        self._kept = dict(zip(once.outputs, (once.inputs[0].name, *moved), strict=True))
        self._eager = callable_of(self.entries, "torch")
        first = only_states(initial(program), (*self.states, *self.scalars))
        self._first, self._first_names = callable_of(first, "torch"), first.outputs
        self._fused: Callable[..., Any] | None = None
        self._refused = not self.is_elementwise

    def start(self, theta: Any, hypers: Mapping[str, Any]) -> dict[str, Any]:
        """Every state before the first step."""
        return dict(zip(self._first_names, self._first(theta, **hypers), strict=True))

    def numbers(self, t: int, scalars: Mapping[str, float], hypers: Mapping[str, Any]) -> tuple[dict, dict]:
        """(what the entries' pass takes by name, the new scalars) of step number t."""
        values = {**hypers, **scalars, "t": t}
        if self._numbers is None:
            return values, {}
        found = dict(zip(self._names, map(float, self._numbers(**values)), strict=True))
        new = {self._kept[n]: v for n, v in found.items() if n in self._kept}
        return {**values, **found}, new

    def eager(self, theta: Any, states: Arrays, given: Arrays, numbers: Mapping[str, Any]) -> tuple[Any, ...]:
        """The new theta and states as arrays of their own."""
        return self._eager(theta, *states, *given, **numbers)

    def fused(self, theta: Any, states: Arrays, given: Arrays, numbers: Mapping[str, Any]) -> bool:
        """The step in one pass, over theta and the states themselves; whether it could be done."""
        if self._refused:
            return False
        try:
            if self._fused is None:
                self._fused = in_place(self.entries, {n: self._kept[n] for n in self.entries.outputs})
            self._fused(theta, *states, *given, **numbers)
        except Unfit:
            self._refused = self._fused is None
            return False
        return True

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether what was decided for the program holds for these values."""
        return all(_holds(r, values) for r in self.program.requirements)


def _holds(requirement: Any, values: Mapping[str, Any]) -> bool:
    numbers = {s: Rational(float(values[s.name])) for s in requirement.free_symbols if s.name in values}
    a, b = (substitute(side, numbers) for side in requirement.args[1:])
    return bool({"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b}[requirement.op])


# ------------------------------------------------------------------------------ which update


@lru_cache(maxsize=256)
def _definition(name: str) -> Definition:
    return load_definition(name)


#: Updates by definition and what is fixed in them, and by all values seen.
_MADE: dict[tuple, list[Update]] = {}
_KNOWN: dict[tuple, Update] = {}
_MOST = 4096


def update_for(name: str, group: Mapping[str, Any]) -> tuple[Update, dict[str, Any]]:
    """The update a parameter group's options ask for, and the hyperparameters that its step takes."""
    definition = _definition(name)
    values = {h.name: _plain(group[h.name]) for h in definition.hypers if h.name in group}
    key = (name, *values.values())
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[key] = _made(definition, values)
    update = _KNOWN[key]
    return update, {n: values[n] for n in update.hypers if n in values}


def _plain(value: Any) -> Any:
    """A tensor of one number as that number; a list as a tuple."""
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    return value.item() if hasattr(value, "item") else value


def _made(definition: Definition, values: dict[str, Any]) -> Update:
    chosen = {h.name: _choice(h, values[h.name]) for h in definition.hypers if values.get(h.name) is not None}
    fixed = tuple((n, v) for n, v in chosen.items() if not isinstance(v, Open))
    made = _MADE.setdefault((definition.name, fixed), [])
    for update in made:
        if update.fits(values):
            return update
    made.append(Update(specialise(definition, **chosen)))
    return made[-1]


def _choice(hyper: HyperInput, value: Any) -> Any:
    """Numbers decide and stay open; everything else is fixed."""
    if hyper.kind in ("Bool", "Text", "Int"):
        return value
    return Open(tuple(map(float, value)) if isinstance(value, tuple) else float(value))
