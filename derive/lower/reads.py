"""Reads as views, windows and gathers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Integer

from derive.calculus import affine
from derive.functions import FUNCTIONS
from derive.lower.arrays import Array, aligned, elementwise, index, merged, reduced, scalar
from derive.lower.plan import ALL, Item, Node, at, span
from derive.lower.ranges import nonnegative
from derive.lower.scope import Scope
from derive.program import Letter, Part, Read, Tensor, free_letters

KINDS = {"real": "real", "const": "real", "index": "int", "bool": "bool"}


@dataclass(frozen=True)
class Affine:
    """``start + Σ step·(letter − lo)``: positions along one stored axis; start counts from its first point."""

    start: Expr
    letters: tuple[Letter, ...]
    steps: tuple[Expr, ...]


def stored(part: Part) -> Expr:
    """How many points an axis stores."""
    return part.extent + part.below


def source(tensor: Tensor) -> Node:
    """The whole stored array."""
    return Node("name", (), (tensor.name,), KINDS[tensor.kind], len(tensor.parts))


def position(e: Expr, part: Part) -> Expr:
    """Where index e is stored."""
    return e - part.origin + part.below


def positions(e: Expr, part: Part, scope: Scope) -> Affine | None:
    """An index as an affine map of letters that are axes; None if it is not one."""
    if e.has(Read):
        return None
    letters = tuple(letter for letter in scope.order if letter in free_letters(e) and letter not in scope.fixed)
    rest, steps = affine.polynomial(position(e, part)), []
    for letter in letters:
        halves = affine.split(rest, letter)
        if halves is None:
            return None
        step, rest = affine.expression(halves[0]), halves[1]
        if free_letters(step) - set(scope.fixed):
            return None
        steps.append(step)
    first = {letter: scope.ranges[letter][0] for letter in letters}
    start = affine.expression(rest) + sum((s * first[x] for s, x in zip(steps, letters, strict=True)), Integer(0))
    return Affine(start, letters, tuple(steps))


def read(e: Read, scope: Scope) -> Array:
    """``tensor[indices]``: slices for bare letters, windows for affine indices, a gather for the rest."""
    if e.tensor in scope.numbers:
        return scalar(scope.numbers[e.tensor])
    if e.tensor in scope.given:
        return scope.given[e.tensor]
    tensor = scope.tensors[e.tensor]
    if e.tensor in scope.filled:
        return _filled(e, tensor, scope)
    return _view(source(tensor), tensor.parts, e.indices, scope)


def _filled(e: Read, tensor: Tensor, scope: Scope) -> Array:
    """A read of a tensor while a loop fills it along an axis."""
    axis = scope.filled[e.tensor]
    step = e.indices[axis]
    rest = tensor.parts[:axis] + tensor.parts[axis + 1 :]
    others = e.indices[:axis] + e.indices[axis + 1 :]
    if scope.is_number(step):
        attrs = (tensor.name, axis, position(step, tensor.parts[axis]))
        return _view(Node("step", (), attrs, KINDS[tensor.kind], len(rest)), rest, others, scope)
    shape = tuple(stored(p) for p in tensor.parts)
    whole = Node("steps", (), (tensor.name, axis, shape), KINDS[tensor.kind], len(tensor.parts))
    return _view(whole, tensor.parts, e.indices, scope)


def _view(base: Node, parts: tuple[Part, ...], indices: tuple[Expr, ...], scope: Scope) -> Array:
    bare: list[Letter | None] = []
    items: list[Item] = []
    for e, part in zip(indices, parts, strict=True):
        free = [letter for letter in free_letters(e) if letter not in scope.fixed]
        if isinstance(e, Letter) and free and _alone(e, indices) and _fits(e, part, scope):
            items.append(_slice(e, part, scope))
            bare.append(e)
        elif not free and scope.is_number(e):
            items.append(at(position(_inside(e, part, scope), part)))
        else:
            items.append(ALL)
            bare.append(None)
    node = index(base, items)
    if None not in bare:
        return Array(node, tuple(d for d in bare if d is not None))
    rest = [(e, p) for e, p, item in zip(indices, parts, items, strict=True) if item[0] != "at"]
    return _windows_or_gather(node, bare, rest, scope)


def _alone(letter: Letter, indices: tuple[Expr, ...]) -> bool:
    """Whether no other index of the read has the letter."""
    return sum(1 for e in indices if letter in free_letters(e)) == 1


def _fits(letter: Letter, part: Part, scope: Scope) -> bool:
    """Whether the letter's whole range is stored; under a guard it need not be."""
    return not scope.guarded or stays(letter, part, scope)


def stays(letter: Letter, part: Part, scope: Scope) -> bool:
    """Whether a letter that is an axis has its whole range stored."""
    if letter not in scope.ranges or letter in scope.fixed:
        return False
    lo, hi = scope.ranges[letter]
    spare = (position(lo, part), stored(part) - position(hi, part))
    return all(nonnegative(e, {}) for e in spare)


def _inside(e: Expr, part: Part, scope: Scope) -> Expr:
    """A number that a guard may leave out of range, clipped."""
    spare = (position(e, part), stored(part) - 1 - position(e, part))
    if not scope.guarded or e.is_Integer or all(nonnegative(x, scope.spans) for x in spare):
        return e
    lowest, highest = Integer(part.origin - part.below), part.origin + part.extent - 1
    return FUNCTIONS["max"].cls(lowest, FUNCTIONS["min"].cls(e, highest))


def _slice(letter: Letter, part: Part, scope: Scope) -> Item:
    lo, hi = scope.ranges[letter]
    first, end = position(lo, part), position(hi, part)
    start = None if first == 0 else first
    stop = None if (end - stored(part)).expand() == 0 else end
    return ALL if start is None and stop is None else span(start, stop)


def _windows_or_gather(node: Node, bare: list[Letter | None], rest: list[tuple[Expr, Part]], scope: Scope) -> Array:
    """Affine indices over letters of their own become windows; others a gather."""
    dims: list[tuple[Letter, ...] | None] = [None if d is None else (d,) for d in bare]
    for k, (e, part) in enumerate(rest):
        where = positions(e, part, scope) if bare[k] is None else None
        if where is not None and where.letters and all(_alone(x, tuple(r[0] for r in rest)) for x in where.letters):
            axis = sum(1 if d is None else len(d) for d in dims[:k])
            node = window(node, axis, where, scope)
            dims[k] = where.letters
    if all(d is not None for d in dims):
        return Array(node, tuple(x for d in dims if d is not None for x in d))
    return _gather(node, dims, rest, scope)


def window(node: Node, axis: int, where: Affine, scope: Scope, fill: str = "0") -> Node:
    """The axis replaced by one axis a letter; points out of range read ``fill``."""
    counts = scope.extents(where.letters)
    if not scope.guarded and len(counts) == 1 and where.steps[0].is_Integer and where.steps[0] > 0:
        step = where.steps[0]
        stop = where.start + (counts[0] - 1) * step + 1
        items = [ALL] * axis + [span(where.start, stop.expand(), None if step == 1 else step)]
        return index(node, items)
    assert node.ndim is not None
    attrs = (axis, where.start, counts, where.steps, fill)
    return Node("window", (node,), attrs, node.kind, node.ndim + len(counts) - 1)


def _gather(node: Node, dims: list, rest: list[tuple[Expr, Part]], scope: Scope) -> Array:
    """``node[index arrays]``; bare letters and windows stay whole axes."""
    axes: list[Letter | Array] = []
    for d, (e, part) in zip(dims, rest, strict=True):
        axes += [_index_array(e, part, scope)] if d is None else list(d)
    arrays = [a for a in axes if isinstance(a, Array)]
    letters = merged([a for a in arrays if not a.is_scalar], scope.order)
    places = [k for k, a in enumerate(axes) if isinstance(a, Array)]
    kept = tuple(a for a in axes if not isinstance(a, Array))
    if places[-1] - places[0] != len(places) - 1:  # bring the indexed axes together, in front
        order = (*places, *(k for k in range(len(axes)) if k not in places))
        node = Node("transpose", (node,), (order,), node.kind, node.ndim)
        places = list(range(len(places)))
    if scope.guarded:
        node = Node("nonempty", (node,), (tuple(places),), node.kind, node.ndim)
    first = places[0]
    indices = tuple(aligned(a, letters) for a in arrays)
    gathered = Node("gather", (node, *indices), (first,), node.kind, len(letters) + len(kept))
    return Array(gathered, (*kept[:first], *letters, *kept[first:]))


def _index_array(e: Expr, part: Part, scope: Scope) -> Array:
    value = scope.value(position(e, part))
    if e.has(Read) and not value.is_scalar:
        chosen = _where_it_counts(value, scope)
        if chosen is not None:
            return elementwise("rows", [chosen], scope.order, "int", (stored(part),))
    if not scope.guarded:
        return value
    limits = [scalar(0), scalar(stored(part) - 1)]
    return elementwise("call", [value, *limits], scope.order, "int", ("clamp",))


def _any_along(letter: Letter, held: list[Array], scope: Scope) -> list[Array]:
    """Whether there is a point of the letter where the masks that have it hold together."""
    having = [h for h in held if letter in h.dims]
    if not having:
        return held
    mask = having[0]
    for h in having[1:]:
        mask = elementwise("and", [mask, h], scope.order, "bool")
    return [*(h for h in held if letter not in h.dims), reduced("any", mask, [letter], "bool")]


def _where_it_counts(value: Array, scope: Scope) -> Array | None:
    """An index that is data, 0 where no point uses it; None if the guards are not known.

    What is left may be judged: a wrong token is an error, not some other row.
    """
    if scope.guards is None or any(scope.is_number(g) for g in scope.guards):
        return None
    held = [replace(scope, guards=scope.guards[:n]).value(guard) for n, guard in enumerate(scope.guards)]
    if not held:
        return value
    for x in [x for x in scope.order if x not in value.dims]:
        held = _any_along(x, held, scope)
    mask = held[0]
    for holds in held[1:]:
        mask = elementwise("and", [mask, holds], scope.order, "bool")
    return elementwise("where", [mask, value, scalar(0)], scope.order, "int")
