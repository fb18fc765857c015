"""The gate: the old and the new program, evaluated at random points, agree; or the rewrite is refused.

Rational programs are evaluated modulo a prime, where equality at random points is equality but for one
chance in about 2⁶¹ per degree (Schwartz–Zippel); others in 50 digits.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import mpmath
from sympy import Expr, Function, Integer, Pow, Symbol

from derive.bind.bound import Bound
from derive.closures import Compiler
from derive.errors import DeriveError, RewriteError
from derive.fields import FLOAT, MODULAR, MP, Field
from derive.interpreter import Evaluator
from derive.program import (
    Bind,
    Draw,
    Hyper,
    Letter,
    Part,
    Piece,
    Program,
    Reduce,
    Size,
    Statement,
    Tensor,
    free_letters,
    reads,
    walk,
)

POINTS, ATTEMPTS, TOLERANCE = 2, 12, 1e-25
#: Points of one input that an evaluation may read.
MOST = 50_000
#: Lengths tried in turn for sizes that others are derived from; the rest are the first.
_SMALL = ((2, 3), (2, 3), (2, 3), (3, 5), (4, 5), (4, 7), (7, 9))
_LAW = "law {}"


class NotMeasured(Exception):
    """The old and the new program could not be held against each other: no data fits, or it is too much work."""


@dataclass(frozen=True)
class Sample:
    """Small sizes, hyperparameters and random data for the inputs of a program."""

    bound: Bound
    field: Field


def check_equal(old: Program, new: Program) -> None:
    """RewriteError unless both have the same outputs, and the laws of the new one hold, at random points.

    NotMeasured if some output had no value anywhere: what was not held against the original is not equal to it.
    """
    rng = random.Random(zlib.crc32(f"{old.name} {old.derived}".encode()))
    unseen = dict.fromkeys(new.outputs)
    for positive in (False, True):
        sample = draw_sample(old, rng, positive)
        if sample is None:
            break
        everywhere, seen = _agree(old, new, sample, rng)
        unseen = {name: None for name in unseen if name not in seen}
        if everywhere:
            break
    if unseen:
        raise NotMeasured(f"{old.name}: no point of {', '.join(unseen)} was evaluated")


def _agree(old: Program, new: Program, sample: Sample, rng: random.Random) -> tuple[bool, dict[str, None]]:
    """Whether every point had a value (one without, a logarithm of −1, asks for other data), and outputs compared."""
    first, second = (Evaluator(p, sample.bound, sample.field) for p in (old, with_laws(new)))
    defined, seen = True, dict[str, None]()
    for name in new.outputs:
        for point in points(first, name, rng):
            before = _value(first, name, point)
            if before is None:
                defined = False
                continue
            after = _value(second, name, point)
            if after is None or not _close(before, after, sample.field):
                raise RewriteError(f"{old.name}: simplifying changed {name}{list(point)} from {before} to {after}")
            seen[name] = None
    for n, law in enumerate(new.laws):
        for point in points(second, _LAW.format(n), rng):
            off = _value(second, _LAW.format(n), point)
            if off is not None and not _close(sample.field.zero, off, sample.field):
                raise RewriteError(f"{old.name}: {law.left} = {law.right} was claimed; at {point} it is off by {off}")
    return defined, seen


def _value(evaluator: Evaluator, name: str, point: tuple[int, ...]) -> Any:
    """The value at a point, None where the program has none there."""
    try:
        value = evaluator.value(name, point)
    except DeriveError:
        return None
    return None if evaluator.field is not MODULAR and mpmath.isnan(value) else value


def _close(a: Any, b: Any, field: Field) -> bool:
    if field is MODULAR or a == b:
        return bool(a == b)
    return bool(abs(a - b) <= TOLERANCE * (1 + abs(a)))


def points(evaluator: Evaluator, name: str, rng: random.Random) -> Iterator[tuple[int, ...]]:
    """A few random points of a tensor; none if it has no point."""
    ranges = evaluator.range_of(name)
    if all(lo < hi for lo, hi in ranges):
        yield from dict.fromkeys(tuple(rng.randrange(lo, hi) for lo, hi in ranges) for _ in range(POINTS))


def with_laws(program: Program) -> Program:
    """The program with a statement ``left − right`` for each law."""
    added = []
    tensors = program.tensors
    for n, law in enumerate(program.laws):
        free = free_letters(law.left) | free_letters(law.right)
        found: dict[Letter, Part] = {}
        for read in (r for side in (law.left, law.right) for r in reads(side)):
            parts = zip(read.indices, tensors[read.tensor].parts, strict=True)
            found.update((i, Part(part.extent, part.origin)) for i, part in parts if i in free)
        letters = tuple(sorted(found, key=lambda x: x.name))
        binds = tuple(Bind(x, found[x].origin, found[x].origin + found[x].extent) for x in letters)
        piece = Piece(letters, binds, law.left - law.right)
        added.append(Statement(Tensor(_LAW.format(n), tuple((found[x],) for x in letters)), (piece,)))
    return replace(program, statements=(*program.statements, *added))


# ------------------------------------------------------------------------------ data


def draw_sample(program: Program, rng: random.Random, positive: bool = False) -> Sample | None:
    """Sizes for which every derived size is positive and the requirements hold, and data to match."""
    for attempt in range(ATTEMPTS):
        hypers = dict(_hypers(program, rng, attempt))
        sizes = _sizes(program, hypers, rng, _SMALL[min(attempt, len(_SMALL) - 1)])
        if sizes is not None:
            field = MODULAR if is_rational(program) else MP
            bound = Bound(sizes, hypers, {})
            bound.tensors.update((t.name, _data(t, rng, positive)) for t in program.inputs)
            return Sample(bound, field)
    return None


def _hypers(program: Program, rng: random.Random, attempt: int) -> Iterator[tuple[Hyper, Any]]:
    for parameter in program.parameters:
        if parameter.value is not None or parameter.kind not in ("Int", "Real", "Bool"):
            continue
        default = parameter.default
        for place, symbol in enumerate(parameter.symbols):
            value = default[place] if isinstance(default, (tuple, list)) else default
            if parameter.kind == "Real":
                yield symbol, rng.randrange(100, 900) / 1024
            elif attempt % 2 and isinstance(value, int):
                yield symbol, value
            else:
                yield symbol, rng.randrange(1, 3) if parameter.kind == "Int" else bool(rng.randrange(2))


def _sizes(program: Program, hypers: dict, rng: random.Random, bounds: tuple[int, int]) -> dict[Size, int] | None:
    derived = dict(program.sizes)
    values: dict[Symbol, Any] = dict(hypers)
    names = [s for t in program.inputs for part in t.parts for s in _by_name(part.extent)]
    names += [s for st in program.statements for part in st.tensor.parts for s in _by_name(part.extent)]
    measured = [s for formula in derived.values() for s in _by_name(formula)]
    for size in dict.fromkeys(names):
        if isinstance(size, Size) and size not in derived:
            values[size] = rng.randint(*(bounds if size in measured else _SMALL[0]))
    for size, formula in derived.items():
        values[size] = Compiler(FLOAT, values).exact(formula)({})
    truth = Compiler(FLOAT, values)
    if any(values[s] < 1 for s in derived) or not all(truth.truth(r)({}) for r in program.requirements):
        return None
    return {s: v for s, v in values.items() if isinstance(s, Size)}


def _by_name(e: Expr) -> list[Symbol]:
    return sorted(e.free_symbols, key=str)


def _data(tensor: Tensor, rng: random.Random, positive: bool) -> _Drawn:
    """A value for each point, read as an array is; what is drawn uniformly stays within its bounds."""
    default = tensor.default
    if (
        isinstance(default, Draw)
        and default.distribution == "uniform"
        and all(a.is_Rational for a in default.arguments)
    ):
        lo, hi = map(float, default.arguments)
        return _Drawn(lambda: lo + (hi - lo) * rng.randrange(100, 900) / 1024)
    draw = {"index": lambda: rng.randrange(2), "bool": lambda: rng.random() < 0.7}.get(
        tensor.kind, lambda: rng.choice((1, 1) if positive else (-1, 1)) * rng.randrange(100, 1500) / 1024
    )
    return _Drawn(draw)


class _Drawn(dict):
    """Data drawn when first read, since an axis of a stated length may be long."""

    def __init__(self, draw: Callable[[], Any]) -> None:
        super().__init__()
        self._draw = draw

    def __missing__(self, position: tuple[int, ...]) -> Any:
        if len(self) >= MOST:
            raise NotMeasured
        value = self[position] = self._draw()
        return value


def is_rational(program: Program) -> bool:
    """Whether a program's values are rational in its inputs, without comparing them."""
    return not any(_leaves_rationals(n) for s in program.statements for p in s.pieces for n in walk(p.rhs))


def _leaves_rationals(node: Any) -> bool:
    if isinstance(node, Pow):
        return not isinstance(node.exp, Integer)
    return isinstance(node, Function) or (isinstance(node, Reduce) and node.op not in ("sum", "prod", "count"))
