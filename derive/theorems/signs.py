"""The sign of an expression whose symbols are positive, some of them below 1.

A symbol below 1 is 1/(1 + q) with q > 0; a fraction whose terms then all have one sign has it everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Add, Basic, Dummy, Expr, expand, fraction, together

from derive.program import Hyper, Read, walk


def sign_of(e: Expr, below_one: Iterable[Basic]) -> int | None:
    """1, −1 or 0 where the expression is positive, negative or 0 for all such values; None if that is not plain."""
    small = tuple(below_one)
    names: dict[Basic, Expr] = {h: 1 / (1 + Dummy(str(h), positive=True)) for h in small}
    for n in walk(e):
        if isinstance(n, Hyper | Read):
            names.setdefault(n, Dummy(str(n), positive=True))
    top, bottom = fraction(together(e.xreplace(names)))
    above, below = _sign(expand(top)), _sign(expand(bottom))
    return None if above is None or not below else above * below


def _sign(e: Expr) -> int | None:
    """The sign that all terms of a sum have."""
    if e == 0:
        return 0
    signs = {1 if a.is_positive else -1 if a.is_negative else None for a in Add.make_args(e)}
    return signs.pop() if len(signs) == 1 else None
