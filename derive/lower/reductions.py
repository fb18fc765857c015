"""Reductions: an ordered table of rules whose last row always applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Add, Basic, Expr, Integer

from derive.lower.arrays import Array, elementwise, expanded, product, reduced, reshaped, scalar, transposed
from derive.lower.contract import contract
from derive.lower.cumulative import chained, cumulative, others
from derive.lower.masks import may_be_infinite
from derive.lower.plan import Node
from derive.lower.points import (
    NEUTRAL,
    Points,
    factors_of,
    mask_of,
    masked,
    opened,
    points_of,
    real,
    scaled,
    times_unused,
)
from derive.lower.scattering import scattering
from derive.lower.scope import Scope
from derive.lower.spreading import spreading
from derive.lower.windows import correlation, sliding, sliding_place
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Logic,
    Modulo,
    Read,
    Reduce,
    Where,
    free_letters,
    reads,
    substitute,
)  # fmt: skip

#: The array operation of each reduction whose result is a value.
OPERATION = {"sum": "sum", "prod": "prod", "max": "max", "amax": "max", "min": "min", "amin": "min"}


def reduction(e: Reduce, scope: Scope) -> Array:
    """The first rule that applies."""
    points = points_of(e, scope)
    for _, rule in RULES:
        result = rule(points)
        if result is not None:
            return result
    raise AssertionError("the last rule always applies")


# ------------------------------------------------------------------------------ the rules


def matrix_product(points: Points) -> Array | None:
    """Σ of a product of factors over different letters: contractions; factors free of the bound letters outside."""
    if points.op != "sum":
        return None
    scope, bound = points.inside, set(points.letters)
    factors = factors_of(points.body)
    outside = [f for f in factors if not (free_letters(f) & bound) and (not points.filters or scope.is_number(f))]
    inner = [f for f in factors if f not in outside]
    used = set().union(*(free_letters(f) for f in inner)) if inner else set()
    if not outside and len(inner) < 2:
        return None
    if len(inner) < 2 and (points.filters or not bound <= used):
        return None
    if not bound <= used:
        return None
    arrays = [real(scope.value(f)) for f in inner]
    arrays = _absorb_mask(arrays, inner, points) or []
    if not arrays:
        return None
    total = contract(arrays, points.letters, scope)
    return scaled(total, outside, points)


def _absorb_mask(arrays: list[Array], factors: list[Expr], points: Points) -> list[Array] | None:
    """The mask in every factor that has all its letters; None if no factor has.

    A narrower factor that may be infinite is masked where no point is left: ∞·0 is NaN.
    """
    if not points.filters:
        return arrays
    scope = points.scope
    mask = mask_of(points.filters, scope)
    assert mask is not None
    wide = [set(mask.dims) <= set(a.dims) for a in arrays]
    if not any(wide):
        return None
    out = []
    for a, f, w in zip(arrays, factors, wide, strict=True):
        if not w and a.dims and may_be_infinite(f):
            outer = [d for d in mask.dims if d not in a.dims]
            out.append(masked(reduced("any", mask, outer, "bool"), a, Integer(0), scope))
        else:
            out.append(masked(mask, a, Integer(0), scope) if w else a)
    return out


def counted(points: Points) -> Array | None:
    """Σ of a value that has none of the letters: the value times how many points there are."""
    if points.op != "sum" or not points.filters or free_letters(points.body) & set(points.letters):
        return None
    if may_be_infinite(points.body) or any(i.has(Read) for r in reads(points.body) for i in r.indices):
        return None  # what data choose is read under the filters only
    count = first_of(replace(points, op="count", body=Integer(1)))
    return scaled(real(count), [points.body], points)


def split_sum(points: Points) -> Array | None:
    """Σ (a·b + c) with terms narrower than the whole: term by term."""
    if points.op != "sum" or not isinstance(points.body, Add):
        return None
    terms = points.body.args
    letters = [set(points.scope.letters_of(t)) for t in terms]
    products = [len(_wide_factors(t, points)) > 1 for t in terms]
    whole = set().union(*letters)
    if not any(products) and all(ls == whole for ls in letters):
        return None
    scope = points.scope
    binds = [Bind(x, *scope.ranges[x]) for x in points.letters]
    names = []
    given = dict(scope.given)
    for t in terms:
        name = scope.fresh.name("Σ")
        again = Points("sum", points.letters, points.filters, t, scope, points.lengths)
        given[name] = first_of(again)
        names.append(name)
    assert binds
    return replace(scope, given=given).value(Add(*(Read(n) for n in names)))


def first_of(points: Points) -> Array:
    """The first rule that applies to points at hand."""
    points = opened(points)
    return next(r for r in (rule(points) for _, rule in RULES) if r is not None)


def _wide_factors(term: Expr, points: Points) -> list[Expr]:
    """Factors none of which has all the letters of the term."""
    whole = set(points.scope.letters_of(term))
    factors = [f for f in factors_of(term) if set(points.scope.letters_of(f)) & set(points.letters)]
    return factors if all(set(points.scope.letters_of(f)) != whole for f in factors) else []


def row_value(points: Points) -> Array | None:
    """sum, prod, max, min of an array over its axes; the last row for values."""
    if points.op not in OPERATION:
        return None
    mask = mask_of(points.filters, points.scope)
    value = points.inside.value(points.body)
    value = masked(mask, value, NEUTRAL[points.op], points.scope)
    if points.op == "sum":
        here = [x for x in points.letters if x in value.dims]
        return times_unused(reduced("sum", value, here), points, value.dims)
    dims = (*(d for d in value.dims), *(x for x in points.letters if x not in value.dims))
    value = expanded(value, dims, points.scope.extents(dims))
    return reduced(OPERATION[points.op], value, points.letters)


def truth_value(points: Points) -> Array | None:
    """count, any, all: of the points where the filters hold and the body does."""
    if points.op not in ("count", "any", "all"):
        return None
    conditions = points.filters
    body = Logic("not", points.body) if points.op == "all" else points.body
    if points.op != "count":
        conditions = (*conditions, body)
    mask = mask_of(conditions, points.scope)
    if mask is None or mask.is_scalar:
        extent = scalar(product(points.scope.extents(points.letters)))
        return extent if mask is None else elementwise("mul", [extent, mask], points.scope.order, "int")
    here = [x for x in points.letters if x in mask.dims]
    if points.op == "count":
        total = reduced("count", mask, here, "int")
        return times_unused(total, points, mask.dims)
    found = reduced("any", mask, here, "bool")
    return elementwise("not", [found], points.scope.order, "bool") if points.op == "all" else found


def winner(points: Points) -> Array | None:
    """argmax, argmin: the row-major position of the first winner, −1 without points."""
    if points.op not in ("argmax", "argmin"):
        return None
    scope = points.scope
    mask = mask_of(points.filters, scope)
    value = points.inside.value(points.body)
    if mask is not None:
        value = masked(mask, real(value), NEUTRAL[points.op], scope)
    others = tuple(d for d in value.dims if d not in points.letters)
    dims = others + points.letters
    flat = (*others, points.letters[-1])
    shape = (*scope.extents(others), product(scope.extents(points.letters)))
    rows = reshaped(expanded(value, dims, scope.extents(dims)).node, shape)
    if mask is None:
        return _placed(Array(Node("argreduce", (rows,), (points.op,), "int", len(others)), others), points)
    allowed = transposed(expanded(mask, dims, scope.extents(dims)), dims) if mask.dims else mask
    allowed_rows = reshaped(allowed.node, shape)
    found = Array(Node("argreduce", (rows, allowed_rows), (points.op,), "int", len(others)), others)
    assert len(flat) == len(others) + 1
    return _placed(found, points)


def _placed(found: Array, points: Points) -> Array:
    """The position in the box that holds every range, as the position among the ranges' own lengths."""
    extents = points.scope.extents(points.letters)
    if all(a == b for a, b in zip(points.lengths[1:], extents[1:], strict=False)):
        return found
    name = points.scope.fresh.name("place")
    rest: Expr = Read(name)
    at: dict[Basic, Expr] = {}
    for letter, extent in reversed(list(zip(points.letters, extents, strict=True))):
        rest, at[letter] = FloorDiv(rest, extent), Modulo(rest, extent)
    own: Expr = Integer(0)
    for letter, length in zip(points.letters, points.lengths, strict=True):
        own = own * substitute(length, at) + at[letter]
    scope = replace(points.scope, given={**points.scope.given, name: found})
    return scope.value(Where(Compare("<", Read(name), Integer(0)), Integer(-1), own))


Rule = Callable[[Points], Array | None]

#: First that applies, in order.
RULES: tuple[tuple[str, Rule], ...] = (
    ("a sum of products, term by term", split_sum),
    ("everything up to a point", cumulative),
    ("a running product's adjoint", chained),
    ("everything but a point", others),
    ("windows spread back", spreading),
    ("a scatter", scattering),
    ("a correlation", correlation),
    ("a window reduced, tap by tap", sliding),
    ("the first winner of a window", sliding_place),
    ("a value counted", counted),
    ("a matrix product", matrix_product),
    ("a count or a truth", truth_value),
    ("the place of the winner", winner),
    ("an array reduced over its axes", row_value),
)

__all__ = ["RULES", "reduction"]
