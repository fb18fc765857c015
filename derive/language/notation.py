"""Expressions as trees of Python's syntax, to be printed once."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Add, Basic, Expr, Integer, Mul, NumberSymbol, Pow, Rational, Symbol

from derive.errors import DefinitionError
from derive.functions import function_name
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Letter,
    Logic,
    Modulo,
    Read,
    Reduce,
    Size,
    Stop,
    Tensor,
    Truth,
    Where,
)

_COMPARISONS: dict[str, type[ast.cmpop]] = {"==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE}


class ExpressionWriter:
    """Expressions to syntax trees; ``renamed`` gives some letters other names."""

    def __init__(self, tensors: Mapping[str, Tensor], renamed: Mapping[str, str] | None = None) -> None:
        self.tensors, self.renamed = tensors, renamed or {}

    # -------------------------------------------------------------------------- indices and entries

    def by_axes(self, t: Tensor, indices: Sequence[ast.expr]) -> list[ast.expr]:
        flat, elements = iter(indices), []
        for axis in t.axes:
            parts = [next(flat) for _ in axis]
            elements.append(parts[0] if len(axis) == 1 else ast.List(parts))
        return elements

    def index(self, e: Basic) -> ast.expr:
        """An index; a pack's letter alone is ``...`` or ``*a``."""
        if isinstance(e, Letter) and e.is_pack:
            return pack_tree(self._letter_name(e))
        return self.expression(e)

    def entries(self, entries: Sequence[Basic], chain: bool = False) -> list[ast.expr]:
        """Binds and filters; ``a <= b`` and ``b < c`` side by side become ``a <= b < c``."""
        elements: list[ast.expr] = []
        skip = False
        for n, entry in enumerate(entries):
            following = entries[n + 1] if n + 1 < len(entries) else None
            if skip:
                skip = False
            elif isinstance(entry, Bind):
                elements.append(self.bind(entry, chain))
            elif _chained(entry, following, chain):
                skip = True
                elements.append(self._chained(entry, following))
            else:
                elements.append(self.expression(entry))
        return elements

    def _chained(self, first: Any, second: Any) -> ast.expr:
        return self._chain(first.args[1], first.op, first.args[2], second.op, second.args[2])

    def _chain(self, a: Expr, first: str, b: Expr, second: str, c: Expr) -> ast.expr:
        operators: list[ast.cmpop] = [_COMPARISONS[first](), _COMPARISONS[second]()]
        return ast.Compare(self.expression(a), operators, [self.expression(b), self.expression(c)])

    def bind(self, e: Bind, chain: bool = False) -> ast.expr:
        letter, lo, hi = e.args
        if letter.is_pack and not chain and lo == 0 and hi == Size(letter.name.upper()):
            return pack_tree(self._letter_name(letter))
        if lo == 0 and not chain:
            return ast.Compare(self.expression(letter), [ast.Lt()], [self.expression(hi)])
        return self._chain(lo, "<=", letter, "<", hi)

    def _letter_name(self, e: Letter) -> str:
        return self.renamed.get(e.name, e.name)

    # -------------------------------------------------------------------------- expressions

    def expression(self, e: Basic) -> ast.expr:
        for types, method in _METHODS:
            if isinstance(e, types):
                return method(self, e)
        name = function_name(e)
        if name is None:
            raise DefinitionError(f"{type(e).__name__} has no notation in the language")
        return call_tree(name, *map(self.expression, e.args))

    def symbol(self, e: Symbol) -> ast.expr:
        if isinstance(e, Letter | Size) and e.is_pack:
            word, name = ("letter", self._letter_name(e)) if isinstance(e, Letter) else ("size", e.name)
            return call_tree(word, ast.Constant(...) if name == "..." else name_tree(name.lstrip("*")))
        if isinstance(e, Letter):
            return name_tree(self._letter_name(e))
        return tensor_tree(e.name)

    def rational(self, e: Rational) -> ast.expr:
        value = _whole(abs(int(e.p)))
        if e.q != 1:
            value = ast.BinOp(value, ast.Div(), _whole(int(e.q)))
        return ast.UnaryOp(ast.USub(), value) if e.p < 0 else value

    def constant(self, e: NumberSymbol) -> ast.expr:
        return name_tree("pi") if type(e).__name__ == "Pi" else call_tree("exp", ast.Constant(1))

    def add(self, e: Add) -> ast.expr:
        terms = sorted(e.args, key=lambda term: bool(term.is_Number))  # the number last
        first = next((n for n, term in enumerate(terms) if not _negative(term)), 0)  # a plus first, if there is one
        terms.insert(0, terms.pop(first))
        result = self.expression(terms[0])
        for term in terms[1:]:
            if _negative(term):
                result = ast.BinOp(result, ast.Sub(), self.expression(-term))
            else:
                result = ast.BinOp(result, ast.Add(), self.expression(term))
        return result

    def multiply(self, e: Mul) -> ast.expr:
        above: list[Expr] = []
        below: list[Expr] = []
        sign = False
        for factor in e.args:
            if isinstance(factor, Rational):
                sign = factor.p < 0
                above += [Integer(abs(factor.p))] * (abs(factor.p) != 1)
                below += [Integer(factor.q)] * (factor.q != 1)
            elif _inverse(factor):
                below.append(Pow(factor.base, -factor.exp))
            else:
                above.append(factor)
        result = self._chain_of(above or [Integer(1)])
        if below:
            result = ast.BinOp(result, ast.Div(), self._chain_of(below))
        return ast.UnaryOp(ast.USub(), result) if sign else result

    def _chain_of(self, factors: Iterable[Expr]) -> ast.expr:
        first, *rest = map(self.expression, factors)
        for factor in rest:
            first = ast.BinOp(first, ast.Mult(), factor)
        return first

    def power(self, e: Pow) -> ast.expr:
        if _inverse(e):
            return ast.BinOp(ast.Constant(1), ast.Div(), self.expression(Pow(e.base, -e.exp)))
        if e.exp == Rational(1, 2):
            return call_tree("sqrt", self.expression(e.base))
        return ast.BinOp(self.expression(e.base), ast.Pow(), self.expression(e.exp))

    def floor_divide(self, e: FloorDiv) -> ast.expr:
        return ast.BinOp(self.expression(e.args[0]), ast.FloorDiv(), self.expression(e.args[1]))

    def modulo(self, e: Modulo) -> ast.expr:
        return ast.BinOp(self.expression(e.args[0]), ast.Mod(), self.expression(e.args[1]))

    def read(self, e: Read) -> ast.expr:
        if not e.indices:
            return self.scalar(e.tensor)
        indices = [self.index(i) for i in e.indices]
        t = self.tensors.get(e.tensor)
        elements = self.by_axes(t, indices) if t is not None and len(t.parts) == len(indices) else indices
        return ast.Subscript(tensor_tree(e.tensor), tuple_tree(elements))

    def scalar(self, name: str) -> ast.expr:
        return tensor_tree(name)

    def reduce(self, e: Reduce) -> ast.expr:
        head = ast.Subscript(name_tree(e.op), tuple_tree(self.entries(e.entries)))
        bare = e.op == "count" and e.body == 1
        return ast.Call(head, [] if bare else [self.expression(e.body)], [])

    def where(self, e: Where) -> ast.expr:
        return call_tree("where", *map(self.expression, e.args))

    def stop(self, e: Stop) -> ast.expr:
        return call_tree("constant", self.expression(e.args[0]))

    def compare(self, e: Compare) -> ast.expr:
        return ast.Compare(self.expression(e.args[1]), [_COMPARISONS[e.op]()], [self.expression(e.args[2])])

    def logic(self, e: Logic) -> ast.expr:
        conditions = [self.expression(c) for c in e.conditions]
        if e.op == "not":
            return ast.UnaryOp(ast.Not(), conditions[0])
        return ast.BoolOp(ast.And() if e.op == "and" else ast.Or(), conditions)

    def truth(self, e: Truth) -> ast.expr:
        return ast.Constant(bool(e))


_METHODS: tuple[tuple[type | tuple[type, ...], Any], ...] = (
    (Symbol, ExpressionWriter.symbol),
    (Rational, ExpressionWriter.rational),
    (NumberSymbol, ExpressionWriter.constant),
    (Add, ExpressionWriter.add),
    (Mul, ExpressionWriter.multiply),
    (Pow, ExpressionWriter.power),
    (Read, ExpressionWriter.read),
    (Reduce, ExpressionWriter.reduce),
    (Where, ExpressionWriter.where),
    (Compare, ExpressionWriter.compare),
    (Logic, ExpressionWriter.logic),
    (Truth, ExpressionWriter.truth),
    (FloorDiv, ExpressionWriter.floor_divide),
    (Modulo, ExpressionWriter.modulo),
    (Stop, ExpressionWriter.stop),
)


# ------------------------------------------------------------------------------ small trees


def name_tree(name: str) -> ast.Name:
    return ast.Name(name)


def tensor_tree(name: str) -> ast.expr:
    """A name; ``w[0]`` is a member of a family, or of a hyperparameter."""
    return name_tree(name) if name.isidentifier() else ast.parse(name, mode="eval").body


def call_tree(function: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    return ast.Call(name_tree(function), list(arguments), [ast.keyword(k, v) for k, v in keywords.items()])


def tuple_tree(elements: Sequence[ast.expr]) -> ast.expr:
    alone = len(elements) == 1 and not isinstance(elements[0], ast.Starred)
    return elements[0] if alone else ast.Tuple(list(elements))


def pack_tree(name: str) -> ast.expr:
    return ast.Constant(...) if name == "..." else ast.Starred(name_tree(name.lstrip("*")))


def _whole(n: int) -> ast.expr:
    """A whole number; one longer than the language's integers by its digits."""
    if n < 2**63:
        return ast.Constant(n)
    high, low = divmod(n, 10**18)
    scaled = ast.BinOp(_whole(high), ast.Mult(), ast.Constant(10**18))
    return ast.BinOp(scaled, ast.Add(), ast.Constant(low)) if low else scaled


def _negative(e: Expr) -> bool:
    leading = e.args[0] if isinstance(e, Mul) else e
    return isinstance(leading, Rational) and leading.p < 0


def _inverse(e: Expr) -> bool:
    return isinstance(e, Pow) and isinstance(e.exp, Rational) and e.exp.p < 0


def _chained(a: Basic, b: Basic | None, left: bool) -> bool:
    """Whether two filters print as one chain; on a left side a chain around a letter alone is its range."""
    if not isinstance(a, Compare) or not isinstance(b, Compare) or (left and isinstance(a.args[2], Letter)):
        return False
    return a.op in ("<", "<=") and b.op in ("<", "<=") and bool(a.args[2] == b.args[1])


def expression_text(e: Basic, tensors: Mapping[str, Tensor] | None = None) -> str:
    """One expression as text, for messages."""
    return ast.unparse(ExpressionWriter(tensors or {}).expression(e))
