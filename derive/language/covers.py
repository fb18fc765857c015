"""Pieces of one tensor: told apart by literals and ranges, within their axes, together the whole of it."""

from __future__ import annotations

from sympy import Expr, Integer

from derive.language.floors import sign
from derive.language.ranges import Facts, difference
from derive.language.tables import Build, Equation, Row
from derive.program import Bind, Piece, free_letters

Range = tuple[Expr, Expr]


def check_pieces(build: Build, facts: Facts) -> None:
    """Refuse literals outside their axis, two equations for the same points, and points without an equation."""
    for row in build.rows:
        if row.pieces:
            _check_literals(row)
            _check_overlap(row, facts)
            _check_cover(row, facts)


def _ranges(piece: Piece) -> list[Range]:
    """Where each index runs: [lo, hi)."""
    binds = {b.letter: b for b in piece.entries if isinstance(b, Bind)}
    out = []
    for index in piece.indices:
        bind = binds.get(index)
        out.append((bind.lo, bind.hi) if bind else (index, index + 1))
    return out


def _check_literals(row: Row) -> None:
    for piece, equation in zip(row.pieces, row.equations, strict=True):
        for index, slot in zip(piece.indices, row.slots, strict=True):
            if index.is_Integer and slot.extent.is_Integer and index >= slot.extent + slot.origin:
                message = f"the index {index} is out of range: the axis has extent {slot.extent}"
                raise equation.scope.error(message, equation.target, "count from 0")


def _literals(piece: Piece) -> int:
    return sum(i.is_Integer for i in piece.indices)


def _check_overlap(row: Row, facts: Facts) -> None:
    """Two equations with as many literals and no conditions must differ in a literal or have ranges apart."""
    plain = [(p, e) for p, e in zip(row.pieces, row.equations, strict=True) if not p.conditions]
    for at, (a, _) in enumerate(plain):
        for b, equation in plain[at + 1 :]:
            if _literals(a) == _literals(b) and _same_points(_ranges(a), _ranges(b), facts):
                message = f"{row.name} has two equations for the same points"
                mend = f"tell them apart by a range or a condition: {row.name}[n < S] = …"
                raise equation.scope.error(message, equation.target, mend)


def _same_points(a: list[Range], b: list[Range], facts: Facts) -> bool:
    return all(facts.equal(x[0], y[0]) and facts.equal(x[1], y[1]) for x, y in zip(a, b, strict=True))


def _check_cover(row: Row, facts: Facts) -> None:
    """Along each axis, the ranges of the equations without conditions must not leave a gap that is certain."""
    if any(p.conditions for p in row.pieces):
        return
    for position, slot in enumerate(row.slots):
        ranges = [_ranges(p)[position] for p in row.pieces]
        if any(free_letters(e) for r in ranges for e in r):
            continue
        gap = _gap(ranges, Integer(slot.origin), facts.solve(slot.extent) + slot.origin, facts)
        if gap is not None:
            raise _uncovered(row.equations[0], row, gap, position)


def _uncovered(equation: Equation, row: Row, at: Expr, position: int) -> Exception:
    message = f"{row.name} has no equation where axis {position + 1} is {at}"
    mend = "add one, or declare the smaller extent"
    return equation.scope.error(message, equation.target, mend)


def _gap(ranges: list[Range], lo: Expr, hi: Expr, facts: Facts) -> Expr | None:
    """The first point of [lo, hi) that is certainly in no range, or None."""
    end = lo
    left = list(ranges)
    while left:
        following = [r for r in left if sign(facts.unfold(end - r[0])) == 1]
        if not following:
            starts = [difference(facts.unfold(r[0]), facts.unfold(end)) for r in left]
            return end if all(sign(s - 1) == 1 for s in starts) and _inside(end, hi, facts) else None
        for r in following:
            left.remove(r)
            if sign(facts.unfold(r[1] - end)) == 1:
                end = r[1]
    return end if _inside(end, hi, facts) else None


def _inside(point: Expr, hi: Expr, facts: Facts) -> bool:
    return sign(facts.unfold(hi - point) - 1) == 1
