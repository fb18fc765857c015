"""Calls inside an expression: functions, reductions, guards, and definitions on scalars."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer

from derive.functions import FUNCTIONS
from derive.language.context import DRAWS, REDUCERS, Context, resolve
from derive.language.expressions import condition, elaborate, number, plain
from derive.language.inline import call_on_scalars
from derive.language.reads import padded_read
from derive.language.reductions import reduction
from derive.language.tables import Dim, Family
from derive.program import Size, Stop, Truth, Where


def call(node: ast.Call, ctx: Context) -> Any:
    function = node.func
    if isinstance(function, ast.Subscript) and isinstance(function.value, ast.Name) and function.value.id in REDUCERS:
        return reduction(function.value.id, function, node, ctx)
    if not isinstance(function, ast.Name):
        raise ctx.error("this is not a function", node, "call a function by its name: exp(x[n])")
    name = function.id
    special = _SPECIAL.get(name)
    if special:
        return special(node, ctx)
    if name in FUNCTIONS:
        return _function(name, node, ctx)
    return call_on_scalars(node, name, ctx)


def _function(name: str, node: ast.Call, ctx: Context) -> Expr:
    row = FUNCTIONS[name]
    arguments = _arguments(node, ctx)
    if len(arguments) != row.arity:
        if name in ("max", "min") and len(arguments) == 1:
            raise ctx.error(f"{name} of one value", node, f"a reduction names its letters: {name}[k](x[k])")
        takes = "1 argument" if row.arity == 1 else f"{row.arity} arguments"
        raise ctx.error(
            f"{name} takes {takes}, not {len(arguments)}", node, f"write {name}({', '.join('abc'[: row.arity])})"
        )
    values = [number(a, ctx) for a in arguments]
    if all(v.is_Rational for v in values) and name in _EXACT:
        return _EXACT[name](*values)
    if name == "log" and values[0].is_Rational and values[0] <= 0:
        raise ctx.error("the logarithm of a number that is not positive", node, "write -inf, or guard it with where")
    return plain(row.cls(*values))


_EXACT: dict[str, Callable[..., Expr]] = {
    "max": lambda a, b: b if a < b else a,
    "min": lambda a, b: a if a < b else b,
    "abs": abs,
    "floor": lambda a: Integer(a.p // a.q),
    "ceil": lambda a: Integer(-(-a.p // a.q)),
    "sign": lambda a: Integer((a > 0) - (a < 0)),
    "clamp": lambda x, lo, hi: min(max(x, lo), hi),
    "relu": lambda a: max(a, Integer(0)),
}


def _arguments(node: ast.Call, ctx: Context) -> list[ast.expr]:
    if node.keywords:
        keyword = node.keywords[0]
        raise ctx.error("a function's arguments have no names", keyword.value, "write the arguments in order")
    for a in node.args:
        if isinstance(a, ast.Starred):
            raise ctx.error("a starred argument", a, "write the arguments one by one")
    return node.args


def _exactly(count: int, node: ast.Call, ctx: Context, form: str) -> list[ast.expr]:
    arguments = _arguments(node, ctx)
    if len(arguments) != count:
        raise ctx.error(f"this takes {count} argument{'s'[: count > 1]}, not {len(arguments)}", node, f"write {form}")
    return arguments


def _where(node: ast.Call, ctx: Context) -> Any:
    test, then, otherwise = _exactly(3, node, ctx, "where(condition, a, b)")
    c = condition(test, ctx)
    if isinstance(c, Truth):
        return elaborate(then if c else otherwise, ctx)
    ctx.guards.append(len(ctx.frames))
    a, b = elaborate(then, ctx), elaborate(otherwise, ctx)
    ctx.guards.pop()
    if not isinstance(a, Expr) or not isinstance(b, Expr):
        raise ctx.error("where chooses between numbers", node, "write where(condition, a, b)")
    return Where(c, a, b)


def _padded(node: ast.Call, ctx: Context) -> Expr:
    what, otherwise = _exactly(2, node, ctx, "padded(x[i], value)")
    c, read = padded_read(what, ctx)
    value = number(otherwise, ctx)
    return read if isinstance(c, Truth) else Where(c, read, value)


def _stop(node: ast.Call, ctx: Context) -> Expr:
    (what,) = _exactly(1, node, ctx, "constant(e)")
    value = number(what, ctx)
    return value if value.is_Rational else Stop(value)


def _length(node: ast.Call, ctx: Context) -> Expr:
    (what,) = _exactly(1, node, ctx, "len(A)")
    if isinstance(what, ast.Name):
        pack = ctx.scope.find("packs", "*" + what.id)
        if pack is not None:
            return _pack_length("*" + what.id, pack, what, ctx)
        found = resolve(ctx.scope, ctx.aliases, what.id)
        if isinstance(found, Family):
            return Integer(len(found.members))
    if isinstance(what, ast.Constant) and what.value is Ellipsis:
        return _pack_length("...", ctx.scope.find("packs", "...") or (), what, ctx)
    value = elaborate(what, ctx)
    if isinstance(value, tuple):
        return Integer(len(value))
    raise ctx.error("len is for packs, families and lengths of hyperparameters", node, "write len(A) for a pack *A")


def _pack_length(key: str, pack: tuple[Dim, ...], node: ast.AST, ctx: Context) -> Expr:
    if any(s.extent == Size(key) for d in pack for s in d.slots):
        mend = f"say it first: assert len({key.strip('*')}) == 1"
        raise ctx.error(f"the number of axes of {key} is not known while deriving", node, mend)
    return Integer(len(pack))


def _draw(node: ast.Call, ctx: Context) -> Expr:
    raise ctx.error("a draw is an input's default", node, "keep: Bool[N, K] = bernoulli(1 - p) among the inputs")


def _reducer(node: ast.Call, ctx: Context) -> Expr:
    name = node.func.id  # type: ignore[attr-defined]
    if name in ("max", "min"):
        return _function(name, node, ctx)
    raise ctx.error(f"{name} needs its letters", node, f"write {name}[k](x[k])")


def _wrong_place(node: ast.Call, ctx: Context) -> Expr:
    name = node.func.id  # type: ignore[attr-defined]
    raise ctx.error(f"{name} stands where a number is expected", node, f"{name} has its place in a statement")


_SPECIAL: dict[str, Callable[[ast.Call, Context], Any]] = {
    "where": _where,
    "padded": _padded,
    "constant": _stop,
    "len": _length,
    "update": _wrong_place,
    "range": _wrong_place,
    **dict.fromkeys(DRAWS, _draw),
    **dict.fromkeys(REDUCERS, _reducer),
}
