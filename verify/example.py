"""A small example in numbers: the derived gradient beside the finite difference of the forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Basic

from derive.bind import bind
from derive.calculus.trace import Trace
from derive.interpreter import run
from derive.program import Piece, Program, Read, Statement, Stop, rebuild, walk
from derive.verify.inputs import Case, make
from derive.verify.stepwise import StepError

MOST = 3
STEP, TOLERANCE = 1e-5, 1e-6
DECIMALS = (1, 2, 3, 16)

Place = tuple[int, ...]
#: L of inputs and hyperparameters.
Total = Callable[[dict[str, np.ndarray], dict[str, object]], float]


@dataclass(frozen=True)
class Gradient:
    """Of one input: the points shown (rows of places), the derived values there and the measured ones."""

    name: str
    shape: tuple[int, ...]
    places: tuple[tuple[Place, ...], ...]
    derived: tuple[tuple[float, ...], ...]
    measured: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Example:
    """Sizes, hyperparameters and data, and a gradient by each input."""

    sizes: tuple[tuple[str, int], ...]
    hypers: tuple[tuple[str, object], ...]
    inputs: tuple[tuple[str, np.ndarray], ...]
    gradients: tuple[Gradient, ...]


def example(trace: Trace, derived: Program) -> Example | None:
    """Short numbers where they serve; StepError where the two columns differ; None where no small case is found."""
    case = make(trace.primal, "plain")
    if case is None:
        return None
    for decimals in DECIMALS:
        short = _shortened(case, decimals)
        if short is None:
            continue
        found = _measured(trace, derived, short)
        worst = _worst(found)
        if worst is None:
            return found
    raise StepError(f"{trace.primal.name}: {worst}")


def _worst(found: Example) -> str | None:
    """What differs most, in words; None if nothing does."""
    for g in found.gradients:
        for places, ours, theirs in zip(g.places, g.derived, g.measured, strict=True):
            for place, a, b in zip(places, ours, theirs, strict=True):
                if not abs(a - b) <= TOLERANCE * (1 + abs(a)):
                    return f"the gradient of {g.name} at {list(place)} is {a}, but the finite difference is {b}"
    return None


def _shortened(case: Case, decimals: int) -> Case | None:
    """The case with real data of that many decimals, if all stays different and away from 0."""
    rounded = {}
    for t in case.program.inputs:
        data = case.inputs[t.name]
        if t.kind in ("real", "const"):
            data = np.round(data, decimals)
            if len(np.unique(data)) != data.size or (t.kind == "real" and not data.all()):
                return None
        rounded[t.name] = data
    return case.with_inputs(rounded)


def _measured(trace: Trace, derived: Program, case: Case) -> Example:
    program, twin = frozen(trace.primal), _twins(trace.primal, case.inputs)
    outputs = run(trace.primal, case.inputs, case.hypers)
    real = [n for n in dict.fromkeys(program.outputs) if program.tensor(n).differentiable]
    cotangents = {f: _cotangent(outputs[n].shape, k) for k, (n, f) in enumerate(zip(real, _given(trace), strict=True))}

    def total(inputs: dict[str, np.ndarray], hypers: dict[str, object]) -> float:
        values = run(program, {**inputs, **twin}, hypers)
        return float(sum((c * values[n]).sum() for n, c in zip(real, cotangents.values(), strict=True)))

    gradients = run(derived, {**case.inputs, **cotangents}, case.hypers)
    wanted = zip(trace.wrt, derived.outputs, strict=True)
    found = tuple(_gradient(n, np.asarray(gradients[d], float), case, total) for n, d in wanted)
    bound = bind(trace.primal, case.inputs, case.hypers)
    sizes = tuple((s.name, n) for s, n in bound.sizes.items() if not s.is_pack)
    shown = (*case.inputs.items(), *cotangents.items())
    return Example(sizes, tuple(case.hypers.items()), shown, found)


_TWIN = "{} held"


def frozen(program: Program) -> Program:
    """The program with each ``constant(e)`` reading a twin of everything, which does not move with the inputs."""
    if not _stops(program):
        return program
    names = {n: _TWIN.format(n) for n in program.tensors}

    def renamed(e: Basic) -> Basic:
        return Read(names.get(e.tensor, e.tensor), *e.indices) if isinstance(e, Read) else e

    def held(e: Basic) -> Basic:
        return rebuild(e, renamed)

    def moving(e: Basic) -> Basic:
        return rebuild(e, lambda n: held(n.args[0]) if isinstance(n, Stop) else n)

    twins = [replace(_mapped(s, held), tensor=replace(s.tensor, name=names[s.name])) for s in program.statements]
    own = [_mapped(s, moving) for s in program.statements]
    inputs = tuple(replace(t, name=names[t.name]) for t in program.inputs)
    return replace(program, inputs=(*program.inputs, *inputs), statements=(*twins, *own))


def _stops(program: Program) -> bool:
    return any(isinstance(n, Stop) for s in program.statements for p in s.pieces for n in walk(p.rhs))


def _twins(program: Program, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {_TWIN.format(n): data for n, data in inputs.items()} if _stops(program) else {}


def _mapped(statement: Statement, f: Callable[[Basic], Any]) -> Statement:
    pieces = (Piece(tuple(map(f, p.indices)), tuple(map(f, p.entries)), f(p.rhs)) for p in statement.pieces)
    return replace(statement, pieces=tuple(pieces))


def _given(trace: Trace) -> list[str]:
    """The cotangent inputs, in the order of the outputs."""
    return [t.name for t in trace.program.inputs[len(trace.primal.inputs) :]]


def _cotangent(shape: tuple[int, ...], k: int) -> np.ndarray:
    """Different tenths, none of them 0."""
    n = int(np.prod(shape, dtype=int))
    values = (np.arange(n) * 7 + 3 * k) % 19 - 9
    return np.where(values == 0, 10, values).reshape(shape) / 10 if n > 1 else np.ones(shape)


def _gradient(name: str, derived: np.ndarray, case: Case, total: Total) -> Gradient:
    places = tuple(_places(derived.shape))
    measured = tuple(tuple(_difference(name, p, case, total) for p in row) for row in places)
    values = tuple(tuple(float(derived[p]) for p in row) for row in places)
    return Gradient(name, derived.shape, places, values, measured)


def _places(shape: Sequence[int]) -> Iterator[tuple[Place, ...]]:
    """The corner of the last two axes, a row at a time."""
    *_, rows, columns = (1, 1, *shape)
    lead = (0,) * (len(shape) - 2)
    for r in range(min(rows, MOST)):
        row = [(*lead, r, c)[max(0, 2 - len(shape)) :] for c in range(min(columns, MOST))]
        yield tuple(row)


def _difference(name: str, place: Place, case: Case, total: Total) -> float:
    """(L(x + h) − L(x − h)) / 2h."""
    ends = [total(*_moved(name, place, case, h)) for h in (STEP, -STEP)]
    return (ends[0] - ends[1]) / (2 * STEP)


def _moved(name: str, place: Place, case: Case, h: float) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """The inputs and hyperparameters with one element, or one hyperparameter, moved by h."""
    if name in case.inputs:
        data = np.array(case.inputs[name], dtype=float)
        data[place] += h
        return {**case.inputs, name: data}, case.hypers
    parameter = next(p for p in case.program.parameters if name in [s.name for s in p.symbols])
    values = [float(case.numbers[s]) + h * (s.name == name) for s in parameter.symbols]  # type: ignore[arg-type]
    return case.inputs, {**case.hypers, parameter.name: tuple(values) if parameter.length else values[0]}
