"""Inputs made from a program's axes and conditions, since inputs decide as much as the method.

*plain*: small sizes.  *asymmetric*: every size, stride, padding and dilation different.  *equal*: all sizes the
same.  *boundary*: zeros, ties, large values, everything masked, size 1, an empty axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Symbol

from derive.bind import bind
from derive.closures import Compiler
from derive.errors import DeriveError
from derive.fields import FLOAT
from derive.interpreter import Evaluator
from derive.program import Axis, Bind, Draw, Parameter, Program, Reduce, Size, Tensor, walk
from derive.verify.hyperparameters import hyperparameters, is_symbolic, plain
from derive.verify.index_uses import LENGTH, START, index_uses, longest, meaning
from derive.verify.thresholds import near, thresholds

SMOOTH = ("plain", "asymmetric", "equal")
BOUNDARY = ("zeros", "ties", "large", "masked", "ones", "empty")
KINDS = SMOOTH + BOUNDARY
_ATTEMPTS = 120
_WORK = 12_000
_STEPS = 16
_MORE, _ENOUGH = 8, 800  # draws after the first for fewer points, and the points that are few already
_RUN = {"plain": 6, "asymmetric": 7}  # steps of an update rule: states, and what begins after some steps, must show
_TELLING = ("asymmetric", "large")  # kinds whose whole numbers reach far, so that what they measure has many points
_MANY = 7  # sizes of which no two can be the same without much work


@dataclass(frozen=True)
class Case:
    """A program with numbers for all of it: sizes, hyperparameters and input arrays in user shape."""

    kind: str
    program: Program
    sizes: dict[Symbol, int]
    hypers: dict[str, object]
    inputs: dict[str, np.ndarray]
    seed: int
    packs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    kept: dict = field(default_factory=dict, compare=False, repr=False)  # what oracles remember between runs

    @property
    def smooth(self) -> bool:
        """Whether differences may be taken here (boundary cases sit on kinks on purpose)."""
        return self.kind in SMOOTH

    @cached_property
    def numbers(self) -> dict[Symbol, object]:
        """Every size and hyperparameter's value."""
        bound = bind(self.program, self.inputs, self.hypers)
        return {**bound.sizes, **bound.hypers}

    @cached_property
    def points(self) -> int:
        """Points that one evaluation visits."""
        return work(self.program, self.numbers)

    @property
    def differentiable(self) -> tuple[str, ...]:
        return tuple(t.name for t in self.program.inputs if t.differentiable)

    def hyper(self, p: Parameter) -> Any:
        """The value of one hyperparameter, fixed or not, as a plain number or a tuple of them."""
        if not is_symbolic(p):
            return plain(p.value)
        values = tuple(self.numbers[s] for s in p.symbols)
        return values if p.length else values[0]

    def title(self) -> str:
        """The case in words: its kind and its sizes."""
        sizes = ", ".join(f"{s.name}={n}" for s, n in self.sizes.items())
        return f"{self.kind} ({sizes})" if sizes else self.kind

    def with_inputs(self, inputs: dict[str, np.ndarray]) -> Case:
        return replace(self, inputs={**self.inputs, **inputs})


def cases(program: Program, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> Iterator[Case]:
    """One case of each kind that the program admits; kinds it does not admit are left out."""
    for kind in kinds:
        case = make(program, kind, seed)
        if case is not None:
            yield case


def make(program: Program, kind: str, seed: int = 0) -> Case | None:
    """A valid case of that kind, or None: sizes are drawn until every derived size and requirement holds."""
    if kind == "masked" and not any(t.kind == "bool" for t in program.inputs):
        return None
    first = None  # differences between hyperparameters are worth smaller sizes
    for points, small in ((_WORK, False), (2 * _WORK, False), (4 * _WORK, True)):
        case = _drawn(program, kind, seed, points, small)
        if case is not None and (kind != "asymmetric" or case.hypers == hyperparameters(program, kind)):
            return case
        first = first or case
    return first


def _drawn(program: Program, kind: str, seed: int, points: int, small: bool) -> Case | None:
    """The first draw that is valid and visits no more than so many points, twice as many if need be.

    Of sizes that are all different the order is free: a few more draws are made for one that visits fewer points.
    ``small``: with sizes of 1 among the others, for programs whose work is a product of many sizes.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    found, last = None, _ATTEMPTS
    for attempt in range(_ATTEMPTS):
        if attempt == last:
            break
        hypers = hyperparameters(program, kind if attempt < _ATTEMPTS // 2 else "plain")
        sizes, packs = _sizes(program, kind, attempt if found is None else 0, rng, small)
        most = points if attempt < _ATTEMPTS // 3 else 2 * points
        try:
            if kind in ("plain", "asymmetric") and attempt < 2 * _ATTEMPTS // 3:
                sizes = _grown(program, sizes, hypers, 3 if kind == "asymmetric" else 2)
            case = _filled(program, kind, seed, sizes, packs, hypers, most if found is None else found.points - 1)
        except (DeriveError, ZeroDivisionError):
            continue
        if found is None and case is not None:
            last = attempt + 1 + (_MORE if _differs(kind, attempt, case) else 0)
        found = case or found
    return found


def _differs(kind: str, attempt: int, case: Case) -> bool:
    """Whether sizes all different were drawn, of many points."""
    return kind == "asymmetric" and attempt < _ATTEMPTS // 3 and len(case.sizes) <= _MANY and case.points > _ENOUGH


# ------------------------------------------------------------------------------ sizes


def free_sizes(program: Program) -> tuple[Size, ...]:
    """The sizes that the inputs' shapes decide, in order of appearance."""
    derived = {s for s, _ in program.sizes}
    found: dict[Size, None] = {}
    for tensor in program.inputs:
        for part in tensor.parts:
            for n in walk(part.extent):
                if isinstance(n, Size) and n not in derived:
                    found.setdefault(n)
    return tuple(found)


def _sizes(
    program: Program, kind: str, attempt: int, rng: np.random.Generator, small: bool = False
) -> tuple[dict[Size, int], dict[str, tuple[int, ...]]]:
    """A draw of every free size, growing with the attempt; a pack is drawn as the axes it stands for."""
    names = free_sizes(program)
    ranks = {"plain": 1, "asymmetric": 2, "equal": 1, "ones": 0, "ties": 2}
    counts = [max(ranks.get(kind, 1) - attempt // 40, 0) if s.is_pack else 1 for s in names]
    draw = _draw_small if small and kind not in ("equal", "ones", "empty") else _draw
    drawn = iter(draw(kind, sum(counts), attempt, rng))
    sizes, packs = {}, {}
    for s, count in zip(names, counts, strict=True):
        axes = tuple(next(drawn) for _ in range(count))
        sizes[s] = int(np.prod(axes, dtype=int))
        if s.is_pack:
            packs[s.name] = axes
    if program.role == "optimizer":
        steps = next((t.parts[0].extent for t in reversed(program.inputs) if t.parts), None)
        sizes = {s: max(n, _RUN.get(kind, 0)) if s == steps else n for s, n in sizes.items()}
    span = longest(program) if kind == "large" and attempt < _ATTEMPTS // 3 else 0
    return {s: max(n, span + 2) if span and not s.is_pack else n for s, n in sizes.items()}, packs


def _grown(program: Program, sizes: dict[Size, int], hypers: dict[str, object], most: int) -> dict[Size, int]:
    """The sizes with those enlarged on which a derived one rests that has a single point.

    An axis of one point hides what is exchanged, turned round or left out along it.  ``most``: steps a derived size
    may take; where none helps, the sizes stay as they are.
    """
    grown = dict(sizes)
    for place, (size, _) in enumerate(program.sizes):
        wanted = 2 + place % (most - 1)
        for _ in range(_STEPS):
            now = _derived(program, grown, hypers)[size]
            if now >= wanted:
                break
            free = (s for s in grown if not s.is_pack)
            chosen = next((s for s in free if _derived(program, {**grown, s: grown[s] + 4}, hypers)[size] > now), None)
            if chosen is None:
                break
            grown[chosen] += 1
    return grown


def _derived(program: Program, sizes: dict[Size, int], hypers: dict[str, object]) -> dict[Size, int]:
    """Every derived size."""
    numbers: dict[Symbol, Any] = {**sizes, **_hyper_symbols(program, hypers)}
    for size, e in program.sizes:
        numbers[size] = Compiler(FLOAT, numbers).index(e)({})
    return {size: numbers[size] for size, _ in program.sizes}


def _draw(kind: str, n: int, attempt: int, rng: np.random.Generator) -> list[int]:
    if kind == "asymmetric":
        if attempt < _ATTEMPTS // 3 and n <= _MANY:
            return [int(v) for v in rng.permutation(np.arange(2, 2 + n + attempt // 6))[:n]]
        drawn = [2 + int(rng.integers(0, 2))]  # too much work: at least neighbours differ
        while len(drawn) < n:
            drawn.append(int(rng.choice([v for v in (2, 3, 4) if v != drawn[-1]])))
        return drawn[:n]
    if kind == "equal":
        return [2 + attempt % 10] * n
    if kind == "ones":
        return [1 if rng.random() >= attempt / 40 else int(rng.integers(1, 4 + attempt // 12)) for _ in range(n)]
    drawn = [int(v) for v in rng.integers(2, 4 + attempt // 12, size=n)]
    if kind == "empty" and n:
        drawn[attempt % n] = 0
    return drawn


def _draw_small(kind: str, n: int, attempt: int, rng: np.random.Generator) -> list[int]:
    """Sizes of at most 3, neighbours different; or all 2, but for a few of 1 where that is too much work."""
    if kind != "asymmetric":
        ones = set(rng.permutation(n)[: attempt // 10])
        return [1 if k in ones else 2 for k in range(n)]
    drawn = [2]
    while len(drawn) < n:
        drawn.append(int(rng.choice([v for v in (1, 2, 3) if v != drawn[-1]])))
    return drawn[:n]


def user_shape(axes: tuple[Axis, ...], extent: Callable, packs: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape a caller gives: composite axes are one, a pack alone in its axis is several."""
    shape: list[int] = []
    for axis in axes:
        name = getattr(axis[0].extent, "name", "") if len(axis) == 1 else ""
        if name in packs:
            shape += packs[name]
        else:
            shape.append(int(np.prod([extent(part.extent) for part in axis], dtype=int)))
    return tuple(shape)


# ------------------------------------------------------------------------------ data


def _filled(
    program: Program,
    kind: str,
    seed: int,
    sizes: dict[Size, int],
    packs: dict[str, tuple[int, ...]],
    hypers: dict[str, object],
    most: int,
) -> Case | None:
    """The case with data, if all derived extents are positive (not negative, for the empty case)."""
    numbers = {**sizes, **_hyper_symbols(program, hypers), **_derived(program, sizes, hypers)}
    extent = _extent(numbers)
    shapes = {t.name: user_shape(t.axes, extent, packs) for t in program.inputs}
    rng = np.random.default_rng([seed, KINDS.index(kind), 1])
    least = 0 if kind == "empty" else 1
    if any(n < least for shape in shapes.values() for n in shape) or work(program, numbers) > most:
        return None
    for positive in (False, True):
        made = {t.name: _data(program, t, shapes[t.name], kind, rng, numbers, positive) for t in program.inputs}
        case = Case(kind, program, dict(sizes), hypers, made, seed, packs)
        evaluator = Evaluator(program, bind(program, made, hypers))
        extents = [hi - lo for s in program.statements for lo, hi in evaluator.range_of(s.name)]
        if any(n < least for n in extents):
            return None
        finite = [_finite(evaluator, name) for name in program.outputs]  # an index out of range raises
        if kind not in SMOOTH or all(finite):
            return case
    return None


def _hyper_symbols(program: Program, hypers: dict[str, object]) -> dict[Symbol, object]:
    """Symbols of the hyperparameters to their values; defaults may name earlier ones."""
    found: dict[Symbol, object] = {}
    for p in program.parameters:
        value = hypers.get(p.name, p.value if p.value is not None else p.default)
        values = list(value) if isinstance(value, (tuple, list)) else [value] * max(p.length, 1)
        for symbol, v in zip(p.symbols, values, strict=False):
            found[symbol] = v.xreplace(found) if hasattr(v, "xreplace") else v
    return found


def _extent(numbers: dict[Symbol, Any]) -> Callable:
    compiler = Compiler(FLOAT, numbers)
    return lambda e: compiler.index(e)({})


def work(program: Program, numbers: dict[Symbol, Any]) -> int:
    """Points visited in one evaluation, reductions included; ranges that depend on letters as at 0."""
    compiler, total = Compiler(FLOAT, numbers), 0
    for piece in (p for s in program.statements for p in s.pieces):
        each = max((_ranges(compiler, n.binds) for n in walk(piece.rhs) if isinstance(n, Reduce)), default=1)
        total += _ranges(compiler, piece.binds) * each
    return total


class _AtZero(dict):
    def __missing__(self, name: str) -> int:
        return 0


def _ranges(compiler: Compiler, binds: tuple[Bind, ...]) -> int:
    at = _AtZero()
    return math.prod(max(compiler.index(b.hi)(at) - compiler.index(b.lo)(at), 1) for b in binds)


def _finite(evaluator: Evaluator, name: str) -> bool:
    return bool(np.isfinite(np.asarray(evaluator.array(name), dtype=float)).all())


def _data(
    program: Program,
    tensor: Tensor,
    shape: tuple[int, ...],
    kind: str,
    rng: np.random.Generator,
    numbers: dict[Symbol, Any],
    positive: bool,
) -> np.ndarray:
    """Values of one input, by its kind and the case's."""
    if tensor.kind == "bool":
        return np.zeros(shape, bool) if kind == "masked" else rng.random(shape) < 0.7
    if tensor.kind == "index":
        return _indices(program, tensor, shape, kind, rng, numbers)
    compared = thresholds(program, tensor.name, numbers) if kind in ("plain", "asymmetric") else ()
    default = tensor.default
    if (
        isinstance(default, Draw)
        and default.distribution == "uniform"
        and all(a.is_Rational for a in default.arguments)
    ):
        lo, hi = map(float, default.arguments)
        return lo + (hi - lo) * rng.uniform(0.1, 0.9, shape)
    if tensor.kind == "const":
        return np.abs(near(rng.uniform(0.5, 1.5, shape), compared, rng))
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "ties":
        return rng.integers(-1, 2, shape).astype(float)
    if positive:
        return rng.uniform(0.2, 0.9, shape)
    values = rng.normal(size=shape) * (30.0 if kind == "large" else 1.0)
    return near(values, compared, rng)


def _meant(values: np.ndarray, meaning: str, top: int) -> np.ndarray:
    """Starts rise from 0, two by two; lengths are more than half of what there is room for."""
    if meaning == START and values.ndim == 1:
        rising = np.sort(values - values % 2)
        return rising - rising[:1]
    return np.maximum(values, top // 2) if meaning == LENGTH else values


def _apart(rng: np.random.Generator, shape: tuple[int, ...], top: int, marks: list[int]) -> np.ndarray:
    """Each number once before any is twice, so that what is chosen among differs; one of them marked, the last."""
    free = np.array([v for v in range(top) if v not in marks] or [0])
    values = free[rng.permutation(math.prod(shape)) % len(free)].reshape(shape)
    if marks and values.size > 1:
        values.flat[-1] = marks[0]
    return values


def _indices(
    program: Program,
    tensor: Tensor,
    shape: tuple[int, ...],
    kind: str,
    rng: np.random.Generator,
    numbers: dict[Symbol, Any],
) -> np.ndarray:
    """Whole numbers within the axes they index; now and then one that the text compares them with."""
    extent = _extent(numbers)
    bounds, special = index_uses(program, tensor.name)
    top = min((extent(b) for b in bounds), default=3)
    values = rng.integers(0, max(top, 1), shape)
    if kind == "ties":
        values = values * 0 + values.reshape(-1)[0] if values.size else values
    marks = [int(numbers.get(s, s)) for s in special]
    if kind == "large":
        values = _apart(rng, shape, top, marks)
    if kind in _TELLING:
        values = _meant(values, meaning(program, tensor.name), top)
    for mark in marks if kind != "large" else ():
        chosen = rng.permutation(values.size)[: (values.size + 1) // 4]  # one in four: enough of the others are left
        values.flat[chosen] = mark
    if kind == "zeros" and marks:
        values = np.full(shape, marks[0])
    counted = next((v for v in range(top) if v not in marks), None)
    if kind in SMOOTH and marks and values.size and counted is not None:
        values.flat[0] = values.flat[-1] = counted  # a loop that stops short must miss something
    return values
