"""A callee's declared axes matched to a caller's tensor: sizes solved, packs taken apart, composites joined."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Expr, Integer

from derive.language.context import Context
from derive.language.definition import Input
from derive.language.expressions import elaborate, number, symbols_of
from derive.language.lengths import lengths_asserted
from derive.language.ranges import unify
from derive.language.reads import pack_key
from derive.language.tables import Constant, Dim, Item, Pack, Ref, Scope, Slot
from derive.program import Compare, FloorDiv, Modulo, Size

Postponed = list[tuple[ast.expr, Expr, ast.AST]]


def match_input(
    declared: Input, found: Any, scope: Scope, postponed: Postponed, node: ast.AST, ctx: Context
) -> Ref | Constant:
    """The callee's view of a caller's tensor."""
    dims = _dims(found)
    groups = _split(declared, dims, scope, node, ctx)
    items: list[Item] = []
    joins: list[tuple[tuple[Slot, ...], tuple[Slot, ...]]] = []
    for axis, taken in groups:
        key = pack_key(axis)
        if key is not None:
            items.append(_match_pack(declared, key, taken, scope, node, ctx))
            joins += [(d.slots, d.slots) for d in taken]
        else:
            dim = _match_axis(declared, axis, taken[0], scope, postponed, node, ctx)
            items.append(dim)
            joins.append((dim.slots, taken[0].slots))
    if isinstance(found, Constant):
        return Constant(found.value, tuple(items))
    return Ref(found.row, tuple(items), _compose(found, tuple(joins)))


def _compose(found: Ref, joins: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The callee's axes in terms of the row's own, through the caller's view if it has one."""
    if found.joins is None:
        same = all(len(seen) == len(own) for seen, own in joins)
        return None if same else joins
    return tuple((seen, inner[1]) for (seen, _), inner in zip(joins, found.joins, strict=True))


def _dims(found: Any) -> tuple[Dim, ...]:
    items = found.items or ()
    return tuple(d for item in items for d in ((item,) if isinstance(item, Dim) else item.dims))


def _split(
    declared: Input, dims: tuple[Dim, ...], scope: Scope, node: ast.AST, ctx: Context
) -> list[tuple[ast.expr, tuple[Dim, ...]]]:
    """Which of the caller's axes each declared axis takes."""
    axes = declared.axes if declared.typed else (ast.Constant(Ellipsis),)
    lengths = {}
    for axis in axes:
        key = pack_key(axis)
        if key is not None:
            known = scope.packs.get(key)
            lengths[key] = len(known) if known is not None else None
    free = [k for k, n in lengths.items() if n is None]
    if len(free) > 1:
        lengths.update(_asserted(scope, free))
        free = [k for k in free if lengths[k] is None]
    rest = len(dims) - sum(lengths[k] or 0 if (k := pack_key(a)) else 1 for a in axes)
    if len(free) > 1:
        mend = f"say how long they are: assert len({free[0][1:]}) == dim"
        raise ctx.error(f"{declared.name} has several packs of unknown length", node, mend)
    if free:
        lengths[free[0]] = rest
        rest = 0 if rest >= 0 else rest
    if rest != 0:
        raise _rank(declared, dims, scope, node, ctx)
    out, at = [], 0
    for axis in axes:
        key = pack_key(axis)
        count = lengths[key] or 0 if key is not None else 1
        out.append((axis, dims[at : at + count]))
        at += count
    return out


def _rank(declared: Input, dims: tuple[Dim, ...], scope: Scope, node: ast.AST, ctx: Context) -> Exception:
    shape = ", ".join(ast.unparse(a) for a in declared.axes)
    message = f"{scope.definition.name} takes {declared.name}: [{shape}], given a tensor of {len(dims)} axes"
    return ctx.error(message, node, "give a tensor with those axes")


def _asserted(scope: Scope, keys: list[str]) -> dict[str, int | None]:
    """Lengths of packs that the callee asserts: ``assert len(A) == dim``."""
    out: dict[str, int | None] = dict.fromkeys(keys)
    out.update((key, count) for key, count, _ in lengths_asserted(scope) if key in out)
    return out


def _match_pack(declared: Input, key: str, taken: tuple[Dim, ...], scope: Scope, node: ast.AST, ctx: Context) -> Pack:
    known = scope.packs.get(key)
    if known is None:
        scope.packs[key] = taken
        if len(taken) == 1 and len(taken[0].slots) == 1:
            scope.sizes.setdefault(key.lstrip("*."), taken[0].slots[0].extent)
    else:
        for a, b in zip(known, taken, strict=True):
            if len(a.slots) != len(b.slots):
                raise ctx.error(f"the axes {key} of {declared.name} are put together differently", node, "match them")
            for s, t in zip(a.slots, b.slots, strict=True):
                _same(declared, s.extent, t.extent, scope, node, ctx)
    return Pack(key, taken)


def _same(declared: Input, a: Expr, b: Expr, scope: Scope, node: ast.AST, ctx: Context) -> None:
    message = f"{scope.definition.name} needs equal extents: {declared.name} has {{right}} where {{left}} is expected"
    unify(scope.build, a, b, message, "give tensors whose axes agree", node, ctx.scope, called=True)


def _match_axis(
    declared: Input, axis: ast.expr, taken: Dim, scope: Scope, postponed: Postponed, node: ast.AST, ctx: Context
) -> Dim:
    own = taken.slots
    if not isinstance(axis, ast.List):
        extent = own[0].extent if len(own) == 1 else _product(own)
        slot = own[0] if len(own) == 1 else Slot(extent)
        _solve(declared, axis, extent, scope, postponed, node, ctx)
        return Dim((slot,))
    parts = list(axis.elts)
    if len(parts) == len(own):
        for part, slot in zip(parts, own, strict=True):
            _solve(declared, part, slot.extent, scope, postponed, node, ctx)
        return Dim(own)
    return _divide(declared, parts, own, scope, node, ctx)


def _divide(
    declared: Input, parts: list[ast.expr], own: tuple[Slot, ...], scope: Scope, node: ast.AST, ctx: Context
) -> Dim:
    """A composite ``[groups, C]`` given as one axis: all parts but one must be known; that one is the quotient."""
    extents = [_known(p, scope) for p in parts]
    unknown = [i for i, e in enumerate(extents) if e is None]
    total = _product(own)
    if len(unknown) > 1:
        raise ctx.error(f"the composite axis of {declared.name} cannot be divided", node, "give all its parts but one")
    divisor: Expr = Integer(1)
    for e in extents:
        divisor = divisor * e if e is not None else divisor
    if unknown:
        quotient = total if divisor == 1 else exact_quotient(total, divisor, scope)
        part = parts[unknown[0]]
        _solve(declared, part, quotient, scope, [], node, ctx)
        extents[unknown[0]] = quotient
    else:
        _same(declared, divisor, total, scope, node, ctx)
    return Dim(tuple(Slot(e) for e in extents if e is not None))


def exact_quotient(total: Expr, divisor: Expr, scope: Scope) -> Expr:
    """``total/divisor``, whole: by cancelling, else as // with the requirement that it divides."""
    plain = total / divisor
    if plain.is_Integer or (plain.is_integer and not plain.is_Rational):
        return plain
    remainder = Modulo(total, divisor)
    if remainder != 0:
        requirement = Compare("==", remainder, Integer(0))
        if requirement not in scope.build.requirements:
            scope.build.requirements.append(requirement)
    return FloorDiv(total, divisor)


def _product(slots: tuple[Slot, ...]) -> Expr:
    total: Expr = Integer(1)
    for s in slots:
        total = total * s.extent
    return total


def _known(axis: ast.expr, scope: Scope, late: bool = False) -> Expr | None:
    """An axis expression's value if all its names are known, else None."""
    for n in ast.walk(axis):
        if not isinstance(n, ast.Name) or scope.sizes.get(n.id) is not None or n.id in scope.hypers:
            continue
        if not (late and n.id in scope.scalars):
            return None
    value = elaborate(axis, Context(scope))
    return value if isinstance(value, Expr) else None


def _solve(
    declared: Input, axis: ast.expr, extent: Expr, scope: Scope, postponed: Postponed, node: ast.AST, ctx: Context
) -> None:
    """An axis's extent is known: its size is solved, or must agree."""
    value = _known(axis, scope)
    if value is not None:
        _same(declared, value, extent, scope, node, ctx)
    elif isinstance(axis, ast.Name) and axis.id not in scope.scalars:
        scope.sizes[axis.id] = extent
    else:
        postponed.append((axis, extent, node))


def settle_postponed(postponed: Postponed, scope: Scope, node: ast.AST, ctx: Context) -> None:
    """``4*H`` given an extent, once the other sizes are known: H is the quotient."""
    for axis, extent, at in postponed:
        value = _known(axis, scope, late=True)
        if value is None:
            names = [n.id for n in ast.walk(axis) if isinstance(n, ast.Name)]
            unknown = [n for n in dict.fromkeys(names) if scope.sizes.get(n) is None and n not in scope.hypers]
            if len(unknown) != 1:
                raise ctx.error(
                    f"the axis {ast.unparse(axis)} cannot be solved", node, "give its sizes in other inputs"
                )
            size = Size("?solve")
            scope.sizes[unknown[0]] = size
            form = number(axis, Context(scope))
            slope = form.diff(size) if not symbols_of(form, FloorDiv) else Integer(0)  # type: ignore[type-var]
            if slope == 0 or slope.has(size):
                raise ctx.error(
                    f"the axis {ast.unparse(axis)} cannot be solved", node, "give its sizes in other inputs"
                )
            scope.sizes[unknown[0]] = exact_quotient(extent - form.subs(size, 0), slope, scope)
            continue
        message = f"{scope.definition.name} needs equal extents: {{right}} where {{left}} is expected"
        unify(scope.build, value, extent, message, "give tensors whose axes agree", at, ctx.scope, called=True)
