"""Which points are a piece's own: those it admits and no earlier piece took."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic

from derive.calculus.affine import Ranges, negate
from derive.program import Bind, Compare, Fresh, Letter, Logic, Piece, rename_bound, substitute, walk


def own_points(piece: Piece, earlier: Sequence[Piece]) -> tuple[Basic, ...] | None:
    """The piece's entries and, for each earlier piece that may overlap it, ``not`` that piece's conditions.

    None: an earlier piece takes every point.
    """
    ranges = Ranges().extended(piece.binds)
    fresh = Fresh(n.name for e in (*piece.entries, piece.rhs) for n in walk(e) if isinstance(n, Letter))
    exclusions: list[Basic] = []
    for other in earlier:
        taken = _taken(piece, other, ranges, fresh)
        if taken is None:
            continue
        if not taken:
            return None
        exclusions.append(negate(taken[0] if len(taken) == 1 else Logic("and", *taken)))
    return (*piece.entries, *exclusions)


def _taken(piece: Piece, other: Piece, ranges: Ranges, fresh: Fresh) -> list[Basic] | None:
    """Conditions under which the other piece takes a point of this one; None: it never does."""
    to_here = {a: b for a, b in zip(other.indices, piece.indices, strict=True) if isinstance(a, Letter)}
    conditions: list[Basic] = [
        Compare("==", b, a) for a, b in zip(other.indices, piece.indices, strict=True) if not isinstance(a, Letter)
    ]
    for e in other.entries:
        if isinstance(e, Bind):
            here = to_here[e.letter]
            lo, hi = (substitute(x, to_here) for x in (e.lo, e.hi))
            conditions += [Compare("<=", lo, here), Compare("<", here, hi)]
        else:
            conditions.append(rename_bound(substitute(e, to_here), fresh))
    open_conditions: list[Basic] = []
    for condition in conditions:
        verdict = ranges.decide(condition)
        if verdict is False or _excluded(condition, piece.conditions):
            return None
        if verdict is None:
            open_conditions.append(condition)
    return open_conditions


def _excluded(condition: Basic, known: Sequence[Basic]) -> bool:
    """Whether one of the known conditions says that this one fails (a < b excludes b < a, b <= a, a == b)."""
    return any(condition in _contraries(k) for k in known)


def _contraries(known: Basic) -> list[Basic]:
    found = [negate(known)]
    if isinstance(known, Compare):
        op, a, b = known.op, known.args[1], known.args[2]
        if op == "<":
            found += [Compare("<=", b, a), Compare("<", b, a), Compare("==", a, b), Compare("==", b, a)]
        elif op == "<=":
            found += [Compare("<", b, a)]
        elif op == "==":
            found += [Compare("<", a, b), Compare("<", b, a), Compare("!=", a, b), Compare("!=", b, a)]
        else:
            found += [Compare("==", a, b), Compare("==", b, a)]
    if isinstance(known, Logic) and known.op == "and":
        found += [c for k in known.conditions for c in _contraries(k)]
    return found
