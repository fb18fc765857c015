"""Reductions up to a point: ``y[k] = Σ j ≤ k  x[j]`` is one pass, and ``Π j ≠ k  x[j]`` two."""

from __future__ import annotations

from sympy import Basic, Mul

from derive.lower.arrays import Array
from derive.lower.plan import Node
from derive.lower.points import Points, factors_of, real, scaled
from derive.program import Compare, Letter, free_letters

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
