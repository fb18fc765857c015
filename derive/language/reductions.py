"""``op[entries](body)``: a fresh name binds, everything else is a filter; ranges come from bare uses or are stated."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Expr, Integer

from derive.functions import FUNCTIONS
from derive.language.context import REDUCERS, WORDS, Context, resolve
from derive.language.expressions import condition, elaborate, number
from derive.language.parse import elements
from derive.language.ranges import agree
from derive.language.reads import pack_key
from derive.language.tables import Bound, Constant, Frame, Pack, Ref, Slot
from derive.program import Bind, Compare, Letter, Reduce, Truth, free_letters, reads

_ASCENDING = {ast.Lt: True, ast.LtE: True, ast.Gt: False, ast.GtE: False}
_CONDITIONS = ("count", "any", "all")


def reduction(op: str, head: ast.Subscript, node: ast.Call, ctx: Context) -> Expr:
    """A reduction; ``count`` counts the points its entries (and its body, a condition) allow."""
    frame = Frame(op)
    ctx.frames.append(frame)
    for entry in elements(head.slice):
        add_entry(entry, frame, ctx)
    body = _body(op, node, frame, ctx)
    ctx.frames.pop()
    if not frame.names:
        mend = f"bind at least one: {op}[k](x[k])"
        raise ctx.error(f"{op} binds no letter", head, mend)
    return Reduce(op, close(frame, head, ctx), body)


def _body(op: str, node: ast.Call, frame: Frame, ctx: Context) -> Expr:
    if node.keywords or len(node.args) > 1:
        raise ctx.error(f"{op}[…] takes one expression", node, f"write {op}[k](x[k]); conditions go in the brackets")
    if op in _CONDITIONS:
        c = condition(node.args[0], ctx) if node.args else Truth(True)
        if op != "count":
            return c
        if not (isinstance(c, Truth) and c):
            frame.entries.append(c)
        return Integer(1)
    if not node.args:
        raise ctx.error(f"{op}[…]() has nothing to reduce", node, f"write {op}[k](x[k]); only count counts points")
    return number(node.args[0], ctx)


# ------------------------------------------------------------------------------ entries


def add_entry(entry: ast.expr, frame: Frame, ctx: Context) -> None:
    """One entry: a binding or a filter."""
    key = pack_key(entry)
    if key is not None:
        bind_pack(key, entry, frame, ctx)
    elif isinstance(entry, ast.Name) and is_fresh(entry.id, ctx):
        bind(entry, frame, ctx)
    elif isinstance(entry, ast.Name) and ctx.letters(entry.id):
        raise ctx.error(f"the letter {entry.id} is bound twice", entry, "name the inner one differently")
    elif isinstance(entry, ast.Name) and _is_tensor_with_axes(entry.id, ctx):
        raise ctx.error(f"the letter {entry.id} is also the name of a tensor", entry, "choose another letter")
    elif isinstance(entry, ast.Compare) and _stated(entry, frame, ctx):
        pass
    else:
        _add_filter(entry, frame, ctx)


def _is_tensor_with_axes(name: str, ctx: Context) -> bool:
    found = resolve(ctx.scope, ctx.aliases, name)
    return (isinstance(found, Ref) and bool(found.items)) or (found is None and ctx.scope.find("hypers", name) is None)


def _add_filter(entry: ast.expr, frame: Frame, ctx: Context) -> None:
    if isinstance(entry, ast.BinOp) and isinstance(entry.op, ast.BitOr):
        raise ctx.error("| in a reduction's bracket", entry, "a condition follows a comma: sum[n, x[n] > 0](…)")
    if isinstance(entry, ast.List):
        raise ctx.error("a composite is not bound as one", entry, "bind its letters: sum[g, c](…)")
    value = elaborate(entry, ctx)
    if isinstance(value, Expr) and not isinstance(value, (Truth, Compare)) and value.is_number:
        raise ctx.error("a number stands where a letter or a condition is expected", entry, "name a fresh letter")
    c = condition(entry, ctx) if not isinstance(value, Truth) else value
    if not (isinstance(c, Truth) and c):
        frame.entries.append(c)


def is_fresh(name: str, ctx: Context) -> bool:
    """Whether a name is nothing yet, so that it binds."""
    if ctx.letters(name) or ctx.scope.knows(name) or name in ctx.aliases:
        return False
    return not (name in FUNCTIONS or name in REDUCERS or name in WORDS)


def new_letter(name: str, ctx: Context) -> Letter:
    """The letter a name becomes: itself, or with a suffix where that is taken around here."""
    around = {b.letter.name for f in ctx.frames for b in f.bounds}
    reserved = ctx.scope.build.reserved if ctx.scope.top.caller is not None else frozenset()
    candidate, n = name, 0
    while candidate in around or candidate in reserved:
        n += 1
        candidate = f"{name}_{n}" if name != "..." else f"*p_{n}"
    return Letter(candidate)


def bind(node: ast.Name, frame: Frame, ctx: Context, lo: Expr | None = None, hi: Expr | None = None) -> Bound:
    """A letter enters a frame; with lo and hi its range is stated."""
    bound = Bound(new_letter(node.id, ctx), lo, hi, node, stated=hi is not None)
    frame.names[node.id] = (bound,)
    frame.entries.append(bound)
    return bound


def bind_pack(key: str, node: ast.AST, frame: Frame, ctx: Context) -> tuple[Bound, ...]:
    """The letters of a pack enter a frame, one for each part of the axes it stands for."""
    if ctx.letters(key):
        raise ctx.error(f"the pack {key} is bound twice", node, "name the inner one differently")
    pack = find_pack(key, node, ctx)
    bounds = []
    for slot in pack.slots:
        bound = Bound(new_letter(pack_letter(key, slot, ctx), ctx), slot.lo, slot.hi, node)
        bounds.append(bound)
        frame.names[key] = tuple(bounds)
        frame.entries.append(bound)
    frame.names[key] = tuple(bounds)
    return frame.names[key]


def pack_letter(key: str, slot: Slot, ctx: Context) -> str:
    """What a pack's letter is called: the pack's own name, or the small name of the extent it runs over."""
    name = str(ctx.scope.build.find(slot.extent))
    if name == "1":
        return "unit"
    if name.startswith(("*", "...")):
        return key
    base = name.split("_")[0].lower()
    return base if base.isidentifier() and base not in FUNCTIONS and base not in REDUCERS and len(base) <= 3 else "i"


def find_pack(key: str, node: ast.AST, ctx: Context) -> Pack:
    """The pack a pack letter runs over: ``...`` over ``...``, ``*a`` over ``*A``, else by where it is read."""
    name = key.upper() if key != "..." else key
    dims = ctx.scope.find("packs", name)
    if dims is not None:
        return Pack(name, dims)
    if ctx.equation is not None:
        for read in ast.walk(ctx.equation.value):
            if isinstance(read, ast.Subscript) and isinstance(read.value, ast.Name):
                found = _pack_at(key, read, ctx)
                if found:
                    return found
    mend = f"no input has the axes {name}" if key == "..." else f"a pack *A is read *a; no input has a pack {name}"
    raise ctx.error(f"the pack {key} stands for no axes", node, mend)


def _pack_at(key: str, read: ast.Subscript, ctx: Context) -> Pack | None:
    found = resolve(ctx.scope, ctx.aliases, read.value.id)  # type: ignore[attr-defined]
    indices = elements(read.slice)
    if isinstance(found, (Ref, Constant)) and found.items and len(found.items) == len(indices):
        for item, index in zip(found.items, indices, strict=True):
            if pack_key(index) == key and isinstance(item, Pack):
                return item
    return None


def fresh_operand(node: ast.Compare, ctx: Context) -> int | None:
    """Which operand of a comparison is a fresh name; None if there is none."""
    operands = [node.left, *node.comparators]
    fresh = [i for i, o in enumerate(operands) if isinstance(o, ast.Name) and is_fresh(o.id, ctx)]
    return fresh[0] if fresh else None


def _stated(node: ast.Compare, frame: Frame, ctx: Context) -> bool:
    """``lo <= i < hi`` with i fresh binds i; whether it did."""
    position = fresh_operand(node, ctx)
    if position is None:
        return False
    letter, lo, hi = stated_range(node, position, ctx)
    if lo is not None and hi is None:
        mend = f"state both ends: {ast.unparse(node.left)} <= {letter.id} < …"
        raise ctx.error(f"the range of {letter.id} has no upper end", node, mend)
    if any(True for e in (lo, hi) if e is not None for _ in reads(e)):
        bind(letter, frame, ctx)
        frame.entries.append(condition(node, ctx))
    else:
        bind(letter, frame, ctx, lo or Integer(0), hi)
    return True


def stated_range(node: ast.Compare, position: int, ctx: Context) -> tuple[ast.Name, Expr | None, Expr | None]:
    """The letter and the two ends that ``lo <= i < hi`` states (either way round); hi is exclusive."""
    operands: list[ast.expr] = [node.left, *node.comparators]
    letter = operands[position]
    assert isinstance(letter, ast.Name)
    directions = {_ASCENDING.get(type(op)) for op in node.ops}
    if len(directions) != 1 or None in directions or len(operands) > 3 or (len(operands) == 3 and position != 1):
        mend = f"bind {letter.id} first, then compare: {letter.id}, {ast.unparse(node)}"
        raise ctx.error(f"the letter {letter.id} is not bound yet", letter, mend)
    ops: list[ast.cmpop] = list(node.ops)
    if directions == {False}:
        operands.reverse()
        ops.reverse()
        position = len(operands) - 1 - position
    lo = hi = None
    if position > 0:
        lo = number(operands[position - 1], ctx) + (1 if isinstance(ops[position - 1], (ast.Lt, ast.Gt)) else 0)
    if position < len(operands) - 1:
        hi = number(operands[position + 1], ctx) + (1 if isinstance(ops[position], (ast.LtE, ast.GtE)) else 0)
    return letter, lo, hi


# ------------------------------------------------------------------------------ closing


def close(frame: Frame, node: ast.AST, ctx: Context) -> list[Expr]:
    """The entries of a reduction once its body is known."""
    for name, bounds in frame.names.items():
        for bound in bounds:
            settle_bound(name, bound, ctx)
    around = tuple(b for f in ctx.frames for b in f.bounds)
    for bound in frame.bounds:
        if bound.stated:
            build = ctx.scope.build
            build.fits += [(bound, (lo, hi), (*around, *frame.bounds), n, s) for lo, hi, n, s in bound.facts]
    return insert_pending(frame)


def settle_bound(name: str, bound: Bound, ctx: Context) -> None:
    """A bare letter takes its axis's range; all its bare axes must agree."""
    if bound.stated:
        return
    facts = bound.facts
    if bound.hi is None:
        if not facts:
            raise _unread(name, bound, ctx)
        bound.lo, bound.hi = facts[0][:2]
        facts = facts[1:]
    for lo, hi, node, scope in facts:
        agree(name, bound, lo, hi, node, scope)


def _unread(name: str, bound: Bound, ctx: Context) -> Exception:
    text = ctx.equation.value if ctx.equation else None
    uses = sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(text)) if text is not None else 0
    if uses > 1:
        return ctx.error(f"the range of {name} is not known", bound.node, f"state it: {name} < {name.upper()}")
    mend = _suggest_read(name, ctx)
    return ctx.error(f"index {name} is summed but never read", bound.node, mend)


def _suggest_read(name: str, ctx: Context) -> str:
    """A read of the body with the unread letter added to an index."""
    value = ctx.equation.value if ctx.equation else None
    for node in ast.walk(value) if value is not None else ():
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id not in REDUCERS:
            indices = [ast.unparse(i) for i in elements(node.slice)]
            free = [i for i, e in enumerate(elements(node.slice)) if _free_here(e, ctx)]
            if free:
                indices[free[-1]] += f" + {name}"
                return f"did you mean {node.value.id}[{', '.join(indices)}]?"
    return f"take {name} out of the bracket, or read it: x[{name}]"


def _free_here(node: ast.expr, ctx: Context) -> bool:
    return isinstance(node, ast.Name) and bool(ctx.frames) and node.id in ctx.frames[0].names


def insert_pending(frame: Frame) -> list[Expr]:
    """The entries in order, each range filter right after the last binding it needs."""
    entries: list[Any] = []
    waiting = list(dict.fromkeys(frame.pending))
    own = {b.letter for b in frame.bounds}
    bound: set[Letter] = set()
    for entry in frame.entries:
        if not isinstance(entry, Bound):
            entries.append(entry)
            continue
        entries.append(Bind(entry.letter, entry.lo, entry.hi))
        bound.add(entry.letter)
        ready = [c for c in waiting if (free_letters(c) & own) <= bound]
        entries += [c for c in ready if c not in entries]
        waiting = [c for c in waiting if c not in ready]
    return entries
