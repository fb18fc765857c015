"""Reductions: an ordered table of rules whose last row always applies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Basic, Expr, Integer, Mul, Pow

from derive.lower.arrays import Array, elementwise, expanded, product, reduced, reshaped, scalar, transposed
from derive.lower.contract import contract
from derive.lower.plan import Node
from derive.lower.scope import Scope
from derive.program import INF, Bind, Compare, Letter, Logic, Read, Reduce, Where, free_letters, substitute

#: What an operation gives without points, and what a point left out counts as.
NEUTRAL: dict[str, Expr] = {
    "sum": Integer(0), "prod": Integer(1),
    "max": -INF, "amax": -INF, "argmax": -INF,
    "min": INF, "amin": INF, "argmin": INF,
}  # fmt: skip
#: The array operation of each reduction whose result is a value.
OPERATION = {"sum": "sum", "prod": "prod", "max": "max", "amax": "max", "min": "min", "amin": "min"}


@dataclass(frozen=True)
class Points:
    """``op`` over ``letters`` of ``body`` where every filter holds; ``lengths``: of ranges that differ."""

    op: str
    letters: tuple[Letter, ...]
    filters: tuple[Basic, ...]
    body: Expr
    scope: Scope
    lengths: tuple[Expr, ...] = ()

    @property
    def inside(self) -> Scope:
        """Where the body is evaluated."""
        return self.scope.under_guard() if self.filters else self.scope


def reduction(e: Reduce, scope: Scope) -> Array:
    """The first rule that applies."""
    points = _points(e, scope)
    for _, rule in RULES:
        result = rule(points)
        if result is not None:
            return result
    raise AssertionError("the last rule always applies")


def _points(e: Reduce, scope: Scope) -> Points:
    """Ranges made rectangular: a range that depends on other letters starts at 0 and ends in a filter."""
    letters: list[Letter] = []
    filters: list[Basic] = []
    lengths: list[Expr] = []
    renaming: dict[Letter, Expr] = {}
    for entry in e.entries:
        entry = substitute(entry, renaming) if not isinstance(entry, Bind) else entry
        if not isinstance(entry, Bind):
            filters += entry.conditions if isinstance(entry, Logic) and entry.op == "and" else [entry]
            continue
        letter, lo, hi = entry.letter, substitute(entry.lo, renaming), substitute(entry.hi, renaming)
        length = hi - lo
        if not (scope.is_number(lo) and scope.is_number(hi)):
            inner = scope.under_guard() if filters else scope
            longest = reduced_to_number(inner.value(length), inner, letter)
            renaming[letter] = lo + letter
            filters.append(Compare("<", letter, length))
            entry = Bind(letter, 0, longest)
        scope = scope.with_binds([entry])
        letters.append(letter)
        lengths.append(length)
    body = substitute(e.body, renaming)
    if e.op == "sum":
        body, filters = _opened(body, filters)
    return Points(e.op, tuple(letters), tuple(filters), body, scope, tuple(lengths))


def reduced_to_number(a: Array, scope: Scope, letter: Letter) -> Expr:
    """The largest entry, as a Python number named after the letter."""
    return scope.let(f"{letter.name.strip('.*') or 'pack'}_extent", Array(Node("largest", (a.node,), (), "int", None)))


def _opened(body: Expr, filters: list[Basic]) -> tuple[Expr, list[Basic]]:
    """``sum(a·where(c, b, 0))`` as a sum of a·b where c holds."""
    for factor in Mul.make_args(body):
        if isinstance(factor, Where) and factor.args[2] == 0:
            condition = factor.args[0]
            more = condition.conditions if isinstance(condition, Logic) and condition.op == "and" else (condition,)
            rest = Mul(*(f for f in Mul.make_args(body) if f is not factor), factor.args[1])
            return _opened(rest, [*filters, *more])
    return body, filters


# ------------------------------------------------------------------------------ pieces of rules


def mask_of(filters: Sequence[Basic], scope: Scope) -> Array | None:
    """Where all filters hold; each is evaluated under the guard of those before it."""
    mask: Array | None = None
    for f in filters:
        value = (scope if mask is None else scope.under_guard()).value(f)
        mask = value if mask is None else elementwise("and", [mask, value], scope.order, "bool")
    return mask


def masked(mask: Array | None, a: Array, fill: Expr, scope: Scope) -> Array:
    """a where the mask holds, else ``fill``."""
    return a if mask is None else elementwise("where", [mask, a, scalar(fill)], scope.order, a.kind)


def _times_unused(a: Array, points: Points) -> Array:
    """Σ over letters the body does not have: times their extents."""
    unused = [x for x in points.letters if x not in a.dims]
    if not unused:
        return a
    extent = product(points.scope.extents(unused))
    return elementwise("mul", [scalar(extent), a], points.scope.order, a.kind)


# ------------------------------------------------------------------------------ the rules


def factors_of(body: Expr) -> tuple[Expr, ...]:
    return Mul.make_args(body)


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
    arrays = [_real(scope.value(f)) for f in inner]
    arrays = _absorb_mask(arrays, points) or []
    if not arrays:
        return None
    total = contract(arrays, points.letters, scope)
    return _scaled(total, outside, points)


def _real(a: Array) -> Array:
    if a.kind == "real" or a.is_scalar:
        return a
    return Array(Node("cast", (a.node,), ("real",), "real", a.node.ndim), a.dims)


def _absorb_mask(arrays: list[Array], points: Points) -> list[Array] | None:
    """The mask in every factor that has all its letters; None if no factor has."""
    if not points.filters:
        return arrays
    mask = mask_of(points.filters, points.scope)
    assert mask is not None
    wide = [set(mask.dims) <= set(a.dims) for a in arrays]
    if not any(wide):
        return None
    return [masked(mask, a, Integer(0), points.scope) if w else a for a, w in zip(arrays, wide, strict=True)]


def _scaled(a: Array, outside: list[Expr], points: Points) -> Array:
    """Π outside · a."""
    if not outside:
        return a
    name = points.scope.fresh.name("Σ")
    scope = replace(points.scope, given={**points.scope.given, name: a})
    return scope.value(Mul(*outside, Read(name)))


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
    body, filters = _opened(points.body, list(points.filters))
    points = replace(points, body=body, filters=tuple(filters))
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
        return _times_unused_after(reduced("sum", value, here), value, points)
    dims = (*(d for d in value.dims), *(x for x in points.letters if x not in value.dims))
    value = expanded(value, dims, points.scope.extents(dims))
    return reduced(OPERATION[points.op], value, points.letters)


def _times_unused_after(total: Array, value: Array, points: Points) -> Array:
    return _times_unused(total, replace(points, letters=tuple(x for x in points.letters if x not in value.dims)))


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
        return _times_unused_after(total, mask, points)
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
        value = masked(mask, _real(value), NEUTRAL[points.op], scope)
    others = tuple(d for d in value.dims if d not in points.letters)
    dims = others + points.letters
    flat = (*others, points.letters[-1])
    shape = (*scope.extents(others), product(scope.extents(points.letters)))
    rows = reshaped(expanded(value, dims, scope.extents(dims)).node, shape)
    if mask is None:
        return Array(Node("argreduce", (rows,), (points.op,), "int", len(others)), others)
    allowed = transposed(expanded(mask, dims, scope.extents(dims)), dims) if mask.dims else mask
    allowed_rows = reshaped(allowed.node, shape)
    found = Array(Node("argreduce", (rows, allowed_rows), (points.op,), "int", len(others)), others)
    assert len(flat) == len(others) + 1
    return found


Rule = Callable[[Points], Array | None]

#: First that applies, in order.
RULES: tuple[tuple[str, Rule], ...] = (
    ("a sum of products, term by term", split_sum),
    ("a matrix product", matrix_product),
    ("a count or a truth", truth_value),
    ("the place of the winner", winner),
    ("an array reduced over its axes", row_value),
)

__all__ = ["RULES", "Points", "Pow", "reduction"]
