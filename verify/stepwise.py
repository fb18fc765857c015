"""Each step of a derivation, evaluated at random points: equal to the step before it, or ``StepError``.

A local derivative is compared with a difference quotient of its equation in 50 digits; the forms that
eliminating letters passes through are compared with one another.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import mpmath
from sympy import Add, Basic, Expr, Integer, Rational

from derive.bind import bind
from derive.calculus.trace import Trace, Use
from derive.errors import DeriveError
from derive.fields import MODULAR, MP, Field
from derive.interpreter import Evaluator
from derive.program import (
    Compare,
    Hyper,
    Letter,
    Logic,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Stop,
    Tensor,
    Where,
)
from derive.simplify.gate import Sample, draw_sample
from derive.verify.inputs import make

POINTS = 4
STEP = Rational(1, 10**14)
EXACT, QUOTIENT, KINK = 1e-25, 1e-10, 1e-8


class StepError(AssertionError):
    """Two forms that a derivation calls equal differ: our own mistake, never the user's."""


def check_steps(trace: Trace) -> int:
    """Compares every local derivative and every step of every elimination; how many values were compared."""
    whole = _whole(trace)
    rng = random.Random(zlib.crc32(trace.program.name.encode()))
    best = 0
    for positive in (False, True):
        sample = _sample(trace, rng, positive)
        if sample is None:
            continue
        compared, undefined = _compared(trace, whole, sample, rng)
        best = max(best, compared)
        if not undefined:
            break
    return best


def _compared(trace: Trace, whole: Program, sample: Sample, rng: random.Random) -> tuple[int, int]:
    compared = undefined = 0
    for title, tensor, forms, field, tolerance in _questions(trace):
        for values in _values(whole, sample, field, tensor, forms, rng):
            if any(v is None for v in values):
                undefined += 1
                continue
            if field is not None and not _close(values[0], values[1], field, KINK):
                continue  # the two sides differ: a kink (equal values under a max), where no quotient tells
            compared += 1
            for n, value in enumerate(values[1:], 1):
                if not _close(values[0], value, field, tolerance):
                    raise StepError(f"{trace.primal.name}: {title}, step {n}: {value} is not {values[0]}")
    return compared, undefined


Question = tuple[str, Tensor, tuple[Piece, ...], Field | None, float]


def _questions(trace: Trace) -> Iterator[Question]:
    """(title, tensor whose points are asked, equal forms, field or the sample's own, tolerance)."""
    for name, uses in trace.uses.items():
        axes = trace.primal.tensors[name].axes if name in trace.primal.tensors else ()
        groups: dict[tuple[str, int], list[Use]] = {}
        for n, use in enumerate(uses):
            forms = tuple(Piece(use.targets, use.binds, state) for state in use.states)
            yield f"use {n + 1} of {name} in {use.reader}", Tensor(name, axes), forms, None, EXACT
            groups.setdefault((use.reader, use.place), []).append(use)
        for (reader, _), found in groups.items():
            tensor = Tensor(reader, trace.primal.tensor(reader).axes)
            yield f"derivative of {reader} by {name}", tensor, _local_forms(name, found), MP, QUOTIENT


def _local_forms(name: str, uses: Sequence[Use]) -> tuple[Piece, ...]:
    """(f(x + h·b) − f(x)) / h for h and −h, and Σ factor·b over the uses, all in the first use's letters."""
    first = uses[0]
    here = first.piece.rhs
    ahead, behind = ((_moved(here, name, h) - here) / h for h in (STEP, -STEP))
    total: list[Expr] = []
    for use in uses:
        same = {a: b for a, b in zip(use.piece.indices, first.piece.indices, strict=True) if isinstance(a, Letter)}
        inner = {b.letter: Letter(f"{b.letter.name}#") for e in use.occurrence.entries for b in _binds(e)}
        o, change = use.occurrence, {**inner, **same}
        body = (o.factor * _direction(o.indices)).xreplace(change)
        total.append(_sum([e.xreplace(change) for e in o.entries], body))
    return tuple(Piece(first.piece.indices, first.domain, e) for e in (ahead, behind, Add(*total)))


def _sum(entries: Sequence[Basic], body: Expr) -> Expr:
    bound = [e for e in entries if _binds(e)]
    if bound:
        return Reduce("sum", entries, body)
    conditions = tuple(entries)
    return Where(Logic("and", *conditions), body, Integer(0)) if conditions else body


def _binds(e: Basic) -> list[Any]:
    return [e] if hasattr(e, "letter") and hasattr(e, "lo") else []


def _direction(indices: Sequence[Expr]) -> Expr:
    """b[k] = (3 + 2·k₀ + 3·k₁ + …) / 7: a direction that no symmetry hides from."""
    return Add(Integer(3), *((n + 2) * i for n, i in enumerate(indices))) / 7


def _moved(e: Basic, name: str, h: Expr) -> Any:
    """e with ``name[a] + h·b[a]`` for each read that carries a derivative."""
    if isinstance(e, Read):
        return e + h * _direction(e.indices) if e.tensor == name else e
    if isinstance(e, Hyper):
        return e + h * _direction(()) if e.name == name else e
    if isinstance(e, Stop | Compare) or not e.args:
        return e
    if isinstance(e, Reduce):
        return Reduce(e.op, e.entries, _moved(e.body, name, h))
    return e.func(*(_moved(a, name, h) for a in e.args))


# ------------------------------------------------------------------------------ values


def _whole(trace: Trace) -> Program:
    """The derived program with all of the forward."""
    own = {s.name: s for s in (*trace.primal.statements, *trace.program.statements)}
    return replace(trace.program, statements=tuple(own.values()))


def _sample(trace: Trace, rng: random.Random, positive: bool) -> Sample | None:
    """Small sizes and random data; the checks' own plain case where none were found."""
    found = draw_sample(trace.program, rng, positive)
    if found is not None:
        return found
    case = make(trace.program, "plain")
    return None if case is None else Sample(bind(trace.program, case.inputs, case.hypers), MP)


_ASKED = "form {}"


def _values(
    whole: Program, sample: Sample, field: Field | None, tensor: Tensor, forms: Sequence[Piece], rng: random.Random
) -> Iterator[list[Any]]:
    """The values of equal forms at a few points of the tensor; None where a form has none."""
    asked = [
        Statement(replace(tensor, name=_ASKED.format(n), kind="real"), (piece,), True) for n, piece in enumerate(forms)
    ]
    evaluator = Evaluator(replace(whole, statements=(*whole.statements, *asked)), sample.bound, field or sample.field)
    ranges = evaluator.range_of(_ASKED.format(0))
    if all(lo < hi for lo, hi in ranges):
        points = dict.fromkeys(tuple(rng.randrange(lo, hi) for lo, hi in ranges) for _ in range(POINTS))
        for point in points:
            yield [_value(evaluator, s.name, point) for s in asked]


def _value(evaluator: Evaluator, name: str, point: tuple[int, ...]) -> Any:
    try:
        value = evaluator.value(name, point)
    except DeriveError:
        return None
    return None if evaluator.field is not MODULAR and mpmath.isnan(value) else value


def _close(a: Any, b: Any, field: Field | None, tolerance: float) -> bool:
    if a == b:
        return True
    if isinstance(a, int) and isinstance(b, int) and field is None:
        return False
    return bool(abs(a - b) <= tolerance * (1 + abs(a)))


__all__ = ["STEP", "StepError", "check_steps"]
