"""Where an input is compared with a number: draws meet both sides of each such point, near it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import Basic, Dummy, Expr, Float, Integer, Symbol

from derive.functions import floor, maximum, minimum
from derive.program import Compare, FloorDiv, Program, Read, piece_expressions, rebuild, walk

#: The share of entries that are drawn near a threshold, and how near: away from the kink, in reach of what lies there.
SHARE, NEAR, FAR = 0.4, 0.05, 1.5
#: Nearer to 0 plain draws lie on both sides anyway; farther off nothing else would be left.
_LEAST, _LARGEST = 0.75, 100.0
_DEEP = 4


def thresholds(program: Program, name: str, numbers: dict[Symbol, Any]) -> tuple[float, ...]:
    """The values of one input at which a comparison of a·x + b with a number changes, in order of appearance."""
    x = Dummy("x")
    found: dict[float, None] = {}
    for s in program.statements:
        for e in (e for p in s.pieces for e in piece_expressions(p)):
            for a, b in _sides(e):
                at = _root(_of(program, a - b, name, x, _DEEP), x, numbers)
                if at is not None and _LEAST < abs(at) <= _LARGEST:
                    found.setdefault(at)
    return tuple(found)


def _sides(e: Basic) -> list[tuple[Expr, Expr]]:
    """What is compared with what: in conditions, in the larger or smaller of two; a first whole multiple."""
    pairs = [(n.args[1], n.args[2]) for n in walk(e) if isinstance(n, Compare)]
    pairs += [n.args[:2] for n in walk(e) if isinstance(n, (maximum, minimum, FloorDiv)) and len(n.args) == 2]
    pairs += [(n.args[0], Integer(1)) for n in walk(e) if isinstance(n, floor)]
    return [(a, b) for a, b in pairs if any(isinstance(n, Read) for n in walk(a - b))]


def _of(program: Program, e: Expr, name: str, x: Dummy, depth: int) -> Expr:
    """e with each read of the input as x, and each read of a value made of it entry by entry as its right side."""

    def read(n: Basic) -> Basic:
        if not isinstance(n, Read) or n.tensor == name:
            return x if isinstance(n, Read) else n
        statement = program.definitions.get(n.tensor)
        if depth == 0 or statement is None or len(statement.pieces) != 1:
            return n
        return _of(program, statement.pieces[0].rhs, name, x, depth - 1)

    return rebuild(e, read)


def _number(n: Any) -> Expr:
    """A drawn value as SymPy's."""
    return n if isinstance(n, Expr) else Float(n) if isinstance(n, float) else Integer(int(n))


def _root(e: Expr, x: Dummy, numbers: dict[Symbol, Any]) -> float | None:
    """The x at which a·x + b is 0; None for what is not of that form."""
    given = e.xreplace({s: _number(n) for s, n in numbers.items() if s in e.free_symbols})
    if given.free_symbols != {x} or any(isinstance(n, Read) for n in walk(given)):
        return None
    try:
        at = [float(given.xreplace({x: Integer(v)})) for v in (0, 1, 3)]
    except TypeError:
        return None
    slope = at[1] - at[0]
    affine = abs(at[2] - at[0] - 3 * slope) <= 1e-9 * (abs(at[2]) + abs(at[0]) + 1)
    return -at[0] / slope if slope and affine else None


def near(values: np.ndarray, points: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """The values with some of them moved to either side of a point, each point in its turn."""
    if not points or not values.size:
        return values
    away = rng.uniform(NEAR, FAR, values.shape) * np.where(np.arange(values.size).reshape(values.shape) % 2, 1, -1)
    at = np.asarray(points)[rng.integers(0, len(points), values.shape)]
    return np.where(rng.random(values.shape) < SHARE, at + away, values)
