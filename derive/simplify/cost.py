"""How long an expression is to read: the measure by which one form is preferred to another."""

from __future__ import annotations

from sympy import Basic, Function, Pow, Rational, Symbol

from derive.functions import function_name
from derive.program import Read, Reduce, Where

#: What a node costs beside its parts; a heuristic.
REDUCE, CALL, WHERE, READ, LEAF, POWER = 4, 3, 2, 2, 1, 1


def cost(e: Basic) -> int:
    """Leaves and operations, weighted; indices of reads are free."""
    if isinstance(e, Read):
        return READ
    if isinstance(e, Reduce):
        return REDUCE + cost(e.body) + sum(map(cost, e.filters))
    if isinstance(e, Where):
        return WHERE + sum(map(cost, e.args))
    if isinstance(e, Rational):
        return 0 if abs(e) == 1 else LEAF
    if isinstance(e, Symbol):
        return LEAF
    if isinstance(e, Pow):
        return POWER + cost(e.base) + (0 if e.exp.is_Rational else cost(e.exp))
    own = CALL if function_name(e) or isinstance(e, Function) else 0
    return own + sum(map(cost, e.args))
