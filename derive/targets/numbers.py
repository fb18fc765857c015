"""Python numbers in generated code: sizes, hyperparameters and loop counters as expression trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from sympy import Add, Basic, Expr, Float, Function, Integer, Mul, NumberSymbol, Pow, Rational, Symbol

from derive.functions import function_name
from derive.program import INF, Compare, FloorDiv, Logic, Modulo, Stop, Truth, Where

#: Functions of Python numbers; those not listed go to an array library's.
MATH = {
    "exp": "math.exp", "log": "math.log", "log1p": "math.log1p", "expm1": "math.expm1", "sqrt": "math.sqrt",
    "sin": "math.sin", "cos": "math.cos", "tan": "math.tan", "asin": "math.asin", "acos": "math.acos",
    "atan": "math.atan", "atan2": "math.atan2", "sinh": "math.sinh", "cosh": "math.cosh", "tanh": "math.tanh",
    "erf": "math.erf", "erfc": "math.erfc", "lgamma": "math.lgamma", "floor": "math.floor", "ceil": "math.ceil",
    "abs": "abs", "round": "round", "max": "max", "min": "min",
}  # fmt: skip
COMPARE = {"==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE}
LOGIC = {"and": ast.And, "or": ast.Or}


def name(identifier: str) -> ast.expr:
    """A dotted name."""
    head, *rest = identifier.split(".")
    node: ast.expr = ast.Name(head, ast.Load())
    for attribute in rest:
        node = ast.Attribute(node, attribute, ast.Load())
    return node


def constant(value: Any) -> ast.expr:
    return ast.Constant(value)


def call(function: str | ast.expr, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
    """``function(args, keyword=…)``."""
    f = name(function) if isinstance(function, str) else function
    return ast.Call(f, list(args), [ast.keyword(k, v) for k, v in keywords.items()])


def method(x: ast.expr, which: str, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
    """``x.which(args)``."""
    return call(ast.Attribute(x, which, ast.Load()), *args, **keywords)


def assign(target: str, value: ast.expr) -> ast.stmt:
    """``target = value``."""
    return ast.Assign([ast.Name(target, ast.Store())], value, lineno=0)


def binary(a: ast.expr, op: ast.operator, b: ast.expr) -> ast.expr:
    return ast.BinOp(a, op, b)


def tuple_of(items: list[ast.expr]) -> ast.expr:
    return ast.Tuple(items, ast.Load())


class Numbers:
    """Prints scalar expressions with the names given to symbols."""

    def __init__(self, names: Mapping[Symbol, ast.expr]) -> None:
        self.names = names

    def __call__(self, e: Basic) -> ast.expr:
        """The expression tree of a scalar."""
        for kind, rule in _RULES:
            if isinstance(e, kind):
                return rule(self, e)
        raise AssertionError(f"no Python for {type(e).__name__}")

    def symbol(self, e: Symbol) -> ast.expr:
        if e == INF:
            return name("math.inf")
        if e in self.names:
            return self.names[e]
        head, bracket, tail = e.name.partition("[")
        if bracket:
            return ast.Subscript(name(head), constant(int(tail.rstrip("]"))), ast.Load())
        return name(head)


def _rational(p: Numbers, e: Rational) -> ast.expr:
    if e.p < 0:
        return ast.UnaryOp(ast.USub(), _rational(p, -e))
    return constant(int(e.p)) if e.q == 1 else _ratio(int(e.p), int(e.q))


def _ratio(numerator: int, denominator: int) -> ast.expr:
    """A decimal where it is the same number and shorter to read, else a quotient."""
    value = numerator / denominator
    if len(repr(value)) <= 8:
        return constant(value)
    return binary(constant(numerator), ast.Div(), constant(denominator))


def _add(p: Numbers, e: Add) -> ast.expr:
    """Positive terms first, then the subtracted ones; a number last."""
    terms = sorted(e.args, key=lambda t: (t.is_number, t.as_coeff_Mul()[0].is_negative is True))
    terms = sorted(terms, key=lambda t: t.as_coeff_Mul()[0].is_negative is True)
    result = p(terms[0])
    for t in terms[1:]:
        coefficient, rest = t.as_coeff_Mul()
        if coefficient.is_negative:
            result = binary(result, ast.Sub(), p(Mul(-coefficient, rest)))
        else:
            result = binary(result, ast.Add(), p(t))
    return result


def _mul(p: Numbers, e: Mul) -> ast.expr:
    coefficient, rest = e.as_coeff_Mul()
    if coefficient.is_negative:
        return ast.UnaryOp(ast.USub(), p(Mul(-coefficient, rest)))
    above = [f for f in Mul.make_args(rest) if not _is_below(f)]
    below = [Pow(f.base, -f.exp) for f in Mul.make_args(rest) if _is_below(f)]
    if coefficient.q != 1 and coefficient.p == 1:
        below.insert(0, Integer(coefficient.q))
    elif coefficient != 1:
        above.insert(0, coefficient)
    result = _product(p, above) if above else constant(1)
    return binary(result, ast.Div(), _product(p, below)) if below else result


def _is_below(f: Expr) -> bool:
    return isinstance(f, Pow) and bool(f.exp.is_Rational) and bool(f.exp.is_negative)


def _product(p: Numbers, factors: list[Expr]) -> ast.expr:
    result = p(factors[0])
    for f in factors[1:]:
        result = binary(result, ast.Mult(), p(f))
    return result


def _pow(p: Numbers, e: Pow) -> ast.expr:
    if _is_below(e):
        return binary(constant(1), ast.Div(), p(Pow(e.base, -e.exp)))
    if e.exp == Rational(1, 2):
        return call("math.sqrt", p(e.base))
    return binary(p(e.base), ast.Pow(), p(e.exp))


def _function(p: Numbers, e: Function) -> ast.expr:
    which = function_name(e) or type(e).__name__
    if which in MATH:
        return call(MATH[which], *map(p, e.args))
    return WRITTEN_OUT[which](*map(p, e.args))


def _sigmoid(x: ast.expr) -> ast.expr:
    grown = binary(constant(1), ast.Add(), call("math.exp", ast.UnaryOp(ast.USub(), x)))
    return binary(constant(1), ast.Div(), grown)


def _softplus(x: ast.expr) -> ast.expr:
    tail = call("math.log1p", call("math.exp", ast.UnaryOp(ast.USub(), call("abs", x))))
    return binary(call("max", x, constant(0)), ast.Add(), tail)


#: Functions of a number that Python's ``math`` does not have.
WRITTEN_OUT: dict[str, Callable[..., ast.expr]] = {
    "relu": lambda x: call("max", x, constant(0)),
    "clamp": lambda x, lo, hi: call("min", call("max", x, lo), hi),
    "sign": lambda x: binary(
        ast.Compare(x, [ast.Gt()], [constant(0)]), ast.Sub(), ast.Compare(x, [ast.Lt()], [constant(0)])
    ),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "logsigmoid": lambda x: ast.UnaryOp(ast.USub(), _softplus(ast.UnaryOp(ast.USub(), x))),
}


def _compare(p: Numbers, e: Compare) -> ast.expr:
    return ast.Compare(p(e.args[1]), [COMPARE[e.op]()], [p(e.args[2])])


def _logic(p: Numbers, e: Logic) -> ast.expr:
    if e.op == "not":
        return ast.UnaryOp(ast.Not(), p(e.conditions[0]))
    return ast.BoolOp(LOGIC[e.op](), [p(c) for c in e.conditions])


_RULES: tuple[tuple[type[Basic], Callable], ...] = (
    (Rational, _rational),
    (Float, lambda p, e: constant(float(e))),
    (NumberSymbol, lambda p, e: name({"Pi": "math.pi", "Exp1": "math.e"}[type(e).__name__])),
    (Symbol, lambda p, e: p.symbol(e)),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (FloorDiv, lambda p, e: binary(p(e.args[0]), ast.FloorDiv(), p(e.args[1]))),
    (Modulo, lambda p, e: binary(p(e.args[0]), ast.Mod(), p(e.args[1]))),
    (Where, lambda p, e: ast.IfExp(p(e.args[0]), p(e.args[1]), p(e.args[2]))),
    (Truth, lambda p, e: constant(bool(e))),
    (Compare, _compare),
    (Logic, _logic),
    (Stop, lambda p, e: p(e.args[0])),
    (Function, _function),
)
