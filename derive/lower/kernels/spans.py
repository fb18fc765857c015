"""A loop's range cut where an equation begins or ends, or a condition on the loop's letter changes.

Loops in kernels are of arrays with entries: every size is at least 1 here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from sympy import Basic, Expr

from derive.calculus import affine
from derive.lower.conditions import Span
from derive.program import Bind, Compare, Letter, Read, substitute

_SIZES = affine.Ranges()


def not_before(later: Expr, earlier: Expr) -> bool:
    """Whether later ≥ earlier for all sizes."""
    return _SIZES.nonnegative(affine.polynomial(later - earlier))


def within(inner: Span, outer: Span) -> bool:
    return not_before(inner[0], outer[0]) and not_before(outer[1], inner[1])


def settled(condition: Basic, letter: Letter, span: Span) -> bool | None:
    """Whether the condition holds for every, or for no, point of the range; None if that depends."""
    if (span[1] - span[0] - 1).expand() == 0:
        condition = substitute(condition, {letter: span[0]})
    return _SIZES.extended([Bind(letter, *span)]).decide(condition)


def cut(spans: Iterable[Span], conditions: Iterable[Basic], letter: Letter) -> list[Span] | None:
    """The ranges' union in pieces, in order; None where it is not known which end comes first."""
    ordered: list[Expr] = []
    for e in (e for span in spans for e in span):
        more = _inserted(ordered, e)
        if more is None:
            return None
        ordered = more
    for e in (e for c in conditions for e in changes(c, letter)):
        if ordered and not_before(e, ordered[0]) and not_before(ordered[-1], e):
            ordered = _inserted(ordered, e) or ordered
    return list(pairwise(ordered))


def _inserted(ordered: Sequence[Expr], e: Expr) -> list[Expr] | None:
    """The ends with one more, unless it is there."""
    if any((e - other).expand() == 0 for other in ordered):
        return list(ordered)
    below = [k for k, other in enumerate(ordered) if not_before(e, other)]
    above = [k for k, other in enumerate(ordered) if not_before(other, e)]
    if len({*below, *above}) != len(ordered) or (below and above and max(below) > min(above)):
        return None
    place = max(below) + 1 if below else 0
    return [*ordered[:place], e, *ordered[place:]]


def changes(condition: Basic, letter: Letter) -> tuple[Expr, ...]:
    """The points from which on a comparison with the letter holds, or no longer does."""
    if not isinstance(condition, Compare) or condition.has(Read) or not condition.args[1].is_integer:
        return ()
    halves = affine.split(affine.polynomial(condition.args[2] - condition.args[1]), letter)
    step = affine.constant(halves[0]) if halves else None
    if halves is None or step not in (1, -1):
        return ()
    rest = affine.expression(halves[1])
    if condition.op in ("==", "!="):
        return (-int(step) * rest, -int(step) * rest + 1)
    if condition.op == "<":
        return (rest,) if step == -1 else (1 - rest,)
    return (rest + 1,) if step == -1 else (-rest,)
