"""Windows: affine reads with a kept and a summed letter, as correlations and sliding reductions.

``Σ c,i w[f, c, i] · x[n, c, p·s + i·d − pad]`` is a correlation; ``max i x[p·s + i·d − pad]`` a sliding maximum.
The range conditions of such a read hold by themselves once the read gives the neutral value outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer, Mul

from derive.calculus import affine
from derive.lower.arrays import Array, elementwise, product, reduced, reshaped, transposed
from derive.lower.masks import may_be_infinite
from derive.lower.plan import Node
from derive.lower.points import NEUTRAL, Points, conjuncts, factors_of, mask_of, masked, real, scaled
from derive.lower.reads import Affine, position, positions, stored
from derive.lower.scope import Scope
from derive.program import Bind, Compare, Letter, Part, Read, Reduce, Where, free_letters, reads, substitute

Letters = tuple[Letter, ...]


@dataclass(frozen=True)
class Slide:
    """One stored axis read at ``start + stride·kept + dilation·tap``, both letters counted from their first."""

    axis: Letter  # stands for the stored axis itself
    kept: Letter
    tap: Letter
    start: Expr
    stride: Expr
    dilation: Expr
    size: Expr


# ------------------------------------------------------------------------------ range conditions


def in_range_filters(e: Expr, part: Part) -> tuple[affine.Polynomial, affine.Polynomial]:
    """The quantities that are ≥ 0 where index e is in range."""
    at = affine.polynomial(position(e, part))
    return at, affine.subtract(affine.polynomial(stored(part) - 1), at)


def nonnegative_form(condition: Basic) -> affine.Polynomial | None:
    """The integer polynomial that is ≥ 0 exactly where the comparison holds."""
    if not isinstance(condition, Compare) or condition.op not in ("<", "<="):
        return None
    a, b = condition.args[1], condition.args[2]
    if condition.has(Read) or not (a.is_integer and b.is_integer):
        return None
    return affine.polynomial(b - a - (1 if condition.op == "<" else 0))


def without_range_filters(filters: Sequence[Basic], reads: Iterable[Read], scope: Scope) -> tuple[Basic, ...]:
    """The filters that do not merely say that an index of these reads is in range."""
    said = []
    for r in reads:
        parts = scope.tensors[r.tensor].parts
        said += [q for e, part in zip(r.indices, parts, strict=True) for q in in_range_filters(e, part)]
    return tuple(f for f in filters if nonnegative_form(f) not in said)


# ------------------------------------------------------------------------------ finding slides


def slides_of(e: Read, points: Points) -> tuple[dict[int, Slide], Read, Scope] | None:
    """The axes of e that slide, e read whole along them, and the scope of those whole axes."""
    scope = points.scope
    if e.tensor in scope.numbers or e.tensor in scope.given or e.tensor in scope.filled:
        return None
    found: dict[int, Slide] = {}
    indices = list(e.indices)
    for k, (i, part) in enumerate(zip(e.indices, scope.tensors[e.tensor].parts, strict=True)):
        where = None if isinstance(i, Letter) else positions(i, part, scope)
        slide = _slide(where, part, points, e) if where is not None else None
        if slide is not None:
            found[k] = slide
            indices[k] = slide.axis
    if not found:
        return None
    binds = [Bind(s.axis, *_whole(scope.tensors[e.tensor].parts[k])) for k, s in found.items()]
    return found, Read(e.tensor, *indices), scope.with_binds(binds)


def _whole(part: Part) -> tuple[Expr, Expr]:
    lowest = Integer(part.origin - part.below)
    return lowest, lowest + stored(part)


def forward(steps: Iterable[Expr]) -> bool:
    """Whether no step is known to be backward or 0; hyperparameters are taken to be positive."""
    return not any(s == 0 or s.could_extract_minus_sign() for s in steps)


def _slide(where: Affine, part: Part, points: Points, e: Read) -> Slide | None:
    """An index of one kept letter and one summed letter, both of this index alone."""
    if len(where.letters) != 2 or any(sum(x in free_letters(i) for i in e.indices) > 1 for x in where.letters):
        return None
    kept = [k for k, x in enumerate(where.letters) if x not in points.letters]
    if len(kept) != 1:
        return None
    k, t = kept[0], 1 - kept[0]
    axis = points.scope.fresh.letter("axis")
    a, b = where.letters[k], where.letters[t]
    return Slide(axis, a, b, where.start, where.steps[k], where.steps[t], stored(part))


# ------------------------------------------------------------------------------ correlations


def correlation(points: Points) -> Array | None:
    """Σ of a windowed read times factors that have the taps: one correlation."""
    if points.op != "sum":
        return None
    factors = list(factors_of(points.body))
    for x in factors:
        if not isinstance(x, Read):
            continue
        others = [f for f in factors if f is not x]
        outside = [f for f in others if points.scope.is_number(f)]
        others = [f for f in others if f not in outside]
        found = slides_of(x, points)
        if found is None or not others:
            continue
        taps = {s.tap for s in found[0].values()}
        letters = set().union(*(free_letters(f) for f in others))
        if not taps <= letters or any(s.kept in letters for s in found[0].values()):
            continue
        filters = without_range_filters(points.filters, [x], points.scope)
        bound = set(points.letters)
        if not bound <= letters | free_letters(x) or any(not free_letters(f) <= letters for f in filters):
            continue
        rest = replace(points, filters=filters)
        kernel = _kernel(others, found[1], rest)
        if kernel is not None:
            return scaled(_correlate(found, kernel, points), outside, points)
    return None


def _kernel(others: list[Expr], x: Read, points: Points) -> Array | None:
    """Π others, where the filters hold; letters it alone sums over summed."""
    scope = points.inside
    kernel: Array | None = None
    for f in others:
        value = real(scope.value(f))
        kernel = value if kernel is None else elementwise("mul", [kernel, value], scope.order, "real")
    assert kernel is not None
    mask = mask_of(points.filters, points.scope)
    if mask is not None:
        kernel = masked(mask, kernel, Integer(0), points.scope)
    return kernel


def _correlate(found: tuple[dict[int, Slide], Read, Scope], kernel: Array, points: Points) -> Array:
    slides, whole, scope = list(found[0].values()), found[1], found[2]
    x = real(scope.value(whole))
    axes, taps = tuple(s.axis for s in slides), tuple(s.tap for s in slides)
    bound = [b for b in points.letters if b not in taps]
    x = reduced("sum", x, [b for b in bound if b in x.dims and b not in kernel.dims])
    kernel = reduced("sum", kernel, [b for b in bound if b in kernel.dims and b not in x.dims])
    groups = tuple(d for d in x.dims if d in kernel.dims and d not in bound)
    channels = tuple(d for d in x.dims if d in kernel.dims and d in bound)
    batch = tuple(d for d in x.dims if d not in kernel.dims and d not in axes)
    filters = tuple(d for d in kernel.dims if d not in x.dims and d not in taps)
    left = grouped(x, (batch, groups, channels), axes, scope)
    right = grouped(kernel, (groups, filters, channels), taps, scope)
    kept = tuple(s.kept for s in slides)
    attrs = (
        tuple(s.start for s in slides), scope.extents(kept),
        tuple(s.stride for s in slides), tuple(s.dilation for s in slides),
    )  # fmt: skip
    node = Node("correlate", (left, right), attrs, "real", 3 + len(slides))
    return ungrouped(node, (batch, groups, filters), kept, scope)


def grouped(a: Array, roles: Sequence[Letters], last: Letters, scope: Scope) -> Node:
    """a with one axis a role, then the last letters one by one."""
    flat = transposed(a, tuple(d for role in roles for d in role) + last).node
    if all(len(role) == 1 for role in roles):
        return flat
    return reshaped(flat, [*(product(scope.extents(role)) for role in roles), *scope.extents(last)])


def ungrouped(node: Node, roles: Sequence[Letters], last: Letters, scope: Scope) -> Array:
    """One axis a letter again."""
    dims = tuple(d for role in roles for d in role) + last
    if not all(len(role) == 1 for role in roles):
        node = reshaped(node, scope.extents(dims))
    return Array(node, dims)


def with_offset(a: Array, b: Array, scope: Scope) -> Array | None:
    """A correlation or its adjoint plus what all of its groups and filters have, and nothing else: one step."""
    node = a.node.args[0] if a.node.op == "reshape" else a.node
    if node.op not in ("correlate", "spread") or len(node.args) != 2 or b.kind != "real" or not b.dims:
        return None
    assert node.ndim is not None
    lead = a.dims[: len(a.dims) - (node.ndim - 3)]
    batch = tuple(x for x in lead if x not in b.dims)
    own = lead[len(batch) :]
    data = node.args[0]
    samples = data.attrs[0] if data.op == "reshape" else scope.extent(lead[0])
    if lead[: len(batch)] != batch or set(b.dims) != set(own) or product(scope.extents(batch)) != samples:
        return None
    offset = transposed(b, own).node
    offset = offset if len(own) == 1 else reshaped(offset, [product(scope.extents(own))])
    joined = Node(node.op, (*node.args, offset), node.attrs, "real", node.ndim)
    return Array(joined if a.node.op != "reshape" else reshaped(joined, a.node.attrs), a.dims)


# ------------------------------------------------------------------------------ sliding reductions


def sliding(points: Points) -> Array | None:
    """sum, max, min of a window: one pass a tap and axis."""
    if points.op not in ("sum", "max", "min", "amax", "amin"):
        return None
    outside = [f for f in factors_of(points.body) if not free_letters(f) & set(points.letters)]
    if outside and (points.op != "sum" or any(map(may_be_infinite, outside))):
        return None
    body = Mul(*(f for f in factors_of(points.body) if f not in outside))
    found = _one_window(replace(points, body=body))
    if found is None:
        return None
    slides, whole, scope = found
    value = real(scope.value(whole))
    op = points.op.removeprefix("a")
    for s in slides:
        axis = value.dims.index(s.axis)
        lo, hi = points.scope.ranges[s.tap]
        attrs = (op, axis, s.start, scope.extent(s.kept), s.stride, hi - lo, s.dilation)
        dims = (*value.dims[:axis], s.kept, *value.dims[axis + 1 :])
        value = Array(Node("slide", (value.node,), attrs, "real", len(dims)), dims)
    return scaled(value, outside, points)


def _one_window(points: Points) -> tuple[list[Slide], Expr, Scope] | None:
    """The body is of one read, its taps are all that is bound, its range is all that is asked."""
    x = _read_of(points)
    if x is None or points.scope.tensors.get(x.tensor) is None:
        return None
    found = slides_of(x, points)
    if found is None or {s.tap for s in found[0].values()} != set(points.letters):
        return None
    if without_range_filters(points.filters, [x], points.scope):
        return None
    slides = [s if points.op.startswith("arg") else _upwards(s, points) for s in found[0].values()]
    if not forward(e for s in slides for e in (s.stride, s.dilation)):
        return None
    whole = substitute(points.body, {x: found[1]})
    return sorted(slides, key=lambda s: points.letters.index(s.tap)), whole, found[2]


def _read_of(points: Points) -> Read | None:
    """The read that the body is, or, summed, that it is a function of which is 0 at 0, wherever the point lies."""
    x = points.body
    if isinstance(x, Read) or points.op != "sum":
        return x if isinstance(x, Read) else None
    found = list(dict.fromkeys(reads(x)))
    if len(found) != 1 or isinstance(x, Reduce) or substitute(x, {found[0]: Integer(0)}) != 0:
        return None
    return None if free_letters(substitute(x, {found[0]: Integer(1)})) else found[0]


def _upwards(s: Slide, points: Points) -> Slide:
    """The taps counted from the lowest: their order does not matter."""
    if not (s.dilation.is_Integer and s.dilation.is_negative):
        return s
    return replace(s, start=s.start + s.dilation * (points.scope.extent(s.tap) - 1), dilation=-s.dilation)


def sliding_place(points: Points) -> Array | None:
    """The first winner of each window: one pass a tap."""
    if points.op not in ("argmax", "argmin"):
        return None
    found = _one_window(points)
    if found is None:
        return None
    slides, whole, scope = found
    value = real(scope.value(whole))
    axes = tuple(s.axis for s in slides)
    others = tuple(d for d in value.dims if d not in axes)
    node = transposed(value, others + axes).node
    extents = tuple(points.scope.extent(s.tap) for s in slides)
    attrs = (
        points.op,
        tuple(s.start for s in slides), scope.extents(s.kept for s in slides), tuple(s.stride for s in slides),
        extents, tuple(s.dilation for s in slides),
    )  # fmt: skip
    kept = tuple(s.kept for s in slides)
    return Array(Node("slide_place", (node,), attrs, "int", len(others) + len(kept)), others + kept)


# ------------------------------------------------------------------------------ windows that read 0 outside


def own_ranges(e: Where, scope: Scope) -> tuple[Basic, ...]:
    """The conditions of ``where(c, x[p·s + i·d − pad], 0)`` that only say what a window reads anyway: 0 outside."""
    read = e.args[1]
    if e.args[2] != 0 or not isinstance(read, Read) or read.tensor not in scope.tensors or read.tensor in scope.filled:
        return ()
    if read.tensor in scope.numbers or read.tensor in scope.given:
        return ()
    said: list[affine.Polynomial] = []
    for i, part in zip(read.indices, scope.tensors[read.tensor].parts, strict=True):
        where = positions(i, part, scope)
        if where is not None and where.letters and all(_in_one_index(x, read) for x in where.letters):
            said += in_range_filters(i, part)
    return tuple(c for c in conjuncts(e.args[0]) if nonnegative_form(c) in said)


def _in_one_index(letter: Letter, read: Read) -> bool:
    return sum(letter in free_letters(i) for i in read.indices) == 1


__all__ = [
    "NEUTRAL", "correlation", "grouped", "own_ranges", "sliding", "sliding_place", "ungrouped", "with_offset",
]  # fmt: skip
