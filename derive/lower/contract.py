"""Σ of a product as matrix products, the best pair of factors first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr

from derive.lower.arrays import Array, aligned, elementwise, expanded, index, product, reduced, reshaped, transposed
from derive.lower.plan import ALL, Node, at
from derive.lower.scope import Scope
from derive.program import Letter

Letters = tuple[Letter, ...]


def contract(factors: Sequence[Array], bound: Iterable[Letter], scope: Scope) -> Array:
    """Σ over ``bound`` of Π factors; every bound letter is an axis of some factor."""
    factors, left = list(factors), list(bound)
    while True:
        factors = _same_letters(factors, scope)
        factors = [_own_sums(f, k, factors, left) for k, f in enumerate(factors)]
        left = [b for b in left if any(b in f.dims for f in factors)]
        if len(factors) == 1:
            return reduced("sum", factors[0], [b for b in left if b in factors[0].dims])
        i, j = _best_pair(factors, left)
        a, b = factors[i], factors[j]
        others = [f for k, f in enumerate(factors) if k not in (i, j)]
        gone = tuple(x for x in left if (x in a.dims or x in b.dims) and not any(x in f.dims for f in others))
        factors = [*others[:i], pair(a, b, gone, scope), *others[i:]]


def _same_letters(factors: list[Array], scope: Scope) -> list[Array]:
    """Factors over the same letters are multiplied at once."""
    groups: dict[frozenset, Array] = {}
    for f in factors:
        key = frozenset(f.dims)
        groups[key] = elementwise("mul", [groups[key], f], scope.order, "real") if key in groups else f
    return list(groups.values())


def _own_sums(f: Array, k: int, factors: list[Array], left: list[Letter]) -> Array:
    """A bound letter of one factor only is summed there, unless it is the only factor."""
    if len(factors) == 1:
        return f
    others = {d for n, g in enumerate(factors) if n != k for d in g.dims}
    return reduced("sum", f, [b for b in left if b in f.dims and b not in others])


def _best_pair(factors: list[Array], left: list[Letter]) -> tuple[int, int]:
    """The pair whose product, after its sums, has the fewest letters."""

    def cost(i: int, j: int) -> tuple[int, int, int, int]:
        letters = {*factors[i].dims, *factors[j].dims}
        others = {d for k, f in enumerate(factors) if k not in (i, j) for d in f.dims}
        result = [x for x in letters if x not in left or x in others]
        shared = len(set(factors[i].dims) & set(factors[j].dims))
        return len(result), -shared, i, j

    pairs = [(i, j) for i in range(len(factors)) for j in range(i + 1, len(factors))]
    return min(pairs, key=lambda p: cost(*p))


@dataclass(frozen=True)
class Roles:
    """The letters of a two-factor contraction: in both and kept, of a alone, of b alone, summed."""

    batch: Letters
    rows: Letters
    columns: Letters
    summed: Letters


def roles(a: Array, b: Array, gone: Letters) -> Roles:
    return Roles(
        tuple(x for x in a.dims if x in b.dims and x not in gone),
        tuple(x for x in a.dims if x not in b.dims),
        tuple(x for x in b.dims if x not in a.dims),
        tuple(x for x in a.dims if x in b.dims and x in gone),
    )


def pair(a: Array, b: Array, gone: Letters, scope: Scope) -> Array:
    """Σ over ``gone`` of a·b, as a matrix product where there is one."""
    rank = {letter: k for k, letter in enumerate(scope.order)}
    r = roles(a, b, gone)
    first = min((rank[x] for x in r.rows), default=len(rank))
    if min((rank[x] for x in r.columns), default=len(rank)) < first:
        a, b = b, a
        r = roles(a, b, gone)
    if not r.summed or not (r.rows or r.columns):
        return reduced("sum", elementwise("mul", [a, b], scope.order, "real"), gone)
    if r.batch:
        return _batched(a, b, r, scope)
    if len(r.rows) <= 1 and len(r.columns) <= 1 and len(r.summed) == 1:
        left, right = transposed(a, r.rows + r.summed), transposed(b, r.summed + r.columns)
        dims = r.rows + r.columns
        return Array(Node("matmul", (left.node, right.node), (), "real", len(dims)), dims)
    rows, columns = tuple(x for x in a.dims if x in r.rows), tuple(x for x in b.dims if x in r.columns)
    axes = (tuple(a.dims.index(x) for x in r.summed), tuple(b.dims.index(x) for x in r.summed))
    dims = rows + columns
    return Array(Node("tensordot", (a.node, b.node), axes, "real", len(dims)), dims)


def _batched(a: Array, b: Array, r: Roles, scope: Scope) -> Array:
    """One matrix product for each point of the letters both factors keep."""
    left = _matrices(a, r.batch, r.rows, r.summed, scope)
    right = _matrices(b, r.batch, r.summed, r.columns, scope)
    if len(r.rows) <= 1 and len(r.columns) <= 1:
        node = Node("matmul", (left, right), (), "real", len(r.batch) + 2)
        items = [ALL] * len(r.batch) + [ALL if r.rows else at(0), ALL if r.columns else at(0)]
        return Array(index(node, items), r.batch + r.rows + r.columns)
    node = Node("matmul", (left, right), (), "real", len(r.batch) + 2)
    dims = r.batch + r.rows + r.columns
    return Array(reshaped(node, scope.extents(dims)), dims)


def _matrices(a: Array, batch: Letters, rows: Letters, columns: Letters, scope: Scope) -> Node:
    """a as (batch…, one axis of rows, one axis of columns)."""
    if len(rows) == 1 and len(columns) == 1:
        return transposed(a, batch + rows + columns).node
    flat = transposed(a, batch + rows + columns).node
    shape: list[Expr] = [*scope.extents(batch), product(scope.extents(rows)), product(scope.extents(columns))]
    return reshaped(flat, shape)


__all__ = ["Roles", "aligned", "contract", "expanded", "pair", "roles"]
