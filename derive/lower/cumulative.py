"""Reductions up to a point: ``y[k] = Σ j ≤ k  x[j]`` is one pass, and ``Π j ≠ k  x[j]`` two."""

from __future__ import annotations

from sympy import Basic, Mul

from derive.lower.arrays import Array, expanded
from derive.lower.plan import Node
from derive.lower.points import Points, factors_of, real, scaled
from derive.lower.scope import Scope
from derive.program import Bind, Compare, Letter, Reduce, free_letters, substitute

#: What compares the summed letter with the kept one: whether the points come after it, and whether it is among them.
ORDERS = {"<": (False, False), "<=": (False, True)}


def cumulative(points: Points) -> Array | None:
    """A sum or product over one letter up to, or from, another of the same range."""
    found = _bounded(points)
    if found is None:
        return None
    bound, kept, after, among = found
    if points.op == "prod" and not among:
        return None
    outside = [f for f in factors_of(points.body) if bound not in free_letters(f)] if points.op == "sum" else []
    body = Mul(*(f for f in factors_of(points.body) if f not in outside))
    if kept in free_letters(body) or set(free_letters(body)) & (set(points.letters) - {bound}):
        return None
    value = real(points.scope.value(body))
    if bound not in value.dims:
        return None
    dims = tuple(kept if d == bound else d for d in value.dims)
    attrs = (points.op, value.dims.index(bound), after, among)
    return scaled(Array(Node("cumulate", (value.node,), attrs, "real", len(dims)), dims), outside, points)


def chained(points: Points) -> Array | None:
    """``Σ k ≥ j  f[k] · Π i ≤ k, i ≠ j  x[i]``, a product's adjoint: one pass down, ``s[j] = f[j] + x[j+1]·s[j+1]``."""
    found = _bounded(points)
    if found is None or points.op != "sum" or not found[3] or not found[2]:
        return None
    bound, kept, _, _ = found
    factors = factors_of(points.body)
    products = [f for f in factors if isinstance(f, Reduce) and f.op == "prod"]
    if len(products) != 1 or any(kept in free_letters(f) for f in factors if f is not products[0]):
        return None
    x = _but_one(products[0], bound, kept, points)
    rest = Mul(*(f for f in factors if f is not products[0]))
    if x is None or bound not in free_letters(rest):
        return None
    f = real(points.scope.value(rest))
    letters = _letters(f.dims, x.dims, points.scope)
    nodes = tuple(expanded(a, letters, points.scope.extents(letters)).node for a in (f, x))
    dims = tuple(kept if d == bound else d for d in letters)
    return Array(Node("chain", nodes, (letters.index(bound),), "real", len(dims)), dims)


def _but_one(e: Reduce, bound: Letter, kept: Letter, points: Points) -> Array | None:
    """x of ``Π i ≤ bound, i ≠ kept  x[i]``, its letter renamed to ``bound``."""
    binds = [b for b in e.entries if isinstance(b, Bind)]
    if len(binds) != 1 or len(e.entries) != 3 or (binds[0].lo, binds[0].hi) != points.scope.ranges[bound]:
        return None
    i = binds[0].letter
    said = set(e.entries[1:])
    unlike = {Compare("!=", i, kept), Compare("!=", kept, i)}
    if Compare("<=", i, bound) not in said or not said & unlike or free_letters(e.body) & {bound, kept}:
        return None
    return real(points.scope.value(substitute(e.body, {i: bound})))


def _letters(first: tuple[Letter, ...], second: tuple[Letter, ...], scope: Scope) -> tuple[Letter, ...]:
    """The letters of both, outermost first."""
    return tuple(x for x in scope.order if x in first or x in second)


def others(points: Points) -> Array | None:
    """A product over all points of a letter but one."""
    if points.op != "prod" or len(points.letters) != 1 or len(points.filters) != 1:
        return None
    pair = _pair(points.filters[0], points)
    if pair is None or pair[0] != "!=" or pair[2] in free_letters(points.body):
        return None
    _, bound, kept = pair
    value = real(points.scope.value(points.body))
    if bound not in value.dims:
        return None
    dims = tuple(kept if d == bound else d for d in value.dims)
    return Array(Node("others", (value.node,), (value.dims.index(bound),), "real", len(dims)), dims)


def _bounded(points: Points) -> tuple[Letter, Letter, bool, bool] | None:
    """The summed letter, the kept one, whether the sum runs from it on, and whether it is among the points."""
    if points.op not in ("sum", "prod") or len(points.letters) != 1 or len(points.filters) != 1:
        return None
    f = points.filters[0]
    pair = _pair(f, points)
    if pair is None or pair[0] not in ORDERS:
        return None
    assert isinstance(f, Compare)
    return pair[1], pair[2], f.args[1] == pair[2], pair[0] == "<="


def _pair(f: Basic, points: Points) -> tuple[str, Letter, Letter] | None:
    """A comparison of a bound and a kept letter of one range."""
    if not isinstance(f, Compare) or not all(isinstance(a, Letter) for a in f.args[1:]):
        return None
    a, b = f.args[1:]
    bound, kept = (a, b) if a in points.letters else (b, a)
    ranges, fixed = points.scope.ranges, points.scope.fixed
    if bound not in points.letters or kept in points.letters or kept in fixed or ranges.get(kept) != ranges[bound]:
        return None
    return f.op, bound, kept
