"""Theorems about update rules, held against the interpreter: random trajectories that fulfil what is assumed.

A row a claim: the worst difference of its two sides, or by how much a bound is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from derive.bind import bind
from derive.closures import Compiler
from derive.fields import FLOAT
from derive.interpreter import Evaluator
from derive.program import Hyper, Letter, Part, Piece, Program, Read, Size, Statement, Tensor, Where, walk
from derive.theorems.theorem import Claim, Theorem

#: Extents of a random case: steps, then any other size.
STEPS, WIDTH = 8, 2

#: A difference of rounding: this times the size of what is compared.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Held:
    """What a theorem's claims came to: the worst error and how much of it rounding explains."""

    theorem: Theorem
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """A NaN is no success."""
        return bool(self.error <= self.tolerance)


def check(theorem: Theorem, seed: int = 0) -> Held:
    """The claims of a theorem along a random trajectory of its setting."""
    return _CHECKS[theorem.kind](theorem, np.random.default_rng([seed, 29]))


# ------------------------------------------------------------------------------ random cases


def hypers(program: Program, zero: Iterable[str], rng: np.random.Generator) -> dict[str, Any]:
    """Values near the defaults, between 0 and 1 where those are; 0 where that is assumed."""
    gone = frozenset(zero)
    found: dict[str, Any] = {}
    for p in program.parameters:
        if p.kind != "Real" or p.value is not None or p.structural:
            continue
        defaults = p.default if isinstance(p.default, tuple) else (p.default,) * len(p.symbols)
        names = [s.name for s in p.symbols]
        each = [0.0 if n in gone else _near(float(d), rng) for n, d in zip(names, defaults, strict=True)]
        found[p.name] = tuple(each) if p.length else each[0]
    return found


def _near(default: float, rng: np.random.Generator) -> float:
    if default == 0:
        return float(rng.uniform(0.05, 0.3))
    if 0 < default < 1:
        return float(default ** rng.uniform(1.0, 2.0)) if default > 0.3 else float(default * rng.uniform(1, 2))
    return float(default * rng.uniform(0.8, 1.2))


def arrays(theorem: Theorem, rng: np.random.Generator, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Random inputs; what is given for a held value is positive and the same at every step, as a mean is."""
    found: dict[str, np.ndarray] = {}
    for tensor in theorem.setting.inputs:
        shape = [_extent(part, steps) for part in tensor.parts]
        if tensor.kind == "bool":
            found[tensor.name] = rng.random(shape) < 0.7
            continue
        values = rng.normal(size=shape)
        if tensor.name in theorem.steady:
            values = np.broadcast_to(np.abs(values[:1]) + 0.1, shape).copy()
        found[tensor.name] = values
    return found


def _extent(part: Part, steps: int) -> int:
    values = dict.fromkeys(part.extent.free_symbols, steps if part.origin == 1 else WIDTH)
    return (
        int(Compiler(FLOAT, values).index(part.extent)({}))
        if not isinstance(part.extent, Size)
        else (steps if part.origin == 1 else WIDTH)
    )


# ------------------------------------------------------------------------------ values


def values(program: Program, es: Iterable[Expr], given: dict[str, Any], numbers: dict[str, Any]) -> list[np.ndarray]:
    """Expressions over a program's tensors at every step, as arrays with the parameter's axes."""
    listed = tuple(es)
    extra = [_statement(program, f"side_{n}", e, listed) for n, e in enumerate(listed)]
    whole = replace(program, statements=(*program.statements, *extra), outputs=tuple(s.name for s in extra))
    evaluator = Evaluator(whole, bind(whole, dict(given), numbers))
    return [evaluator.array(s.name) for s in extra]


def _statement(program: Program, name: str, e: Expr, beside: tuple[Expr, ...]) -> Statement:
    """``name[t, …] = e`` with the letters and ranges of the value with most axes that is read at t."""
    models = [_model_of(program, n) for b in beside for n in walk(b) if isinstance(n, Read)]
    found = [m for m in models if m is not None] or [_output(program)]
    tensor, piece = max(found, key=lambda pair: len(pair[1].indices))
    axes = tuple(tuple(replace(p, below=0) for p in axis) for axis in tensor.axes)
    return Statement(Tensor(name, axes), (Piece(piece.indices, piece.entries, e),))


def _model_of(program: Program, read: Read) -> tuple[Tensor, Piece] | None:
    statement = program.definitions.get(read.tensor)
    if statement is None:
        return None
    piece = next((p for p in statement.pieces if p.indices == read.indices), None)
    whole = piece is not None and all(isinstance(i, Letter) for i in piece.indices)
    return (statement.tensor, piece) if piece is not None and whole else None


def _output(program: Program) -> tuple[Tensor, Piece]:
    statement = program.definitions[program.outputs[0]]
    return statement.tensor, next(p for p in statement.pieces if all(isinstance(i, Letter) for i in p.indices))


def _worst(claim: Claim, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    left, right = np.broadcast_arrays(left, right)
    left, right = left[claim.first - 1 :], right[claim.first - 1 :]
    size = float(np.max(np.abs(left))) + float(np.max(np.abs(right))) + 1
    difference = left - right
    error = np.max(difference) if claim.relation in ("<", "<=") else np.max(np.abs(difference))
    return float(error), ROUNDING * size


# ------------------------------------------------------------------------------ a check a kind


def _claims(theorem: Theorem, rng: np.random.Generator) -> Held:
    """Both sides of every claim."""
    given, numbers = arrays(theorem, rng), hypers(theorem.setting, theorem.zero, rng)
    checked = [c for c in theorem.tests if c.checked]
    found = []
    for claim in checked:
        left, right = values(theorem.setting, (claim.left, claim.right), given, numbers)
        found.append(_worst(claim, left, right))
    error, tolerance = max(found, key=lambda pair: pair[0] / pair[1])
    return Held(theorem, error, tolerance)


def _decay(theorem: Theorem, rng: np.random.Generator) -> Held:
    """Two steps of the interpreter from the same place, the decay in the gradient and apart from it."""
    program = theorem.setting
    weight, size, _, right = theorem.data
    given, numbers = arrays(theorem, rng), hypers(program, (), rng)
    theta = program.outputs[0]
    plain = {**numbers, str(weight): 0.0}
    w, lr = numbers[str(weight)], numbers[str(size)]
    t = 3
    path = values(program, [Read(theta, *_letters(program, theta))], given, plain)[0]
    before = path[t - 2]
    gradient = theorem.gradient
    l2 = {**given, gradient: np.array(given[gradient], copy=True)}
    l2[gradient][t - 1] += w * before
    with_l2 = values(program, [Read(theta, *_letters(program, theta))], l2, plain)[0][t - 1]
    decoupled = path[t - 1] - lr * w * before
    per = _at(right, weight, w)
    expected = values(program, [per], given, plain)[0][t - 1] if right != 0 else 0 * before
    return Held(theorem, float(np.max(np.abs(with_l2 - decoupled - expected))), ROUNDING * 10)


def _at(e: Any, weight: Any, value: float) -> Expr:
    from sympy import Rational

    return e.xreplace({weight: Rational(repr(value))}) if isinstance(e, Expr) else e


def _letters(program: Program, name: str) -> tuple[Expr, ...]:
    return next(p.indices for p in program.definitions[name].pieces if all(isinstance(i, Letter) for i in p.indices))


def _stability(theorem: Theorem, rng: np.random.Generator) -> Held:
    """Steps a tenth below the bound shrink the parameter, a tenth above it they let it grow."""
    program, steps = theorem.setting, 240
    size, theta = str(theorem.data[0]), theorem.setting.outputs[0]
    given, numbers = arrays(theorem, rng, steps), hypers(program, theorem.zero, rng)
    for p in program.parameters:
        if p.kind == "Real" and p.name != size and not p.length and p.name in numbers and p.default == 0:
            numbers[p.name] *= 0.3
        if p.length and p.name in numbers:  # powers of them are 0 well before the last steps
            numbers[p.name] = tuple(min(v, 0.7) for v in numbers[p.name])
    numbers["λ"] = float(rng.uniform(0.5, 2))
    bound = min(_number(program, claim.right, given, numbers) for claim in theorem.claims)
    ends = []
    for share in (0.9, 1.1):
        numbers[size] = share * float(bound)
        path = np.abs(values(program, [Read(theta, *_letters(program, theta))], given, numbers)[0])
        ends.append(np.log(np.max(path[-20:]) + 1e-300) - np.log(np.max(path[100:120]) + 1e-300))
    return Held(theorem, float(max(ends[0], -ends[1])), 0.0)


def _number(program: Program, e: Expr, given: dict[str, Any], numbers: dict[str, Any]) -> float:
    found = values(program, [e], given, numbers)[0]
    return float(np.min(found[-1]))


def _scaling(theorem: Theorem, rng: np.random.Generator) -> Held:
    """The same steps with everything multiplied by 3."""
    program, c = theorem.setting, 3.0
    gradients, parameters, degree, *conditions = theorem.data
    given, numbers = arrays(theorem, rng), hypers(program, theorem.zero, rng)
    theta = program.outputs[0]
    start = f"{theta}_0"
    power = {theorem.gradient: float(str(gradients)), start: float(str(parameters))}
    scaled = {n: v * c ** power[n] if n in power else v for n, v in given.items()}
    moved = []
    for inputs in (given, scaled):
        path = values(program, [Read(theta, *_letters(program, theta))], inputs, numbers)[0]
        moved.append(np.diff(np.concatenate([np.asarray(inputs[start])[None], path]), axis=0))
    difference = np.abs(moved[1] - c ** float(str(degree)) * moved[0])
    for condition in conditions:
        holds = values(program, [Where(condition, Integer(1), Integer(0))], given, numbers)[0]
        difference = difference * holds.reshape(*holds.shape, *[1] * (difference.ndim - holds.ndim))
    error = np.max(difference)
    return Held(theorem, float(error), ROUNDING * float(np.max(np.abs(moved[1])) + 1))


def _model(theorem: Theorem, rng: np.random.Generator) -> Held:
    """The model is no lower anywhere else that was tried."""
    program = theorem.setting
    given, numbers = arrays(theorem, rng), hypers(program, theorem.zero, rng)
    form, of, model, *box = theorem.data
    over = next(s for s in model.free_symbols if isinstance(s, Symbol) and s.name in ("Δ", "x"))
    at = values(program, [of, model.xreplace({over: of})], given, numbers)
    if form == "box":
        reach = values(program, [box[0] + 0 * of], given, numbers)[0]
        others = [np.clip(at[0] + rng.normal(size=at[0].shape) * reach, -reach, reach) for _ in range(4)]
    else:
        others = [at[0] + rng.normal(size=at[0].shape) * 10.0**-k * np.abs(at[0]) for k in (0, 1, 2)]
    worst = 0.0
    for point in others:
        beside = Tensor("beside", program.tensor(program.outputs[0]).axes)
        beside = replace(beside, axes=tuple(tuple(replace(p, below=0) for p in axis) for axis in beside.axes))
        wider = replace(program, inputs=(*program.inputs, beside))
        there = values(wider, [model.xreplace({over: Read("beside", *_letters(program, program.outputs[0]))})],
                       {**given, "beside": point}, numbers)[0]  # fmt: skip
        worst = max(worst, float(np.max(at[1] - there)))
    return Held(theorem, worst, ROUNDING * float(np.max(np.abs(at[1])) + 1))


_CHECKS: dict[str, Callable[[Theorem, np.random.Generator], Held]] = {
    "closed form": _claims,
    "expectation": _claims,
    "nesterov": _claims,
    "bound": _claims,
    "decay": _decay,
    "stability": _stability,
    "scaling": _scaling,
    "model": _model,
}

__all__ = ["Held", "Hyper", "check"]
