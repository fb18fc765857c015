"""Equations of bare names: a size (``OH = …``), a number to be put in where it is read, or a scalar tensor."""

from __future__ import annotations

import ast

from sympy import Expr

from derive.functions import FUNCTIONS
from derive.language.context import WORDS, Context, resolve
from derive.language.expressions import number
from derive.language.floors import integer_valued, tidy
from derive.language.lefts import add_equation
from derive.language.ranges import Facts
from derive.language.tables import Equation, Scope
from derive.program import Size


def settle(scope: Scope, name: str) -> None:
    """Decide what the equation of a name is."""
    equation = scope.scalars.pop(name)
    ctx = Context(scope, equation.aliases, equation=equation)
    if _is_number(equation, ctx):
        value = number(equation.value, ctx)
        if value.is_Integer or integer_valued(value):
            scope.sizes[name] = _size(scope, name, value)
            return
    add_equation(equation)


def _size(scope: Scope, name: str, value: Expr) -> Expr:
    """A derived size of the program; a called definition's may be one that exists already."""
    build, called = scope.build, scope.caller is not None
    if not name[0].isupper() or value.is_Integer or value.is_Symbol:
        return value
    if called:
        facts = Facts(build)
        plain = facts.unfold(value)
        if plain.is_Integer or plain.is_Symbol:
            return plain
        for size, other in build.sizes:
            if facts.unfold(other) == plain:
                return size
        value = tidy(value)
    size = Size(build.names.name(name) if called else name)
    build.sizes.append((size, value))
    return size


def _is_number(equation: Equation, ctx: Context) -> bool:
    """Whether every name of the right side is a size, a hyperparameter or a function."""
    calls = {id(n.func) for n in ast.walk(equation.value) if isinstance(n, ast.Call)}
    for node in ast.walk(equation.value):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in FUNCTIONS and node.func.id != "len":
                return False
        elif isinstance(node, ast.Call) or (
            isinstance(node, ast.Name) and id(node) not in calls and not _names_number(node.id, ctx)
        ):
            return False
    return True


def _names_number(name: str, ctx: Context) -> bool:
    for scope in ctx.scope.chain():
        if name in scope.scalars and scope.scalars[name] is not ctx.equation:
            settle(scope, name)
    if resolve(ctx.scope, ctx.aliases, name) is not None:
        return False
    found = ctx.scope.find("hypers", name)
    if found is None:
        found = ctx.scope.find("sizes", name)
    return found is not None or name in WORDS or ctx.scope.find("packs", "*" + name) is not None


def settle_all(scope: Scope) -> None:
    for name in list(scope.scalars):
        if name in scope.scalars:
            settle(scope, name)
