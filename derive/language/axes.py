"""Axes that depend on what is static: ``weight: Real[C if shared else 1]``, ``w: Real[I if i == 0 else H][i < n]``."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from sympy import Integer

from derive.language.context import Context, Static
from derive.language.definition import Input
from derive.language.expressions import truth, whole_number
from derive.language.parse import elements
from derive.language.tables import Scope


def choose_axes(scope: Scope) -> None:
    """Every choice among an input's axes is taken, but those that differ from member to member of a family."""
    inputs = tuple(_chosen(i, scope) for i in scope.definition.inputs)
    if inputs != scope.definition.inputs:
        scope.definition = replace(scope.definition, inputs=inputs)


def _chosen(declared: Input, scope: Scope) -> Input:
    member = member_letter(declared)
    names = {n.id for axis in declared.axes for n in ast.walk(axis) if isinstance(n, ast.Name)}
    if member in names or not any(isinstance(n, ast.IfExp) for axis in declared.axes for n in ast.walk(axis)):
        return declared
    return replace(declared, axes=_axes(declared, Context(scope)))


def _axes(declared: Input, ctx: Context) -> tuple[ast.expr, ...]:
    out: list[ast.expr] = []
    for axis in declared.axes:
        chosen = _choice(axis, ctx)
        out += elements(chosen) if isinstance(axis, ast.IfExp) else (chosen,)
    return tuple(out)


def _choice(node: ast.expr, ctx: Context) -> ast.expr:
    if isinstance(node, ast.IfExp):
        return _choice(node.body if truth(node.test, ctx) else node.orelse, ctx)
    if isinstance(node, ast.List):
        return ast.copy_location(ast.List([_choice(e, ctx) for e in node.elts], ast.Load()), node)
    return node


# ------------------------------------------------------------------------------ families


def member_letter(declared: Input) -> str:
    """``i`` of the family ``[i < n]``."""
    family = declared.family
    named = isinstance(family, ast.Compare) and isinstance(family.left, ast.Name)
    return family.left.id if named else ""  # type: ignore[union-attr]


def member_count(declared: Input, ctx: Context) -> int:
    """How many members a family has: ``[n]``, or ``[i < n]``."""
    family: Any = declared.family
    if member_letter(declared):
        if len(family.ops) != 1 or not isinstance(family.ops[0], ast.Lt):
            raise ctx.error("this is no number of members", family, "write [n], or [i < n]")
        family = family.comparators[0]
    return whole_number(family, ctx)


def member(declared: Input, position: int, scope: Scope) -> Input:
    """One member as an input of its own, its axes chosen."""
    letter = member_letter(declared)
    if not letter:
        return declared
    inner = Scope(scope.build, scope.definition, scope, assigned=scope.assigned)
    scope.top.turns.remove(inner)
    inner.hypers[letter] = Static(Integer(position))
    return replace(declared, axes=_axes(declared, Context(inner)))
