"""Scatters: sums with ``index == k``, k kept, added where the index falls instead of compared with every k."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer

from derive.lower.arrays import Array, aligned, elementwise, expanded, reduced, scalar
from derive.lower.plan import Node
from derive.lower.points import Points, longest, mask_of, masked, real
from derive.lower.scope import Scope
from derive.program import Bind, Compare, Letter, Read, free_letters, reads, substitute


@dataclass(frozen=True)
class Target:
    """``letter == index`` with the index made of summed letters, sizes and data."""

    letter: Letter
    index: Expr


def scattering(points: Points) -> Array | None:
    """``dw[v, d] = Σ n, token[n] == v  dy[n, d]``: zeros, with dy[n] added at token[n]."""
    if points.op != "sum":
        return None
    points, targets = _equalities(points)
    points, more = _intervals(points, targets)
    targets += more
    if not targets:
        return None
    values = {t.letter: t.index for t in targets}
    body = substitute(points.body, values)
    filters = tuple(substitute(f, values) for f in points.filters)
    left = replace(points, body=body, filters=filters)
    if any(free_letters(e) & set(values) for e in (body, *filters)):
        return None
    return _scatter(targets, left)


# ------------------------------------------------------------------------------ finding targets


def _equalities(points: Points) -> tuple[Points, list[Target]]:
    """Filters that say what a kept letter is."""
    targets: list[Target] = []
    for f in points.filters:
        target = _equality(f, points)
        if target is not None and all(target.letter != t.letter for t in targets):
            targets.append(target)
            points = replace(points, filters=tuple(g for g in points.filters if g is not f))
    known = [t.letter for t in targets]
    if any(free_letters(t.index) & set(known) for t in targets):
        return points, []
    return points, targets


def _equality(f: Basic, points: Points) -> Target | None:
    if not (isinstance(f, Compare) and f.op == "=="):
        return None
    for letter, index in (f.args[1:], f.args[:0:-1]):
        kept = isinstance(letter, Letter) and letter in points.scope.ranges and letter not in points.letters
        if kept and letter not in free_letters(index) and free_letters(index) & set(points.letters):
            return Target(letter, index)
    return None


def _intervals(points: Points, targets: list[Target]) -> tuple[Points, list[Target]]:
    """``lo(p) ≤ h < hi(p)``, h kept: an offset runs instead, h = lo(p) + offset."""
    found: list[Target] = []
    for letter in [x for x in points.scope.order if x not in points.letters and x in points.scope.ranges]:
        if any(t.letter == letter for t in targets):
            continue
        lower = [(f, f.args[1]) for f in points.filters if _bounds(f, letter, 2, points)]
        upper = [(f, f.args[2]) for f in points.filters if _bounds(f, letter, 1, points)]
        if len(lower) != 1 or len(upper) != 1:
            continue
        (first, lo), (last, hi) = lower[0], upper[0]
        length = hi - lo if last.op == "<" else hi - lo + 1
        start = lo if first.op == "<=" else lo + 1
        extent = longest(length, points.scope, letter)
        offset = points.scope.fresh.letter(letter)
        filters = tuple(f for f in points.filters if f not in (first, last))
        points = replace(
            points,
            letters=(*points.letters, offset),
            filters=(*filters, Compare("<", offset, length)),
            scope=points.scope.with_binds([Bind(offset, 0, extent)]),
        )
        found.append(Target(letter, start + offset))
    return points, found


def _bounds(f: Basic, letter: Letter, side: int, points: Points) -> bool:
    """Whether f bounds the bare letter, on that side, by something of summed letters."""
    if not isinstance(f, Compare) or f.op not in ("<", "<=") or f.args[side] != letter:
        return False
    other = free_letters(f.args[3 - side])
    return letter not in other and bool(other & set(points.letters))


# ------------------------------------------------------------------------------ the scatter


def _scatter(targets: list[Target], points: Points) -> Array | None:
    scope = points.scope
    indices = [points.inside.value(t.index - scope.ranges[t.letter][0]) for t in targets]
    value = real(_inside(targets, points).value(points.body))
    if any(i.is_scalar for i in indices):
        return None
    at = tuple(x for x in scope.order if any(x in i.dims for i in indices))
    mask = mask_of(points.filters, scope)
    if mask is not None and not mask.is_scalar and set(mask.dims) <= set(at):
        indices[0] = elementwise("where", [mask, indices[0], scalar(-1)], scope.order, "int")
    else:
        value = masked(mask, value, Integer(0), scope)
    loose = [x for x in points.letters if x not in at]
    if any(x not in value.dims for x in loose):
        return None
    value = reduced("sum", value, loose)
    batch = tuple(x for x in at if x not in points.letters)
    rest = tuple(d for d in value.dims if d not in at)
    letters = (*batch, *(t.letter for t in targets))
    values = expanded(value, at + rest, scope.extents(at + rest))
    places = [*(scope.value(b - scope.ranges[b][0]) for b in batch), *indices]
    nodes = tuple(aligned(i, at) for i in places)
    attrs = (scope.extents(letters + rest),)
    return Array(Node("scatter", (values.node, *nodes), attrs, "real", len(letters + rest)), letters + rest)


def _inside(targets: list[Target], points: Points) -> Scope:
    """Where the body is evaluated: an index that falls outside adds nothing, so it reads nothing."""
    if not any(i.has(Read) for r in reads(points.body) for i in r.indices):
        return points.inside
    ranges = [(points.scope.ranges[t.letter], t.index) for t in targets]
    fits = [c for (lo, hi), i in ranges for c in (Compare("<=", lo, i), Compare("<", i, hi))]
    return points.scope.under_guard(*points.filters, *fits)
