"""Short axes told apart by number: ``Σ_{q<4} where(s == q, f_q, 0)`` term by term, conditions on numbers settled."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable

from sympy import Add, Basic, Expr, Integer

from derive.program import Bind, Compare, Letter, Logic, Read, Reduce, Truth, Where, rebuild, substitute, walk

#: The longest axis that is written value by value.
LONGEST = 8
_COMPARE: dict[str, Callable[[Basic, Basic], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def told_apart(binds: Iterable[Bind], e: Basic) -> Bind | None:
    """A short letter that the expression compares with what is no data."""
    compared = {a for n in walk(e) if isinstance(n, Compare) and not n.has(Read) for a in n.args[1:]}
    return next((b for b in binds if is_short(b) and b.letter in compared), None)


def is_short(b: Bind) -> bool:
    """Whether the letter takes few values."""
    return b.lo == 0 and b.hi.is_Integer is True and 2 <= int(b.hi) <= LONGEST


def term_by_term(e: Expr) -> Expr:
    """Sums over short letters that are told apart as the sums of their terms."""

    def one(n: Basic) -> Basic:
        if not isinstance(n, Reduce) or n.op != "sum" or n.filters or len(n.binds) != 1:
            return n
        b = told_apart(n.binds, n.body)
        return n if b is None else Add(*(at(n.body, b.letter, k) for k in range(int(b.hi))))

    return settled(rebuild(e, one)) if any(isinstance(n, Reduce) for n in walk(e)) else e


def at(e: Basic, letter: Letter, value: int) -> Basic:
    """The expression at one value of the letter."""
    return settled(substitute(e, {letter: Integer(value)}))


def settled(e: Basic) -> Basic:
    """The expression without conditions on numbers alone."""
    return rebuild(e, _settled_here)


def _settled_here(e: Basic) -> Basic:
    if isinstance(e, Compare) and all(isinstance(a, Integer) for a in e.args[1:]):
        return Truth(_COMPARE[e.op](*e.args[1:]))
    if isinstance(e, Logic):
        return _logic(e)
    if isinstance(e, Where) and isinstance(e.args[0], Truth):
        return e.args[1] if e.args[0] else e.args[2]
    return e


def _logic(e: Logic) -> Basic:
    if e.op == "not":
        (c,) = e.conditions
        return Truth(not c) if isinstance(c, Truth) else e
    ends = e.op == "or"  # the truth that decides alone
    left = [c for c in e.conditions if not isinstance(c, Truth)]
    if any(isinstance(c, Truth) and bool(c) == ends for c in e.conditions):
        return Truth(ends)
    if len(left) == len(e.conditions):
        return e
    return Logic(e.op, *left) if len(left) > 1 else left[0] if left else Truth(not ends)
