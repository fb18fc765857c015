"""Kinds: real, index or bool, inferred to a fixpoint over the equations, then checked where they matter."""

from __future__ import annotations

from sympy import Expr, Function, Symbol

from derive.functions import function_name
from derive.language.tables import Build, Row
from derive.program import (
    INF,
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Read,
    Reduce,
    Size,
    Stop,
    Truth,
    Where,
    walk,
)  # fmt: skip

_INTEGER_FUNCTIONS = ("floor", "ceil", "round", "sign")


def infer(build: Build) -> None:
    """Every tensor's kind; unknown ones start at the bottom and rise: '' < bool < index < real."""
    kinds = {r.name: r.kind for r in build.rows}
    open_rows = [r for r in build.rows if not r.kind]
    changed = True
    while changed:
        changed = False
        for row in open_rows:
            found = _of_row(row, kinds)
            if found != kinds[row.name]:
                kinds[row.name] = found
                changed = True
    for row in open_rows:
        row.kind = kinds[row.name] or "real"
    for row in build.rows:
        for piece, equation in zip(row.pieces, row.equations, strict=False):
            _check(row, piece.rhs, kinds, equation)


_ORDER = ("", "bool", "index", "real")


def _of_row(row: Row, kinds: dict[str, str]) -> str:
    found = [_join_literal(kind_of(p.rhs, kinds), p.rhs) for p in row.pieces]
    if all(f == "literal" for f in found):
        return "real"
    return max((f for f in found if f != "literal"), key=_ORDER.index, default="")


def _join_literal(kind: str, e: Expr) -> str:
    return "literal" if kind == "index" and e.is_Rational else kind


def kind_of(e: Expr, kinds: dict[str, str]) -> str:
    """The kind of an expression; '' while it depends on a tensor whose kind is not known."""
    if isinstance(e, Read):
        kind = kinds.get(e.tensor, "")
        return "real" if kind == "const" else kind
    if isinstance(e, (Compare, Logic, Truth)):
        return "bool"
    if isinstance(e, Where):
        return max((kind_of(a, kinds) for a in e.args[1:]), key=_ORDER.index)
    if isinstance(e, Reduce):
        if e.op in ("any", "all"):
            return "bool"
        if e.op in ("count", "argmax", "argmin"):
            return "index"
        return "real" if e.op == "mean" else kind_of(e.body, kinds)
    if isinstance(e, Stop):
        return kind_of(e.args[0], kinds)
    if isinstance(e, (FloorDiv, Modulo)):
        return "index"
    if isinstance(e, Symbol):
        if isinstance(e, (Letter, Size)) or (isinstance(e, Hyper) and e.is_integer):
            return "index"
        return "real"
    if e.is_Rational:
        return "index" if e.is_Integer else "real"
    return _of_application(e, kinds)


def _of_application(e: Expr, kinds: dict[str, str]) -> str:
    inner = [kind_of(a, kinds) for a in e.args]
    if e.is_Pow and not (e.args[1].is_Integer and e.args[1] >= 0):
        return "real"
    if isinstance(e, Function):
        name = function_name(e)
        if name in _INTEGER_FUNCTIONS and inner[0] in ("index", ""):
            return inner[0]
        if name not in ("max", "min", "abs", "clamp", "relu"):
            return "real"
    if not (e.is_Add or e.is_Mul or e.is_Pow or isinstance(e, Function)):
        return "real"
    return max(inner, key=_ORDER.index, default="real")


def _check(row: Row, rhs: Expr, kinds: dict[str, str], equation: object) -> None:
    """Indices are whole numbers, conditions are conditions, arithmetic is on numbers."""
    scope, node = equation.scope, equation.value  # type: ignore[attr-defined]
    for e in walk(rhs):
        if isinstance(e, Read):
            for index in e.indices:
                if kind_of(index, kinds) not in ("index", ""):
                    mend = "indices are letters, sizes, integers and reads of Index tensors"
                    raise scope.error(f"an index of {e.tensor} is not a whole number", node, mend)
        for c in _conditions(e):
            if kind_of(c, kinds) not in ("bool", ""):
                raise scope.error("a number stands where a condition is expected", node, "compare it: x[n] != 0")
        for number in _numbers(e):
            if kind_of(number, kinds) == "bool":
                raise scope.error("a condition stands where a number is expected", node, "write where(condition, 1, 0)")
    kind = kind_of(rhs, kinds)
    if row.kind == "bool" and kind not in ("bool", "") and not rhs.is_Rational:
        raise scope.error(f"{row.name} is declared Bool; its right side is a number", node, "compare it: x[n] != 0")
    if row.kind == "index" and kind == "real" and not _rounded(rhs, kinds):
        raise scope.error(f"{row.name} is declared Index; its right side is not whole", node, "declare it Real")
    if row.kind in ("real", "const", "index") and kind == "bool":
        raise scope.error(
            f"{row.name} holds numbers; its right side is a condition", node, "write where(condition, 1, 0)"
        )


def _rounded(e: Expr, kinds: dict[str, str]) -> bool:
    """Whether e is whole though made of real numbers: whole numbers and those rounded, added, multiplied, chosen."""
    if kind_of(e, kinds) == "index":
        return True
    if isinstance(e, Function) and function_name(e) in ("floor", "ceil", "round"):
        return True
    if isinstance(e, Where):
        return all(_rounded(a, kinds) for a in e.args[1:])
    together = e.is_Add or e.is_Mul or (isinstance(e, Function) and function_name(e) in ("max", "min", "abs", "clamp"))
    return bool(together) and all(_rounded(a, kinds) for a in e.args)


def _conditions(e: Expr) -> tuple:
    if isinstance(e, Where):
        return (e.args[0],)
    if isinstance(e, Logic):
        return e.conditions
    if isinstance(e, Reduce):
        return e.filters + ((e.body,) if e.op in ("any", "all") else ())
    return ()


def _numbers(e: Expr) -> tuple:
    if isinstance(e, (Bind, Truth, Read)) or e is INF:
        return ()
    if isinstance(e, Compare):
        return e.args[1:]
    if isinstance(e, Reduce):
        return () if e.op in ("any", "all") else (e.body,)
    return e.args if e.is_Add or e.is_Mul or e.is_Pow or isinstance(e, (Function, FloorDiv, Modulo)) else ()
