"""Expressions of ``@derived`` text, read as they stand."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Add, Basic, Expr, Integer, Mul, Pow, Rational, pi

from derive.errors import DefinitionError
from derive.functions import FUNCTIONS
from derive.language.definition import Source
from derive.program import (
    INF,
    REDUCTIONS,
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Parameter,
    Read,
    Reduce,
    Size,
    Stop,
    Tensor,
    Truth,
    Where,
)

_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


class ExpressionReader:
    """Syntax trees to expressions, given the names that are known; ``letters`` are those in scope."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.sizes: dict[str, Size] = {}
        self.parameters: dict[str, Parameter] = {}
        self.tensors: dict[str, Tensor] = {}
        self.letters: dict[str, Letter] = {}

    def error(self, message: str, node: ast.AST | None = None) -> DefinitionError:
        mend = "a @derived text is read as it stands: print it again, or drop the marker and write a definition"
        return self.source.error(message, node, mend)

    # -------------------------------------------------------------------------- entries

    def range(self, node: ast.Compare) -> Bind:
        """``lo <= letter < hi``."""
        letter = self.letter(node.comparators[0])
        if letter is None or [type(o) for o in node.ops] != [ast.LtE, ast.Lt]:
            raise self.error("a range is written lo <= letter < hi", node)
        return Bind(letter, self.expression(node.left), self.expression(node.comparators[1]))

    def _entry(self, node: ast.expr) -> list[Basic]:
        """An entry of a reduction: a ``Bind`` if its letter is new, else filters."""
        pack = pack_name(node)
        if pack:
            return [self._bound(Bind(Letter(pack), 0, Size(pack.upper())))]
        if isinstance(node, ast.Compare) and len(node.ops) == 2:
            letter = self.letter(node.comparators[0])
            if letter is not None and letter.name not in self.letters:
                return [self._bound(self.range(node))]
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt) and len(node.ops) == 1:
            letter = self.letter(node.left)
            if letter is not None and letter.name not in self.letters:
                return [self._bound(Bind(letter, 0, self.expression(node.comparators[0])))]
        return self.filters(node)

    def _bound(self, bind: Bind) -> Bind:
        self.letters = {**self.letters, bind.letter.name: bind.letter}
        return bind

    def filters(self, node: ast.expr) -> list[Basic]:
        if not isinstance(node, ast.Compare):
            return [self.expression(node)]
        operands = [self.expression(e) for e in (node.left, *node.comparators)]
        operators = [_COMPARISONS[type(o)] for o in node.ops if type(o) in _COMPARISONS]
        return [Compare(o, a, b) for o, a, b in zip(operators, operands, operands[1:], strict=False)]

    def letter(self, node: ast.expr) -> Letter | None:
        """The letter a node names, or None."""
        pack = pack_name(node)
        if isinstance(node, ast.Call) and called(node) == "letter" and len(node.args) == 1:
            pack = pack_name(node.args[0], True)
        if pack:
            return Letter(pack)
        if not isinstance(node, ast.Name):
            return None
        known = (self.parameters, self.sizes, self.tensors)
        taken = node.id in ("inf", "pi") or any(node.id in table for table in known)
        return None if taken and node.id not in self.letters else Letter(node.id)

    # -------------------------------------------------------------------------- expressions

    def expression(self, node: ast.expr) -> Any:
        method = _READERS.get(type(node))
        if method is None:
            raise self.error("this is not part of a derived text", node)
        return method(self, node)

    def constant(self, node: ast.Constant) -> Basic:
        if isinstance(node.value, bool):
            return Truth(node.value)
        if isinstance(node.value, int):
            return Integer(node.value)
        if isinstance(node.value, float):
            return Rational(repr(node.value))
        raise self.error("this literal does not belong here", node)

    def name(self, node: ast.Name) -> Expr:
        if node.id in self.letters:
            return self.letters[node.id]
        if node.id in self.tensors:
            return Read(node.id)
        if node.id in self.parameters:
            return self.parameters[node.id].symbols[0]
        if node.id in self.sizes:
            return self.sizes[node.id]
        if node.id in ("inf", "pi"):
            return INF if node.id == "inf" else pi
        raise self.error(f"{node.id} is not known", node)

    def operation(self, node: ast.BinOp) -> Expr:
        if isinstance(node.op, ast.Add | ast.Sub):
            return Add(*self._terms(node))
        if isinstance(node.op, ast.Mult | ast.Div):
            return Mul(*self._factors(node))
        operator = {ast.Pow: Pow, ast.FloorDiv: FloorDiv, ast.Mod: Modulo}.get(type(node.op))
        if operator is None:
            raise self.error("this operator is not part of a derived text", node)
        return operator(self.expression(node.left), self.expression(node.right))

    def _terms(self, node: ast.expr) -> list[Expr]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._terms(node.left) + self._terms(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return [*self._terms(node.left), Mul(-1, *self._factors(node.right))]
        return [self.expression(node)]

    def _factors(self, node: ast.expr) -> list[Expr]:
        """Factors of a product as one flat list, so that SymPy sees it whole (2·(a + b)·c is not spread)."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return [Integer(-1), *self._factors(node.operand)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return self._factors(node.left) + self._factors(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._factors(node.left) + [Pow(f, -1) for f in self._factors(node.right)]
        return [self.expression(node)]

    def unary(self, node: ast.UnaryOp) -> Basic:
        if isinstance(node.op, ast.Not):
            return Logic("not", self.expression(node.operand))
        return Mul(*self._factors(node))

    def logic(self, node: ast.BoolOp) -> Basic:
        return Logic("and" if isinstance(node.op, ast.And) else "or", *map(self.expression, node.values))

    def compare(self, node: ast.Compare) -> Basic:
        found = self.filters(node)
        return found[0] if len(found) == 1 else Logic("and", *found)

    def subscript(self, node: ast.Subscript) -> Expr:
        whole = ast.unparse(node)
        if whole in self.tensors:
            return Read(whole)
        base = ast.unparse(node.value)
        if base in self.parameters:
            parameter = self.parameters[base]
            return Hyper(whole, parameter.kind == "Int")
        if base not in self.tensors:
            raise self.error(f"{base} is not known", node)
        flat = [e for n in elements(node.slice) for e in (n.elts if isinstance(n, ast.List) else [n])]
        return Read(base, *map(self._index, flat))

    def _index(self, node: ast.expr) -> Expr:
        pack = pack_name(node)
        return Letter(pack) if pack else self.expression(node)

    def call(self, node: ast.Call) -> Expr:
        if isinstance(node.func, ast.Subscript):
            return self._reduction(node)
        name = called(node)
        if name in ("letter", "size") and len(node.args) == 1:
            pack = pack_name(node.args[0], True)
            return Letter(pack) if name == "letter" else Size(pack)
        arguments = [self.expression(a) for a in node.args]
        if name in _FORMS and len(arguments) == _FORMS[name][1]:
            return _FORMS[name][0](*arguments)
        if name in FUNCTIONS and len(arguments) == FUNCTIONS[name].arity:
            return FUNCTIONS[name].cls(*arguments)
        raise self.error(f"{name or 'this'} is not a function of that many arguments", node)

    def _reduction(self, node: ast.Call) -> Expr:
        assert isinstance(node.func, ast.Subscript)
        op, outside = ast.unparse(node.func.value), self.letters
        if op not in REDUCTIONS:
            raise self.error(f"{op} is not a reduction", node)
        entries = [e for part in elements(node.func.slice) for e in self._entry(part)]
        body = self.expression(node.args[0]) if node.args else Integer(1)
        self.letters = outside
        return Reduce(op, entries, body)


def called(node: ast.expr) -> str:
    """The name of a decorator or of a called function; '' if it has none."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else ""


def elements(node: ast.expr) -> tuple[ast.expr, ...]:
    return tuple(node.elts) if isinstance(node, ast.Tuple) else (node,)


def pack_name(node: ast.expr, named: bool = False) -> str:
    """``...`` or ``*a``; with ``named``, the argument of ``letter()`` or ``size()``."""
    if isinstance(node, ast.Constant) and node.value is ...:
        return "..."
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.Name):
        return f"*{node.value.id}"
    return f"*{node.id}" if named and isinstance(node, ast.Name) else ""


_FORMS: dict[str, tuple[Any, int]] = {"where": (Where, 3), "constant": (Stop, 1)}
_READERS: dict[type[ast.expr], Any] = {
    ast.Constant: ExpressionReader.constant,
    ast.Name: ExpressionReader.name,
    ast.BinOp: ExpressionReader.operation,
    ast.UnaryOp: ExpressionReader.unary,
    ast.BoolOp: ExpressionReader.logic,
    ast.Compare: ExpressionReader.compare,
    ast.Subscript: ExpressionReader.subscript,
    ast.Call: ExpressionReader.call,
}
