"""How many axes a pack stands for, as asserted: ``assert len(A) == 2``, or ``dim == len(A) or dim == -len(B) - 1``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sympy import Expr, Integer

from derive.language.context import Context
from derive.language.expressions import need_static, number
from derive.language.reads import pack_key
from derive.language.tables import Scope
from derive.program import Size


def lengths_asserted(scope: Scope) -> Iterator[tuple[str, int, ast.expr]]:
    """(pack, length, where) of every assertion on a pack's length; of several alternatives the first that can hold."""
    ctx = Context(scope)
    for statement in scope.definition.body:
        if not isinstance(statement, ast.Assert):
            continue
        found = [(key, solved(side, key, ctx), side) for side, key in alternatives(statement.test)]
        if found:
            fitting = next((f for f in found if f[1] is not None), None)
            if fitting is None:
                mend = "choose hyperparameters that satisfy it"
                raise scope.error("no number of axes satisfies this", statement.test, mend)
            yield fitting  # type: ignore[misc]


def alternatives(test: ast.expr) -> list[tuple[ast.Compare, str]]:
    """Each equation of one pack's length among ``a or b``, with the pack; nothing if the test is of another kind."""
    sides = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
    out = []
    for side in sides:
        packs = [key for node in ast.walk(side) if (key := _pack_asked(node)) is not None]
        if not (isinstance(side, ast.Compare) and len(side.ops) == 1 and isinstance(side.ops[0], ast.Eq)):
            return []
        if len(packs) != 1:
            return []
        out.append((side, packs[0]))
    return out


def _pack_asked(node: ast.AST) -> str | None:
    """``len(A)`` as the pack ``*A``, ``len(...)`` as ``...``."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"):
        return None
    what = node.args[0] if len(node.args) == 1 else None
    if isinstance(what, ast.Name):
        return "*" + what.id
    return pack_key(what) if what is not None else None


class _Put(ast.NodeTransformer):
    """A number in place of the pack's length."""

    def __init__(self, value: int) -> None:
        self.value = value

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.copy_location(ast.Constant(self.value), node) if _pack_asked(node) else node


def solved(side: ast.Compare, key: str, ctx: Context) -> int | None:
    """The length for which both sides are equal, if a pack can be so long."""
    base, slope = _difference(side, 0, ctx), _difference(side, 1, ctx)
    slope = slope - base
    for e in (base, slope):
        if not e.is_Rational:
            raise need_static(e, ctx.error(f"the number of axes of {key} must be known", side, "give it a value"))
    length = -base / slope if slope != 0 else Integer(-1)
    return int(length) if length.is_Integer and length >= 0 else None


def _difference(side: ast.Compare, length: int, ctx: Context) -> Expr:
    left, right = (_put(e, length) for e in (side.left, side.comparators[0]))
    return number(left, ctx) - number(right, ctx)


def _put(node: ast.expr, length: int) -> ast.expr:
    return _Put(length).visit(ast.parse(ast.unparse(node), mode="eval").body)


def holds(test: ast.expr, ctx: Context) -> bool | None:
    """Whether an assertion on packs' lengths holds; None if it is of another kind.

    A pack whose length is still open takes the length asserted, or another alternative was taken.
    """
    found = alternatives(test)
    packs = [ctx.scope.find("packs", key) for _, key in found]
    if not found or any(p is None for p in packs):
        return None
    for (side, key), pack in zip(found, packs, strict=True):
        open_ = any(s.extent == Size(key) for d in pack for s in d.slots)
        if not open_ and solved(side, key, ctx) == len(pack):
            return True
    return False
