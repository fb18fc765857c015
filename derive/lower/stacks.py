"""Stacks: ``Σ where(s == 0, a, 0) + where(s == 1, b, 0) + …`` for a short axis s is a, b, … side by side."""

from __future__ import annotations

from sympy import Add, Basic, Expr, Mul

from derive.lower.arrays import Array, expanded, merged, real_node
from derive.lower.plan import Node
from derive.lower.scope import Scope
from derive.program import Compare, Letter, Where, free_letters


def stack(e: Add, scope: Scope) -> Array | None:
    """The terms as slices of one array; None unless each point of one letter has exactly one term."""
    slices: dict[int, Expr] = {}
    letters: dict[Letter, None] = {}
    for term in e.args:
        found = _slice(term, scope)
        if found is None or found[1] in slices:
            return None
        letters[found[0]] = None
        slices[found[1]] = found[2]
    if len(letters) != 1:
        return None
    (letter,) = letters
    lo, hi = scope.ranges[letter]
    if not (lo.is_Integer and hi.is_Integer) or list(range(int(lo), int(hi))) != sorted(slices):
        return None
    if any(letter in free_letters(x) for x in slices.values()):
        return None
    arrays = [scope.value(slices[k]) for k in sorted(slices)]
    dims = merged([a for a in arrays if not a.is_scalar], scope.order)
    if any(a.is_scalar for a in arrays) or not dims:
        return None
    nodes = tuple(real_node(expanded(a, dims, scope.extents(dims))) for a in arrays)
    axis = sum(1 for d in dims if scope.order.index(d) < scope.order.index(letter))
    return Array(Node("stack", nodes, (axis,), "real", len(dims) + 1), (*dims[:axis], letter, *dims[axis:]))


def _slice(term: Basic, scope: Scope) -> tuple[Letter, int, Expr] | None:
    """``a·where(letter == k, b, 0)`` as (letter, k, a·b)."""
    for f in Mul.make_args(term):
        if isinstance(f, Where) and f.args[2] == 0 and isinstance(f.args[0], Compare) and f.args[0].op == "==":
            letter, k = f.args[0].args[1:]
            letter, k = (k, letter) if isinstance(k, Letter) else (letter, k)
            if isinstance(letter, Letter) and letter in scope.ranges and letter not in scope.fixed and k.is_Integer:
                rest = Mul(*(g for g in Mul.make_args(term) if g is not f), f.args[1])
                return letter, int(k), rest
    return None
