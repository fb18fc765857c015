"""Brackets by property: any arithmetic, printed in ASCII and read as Python reads it, has the value of its tree."""

from __future__ import annotations

import ast
import operator
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from derive.reports import layout as L
from derive.reports.text import WIDTH, Text, fold

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg,
}  # fmt: skip


def value(node: L.Node) -> Fraction:
    """The value of a tree, by its meaning."""
    match node:
        case L.Number(text):
            return Fraction(text)
        case L.Sum(terms):
            return sum(map(value, terms), Fraction(0))
        case L.Minus(body):
            return -value(body)
        case L.Product(factors):
            result = Fraction(1)
            for factor in factors:
                result *= value(factor)
            return result
        case L.Fraction(top, bottom):
            return value(top) / value(bottom)
        case L.Power(base, exponent):
            return value(base) ** int(value(exponent))
    raise TypeError(node)


def read(node: ast.AST) -> Fraction:
    """The value of Python's own reading."""
    match node:
        case ast.Expression(body):
            return read(body)
        case ast.Constant(n):
            return Fraction(n)
        case ast.UnaryOp(op, a):
            return OPERATORS[type(op)](read(a))
        case ast.BinOp(a, op, b):
            return OPERATORS[type(op)](read(a), read(b))
    raise TypeError(node)


def grown(children: st.SearchStrategy[L.Node]) -> st.SearchStrategy[L.Node]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(L.Sum),
        several.map(L.Product),
        children.map(L.Minus),
        st.tuples(children, children).map(lambda p: L.Fraction(*p)),
        st.tuples(children, st.sampled_from("23")).map(lambda p: L.Power(p[0], L.Number(p[1]))),
    )


TREES = st.recursive(st.integers(1, 9).map(lambda n: L.Number(str(n))), grown, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_the_text_means_the_tree(tree: L.Node) -> None:
    try:
        expected = value(tree)
    except ZeroDivisionError:
        return
    lines = fold(Text(ascii=True).run(tree), WIDTH, "    ")
    text = " ".join(line.strip() for line in lines).replace("^", "**")
    assert read(ast.parse(f"({text})", mode="eval")) == expected
    assert all(len(line) <= WIDTH for line in lines)
