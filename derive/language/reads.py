"""Reads: indices matched to axes, composites and packs unfolded, range conditions put where they belong."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Expr, Integer

from derive.language.context import Context, Static, resolve, unknown_name
from derive.language.expressions import conjunction, elaborate, macro_read, number, whole_number
from derive.language.parse import elements
from derive.language.tables import (
    Absent,
    Bound,
    Constant,
    Dim,
    Family,
    Frame,
    Item,
    Macro,
    Pack,
    RangeCheck,
    Ref,
    Slot,
)  # fmt: skip
from derive.program import Compare, FloorDiv, Letter, Modulo, Read, Truth, free_letters, reads

Indexed = tuple[Expr, Slot, ast.AST]


def read(node: ast.Subscript, ctx: Context) -> Any:
    """``x[i, j]``, ``w[i][k]`` of a family, or ``stride[0]`` of a hyperparameter."""
    base = node.value
    if isinstance(base, ast.Subscript):
        return _family_read(node, base, ctx)
    if not isinstance(base, ast.Name):
        raise ctx.error("only tensors have indices", node, "give the value an equation of its own, then read it")
    name = base.id
    if ctx.letters(name):
        raise ctx.error(f"the letter {name} has no indices", node, "name a tensor")
    found = resolve(ctx.scope, ctx.aliases, name)
    if isinstance(found, Absent):
        raise ctx.error(f"{name} is absent here", node, f"ask first: if {name} is not None")
    if isinstance(found, Family):
        member = _member(found, name, node, ctx)
        return read_tensor(name, member, (), node, ctx)
    if found is not None:
        return read_tensor(name, found, elements(node.slice), node, ctx)
    hyper = ctx.scope.find("hypers", name)
    if hyper is not None:
        return _hyper_item(name, hyper.value if isinstance(hyper, Static) else hyper, node, ctx)
    if ctx.scope.find("sizes", name) is not None:
        raise ctx.error(f"the size {name} has no indices", node, "name a tensor")
    raise unknown_name(base, ctx)


def _hyper_item(name: str, value: Any, node: ast.Subscript, ctx: Context) -> Any:
    if not isinstance(value, tuple):
        raise ctx.error(f"{name} is a single value", node, f"write {name} without brackets")
    position = whole_number(node.slice, ctx)
    if not -len(value) <= position < len(value):
        raise ctx.error(f"{name} has {len(value)} values; there is no {name}[{position}]", node, "count from 0")
    return value[position]


def _member(family: Family, name: str, node: ast.Subscript, ctx: Context) -> Any:
    position = whole_number(node.slice, ctx)
    if not 0 <= position < len(family.members):
        raise ctx.error(
            f"{name} has {len(family.members)} members; there is no {name}[{position}]", node, "count from 0"
        )
    return family.members[position]


def family_member(node: ast.Subscript, ctx: Context) -> Any:
    """The member that ``w[i]`` names, or None if w is no family."""
    assert isinstance(node.value, ast.Name)
    found = resolve(ctx.scope, ctx.aliases, node.value.id)
    return _member(found, node.value.id, node, ctx) if isinstance(found, Family) else None


def _family_read(node: ast.Subscript, base: ast.Subscript, ctx: Context) -> Any:
    if isinstance(base.value, ast.Name):
        found = resolve(ctx.scope, ctx.aliases, base.value.id)
        if isinstance(found, Family):
            member = _member(found, base.value.id, base, ctx)
            return read_tensor(base.value.id, member, elements(node.slice), node, ctx)
    raise ctx.error("two brackets are for a family of inputs", node, "write the indices in one bracket: x[i, j]")


def read_tensor(name: str, found: Any, indices: tuple[ast.expr, ...], node: ast.AST, ctx: Context) -> Expr:
    """The read of what a name stands for at these indices; its range conditions are filed."""
    if isinstance(found, Absent):
        raise ctx.error(f"{name} is absent here", node, f"ask first: if {name} is not None")
    if isinstance(found, Macro):
        match_items(name, (), indices, node, ctx)
        return macro_read(found, name, node, ctx)
    if isinstance(found, Constant):
        if found.items is not None:
            file_ranges(match_items(name, found.items, indices, node, ctx), ctx)
        return found.value
    assert isinstance(found, Ref), found
    indexed = match_items(name, found.items, indices, node, ctx)
    own = ctx.equation is not None and ctx.equation.row is found.row
    file_ranges(indexed, ctx, name if own else "")
    return Read(found.row.name, *underlying(found, [e for e, _, _ in indexed]))


def padded_read(node: ast.expr, ctx: Context) -> tuple[Expr, Expr]:
    """The condition that a read is in range, and the read."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, (ast.Name, ast.Subscript)):
        raise ctx.error("padded guards one read", node, "write padded(x[i], value)")
    outer = ctx.guards
    ctx.guards = [*outer, len(ctx.frames)]
    base = node.value
    found = resolve(ctx.scope, ctx.aliases, base.id) if isinstance(base, ast.Name) else None
    value = read(node, ctx)
    conditions: list[Expr] = []
    if isinstance(found, Ref):
        for index, slot, node_of in match_items(base.id, found.items, elements(node.slice), node, ctx):  # type: ignore[union-attr]
            if not isinstance(index, Letter) or _stated(index, ctx) or _reached(index, node_of, ctx):
                conditions += range_conditions(index, slot)
    ctx.guards = outer
    return conjunction(conditions), value


def _stated(letter: Letter, ctx: Context) -> bool:
    bound = find_bound(letter, ctx)[0]
    return bool(bound and bound.stated)


# ------------------------------------------------------------------------------ matching indices to axes


def match_items(
    name: str, items: tuple[Item, ...], indices: tuple[ast.expr, ...], node: ast.AST, ctx: Context
) -> list[Indexed]:
    """One (index, slot) per part of what the scope sees; a pack's letters take as many axes as they are."""
    dims = [d for item in items for d in ((item,) if isinstance(item, Dim) else item.dims)]
    out: list[Indexed] = []
    at = 0
    for index in indices:
        key = pack_key(index)
        if key is not None:
            letters = _pack_letters(key, index, ctx)
            taken = 0
            while taken < len(letters) and at < len(dims):
                slots = dims[at].slots
                out += [(a, s, index) for a, s in zip(letters[taken:], slots, strict=False)]
                taken, at = taken + len(slots), at + 1
            if taken != len(letters):
                raise _rank(name, items, indices, node, ctx)
        elif at < len(dims):
            out += _axis(name, dims[at], index, ctx)
            at += 1
        else:
            at += 1
    if at != len(dims):
        raise _rank(name, items, indices, node, ctx)
    return out


def _pack_letters(key: str, index: ast.expr, ctx: Context) -> tuple[Letter, ...]:
    letters = ctx.letters(key)
    if letters is None and ctx.scope.find("packs", key.upper()) == ():
        return ()
    if letters is None:
        mend = f"put {key} on the left side, or bind it in a reduction: mean[{key}](…)"
        raise ctx.error(f"the pack {key} is not bound", index, mend)
    return letters


def _rank(name: str, items: tuple[Item, ...], indices: tuple[ast.expr, ...], node: ast.AST, ctx: Context) -> Exception:
    shape = "[" + ", ".join(spell(item) for item in items) + "]"
    axes = f"{len(items)} {'axis' if len(items) == 1 else 'axes'}"
    count = f"{len(indices)} {'index' if len(indices) == 1 else 'indices'}"
    if not items:
        return ctx.error(f"{name} is a scalar, read here with {count}", node, f"write {name}")
    mend = f"{name} is {name}: {shape}; give one index for each axis"
    if not indices:
        return ctx.error(f"{name} has {axes}; it stands here without indices", node, mend)
    return ctx.error(f"{name} has {axes}, read here with {count}", node, mend)


def spell(item: Item | Slot) -> str:
    """An axis as a person writes it."""
    if isinstance(item, Pack):
        return item.name
    if isinstance(item, Slot):
        text = str(item.extent)
        return "?" if text.startswith("?") else text
    inner = ", ".join(spell(e) for e in item.entries)
    return inner if len(item.entries) == 1 else f"[{inner}]"


def pack_key(node: ast.AST) -> str | None:
    """``...`` or ``*a`` as the name its letters go by, or None."""
    if isinstance(node, ast.Constant) and node.value is Ellipsis:
        return "..."
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.Name):
        return "*" + node.value.id
    return None


def _axis(name: str, dim: Dim, index: ast.expr, ctx: Context) -> list[Indexed]:
    if isinstance(index, ast.List):
        return _composite(name, dim, index, ctx)
    if isinstance(index, ast.Tuple):
        raise ctx.error("round brackets inside an index", index, "a composite axis is written with square ones: [g, c]")
    value = integer_index(index, ctx)
    if len(dim.slots) > 1 and len(real := _not_unit(dim.slots)) < 2:
        only = real[0] if real else dim.slots[-1]
        return [(value if s is only else Integer(0), s, index) for s in dim.slots]
    if len(dim.slots) == 1:
        if str(dim.slots[0].extent).startswith(("...", "*")):
            pack = str(dim.slots[0].extent)
            raise ctx.error(f"this axis of {name} is the pack {pack}", index, f"write {pack.lower()} there")
        return [(value, dim.slots[0], index)]
    return _flat(value, dim, index, ctx)


def integer_index(index: ast.expr, ctx: Context) -> Expr:
    """The value of an index expression."""
    value = elaborate(index, ctx)
    if not isinstance(value, Expr) or (value.is_Rational and not value.is_Integer):
        raise ctx.error(
            "an index is a whole number", index, "write letters, sizes, integers and reads of Index tensors"
        )
    return value


def _not_unit(slots: tuple[Slot, ...]) -> list[Slot]:
    return [s for s in slots if s.extent != 1]


def _flat(value: Expr, dim: Dim, index: ast.AST, ctx: Context) -> list[Indexed]:
    """A single index into a composite axis: row-major, ``f → [f // C, f % C]``."""
    total: Expr = Integer(1)
    for slot in dim.slots:
        total = total * slot.extent
    file_ranges([(value, Slot(total), index)], ctx)
    return list(zip(unflatten(value, dim.slots), dim.slots, [index] * len(dim.slots), strict=True))


def unflatten(value: Expr, slots: tuple[Slot, ...]) -> list[Expr]:
    """``f → f // C, f % C``, row-major."""
    out: list[Expr] = []
    for position, slot in enumerate(slots):
        inner: Expr = Integer(1)
        for later in slots[position + 1 :]:
            inner = inner * later.extent
        whole = FloorDiv(value, inner)
        out.append(whole if position == 0 else Modulo(whole, slot.extent))
    return out


def flatten(indices: list[Expr], slots: list[Slot]) -> Expr:
    """``g, c → g*C + c``, row-major."""
    value: Expr = Integer(0)
    for index, slot in zip(indices, slots, strict=True):
        value = value * slot.extent + index
    return value


def _composite(name: str, dim: Dim, index: ast.List, ctx: Context) -> list[Indexed]:
    out: list[Indexed] = []
    slots, unit = list(dim.slots), []
    if len(index.elts) != len(slots) and len(index.elts) == len(_not_unit(dim.slots)):
        slots, unit = _not_unit(dim.slots), [s for s in slots if s.extent == 1]
    for element in index.elts:
        key = pack_key(element)
        if key is not None:
            letters = _pack_letters(key, element, ctx)
            out += [(a, s, element) for a, s in zip(letters, slots, strict=False)]
            slots = slots[len(letters) :]
        else:
            out += [(integer_index(element, ctx), s, element) for s in slots[:1]]
            slots = slots[1:] if slots else [Slot(Integer(0))]
    out += [(Integer(0), s, index) for s in unit]
    order = {id(s): i for i, s in enumerate(dim.slots)}
    out.sort(key=lambda e: order.get(id(e[1]), 0))
    if slots or len(out) != len(dim.slots):
        if len(dim.slots) == 1:
            message = f"this axis of {name} is {spell(dim)}, not a composite"
            raise ctx.error(message, index, "declare it as one: [G, C], or read it with one index")
        raise ctx.error(
            f"this axis of {name} is the composite {spell(dim)}", index, "give one letter for each of its parts"
        )
    return out


def underlying(ref: Ref, indices: list[Expr]) -> list[Expr]:
    """Indices by what the scope sees, to indices by the row's own parts."""
    if ref.joins is None:
        return indices
    out: list[Expr] = []
    at = 0
    for seen, own in ref.joins:
        given = indices[at : at + len(seen)]
        at += len(seen)
        kept = [(i, s) for i, s in zip(given, seen, strict=True) if s.extent != 1] if len(seen) > len(own) else []
        if len(seen) == len(own):
            out += given
        elif len(own) == 1:
            out.append(flatten([i for i, _ in kept], [s for _, s in kept]))
        elif len(kept) == len(own):
            out += [i for i, _ in kept]
        else:
            out += unflatten(flatten(given, list(seen)), own)
    return out


# ------------------------------------------------------------------------------ ranges


def range_conditions(index: Expr, slot: Slot) -> list[Expr]:
    """``lo <= index`` and ``index < hi``, without those a literal settles."""
    lo, hi = Integer(slot.origin - slot.below), slot.hi
    out: list[Expr] = []
    for c, a, b in ((Compare("<=", lo, index), lo, index), (Compare("<", index, hi), index, hi)):
        if a.is_Integer and b.is_Integer:
            strict = c.op == "<"
            out.append(Truth(int(a) < int(b) if strict else int(a) <= int(b)))
        else:
            out.append(c)
    return out


def find_bound(letter: Letter, ctx: Context) -> tuple[Bound | None, int]:
    """Who binds a letter, and how deep."""
    for depth in range(len(ctx.frames) - 1, -1, -1):
        for bound in ctx.frames[depth].bounds:
            if bound.letter == letter:
                return bound, depth
    return None, -1


def file_ranges(indexed: list[Indexed], ctx: Context, recurrent: str = "") -> None:
    """Bare letters learn their range; other indices become filters, or must be in range by themselves."""
    for index, slot, node in indexed:
        if isinstance(index, Letter) and not _reached(index, node, ctx):
            bound, _ = find_bound(index, ctx)
            if bound:
                bound.facts.append((slot.lo, slot.hi, node, ctx.scope))
            continue
        if any(True for _ in reads(index)):
            continue
        frame, guarded = _owner(index, ctx)
        if guarded:
            continue
        if frame is not None and frame.op:
            frame.pending += [c for c in range_conditions(index, slot) if not (isinstance(c, Truth) and c)]
        else:
            bounds = tuple(b for f in ctx.frames[:1] for b in f.bounds)
            ctx.scope.build.checks.append(RangeCheck(index, slot, bounds, node, ctx.scope, recurrent))


def _reached(letter: Letter, node: ast.AST, ctx: Context) -> bool:
    """Whether a letter of known range stands for an index that is written otherwise: ``x[p*stride]`` at stride 1."""
    bound = find_bound(letter, ctx)[0]
    return isinstance(node, ast.BinOp) and bound is not None and bound.hi is not None


def _owner(index: Expr, ctx: Context) -> tuple[Frame | None, bool]:
    """The innermost reduction binding one of the index's letters, and whether a guard stands inside it."""
    letters = free_letters(index)
    for depth in range(len(ctx.frames) - 1, -1, -1):
        if any(b.letter in letters for b in ctx.frames[depth].bounds):
            guarded = any(g > depth for g in ctx.guards)
            return ctx.frames[depth], guarded or (not ctx.frames[depth].op and _filtered(letters, ctx))
    return None, bool(ctx.guards)


def _filtered(letters: set[Letter], ctx: Context) -> bool:
    """Whether an entry so far, no binding, speaks of one of the letters: ``y[t, t > 0] = x[t - 1]``."""
    return any(
        letters & free_letters(entry) for frame in ctx.frames for entry in frame.entries if not isinstance(entry, Bound)
    )


def literal(node: ast.expr, ctx: Context) -> Expr | None:
    """A static integer index, or None."""
    value = number(node, ctx)
    return value if value.is_Integer else None
