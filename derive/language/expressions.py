"""A syntax tree to an expression: arithmetic, conditions, functions, guards; names looked up, nothing run."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sympy import Abs, Expr, Integer, Rational, Symbol, pi

from derive.errors import DefinitionError
from derive.functions import absolute
from derive.language.context import Context, Static, resolve, unknown_name
from derive.language.limits import EXPONENT
from derive.language.tables import (
    Absent,
    Family,
    Macro,
    NeedStatic,
)  # fmt: skip
from derive.program import (
    INF,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Read,
    Reduce,
    Size,
    Truth,
    Where,
    substitute,
    walk,
)  # fmt: skip

# ------------------------------------------------------------------------------ the walk


def elaborate(node: ast.expr, ctx: Context) -> Any:
    """The value of a node: an expression, a condition, or (static) a text, None or a tuple."""
    ctx.scope.build.work(ctx.scope, node)
    row = _NODES.get(type(node))
    if row is None:
        raise ctx.error(_misplaced(node), node, "see the language's section on expressions")
    return row(node, ctx)


def number(node: ast.expr, ctx: Context) -> Expr:
    """The value of a node that must be a number."""
    value = elaborate(node, ctx)
    if isinstance(value, Expr) and not is_condition(value):
        return value
    if isinstance(value, Expr):
        raise ctx.error("a condition stands where a number is expected", node, "write where(condition, 1, 0)")
    what = "None" if value is None else type(value).__name__
    mend = "take one of its numbers, such as stride[0]" if isinstance(value, tuple) else "a number is expected here"
    raise ctx.error(f"a {what} stands where a number is expected", node, mend)


def condition(node: ast.expr, ctx: Context) -> Expr:
    """The value of a node that must be true or false."""
    value = elaborate(node, ctx)
    if isinstance(value, Truth) or (isinstance(value, Expr) and (is_condition(value) or isinstance(value, Read))):
        return value
    raise ctx.error("a number stands where a condition is expected", node, "compare it: x[n] != 0")


def is_condition(e: Any) -> bool:
    """Whether an expression is true or false by its form (a read may be, too, by its tensor's kind)."""
    if isinstance(e, Where):
        return is_condition(e.args[1])
    return isinstance(e, (Compare, Logic, Truth)) or (isinstance(e, Reduce) and e.op in ("any", "all"))


def _misplaced(node: ast.AST) -> str:
    if isinstance(node, (ast.List, ast.Starred)):
        return "a composite or a pack stands outside an index"
    return f"{type(node).__name__} stands where a number is expected"


def _constant(node: ast.Constant, ctx: Context) -> Any:
    value = node.value
    if isinstance(value, bool):
        return Truth(value)
    if isinstance(value, int):
        return Integer(value)
    if isinstance(value, float):
        return Rational(repr(value))
    if value is Ellipsis:
        raise ctx.error("... stands outside an index", node, "write it between brackets: x[..., k]")
    return value


def _tuple(node: ast.Tuple, ctx: Context) -> tuple:
    return tuple(elaborate(e, ctx) for e in node.elts)


def _name(node: ast.Name, ctx: Context) -> Any:
    name = node.id
    letters = ctx.letters(name)
    if letters:
        return letters[0]
    found = resolve(ctx.scope, ctx.aliases, name)
    if found is not None:
        return _bare_tensor(node, found, ctx)
    for table in ("hypers", "sizes"):
        found = ctx.scope.find(table, name)
        if found is not None:
            return found.value if isinstance(found, Static) else found
    if name in ("inf", "pi"):
        return INF if name == "inf" else pi
    return _pending_scalar(node, ctx)


def _pending_scalar(node: ast.Name, ctx: Context) -> Any:
    """A size equation not evaluated yet, or nothing at all."""
    from derive.language.scalars import settle

    for scope in ctx.scope.chain():
        if node.id in scope.scalars:
            settle(scope, node.id)
            return _name(node, ctx)
    raise unknown_name(node, ctx)


def _bare_tensor(node: ast.Name, found: Any, ctx: Context) -> Any:
    from derive.language.reads import read_tensor

    if isinstance(found, Absent):
        return None
    if isinstance(found, Family):
        raise ctx.error(f"{node.id} is a family of {len(found.members)}", node, f"take one of them: {node.id}[0][…]")
    return read_tensor(node.id, found, (), node, ctx)


# ------------------------------------------------------------------------------ arithmetic

_FOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def _binary(node: ast.BinOp, ctx: Context) -> Expr:
    if isinstance(node.op, ast.BitOr):
        raise ctx.error("| is not part of the language", node, "a condition follows a comma: sum[n, x[n] > 0](…)")
    a, b = number(node.left, ctx), number(node.right, ctx)
    match node.op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div():
            return a / _nonzero(b, node, ctx)
        case ast.FloorDiv():
            return FloorDiv(_whole(a, node.left, ctx), _nonzero(_whole(b, node.right, ctx), node, ctx))
        case ast.Mod():
            return Modulo(_whole(a, node.left, ctx), _nonzero(_whole(b, node.right, ctx), node, ctx))
        case _:
            return _power(a, b, node, ctx)


def _nonzero(divisor: Expr, node: ast.BinOp, ctx: Context) -> Expr:
    if divisor == 0:
        raise ctx.error("division by zero", node, "the divisor is 0")
    return divisor


def _whole(e: Expr, node: ast.expr, ctx: Context) -> Expr:
    if e.is_Rational and not e.is_Integer:
        raise ctx.error("// and % are for integers", node, "use floor(a/b)")
    return e


def _power(a: Expr, b: Expr, node: ast.BinOp, ctx: Context) -> Expr:
    if b.is_Rational and (abs(b) > EXPONENT or b.q > EXPONENT):
        raise ctx.error("this exponent is too large", node.right, f"exponents stay within ±{EXPONENT}")
    if a.is_Rational and b.is_Rational:
        if a == 0 and b < 0:
            raise ctx.error("division by zero", node, "0 has no negative power")
        if (max(abs(a.p), a.q)).bit_length() * abs(b) > 4096:
            raise ctx.error("this power is too large", node, "write the number itself")
    return plain(a**b)


def plain(e: Expr) -> Expr:
    """SymPy's own Abs, which its square root makes, written as ours."""
    return e.replace(Abs, absolute) if e.has(Abs) else e


def _unary(node: ast.UnaryOp, ctx: Context) -> Expr:
    if isinstance(node.op, ast.Not):
        return negate(condition(node.operand, ctx))
    value = number(node.operand, ctx)
    return -value if isinstance(node.op, ast.USub) else value


def negate(c: Expr) -> Expr:
    """not c, decided where it can be."""
    return Truth(not c) if isinstance(c, Truth) else Logic("not", c)


def conjunction(conditions: list[Expr]) -> Expr:
    """c and d and …, without those that are True."""
    kept = [c for c in conditions if not (isinstance(c, Truth) and c)]
    if any(isinstance(c, Truth) for c in kept):
        return Truth(False)
    return Truth(True) if not kept else kept[0] if len(kept) == 1 else Logic("and", *kept)


def _logic(node: ast.BoolOp, ctx: Context) -> Expr:
    """Left to right and short: what is decided cuts the rest off, and each operand guards the later ones."""
    stop = isinstance(node.op, ast.Or)
    kept: list[Expr] = []
    depth = len(ctx.guards)
    for operand in node.values:
        c = condition(operand, ctx)
        if isinstance(c, Truth):
            if bool(c) == stop:
                kept.append(c)
                break
            continue
        kept.append(c)
        ctx.guards.append(len(ctx.frames))
    del ctx.guards[depth:]
    if not kept:
        return Truth(not stop)
    if len(kept) == 1:
        return kept[0]
    return Logic("or" if stop else "and", *kept)


def _compare(node: ast.Compare, ctx: Context) -> Expr:
    if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
        return _presence(node, ctx)
    values = [elaborate(v, ctx) for v in (node.left, *node.comparators)]
    parts = []
    for op, a, b, right in zip(node.ops, values, values[1:], node.comparators, strict=False):
        parts.append(_compare_two(op, a, b, right, node, ctx))
    return conjunction(parts)


def _presence(node: ast.Compare, ctx: Context) -> Truth:
    """``w is None``: whether an input or a hyperparameter is there."""
    right = node.comparators[0]
    if not (isinstance(right, ast.Constant) and right.value is None):
        raise ctx.error("is asks only for None", node, "write ==")
    found = resolve(ctx.scope, ctx.aliases, node.left.id) if isinstance(node.left, ast.Name) else None
    nothing = isinstance(found, Absent) or (found is None and elaborate(node.left, ctx) is None)
    return Truth(nothing == isinstance(node.ops[0], ast.Is))


def _compare_two(op: ast.cmpop, a: Any, b: Any, right: ast.expr, node: ast.Compare, ctx: Context) -> Expr:
    if isinstance(op, (ast.In, ast.NotIn)):
        if not isinstance(b, tuple) or isinstance(a, Expr):
            raise ctx.error("in asks for a text among texts", node, 'write reduction in ("mean", "sum")')
        return Truth((a in b) == isinstance(op, ast.In))
    name = COMPARISONS[type(op)]
    if isinstance(a, Expr) and isinstance(b, Expr):
        if isinstance(a, Truth) and isinstance(b, Truth):
            return Truth(_FOLDS[name](bool(a), bool(b)))
        if is_condition(a) or is_condition(b):
            raise ctx.error("conditions are not compared", node, "write c and d, or not c")
        places = _place(a), _place(b)
        if None not in places:
            return Truth(_FOLDS[name](*places))
        return Compare(name, a, b)
    if name in ("==", "!=") and type(a) is type(b):
        return Truth(_FOLDS[name](a, b))
    if name in ("==", "!=") and (a is None or b is None):
        return Truth((a is b) == (name == "=="))
    raise ctx.error("these two are not compared", node, "compare numbers with numbers and texts with texts")


def _place(e: Expr) -> tuple[int, Expr] | None:
    """Where a known number stands on the line, the infinite ones at its ends."""
    if e.is_Rational:
        return (0, e)
    return {INF: (1, INF), -INF: (-1, INF)}.get(e)


def _choice(node: ast.IfExp, ctx: Context) -> Any:
    """``a if c else b``: static, or a choice between integer sizes."""
    c = condition(node.test, ctx)
    if isinstance(c, Truth):
        return elaborate(node.body if c else node.orelse, ctx)
    if any(isinstance(n, (Read, Letter)) for n in walk(c)):
        raise ctx.error("if is for hyperparameters and sizes, not for data", node.test, "write where(condition, a, b)")
    if not any(isinstance(n, Size) for n in walk(c)):
        raise need_static(c, ctx.error("this choice depends on a hyperparameter", node.test, "give it a value"))
    return Where(c, number(node.body, ctx), number(node.orelse, ctx))


def need_static(e: Expr, error: DefinitionError) -> Exception:
    """Ask for the hyperparameters in e to be fixed; if there are none, the error."""
    names = {s.name.partition("[")[0]: None for s in sorted(e.free_symbols, key=str) if isinstance(s, Hyper)}
    return NeedStatic(tuple(names), error) if names else error


def truth(node: ast.expr, ctx: Context) -> bool:
    """A condition that must be decided while deriving."""
    c = condition(node, ctx)
    if isinstance(c, Truth):
        return bool(c)
    decided = _decided(c, ctx.scope.build.open)
    if decided is not None:
        held = c if decided else _opposite(c)
        if held not in ctx.scope.build.requirements:
            ctx.scope.build.requirements.append(held)
        return decided
    mend = "conditions on data are written where(condition, a, b)"
    raise need_static(c, ctx.error("this condition is not decided by hyperparameters alone", node, mend))


def _decided(c: Expr, values: dict[Expr, Expr]) -> bool | None:
    """What a comparison of hyperparameters that stay open comes to with the values they were given."""
    if not isinstance(c, Compare):
        return None
    a, b = (substitute(side, values) for side in c.args[1:])
    return _FOLDS[c.op](a, b) if a.is_Rational and b.is_Rational else None


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", "<=": ">"}


def _opposite(c: Compare) -> Expr:
    """not (a < b) → b <= a"""
    return Compare(_OPPOSITES[c.op], *c.args[1:])


def whole_number(node: ast.expr, ctx: Context) -> int:
    """An integer that must be known while deriving."""
    e = number(node, ctx)
    if e.is_Integer:
        return int(e)
    raise need_static(e, ctx.error("this number must be known when deriving", node, "make it a hyperparameter: n: Int"))


def _call(node: ast.Call, ctx: Context) -> Any:
    from derive.language.calls import call  # an expression holds calls, whose arguments are expressions

    return call(node, ctx)


def _subscript(node: ast.Subscript, ctx: Context) -> Any:
    from derive.language.reads import read

    return read(node, ctx)


_NODES: dict[type[ast.AST], Callable[[Any, Context], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Subscript: _subscript,
}


def symbols_of(e: Expr, kind: type[Symbol]) -> list[Symbol]:
    """The symbols of one kind in e, in order of appearance."""
    return list(dict.fromkeys(n for n in walk(e) if isinstance(n, kind)))


def macro_read(macro: Macro, name: str, node: ast.AST, ctx: Context) -> Expr:
    """The right side of a scalar equation, elaborated where it is read."""
    if macro.busy:
        raise ctx.error(f"{name} is defined by itself", node, "a definition called on scalars has no recurrence")
    macro.busy = True
    equation = macro.equation
    inner = Context(equation.scope, equation.aliases, ctx.frames, len(ctx.frames), ctx.guards, equation)
    value = elaborate(equation.value, inner)
    macro.busy = False
    return value
