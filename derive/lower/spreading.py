"""Windows spread back: sums tied to a kept letter by ``h = start + p·s + i·d``.

The adjoint of a window read says it as divisibility, ``s | h − …`` with p = (h − …)/s; a transposed
convolution as a filter.  Either way the positions p and the taps i run, and each adds to its h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer

from derive.calculus import affine
from derive.lower.arrays import Array, elementwise, expanded, index, reduced, transposed
from derive.lower.plan import ALL, NEW, Node
from derive.lower.points import Points, factors_of, mask_of, masked, real, scaled
from derive.lower.ranges import decide
from derive.lower.scope import Scope
from derive.lower.windows import forward, grouped, ungrouped
from derive.program import Bind, Compare, FloorDiv, Letter, Modulo, Part, Read, free_letters, reads, substitute, walk

Letters = tuple[Letter, ...]


@dataclass(frozen=True)
class Tie:
    """``target = start + Σ step·letter``, letters counted from their first, target from its first."""

    target: Letter
    letters: Letters
    start: Expr
    steps: tuple[Expr, ...]


def spreading(points: Points) -> Array | None:
    """Σ over windows' positions and taps, added where they fall."""
    if points.op != "sum":
        return None
    found = _ties(points)
    if found is None:
        return None
    ties, points = found
    result = _as_spread(ties, points)
    return result if result is not None else _as_fold(ties, points)


# ------------------------------------------------------------------------------ finding ties


def _ties(points: Points) -> tuple[list[Tie], Points] | None:
    """The ties, and the points over positions and taps; None if there are none or a target stays."""
    equations: list[tuple[Letter, Expr]] = []
    for f in points.filters:
        step = _from_division(f, points) or _from_equation(f, points)
        if step is not None:
            target, value, points = step
            equations.append((target, value))
    if not equations:
        return None
    points = _unit_steps(points, equations)
    values = dict(equations)
    if len(values) != len(equations):
        return None
    points = replace(
        points,
        body=substitute(points.body, values),
        filters=_undecided(tuple(substitute(f, values) for f in points.filters), points.scope),
    )
    ties = [_tie(target, value, points) for target, value in equations]
    whole = [t for t in ties if t is not None and forward(t.steps)]
    letters = [x for t in whole for x in t.letters]
    return (whole, points) if len(whole) == len(ties) and len(set(letters)) == len(letters) else None


def _undecided(filters: Sequence[Basic], scope: Scope) -> tuple[Basic, ...]:
    """The filters that the ranges do not prove."""
    return tuple(f for f in filters if decide(f, scope.ranges) is not True)


def _from_division(f: Basic, points: Points) -> tuple[Letter, Expr, Points] | None:
    """``A % s == 0`` and reads at ``A // s``: a position p runs instead, with A = p·s."""
    if not (isinstance(f, Compare) and f.op == "==" and f.args[2] == 0 and isinstance(f.args[1], Modulo)):
        return None
    dividend, divisor = f.args[1].args
    quotient = FloorDiv(dividend, divisor)
    part = _part_read_at(quotient, points)
    if part is None:
        return None
    p = points.scope.fresh.letter("p")
    target = _free_target(dividend, points)
    if target is None:
        return None
    letter, sign = target
    value = sign * (p * divisor - (dividend - sign * letter))
    filters = tuple(substitute(g, {quotient: p}) for g in points.filters if g is not f)
    return letter, value.expand(), _running(p, part, points, substitute(points.body, {quotient: p}), filters)


def _running(p: Letter, part: Part, points: Points, body: Expr, filters: tuple[Basic, ...]) -> Points:
    """One more letter, over a stored axis."""
    lowest = Integer(part.origin - part.below)
    scope = points.scope.with_binds([Bind(p, lowest, part.origin + part.extent)])
    return replace(points, letters=(*points.letters, p), body=body, filters=filters, scope=scope)


def _part_read_at(index: Expr, points: Points) -> Part | None:
    """The axis of a read, in the body, whose whole index this is."""
    for r in reads(points.body):
        if r.tensor in points.scope.tensors and r.tensor not in points.scope.filled:
            for i, part in zip(r.indices, points.scope.tensors[r.tensor].parts, strict=True):
                if i == index:
                    return part
    return None


def _free_target(e: Expr, points: Points) -> tuple[Letter, int] | None:
    """A kept letter that stands in e with coefficient ±1, beside a summed one."""
    here = points.scope.letters_of(e)
    if not any(x in points.letters for x in here):
        return None
    for letter in here:
        halves = affine.split(affine.polynomial(e), letter)
        if letter in points.letters or halves is None:
            continue
        coefficient = affine.constant(halves[0])
        if coefficient in (1, -1):
            return letter, int(coefficient)
    return None


def _from_equation(f: Basic, points: Points) -> tuple[Letter, Expr, Points] | None:
    """``h == start + p·s + i·d`` as it stands, p and i summed over."""
    if not (isinstance(f, Compare) and f.op == "==") or f.has(Read) or f.has(FloorDiv) or f.has(Modulo):
        return None
    difference = f.args[1] - f.args[2]
    target = _free_target(difference, points)
    if target is None or sum(x in points.letters for x in points.scope.letters_of(difference)) < 2:
        return None
    letter, sign = target
    value = (-sign * (difference - sign * letter)).expand()
    return letter, value, replace(points, filters=tuple(g for g in points.filters if g is not f))


def _unit_steps(points: Points, equations: list[tuple[Letter, Expr]]) -> Points:
    """Beside a strided axis, an axis of stride 1 read at ``h − i``: a position runs there too."""
    for r in [n for n in factors_of(points.body) if isinstance(n, Read) and n.tensor in points.scope.tensors]:
        for i, part in zip(r.indices, points.scope.tensors[r.tensor].parts, strict=True):
            if isinstance(i, Letter) or any(isinstance(n, (FloorDiv, Modulo, Read)) for n in walk(i)):
                continue
            target = _free_target(i, points)
            if target is None or target[0] in dict(equations):
                continue
            letter, sign = target
            p = points.scope.fresh.letter("p")
            equations.append((letter, (sign * (p - (i - sign * letter))).expand()))
            filters = tuple(substitute(g, {i: p}) for g in points.filters)
            points = _running(p, part, points, substitute(points.body, {i: p}), filters)
    return points


def _tie(target: Letter, value: Expr, points: Points) -> Tie | None:
    """The equation as start and steps."""
    scope = points.scope
    letters = tuple(x for x in scope.letters_of(value))
    if any(x not in points.letters for x in letters) or value.has(Read) or not 1 <= len(letters) <= 2:
        return None
    letters = tuple(sorted(letters, key=points.letters.index, reverse=True))  # the position first, then the tap
    rest, steps = affine.polynomial(value), []
    for x in letters:
        halves = affine.split(rest, x)
        if halves is None:
            return None
        step, rest = affine.expression(halves[0]), halves[1]
        if free_letters(step):
            return None
        steps.append(step)
    start = affine.expression(rest) - scope.ranges[target][0]
    start += sum((s * scope.ranges[x][0] for s, x in zip(steps, letters, strict=True)), Integer(0))
    if free_letters(start) - set(scope.fixed):
        return None
    return Tie(target, letters, start, tuple(steps))


# ------------------------------------------------------------------------------ as the adjoint of a correlation


def _as_spread(ties: list[Tie], points: Points) -> Array | None:
    """Positions in some factors, taps in the others: one transposed correlation."""
    scope, factors = points.inside, list(factors_of(points.body))
    outside = [f for f in factors if points.scope.is_number(f)]
    factors = [f for f in factors if f not in outside]
    sides = _sides(ties, factors, points.scope)
    if sides is None or any(x not in set().union(*map(free_letters, factors)) for x in points.letters):
        return None
    ties, ours, theirs = sides
    y, w = _product(ours, scope), _product(theirs, scope)
    mask = mask_of(points.filters, points.scope)
    if mask is not None:
        if set(mask.dims) <= set(y.dims):
            y = masked(mask, y, Integer(0), points.scope)
        elif set(mask.dims) <= set(w.dims):
            w = masked(mask, w, Integer(0), points.scope)
        else:
            return None
    return scaled(_spread(ties, y, w, points), outside, points)


def _sides(ties: list[Tie], factors: list[Expr], scope: Scope) -> tuple[list[Tie], list[Expr], list[Expr]] | None:
    """Factors with positions and factors with taps; each tie's letters in that order.

    Where both ways round will do, the positions are with what is outermost in the result: the data's samples.
    """
    if any(len(t.letters) != 2 for t in ties):
        return None
    found = [sides for order in (0, 1) if (sides := _sides_in(order, ties, factors)) is not None]
    for letter in scope.order:
        having = [s for s in found if any(letter in free_letters(f) for f in s[1])]
        if 0 < len(having) < len(found):
            return having[0]
    return found[0] if found else None


def _sides_in(order: int, ties: list[Tie], factors: list[Expr]) -> tuple[list[Tie], list[Expr], list[Expr]] | None:
    """The sides if each tie's letter at that place is the position."""
    positions = {t.letters[order] for t in ties}
    taps = {t.letters[1 - order] for t in ties}
    theirs = [f for f in factors if free_letters(f) & taps]
    ours = [f for f in factors if f not in theirs]
    if not theirs or any(free_letters(f) & positions for f in theirs):
        return None
    have = set().union(*map(free_letters, ours)) if ours else set()
    if not (positions <= have and taps <= set().union(*map(free_letters, theirs))):
        return None
    turned = [t if order == 0 else replace(t, letters=t.letters[::-1], steps=t.steps[::-1]) for t in ties]
    return turned, ours, theirs


def _product(factors: list[Expr], scope: Scope) -> Array:
    arrays = [real(scope.value(f)) for f in factors]
    result = arrays[0]
    for a in arrays[1:]:
        result = elementwise("mul", [result, a], scope.order, "real")
    return result


def _spread(ties: list[Tie], y: Array, w: Array, points: Points) -> Array:
    scope = points.scope
    positions, taps = tuple(t.letters[0] for t in ties), tuple(t.letters[1] for t in ties)
    bound = [b for b in points.letters if b not in positions and b not in taps]
    y = reduced("sum", y, [b for b in bound if b in y.dims and b not in w.dims])
    w = reduced("sum", w, [b for b in bound if b in w.dims and b not in y.dims])
    groups = tuple(d for d in y.dims if d in w.dims and d not in bound)
    summed = tuple(d for d in y.dims if d in w.dims and d in bound)
    batch = tuple(d for d in y.dims if d not in w.dims and d not in positions)
    channels = tuple(d for d in w.dims if d not in y.dims and d not in taps)
    left = grouped(y, (batch, groups, summed), positions, scope)
    right = grouped(w, (groups, summed, channels), taps, scope)
    targets = tuple(t.target for t in ties)
    attrs = (
        tuple(t.start for t in ties), scope.extents(targets),
        tuple(t.steps[0] for t in ties), tuple(t.steps[1] for t in ties),
    )  # fmt: skip
    node = Node("spread", (left, right), attrs, "real", 3 + len(ties))
    return ungrouped(node, (batch, groups, channels), targets, scope)


# ------------------------------------------------------------------------------ tap by tap


def _as_fold(ties: list[Tie], points: Points) -> Array | None:
    """The body over positions and taps, added tap by tap."""
    scope = points.scope
    chosen = _matching(ties, points)
    if chosen is not None:
        return chosen
    mask = mask_of(points.filters, scope)
    value = masked(mask, real(points.inside.value(points.body)), Integer(0), scope)
    tied = [x for t in ties for x in t.letters]
    loose = [x for x in points.letters if x not in tied]
    if any(x not in value.dims for x in loose):
        return None
    value = reduced("sum", value, loose)
    rest = tuple(d for d in value.dims if d not in tied)
    taps = tuple(x for t in ties for x in t.letters[1:])
    dims = (*rest, *(t.letters[0] for t in ties), *taps)
    node = expanded(value, dims, scope.extents(dims)).node
    standing = [ALL if len(t.letters) == 2 else NEW for t in ties]  # a position without a tap: one tap
    node = index(node, [ALL] * (len(rest) + len(ties)) + standing)
    targets = tuple(t.target for t in ties)
    steps = (tuple(t.steps[0] for t in ties), tuple(t.steps[-1] for t in ties))
    attrs = (tuple(t.start for t in ties), scope.extents(targets), *steps)
    return Array(Node("fold", (node,), attrs, "real", len(rest) + len(ties)), rest + targets)


def _matching(ties: list[Tie], points: Points) -> Array | None:
    """``where(key == Σ c·tap, value, 0)`` added tap by tap, without an array over all taps."""
    scope, taps = points.scope, [t.letters[-1] for t in ties]
    if any(len(t.letters) != 2 for t in ties) or set(points.letters) != {x for t in ties for x in t.letters}:
        return None
    found = _key(points, taps)
    if found is None or free_letters(points.body) & set(taps):
        return None
    key, coefficients, constant, rest = found
    inner = replace(points, filters=rest)
    value = masked(mask_of(rest, scope), real(inner.inside.value(points.body)), Integer(0), scope)
    where = inner.scope.under_guard().value(key - constant)
    positions = tuple(t.letters[0] for t in ties)
    dims = tuple(d for d in (*value.dims, *(x for x in where.dims if x not in value.dims)) if d not in positions)
    dims = (*(d for d in scope.order if d in dims), *positions)
    nodes = tuple(expanded(a, dims, scope.extents(dims)).node for a in (value, where))
    attrs = (
        tuple(t.start for t in ties), scope.extents(t.target for t in ties), tuple(t.steps[0] for t in ties),
        scope.extents(taps), tuple(t.steps[1] for t in ties), coefficients,
    )  # fmt: skip
    result = Node("fold_matching", nodes, attrs, "real", len(dims))
    return Array(result, (*dims[: len(dims) - len(ties)], *(t.target for t in ties)))


def _key(points: Points, taps: list[Letter]) -> tuple[Expr, tuple[Expr, ...], Expr, tuple[Basic, ...]] | None:
    """The one filter with taps: ``key == constant + Σ coefficient·tap``."""
    having = [f for f in points.filters if free_letters(f) & set(taps)]
    if len(having) != 1 or not isinstance(having[0], Compare) or having[0].op != "==":
        return None
    (f,) = having
    sides = [s for s in f.args[1:] if not free_letters(s) & set(taps)]
    others = [s for s in f.args[1:] if free_letters(s) & set(taps)]
    if len(sides) != 1 or others[0].has(Read):
        return None
    rest, coefficients = affine.polynomial(others[0]), []
    for x in taps:
        halves = affine.split(rest, x)
        if halves is None or free_letters(affine.expression(halves[0])):
            return None
        coefficients.append(affine.expression(halves[0]))
        rest = affine.add(halves[1], affine.multiply(halves[0], affine.polynomial(points.scope.ranges[x][0])))
    constant = affine.expression(rest)
    if free_letters(constant):
        return None
    return sides[0], tuple(coefficients), constant, tuple(g for g in points.filters if g is not f)


__all__ = ["spreading", "transposed"]
