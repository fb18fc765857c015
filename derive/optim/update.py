"""One step of a definition at some choices, as generated code."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sympy import Rational

from derive.language import load_definition, specialise
from derive.language.definition import Definition, HyperInput
from derive.language.hypers import Open
from derive.program import Program, substitute
from derive.targets.files import generate


class Update:
    """The step of an optimizer's program: ``theta, (states) = update.step(theta, grad, states, t, **hypers)``."""

    def __init__(self, program: Program) -> None:
        from derive.calculus.step import step

        self.program = program
        once = step(program)
        moved = len(once.outputs)
        self.states = tuple(t.name for t in once.inputs[1:moved])
        self.hypers = tuple(p.name for p in program.parameters if p.value is None)
        module = generate(program, "torch", None).module()
        self.step = getattr(module, f"{program.name}_step")
        self._initial = module.init_state
        self._starts = tuple(n for n in self.hypers if n in inspect.signature(self._initial).parameters)

    def initial(self, theta: Any, hypers: Mapping[str, Any]) -> tuple[Any, ...]:
        """The states before the first step."""
        return self._initial(theta, **{n: hypers[n] for n in self._starts if n in hypers})

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether what was decided for the program holds for these values."""
        return all(_holds(r, values) for r in self.program.requirements)


def _holds(requirement: Any, values: Mapping[str, Any]) -> bool:
    numbers = {s: Rational(float(values[s.name])) for s in requirement.free_symbols if s.name in values}
    a, b = (substitute(side, numbers) for side in requirement.args[1:])
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b}[requirement.op]


@lru_cache(maxsize=256)
def _definition(name: str) -> Definition:
    return load_definition(name)


_MADE: dict[tuple, list[Update]] = {}
_KNOWN: dict[tuple, Update] = {}


def update_for(name: str, group: Mapping[str, Any]) -> tuple[Update, dict[str, Any]]:
    """The update a parameter group's options ask for, and the hyperparameters that its step takes."""
    definition = _definition(name)
    values = {h.name: group[h.name] for h in definition.hypers if h.name in group}
    key = (name, *values.values())
    if key not in _KNOWN:
        if len(_KNOWN) >= 4096:
            _KNOWN.clear()
        _KNOWN[key] = _made(definition, values)
    update = _KNOWN[key]
    return update, {n: values[n] for n in update.hypers if n in values}


def _made(definition: Definition, values: dict[str, Any]) -> Update:
    chosen = {h.name: _choice(h, values[h.name]) for h in definition.hypers if h.name in values}
    fixed = tuple((n, v) for n, v in chosen.items() if not isinstance(v, Open))
    made = _MADE.setdefault((definition.name, fixed), [])
    for update in made:
        if update.fits(values):
            return update
    made.append(Update(specialise(definition, **chosen)))
    return made[-1]


def _choice(hyper: HyperInput, value: Any) -> Any:
    """Numbers decide and stay open; everything else is fixed."""
    if value is None or hyper.kind in ("Bool", "Text", "Int"):
        return value
    if isinstance(value, (tuple, list)):
        return Open(tuple(map(float, value)))
    return Open(float(value))
