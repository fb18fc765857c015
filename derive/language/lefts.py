"""Left sides: the axes they give a tensor, the letters they bind, pieces told apart."""

from __future__ import annotations

import ast
from collections.abc import Container

from sympy import Expr, Integer

from derive.errors import DefinitionError
from derive.language.context import Context
from derive.language.expressions import condition, elaborate, number
from derive.language.parse import elements
from derive.language.reads import literal, pack_key, spell
from derive.language.reductions import (
    bind,
    bind_pack,
    find_pack,
    fresh_operand,
    insert_pending,
    is_fresh,
    new_letter,
    settle_bound,
    stated_range,
)  # fmt: skip
from derive.language.tables import Bound, Dim, Equation, Frame, Item, Macro, Pack, Ref, Row, Slot
from derive.program import Piece, Size, reads

# ------------------------------------------------------------------------------ axes


def axes_items(axes: tuple[ast.expr, ...], ctx: Context) -> tuple[Item, ...]:
    """Declared axes: sizes, numbers, expressions, composites, packs."""
    return tuple(_axis_item(axis, ctx) for axis in axes)


def _axis_item(axis: ast.expr, ctx: Context) -> Item:
    key = pack_key(axis)
    if key is not None:
        return declared_pack(key, axis, ctx)
    if isinstance(axis, ast.List):
        dim = Dim(tuple(_entry(e, ctx) for e in axis.elts))
        if len(dim.slots) == 1 and isinstance(dim.slots[0].extent, Size) and dim.slots[0].extent.is_pack:
            mend = "say how many axes it has, or write [*K, 1]"
            raise ctx.error("a composite of nothing but a pack cannot be told from the pack", axis, mend)
        return dim
    if isinstance(axis, ast.Tuple):
        raise ctx.error("round brackets inside axes", axis, "a composite axis is written with square ones: [G, C]")
    return Dim((_slot(axis, ctx),))


def _entry(axis: ast.expr, ctx: Context) -> Slot | Pack:
    key = pack_key(axis)
    return declared_pack(key, axis, ctx) if key is not None else _slot(axis, ctx)


def declared_pack(key: str, axis: ast.expr, ctx: Context) -> Pack:
    """The axes of a pack; one never seen before is one part of its own size."""
    dims = ctx.scope.find("packs", key)
    if dims is None:
        dims = (Dim((Slot(Size(key)),)),)
        ctx.scope.top.packs[key] = dims
    return Pack(key, tuple(Dim(tuple(Slot(s.extent, s.origin) for s in d.slots)) for d in dims))


def _slot(axis: ast.expr, ctx: Context) -> Slot:
    value = elaborate(axis, ctx)
    if not isinstance(value, Expr) or (value.is_Rational and not value.is_Integer):
        raise ctx.error("an axis is a size, a number or an integer expression", axis, "write Real[N, 4*H]")
    if value.is_Integer and value < 0:
        raise ctx.error("an axis has a negative extent", axis, "extents are 0 or more")
    origin = 1 if isinstance(axis, ast.Name) and axis.id == ctx.scope.definition.steps else 0
    return Slot(value, origin)


# ------------------------------------------------------------------------------ a new equation


def add_equation(equation: Equation) -> None:
    """File an equation under its tensor; the first one gives the axes unless they are declared."""
    scope, target = equation.scope, equation.target
    base = target.value if isinstance(target, ast.Subscript) else target
    if not isinstance(base, ast.Name):
        raise scope.error("this left side is not known", target, "write y[n, k] = …")
    name = base.id
    ctx = Context(scope, equation.aliases, equation=equation)
    if scope.macro:
        _add_macro(name, equation, ctx)
        return
    row = _row(name, equation, ctx)
    indices = index_elements(target, ctx)
    _check_shape(name, row, indices, target, ctx)
    equation.row = row
    row.equations.append(equation)
    _note_literals(row, indices, ctx)
    scope.build.equations.append(equation)


def _add_macro(name: str, equation: Equation, ctx: Context) -> None:
    if name in equation.scope.names:
        raise ctx.error(f"{name} has several equations", equation.target, "call the definition on whole tensors")
    equation.scope.names[name] = Macro(equation)


def _row(name: str, equation: Equation, ctx: Context) -> Row:
    scope = equation.scope
    for around in scope.chain():
        if name in around.declared:
            return around.declared[name]
    found = scope.names.get(name)
    if isinstance(found, Ref) and found.row.equations:
        return found.row
    if found is not None or name in equation.aliases or name in scope.hypers or name in scope.sizes:
        raise ctx.error(f"the name {name} is bound twice", equation.target, "give the second one its own name")
    items = tuple(_new_item(i, ctx) for i in index_elements(equation.target, ctx))
    if name in scope.definition.states:
        items = (Dim((Slot(Size(scope.definition.steps), 1),)), *items[1:])
    row = Row(scope.turn_name(name), items, node=equation.target, definition=scope.definition)
    scope.names[name] = row.ref()
    scope.build.rows.append(row)
    return row


def index_elements(target: ast.expr, ctx: Context) -> list[ast.expr]:
    """The elements of a left side that are indices, not conditions alone."""
    if not isinstance(target, ast.Subscript):
        return []
    kept: list[ast.expr] = []
    seen: dict[str, None] = {}
    for element in elements(target.slice):
        if not is_condition_alone(element, ctx, seen):
            kept.append(element)
            seen.update({n.id: None for n in ast.walk(element) if isinstance(n, ast.Name)})
    return kept


def is_condition_alone(node: ast.expr, ctx: Context, seen: Container[str] = ()) -> bool:
    """Whether an element of a left side binds no letter: all its names are known, or stand to its left."""
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        return True
    if not isinstance(node, ast.Compare):
        return False
    names = [o.id for o in (node.left, *node.comparators) if isinstance(o, ast.Name)]
    return not any(is_fresh(name, ctx) and name not in seen for name in names)


def _new_item(index: ast.expr, ctx: Context) -> Item:
    key = pack_key(index)
    if key is not None:
        pack = find_pack(key, index, ctx)
        return Pack(pack.name, tuple(Dim(tuple(Slot(s.extent, s.origin) for s in d.slots)) for d in pack.dims))
    unknown = ctx.scope.build.unknown
    if isinstance(index, ast.List):
        return Dim(tuple(_new_entry(e, ctx) for e in index.elts))
    if isinstance(index, ast.Tuple):
        raise ctx.error("round brackets inside an index", index, "a composite axis is written with square ones: [g, c]")
    return Dim((Slot(unknown()),))


def _new_entry(index: ast.expr, ctx: Context) -> Slot | Pack:
    item = _new_item(index, ctx)
    return item if isinstance(item, Pack) else item.slots[0]


def _check_shape(name: str, row: Row, indices: list[ast.expr], target: ast.expr, ctx: Context) -> None:
    if len(indices) != len(row.items):
        shape = ", ".join(spell(i) for i in row.items)
        message = f"{name} has {len(row.items)} axes, written here with {len(indices)}"
        raise ctx.error(message, target, f"{name} is {name}: [{shape}]")


def _pairs(row: Row, indices: list[ast.expr]) -> list[tuple[ast.expr, Slot]]:
    """(index, slot) for every index of a left side that is neither a pack nor a composite."""
    out: list[tuple[ast.expr, Slot]] = []
    for item, index in zip(row.items, indices, strict=True):
        entries = item.entries if isinstance(item, Dim) else ()
        inner = index.elts if isinstance(index, ast.List) else [index]
        if len(inner) == len(entries):
            out += [(i, e) for i, e in zip(inner, entries, strict=True) if isinstance(e, Slot)]
    return out


def _note_literals(row: Row, indices: list[ast.expr], ctx: Context) -> None:
    """``h[-1, n]`` makes a halo; ``z[t, [0, k]]`` counts towards an extent."""
    for index, slot in _pairs(row, indices):
        if isinstance(index, (ast.Compare, ast.List)) or pack_key(index):
            continue
        if isinstance(index, ast.Name) and is_fresh(index.id, ctx):
            continue
        _refuse_data(index, ctx)
        value = literal(index, ctx)
        if value is not None:
            slot.literals.append(int(value))
            slot.below = max(slot.below, slot.origin - int(value))


def _refuse_data(index: ast.expr, ctx: Context) -> None:
    if any(isinstance(n, ast.Name) and is_fresh(n.id, ctx) for n in ast.walk(index)):
        text = ast.unparse(index)
        if isinstance(index, ast.Subscript):
            mend = f"name the point and sum what falls on it: y[k] = sum[n, {text} == k](x[n])"
            raise ctx.error("the left side has an index that is data", index, mend)
        mend = "the left side has letters and literals; put the arithmetic into the reads"
        raise ctx.error("an expression of letters stands on the left", index, mend)


# ------------------------------------------------------------------------------ an equation elaborated


def elaborate_equation(equation: Equation) -> None:
    """One equation becomes one piece of its tensor."""
    row, target = equation.row, equation.target
    assert row is not None
    frame = Frame("")
    ctx = Context(equation.scope, equation.aliases, [frame], equation=equation)
    indices = _left(row, target, frame, ctx)
    value = elaborate(equation.value, ctx)
    if not isinstance(value, Expr):
        raise ctx.error("the right side is not a number", equation.value, "write an expression over reads")
    for name, bounds in frame.names.items():
        for bound in bounds:
            settle_bound(name, bound, ctx)
            if bound.stated:
                build = ctx.scope.build
                build.fits += [(bound, (lo, hi), frame.bounds, n, s) for lo, hi, n, s in bound.facts]
    _skip_bases(row, equation, frame)
    entries = insert_pending(frame)
    row.pieces.append(Piece(tuple(indices), tuple(entries), value))


def _left(row: Row, target: ast.expr, frame: Frame, ctx: Context) -> list[Expr]:
    indices: list[Expr] = []
    items = iter(row.items)
    for element in elements(target.slice) if isinstance(target, ast.Subscript) else ():
        if is_condition_alone(element, ctx):
            frame.entries.append(condition(element, ctx))
            continue
        item = next(items)
        if isinstance(item, Pack):
            indices += _left_pack(item, element, frame, ctx)
        elif isinstance(element, ast.List):
            indices += _left_composite(row, item, element, frame, ctx)
        elif len(item.slots) == 1:
            indices.append(_left_index(item.slots[0], element, frame, ctx))
        else:
            mend = f"write one letter for each part: {spell(item).lower()}"
            raise ctx.error(f"this axis is the composite {spell(item)}", element, mend)
    return indices


def _left_pack(pack: Pack, element: ast.expr, frame: Frame, ctx: Context) -> list[Expr]:
    key = pack_key(element)
    if key is None:
        raise ctx.error(f"this axis is the pack {pack.name}", element, f"write {pack.name.lower()} there")
    bounds = bind_pack(key, element, frame, ctx)
    for bound, slot in zip(bounds, pack.slots, strict=True):
        bound.lo, bound.hi, bound.slot = slot.lo, slot.hi, slot
    return [b.letter for b in bounds]


def _left_composite(row: Row, dim: Dim, element: ast.List, frame: Frame, ctx: Context) -> list[Expr]:
    if len(element.elts) != len(dim.entries):
        raise ctx.error(f"this axis is {spell(dim)}", element, "write one letter for each of its parts")
    out: list[Expr] = []
    for entry, e in zip(dim.entries, element.elts, strict=True):
        out += _left_pack(entry, e, frame, ctx) if isinstance(entry, Pack) else [_left_index(entry, e, frame, ctx)]
    return out


def _left_index(slot: Slot, element: ast.expr, frame: Frame, ctx: Context) -> Expr:
    if isinstance(element, ast.Name):
        if is_fresh(element.id, ctx):
            bound = bind(element, frame, ctx)
            bound.lo, bound.hi, bound.slot = slot.lo, slot.hi, slot
            return bound.letter
        if ctx.letters(element.id):
            mend = "name the second one differently and state the condition: y[i, j == i]"
            raise ctx.error(f"the letter {element.id} stands twice on the left", element, mend)
        _refuse_taken(element, ctx)
    if isinstance(element, ast.Compare):
        return _left_stated(slot, element, frame, ctx)
    value = number(element, ctx)
    if value.is_Integer:
        return value
    if any(True for _ in reads(value)) or any(b.letter in value.free_symbols for b in frame.bounds):
        mend = "the left side has letters and literals; put the arithmetic into the reads"
        raise ctx.error("an expression of letters stands on the left", element, mend)
    letter = new_letter("i", ctx)
    bound = Bound(letter, value, value + 1, element, stated=True, slot=slot)
    slot.stated.append((value, value + 1))
    frame.names[letter.name] = (bound,)
    frame.entries.append(bound)
    return letter


def _refuse_taken(element: ast.Name, ctx: Context) -> None:
    name = element.id
    found = ctx.scope.find("hypers", name)
    if found is not None and isinstance(found.value, Expr) and found.value.is_Integer:
        return
    what = (
        "a hyperparameter"
        if found is not None
        else "a size"
        if ctx.scope.find("sizes", name) is not None
        else "a tensor"
    )
    if not ctx.scope.knows(name):
        what = "a function"
    raise ctx.error(f"the letter {name} is also the name of {what}", element, "choose another letter")


def _left_stated(slot: Slot, element: ast.Compare, frame: Frame, ctx: Context) -> Expr:
    """``k[s < S]`` states a range; ``y[target[n] < c]`` is a condition on a letter."""
    position = fresh_operand(element, ctx)
    assert position is not None
    operand = [element.left, *element.comparators][position]
    assert isinstance(operand, ast.Name)
    try:
        letter, lo, hi = stated_range(element, position, ctx)
        plain = hi is not None and not any(True for e in (lo, hi) if e is not None for _ in reads(e))
    except DefinitionError:
        letter, lo, hi, plain = operand, None, None, False
    if plain:
        bound = bind(letter, frame, ctx, lo if lo is not None else slot.lo, hi)
        bound.slot = slot
        slot.stated.append((bound.lo, bound.hi))
        return bound.letter
    bound = bind(letter, frame, ctx)
    bound.lo, bound.hi, bound.slot, bound.stated = slot.lo, slot.hi, slot, False
    frame.entries.append(condition(element, ctx))
    return bound.letter


def _skip_bases(row: Row, equation: Equation, frame: Frame) -> None:
    """``h[0, n] = …`` beside ``h[t, n] = …``: t starts at 1."""
    for other in row.equations:
        if other is equation:
            continue
        at = _base_of(row, other)
        if at is None:
            continue
        slot, value = at
        for bound in frame.bounds:
            if bound.slot is slot and not bound.stated and bound.lo == value:
                bound.lo = Integer(value + 1)


def _base_of(row: Row, equation: Equation) -> tuple[Slot, int] | None:
    """(slot, value) if an equation has one literal and is otherwise all bare letters."""
    ctx = Context(equation.scope, equation.aliases, equation=equation)
    target = equation.target
    if not isinstance(target, ast.Subscript) or len(elements(target.slice)) != len(row.items):
        return None
    found: list[tuple[Slot, int]] = []
    for index, slot in _pairs(row, list(elements(target.slice))):
        if (isinstance(index, ast.Name) and is_fresh(index.id, ctx)) or pack_key(index):
            continue
        if isinstance(index, ast.Compare):
            return None
        value = literal(index, ctx)
        if value is None:
            return None
        found.append((slot, int(value)))
    return found[0] if len(found) == 1 else None
