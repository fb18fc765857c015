"""``y[…] = x[…]``: an output that is an input, or a view, gets an equation of its own."""

from __future__ import annotations

import ast
from typing import Any

from derive.language.context import Context
from derive.language.tables import Dim, Equation, Pack, Ref, Row, Slot


def copy_of(node: ast.Name, found: Any, ctx: Context) -> Row:
    """A new row equal to what a name stands for."""
    scope = ctx.scope
    letters = iter("nijklmpqrstuvw")
    indices: list[ast.expr] = []
    items = found.items or ()
    for item in items:
        indices.append(_index(item, letters, scope))
    row = Row(scope.build.names.name("y"), tuple(_own(i) for i in items), node=node, definition=scope.definition)
    row.settled = True
    scope.build.rows.append(row)
    read: ast.expr = ast.Subscript(node, ast.Tuple(indices, ast.Load()), ast.Load()) if indices else node
    target = (
        ast.Subscript(ast.Name(row.name, ast.Store()), ast.Tuple(indices, ast.Load()), ast.Store()) if indices else node
    )
    for e in ast.walk(read):
        ast.copy_location(e, node)
    for e in ast.walk(target):
        ast.copy_location(e, node)
    row.kind = found.row.kind if isinstance(found, Ref) and found.row.kind in ("index", "bool") else ""
    row.equations.append(Equation(scope, target, read, ctx.aliases, row))
    return row


def _index(item: Dim | Pack, letters: Any, scope: Any) -> ast.expr:
    if isinstance(item, Pack):
        return (
            ast.Constant(Ellipsis) if item.name == "..." else ast.Starred(ast.Name(item.name[1:].lower()), ast.Load())
        )
    parts: list[ast.expr] = []
    for entry in item.entries:
        if isinstance(entry, Pack):
            parts.append(_index(entry, letters, scope))
        else:
            parts.append(ast.Name(next(a for a in letters if not scope.knows(a)), ast.Load()))
    return parts[0] if len(parts) == 1 else ast.List(parts, ast.Load())


def _own(item: Dim | Pack) -> Dim | Pack:
    if isinstance(item, Pack):
        return Pack(item.name, tuple(Dim(tuple(Slot(s.extent, s.origin) for s in d.slots)) for d in item.dims))
    return Dim(tuple(Slot(e.extent, e.origin) if isinstance(e, Slot) else _own(e) for e in item.entries))  # type: ignore[misc]
