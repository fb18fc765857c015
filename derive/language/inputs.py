"""Inputs of the program: their axes, families, defaults and draws."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Expr, Integer

from derive.language.axes import member, member_count, member_letter
from derive.language.context import DRAWS, Context
from derive.language.definition import Definition, Input
from derive.language.expressions import need_static, number
from derive.language.lefts import axes_items
from derive.language.lengths import lengths_asserted
from derive.language.reads import pack_key
from derive.language.scalars import settle
from derive.language.tables import Absent, Constant, Dim, Equation, Family, Row, Scope, Slot
from derive.program import Draw, Hyper, Size

_NO_DRAW = "write bernoulli(1 - p), uniform(a, b) or normal(m, s)"


def declare_sizes(inputs: tuple[Input, ...], scope: Scope) -> None:
    """Every name in an axis that is no hyperparameter and no size equation is a size of its own."""
    early_sizes(scope)
    _asserted_packs(inputs, scope)
    for declared in inputs:
        letter = member_letter(declared)
        for axis in declared.axes:
            for node in ast.walk(axis):
                if isinstance(node, ast.Name) and pack_key(axis) is None and node.id != letter:
                    _declare_size(node, scope)


def _asserted_packs(inputs: tuple[Input, ...], scope: Scope) -> None:
    """``assert len(A) == 2`` makes the pack ``*A`` two axes of their own."""
    keys = {key for i in inputs for axis in i.axes if (key := pack_key(axis)) is not None}
    taken = {n.id for i in inputs for axis in i.axes for n in ast.walk(axis) if isinstance(n, ast.Name)}
    for key, count, node in lengths_asserted(scope):
        if key not in keys or key in scope.packs:
            continue
        if count > 16:
            raise scope.error(f"{key} cannot stand for {count} axes", node, "a tensor has 0 to 16 axes")
        name = key.strip("*.") or "A"
        alone = count == 1 and (name not in taken or "*" + name == key)
        names = [name] if alone else [f"{name}_{i}" for i in range(count)]
        sizes = [Size(n if alone else scope.build.names.name(n)) for n in names]
        scope.packs[key] = tuple(Dim((Slot(s),)) for s in sizes)
        if alone:
            scope.sizes.setdefault(name, sizes[0])


def early_sizes(scope: Scope) -> None:
    """Size equations that the axes of inputs name: known before the body is walked."""
    wanted = {n.id for i in scope.definition.inputs for a in i.axes for n in ast.walk(a) if isinstance(n, ast.Name)}
    for statement in scope.definition.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            target = statement.targets[0]
            if target.id in wanted and target.id not in scope.early:
                scope.early[target.id] = statement.value
                scope.scalars[target.id] = Equation(scope, target, statement.value, {})


def _declare_size(node: ast.Name, scope: Scope) -> None:
    name = node.id
    if name in scope.sizes or name in scope.hypers or "*" + name in scope.packs or name in scope.scalars:
        return
    if any(i.name == name for i in scope.definition.inputs):
        raise scope.error(f"{name} is a tensor, not a size", node, "name the size differently")
    scope.sizes[name] = Size(name)


def add_input(
    declared: Input, scope: Scope, given: Any = "present", called: ast.AST | None = None, caller: Any = None
) -> None:
    """An input of the program: a row of its own, a family of them, a constant, or nothing."""
    ctx = Context(scope)
    if called is not None:
        given = None
        if declared.default is None:
            raise caller.error(f"{scope.definition.name} needs {declared.name}", called, f"give {declared.name}=…")
    if declared.default is not None and _is_draw(declared.default):
        given = "present"  # what is not given is drawn
    if declared.family is not None:
        each = [member(declared, i, scope) for i in range(member_count(declared, ctx))]
        members = tuple(_one(f"{declared.name}_{i}", one, scope, given, ctx) for i, one in enumerate(each))
        scope.names[declared.name] = Family(members)
        return
    scope.names[declared.name] = _one(declared.name, declared, scope, given, ctx)


def _one(name: str, declared: Input, scope: Scope, given: Any, ctx: Context) -> Any:
    build = scope.build
    default = read_default(declared, scope.definition, ctx)
    none = isinstance(declared.default, ast.Constant) and declared.default.value is None
    axes = declared.axes if declared.typed else (ast.Constant(Ellipsis),)
    if given is None and none:
        return Absent()
    items = axes_items(axes, _sized(axes, ctx))
    _fixed(declared, items, ctx)
    if given is None:
        assert isinstance(default, Expr)
        return Constant(default, items)
    own = build.names.name(name) if scope.caller is not None or declared.family is not None else name
    row = Row(own, items, declared.kind, given=True, declared=True, default=default, node=declared.node)
    row.optional, row.settled, row.definition = declared.default is not None, True, scope.definition
    build.rows.append(row)
    return row.ref()


def _sized(axes: tuple[ast.expr, ...], ctx: Context) -> Context:
    """Sizes of a called definition that only an absent input has are new sizes of the program."""
    scope = ctx.scope
    if scope.caller is not None:
        for axis in axes:
            for n in ast.walk(axis):
                if isinstance(n, ast.Name) and scope.sizes.get(n.id) is None and n.id not in scope.hypers:
                    if n.id in scope.scalars:
                        settle(scope, n.id)
                    else:
                        scope.sizes[n.id] = Size(scope.build.names.name(n.id))
    return ctx


def _fixed(declared: Input, items: Any, ctx: Context) -> None:
    """Hyperparameters in an input's extents are structural."""
    for item in items:
        for slot in item.slots:
            if any(isinstance(s, Hyper) and s in ctx.scope.build.optional for s in slot.extent.free_symbols):
                error = ctx.error(
                    f"an axis of {declared.name} depends on a hyperparameter", declared.node, "give it a value"
                )
                raise need_static(slot.extent, error)


def _is_draw(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DRAWS


def read_default(declared: Input, definition: Definition, ctx: Context) -> Expr | Draw | None:
    """A constant, a draw, or None."""
    node = declared.default
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return None
    if isinstance(node, ast.Call):
        if not _is_draw(node):
            raise ctx.error(f"the default of {declared.name} is neither a number nor a draw", node, _NO_DRAW)
        return _draw(node, ctx)
    value = number(node, ctx) if not isinstance(node, ast.Constant) or not isinstance(node.value, bool) else None
    return Integer(int(node.value)) if value is None else value  # type: ignore[attr-defined]


def _draw(node: ast.Call, ctx: Context) -> Draw:
    name = node.func.id  # type: ignore[attr-defined]
    count = 1 if name == "bernoulli" else 2
    if len(node.args) != count or node.keywords:
        raise ctx.error(f"{name} takes {count} argument{'s'[: count > 1]}", node, _NO_DRAW)
    return Draw(name, tuple(number(a, ctx) for a in node.args))
