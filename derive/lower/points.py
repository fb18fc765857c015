"""The points of a reduction: letters, filters, body; what every rule for reductions works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer, Mul

from derive.functions import maximum
from derive.lower.arrays import Array, elementwise, product, scalar
from derive.lower.plan import Node
from derive.lower.scope import Scope
from derive.program import INF, Bind, Compare, Letter, Logic, Read, Reduce, Where, substitute

#: What an operation gives without points, and what a point left out counts as.
NEUTRAL: dict[str, Expr] = {
    "sum": Integer(0), "prod": Integer(1),
    "max": -INF, "amax": -INF, "argmax": -INF,
    "min": INF, "amin": INF, "argmin": INF,
}  # fmt: skip


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
        return self.scope.under_guard(*self.filters) if self.filters else self.scope


def points_of(e: Reduce, scope: Scope) -> Points:
    """Ranges made rectangular: a range that depends on other letters starts at 0 and ends in a filter."""
    letters: list[Letter] = []
    filters: list[Basic] = []
    lengths: list[Expr] = []
    renaming: dict[Basic, Expr] = {}
    for entry in e.entries:
        if not isinstance(entry, Bind):
            filters += conjuncts(substitute(entry, renaming))
            continue
        letter, lo, hi = entry.letter, substitute(entry.lo, renaming), substitute(entry.hi, renaming)
        length = hi - lo
        if not (scope.is_number(lo) and scope.is_number(hi)):
            inner = scope.under_guard(*filters) if filters else scope
            most = longest(length, inner, letter)
            renaming[letter] = lo + letter
            filters.append(Compare("<", letter, length))
            lo, hi = Integer(0), most
        scope = scope.with_binds([Bind(letter, lo, hi)])
        letters.append(letter)
        lengths.append(length)
    return opened(Points(e.op, tuple(letters), tuple(filters), substitute(e.body, renaming), scope, tuple(lengths)))


def conjuncts(condition: Basic) -> tuple[Basic, ...]:
    """The conditions of an ``and``, or the condition alone."""
    return condition.conditions if isinstance(condition, Logic) and condition.op == "and" else (condition,)


def longest(length: Expr, scope: Scope, letter: Letter) -> Expr:
    """The largest length, as a Python number named after the letter; of sizes and one letter without an array."""
    like = f"{letter.name.strip('.*') or 'pack'}_extent"
    outer = scope.letters_of(length)
    if len(outer) != 1 or not scope.is_number(substitute(length, {outer[0]: Integer(0)})):
        return scope.let(like, Array(Node("largest", (scope.value(length).node,), (), "int", None)))
    lo, hi = scope.ranges[outer[0]]
    slope = length.coeff(outer[0])
    if slope.is_Integer and outer[0] not in (length - slope * outer[0]).free_symbols:
        return scope.let(like, maximum(substitute(length, {outer[0]: hi - 1 if slope > 0 else lo}), Integer(0)))
    return scope.let(like, Array(Node("greatest", (), (length, outer[0], lo, hi), "int", None)))


def opened(points: Points) -> Points:
    """``sum(a·where(c, b, 0))`` as a sum of a·b where c holds."""
    if points.op != "sum":
        return points
    for factor in factors_of(points.body):
        if isinstance(factor, Where) and factor.args[2] == 0:
            rest = Mul(*(f for f in factors_of(points.body) if f is not factor), factor.args[1])
            filters = (*points.filters, *conjuncts(factor.args[0]))
            return opened(replace(points, body=rest, filters=filters))
    return points


def factors_of(body: Expr) -> tuple[Expr, ...]:
    return Mul.make_args(body)


def mask_of(filters: Sequence[Basic], scope: Scope, known: Sequence[Basic] = ()) -> Array | None:
    """Where all filters hold but those ``known`` to; each is evaluated under the guard of all before it."""
    mask: Array | None = None
    for n, f in enumerate(filters):
        if f in known:
            continue
        value = (scope.under_guard(*filters[:n]) if n else scope).value(f)
        mask = value if mask is None else elementwise("and", [mask, value], scope.order, "bool")
    return mask


def masked(mask: Array | None, a: Array, fill: Expr, scope: Scope) -> Array:
    """a where the mask holds, else ``fill``."""
    return a if mask is None else elementwise("where", [mask, a, scalar(fill)], scope.order, a.kind)


def real(a: Array) -> Array:
    """a as real numbers, of the inputs' precision."""
    if a.kind == "real" or a.is_scalar:
        return a
    return Array(Node("cast", (a.node,), ("real",), "real", a.node.ndim), a.dims)


def times_unused(a: Array, points: Points, had: Sequence[Letter]) -> Array:
    """Σ over letters that the summed array did not have: times their extents."""
    unused = [x for x in points.letters if x not in had]
    if not unused:
        return a
    extent = product(points.scope.extents(unused))
    return elementwise("mul", [scalar(extent), a], points.scope.order, a.kind)


def scaled(a: Array, outside: Sequence[Expr], points: Points) -> Array:
    """Π outside · a."""
    if not outside:
        return a
    name = points.scope.fresh.name("Σ")
    scope = replace(points.scope, given={**points.scope.given, name: a})
    return scope.value(Mul(*outside, Read(name)))
