"""What is checked: a program with its derivatives and its generated code, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import derive
from derive import interpreter
from derive.calculus.adjoint import adjoint
from derive.calculus.tangent import tangent
from derive.errors import DeriveError
from derive.language import load_definition, specialise
from derive.program import Program
from derive.tower import derivative
from derive.verify.inputs import Case, is_symbolic
from derive.verify.references import REFERENCES, Reference, named
from derive.verify.samples import SETTINGS

Arrays = dict[str, np.ndarray]
_REMEMBERED = 8


@dataclass
class Subject:
    """A program at one setting of its structural choices."""

    name: str
    program: Program
    choices: dict[str, Any] = field(default_factory=dict)
    first: bool = True
    oracle: Reference | None = None
    _codes: dict[tuple[str, str], Callable] = field(default_factory=dict, repr=False)
    _interpreted: dict[tuple, Arrays] = field(default_factory=dict, repr=False)

    @property
    def reference(self) -> Reference | None:
        """torch's own operation: a row of the table, or the function that the definition names."""
        return REFERENCES.get(self.name, self.oracle)

    @cached_property
    def vjp(self) -> Program:
        return derivative(self.program, "adjoint", None)

    @cached_property
    def vjp2(self) -> Program:
        return derivative(self.vjp, "adjoint", None)

    @cached_property
    def vjp3(self) -> Program:
        return derivative(self.vjp2, "adjoint", None)

    @cached_property
    def jvp(self) -> Program:
        return derivative(self.program, "tangent", None)

    @cached_property
    def function(self) -> Callable:
        """The program as a torch function."""
        return derive.function(self.program)

    @cached_property
    def adjoint(self) -> Program:
        """The adjoint as it falls out, before simplification."""
        return adjoint(self.program)

    @cached_property
    def tangent(self) -> Program:
        return tangent(self.program)

    def with_gradient(self, vjp: Program) -> Subject:
        """The same program under a gradient from elsewhere."""
        other = Subject(self.name, self.program, self.choices, self.first, self.oracle)
        other.__dict__.update(vjp=vjp, adjoint=vjp)
        return other

    def derived(self, order: int) -> Program:
        """The program of that order: the program itself, its vjp, the vjp of that."""
        return (self.program, *(getattr(self, n) for n in ("vjp", "vjp2", "vjp3")[:order]))[order]

    def run(self, target: str, program: Program, inputs: Arrays, case: Case, *, dtype: str = "") -> Arrays:
        """The outputs of a program by the interpreter or by generated code, in that format of torch if named."""
        if target == "interpreter":
            return dict(self._interpret(program, inputs, case))
        key = (target, f"{id(program)}")
        if key not in self._codes:
            from derive.targets.files import callable_of  # code is made only where code is checked

            self._codes[key] = callable_of(program, target)
        given = [_given(target, inputs[t.name], dtype) for t in program.inputs]
        with np.errstate(all="ignore"):
            results = self._codes[key](*given, **{p.name: case.hyper(p) for p in program.parameters if is_symbolic(p)})
        results = results if isinstance(results, tuple) else (results,)
        return {name: _array(r) for name, r in zip(_returned(program), results, strict=False)}

    def _interpret(self, program: Program, inputs: Arrays, case: Case) -> Arrays:
        """The interpreter's outputs; several rungs ask for the same ones."""
        data = tuple((n, np.shape(x), np.asarray(x).tobytes()) for n, x in inputs.items())
        key = (id(program), str(case.hypers), data)
        if key not in self._interpreted:
            if len(self._interpreted) >= _REMEMBERED:
                self._interpreted.clear()
            self._interpreted[key] = interpreter.run(program, inputs, case.hypers)
        return self._interpreted[key]

    def title(self) -> str:
        """The setting in words."""
        return ", ".join(f"{k}={v}" for k, v in self.choices.items())


def _given(target: str, x: np.ndarray, dtype: str = "") -> Any:
    if target != "torch":
        return x
    import torch

    given = torch.from_numpy(np.array(x))
    return given.to(getattr(torch, dtype)) if dtype and given.is_floating_point() else given


def _array(result: Any) -> np.ndarray:
    """NumPy has no bfloat16, so short formats come back as float64."""
    if str(getattr(result, "dtype", "")).startswith("torch.") and result.is_floating_point():
        return result.detach().double().numpy()
    return np.asarray(result)


def _returned(program: Program) -> tuple[str, ...]:
    return (*program.outputs, *(new for _, new in program.updates))


def subjects(target: str | Program) -> Iterator[Subject | DeriveError]:
    """The target at each of its settings; a setting that cannot be loaded is yielded as its error."""
    if isinstance(target, Program):
        yield Subject(target.name, target)
        return
    definition = load_definition(target)
    for k, choices in enumerate(SETTINGS.get(definition.name) or settings(definition)):
        try:
            program = specialise(definition, **choices)
            yield Subject(definition.name, program, dict(choices), k == 0, named(definition))
        except DeriveError as error:
            yield error


def settings(definition: Any) -> tuple[dict[str, Any], ...]:
    """Settings of a definition without a row in the table: every word, both truths, optional inputs absent."""
    base = {h.name: _sample(h) for h in definition.hypers if h.default is None and h.kind in ("Int", "Real")}
    words = [{h.name: word} for h in definition.hypers if h.kind == "Text" for word in h.allowed]
    truths = [{h.name: v} for h in definition.hypers if h.kind == "Bool" for v in (False, True)]
    absent = {i.name: None for i in definition.inputs if i.default is not None and i.kind != "Bool"}
    return tuple({**base, **more} for more in ({}, *words, *truths, *([absent] if absent else [])))


def _sample(h: Any) -> Any:
    one = 2 if h.kind == "Int" else 0.4
    return (one,) * h.length if h.length else one
