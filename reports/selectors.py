"""``y[s] = [s = 0] · a + [s = 1] · b``, said as ``y[0] = a`` and ``y[1] = b``: a short axis value by value."""

from __future__ import annotations

from sympy import Add, Basic, Expr, Integer, Mul

from derive.program import Bind, Compare, Letter, Logic, Piece, Reduce, Truth, Where, rebuild, substitute
from derive.reports.typeset import conjuncts

#: An axis longer than this is not said value by value.
LONGEST = 8


def by_value(piece: Piece) -> tuple[Piece, ...]:
    """The piece once for each value of a left letter that selects every term; else as it is."""
    for bind in piece.binds:
        if bind.lo == 0 and bind.hi.is_Integer and bind.hi <= LONGEST and bind.letter in piece.indices:
            chosen = _chosen(piece.rhs, bind.letter)
            if chosen and len(chosen) >= bind.hi - 1:
                return tuple(part for v in range(int(bind.hi)) for part in by_value(_at(piece, bind, Integer(v))))
    return (piece,)


def _chosen(e: Expr, letter: Letter) -> frozenset[int]:
    """The values at which the terms of a sum are not 0 by an equality; none if a term has no such equality."""
    if isinstance(e, Add):
        terms = [_chosen(term, letter) for term in e.args]
        return frozenset[int]().union(*terms) if all(terms) else frozenset()
    if isinstance(e, Mul):
        return next((found for found in (_chosen(a, letter) for a in e.args) if found), frozenset())
    if isinstance(e, Where) and e.args[2] == 0:
        return _required(conjuncts(e.args[0]), letter) or _chosen(e.args[1], letter)
    if isinstance(e, Reduce) and e.op == "sum":
        return _required(e.filters, letter) or _chosen(e.body, letter)
    return frozenset()


def _required(conditions: tuple[Basic, ...], letter: Letter) -> frozenset[int]:
    """The value that ``letter == 2`` among the conditions asks for."""
    return frozenset(
        int(c.args[2])
        for c in conditions
        if isinstance(c, Compare) and c.op == "==" and c.args[1] == letter and c.args[2].is_Integer
    )


def _at(piece: Piece, bind: Bind, value: Integer) -> Piece:
    """The piece at one value of a letter, what that decides decided."""

    def there(e: Basic) -> Basic:
        return rebuild(substitute(e, {bind.letter: value}), _decided)

    indices = tuple(value if i == bind.letter else i for i in piece.indices)
    return Piece(indices, tuple(there(e) for e in piece.entries if e != bind), there(piece.rhs))


def _decided(e: Basic) -> Basic:
    """``2 == 1`` → False; what is chosen by that, or summed under it"""
    if isinstance(e, Compare) and e.op == "==" and all(a.is_Integer for a in e.args[1:]):
        return Truth(e.args[1] == e.args[2])
    if isinstance(e, Logic) and e.op == "and":
        left = [c for c in e.conditions if not (isinstance(c, Truth) and c)]
        if any(isinstance(c, Truth) for c in left) or not left:
            return Truth(not left)
        return left[0] if len(left) == 1 else Logic("and", *left)
    if isinstance(e, Where) and isinstance(e.args[0], Truth):
        return e.args[1] if e.args[0] else e.args[2]
    if isinstance(e, Reduce) and e.op == "sum" and any(isinstance(f, Truth) for f in e.filters):
        kept = [f for f in e.entries if not (isinstance(f, Truth) and f)]
        return Integer(0) if any(isinstance(f, Truth) for f in kept) else Reduce("sum", kept, e.body)
    return e
