"""``"bij,jk->bik"``: an einsum equation is a definition, written by its letters.

``bij,jk->bik`` stands for ``out[b, i, k] = sum[j](x1[b, i, j]*x2[j, k])``: letters that the result lacks are summed, a
letter twice in one term is a diagonal, ``...`` is any axes, the same of every term that has them.  Without ``->`` the
result has the letters that occur once, in their order.
"""

from __future__ import annotations

import ast
import re

from derive.errors import DefinitionError
from derive.language.definition import Definition
from derive.language.parse import parse_text

_EQUATION = re.compile(r"[A-Za-z.,\s]*->[A-Za-z.,\s]*|[A-Za-z.\s]*(,[A-Za-z.\s]*)+")
_TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")
_MEND = "a term is letters and at most one ...: write 'bij,jk->bik', or '...i,...i->...'"
_ANY = "..."


def is_equation(text: str) -> bool:
    """Whether a target is an einsum equation: letters with an arrow or a comma, which nothing else has."""
    return bool(_EQUATION.fullmatch(text))


def einsum(equation: str) -> Definition:
    """The definition that an equation stands for; its inputs are x1, x2, … and its output is out."""
    text = "".join(equation.split())
    left, arrow, right = text.partition("->")
    terms = [_letters(term, text) for term in left.split(",")]
    result = _letters(right, text) if arrow else _once(terms)
    _check(terms, result, text)
    return parse_text(ast.unparse(_tree(text, terms, result)), "<einsum>")[-1]


def _letters(term: str, equation: str) -> tuple[str, ...]:
    """``"i...j"`` → ``("i", "...", "j")``"""
    if not _TERM.fullmatch(term):
        raise DefinitionError(f"{term!r} is no term of the einsum equation {equation!r}", mend=_MEND)
    return tuple(re.findall(r"\.\.\.|[A-Za-z]", term))


def _once(terms: list[tuple[str, ...]]) -> tuple[str, ...]:
    """``...`` and the letters that occur once, capitals first."""
    every = [letter for term in terms for letter in term]
    return tuple(sorted(a for a in set(every) if a == _ANY or every.count(a) == 1))


def _check(terms: list[tuple[str, ...]], result: tuple[str, ...], equation: str) -> None:
    known = {letter for term in terms for letter in term}
    for letter in result:
        if letter not in known:
            raise DefinitionError(f"{letter} of the result of {equation!r} is in no term", mend="leave it out")
        if result.count(letter) > 1:
            mend = "a diagonal is read, not written: 'ii->i'"
            raise DefinitionError(f"{letter} is twice in the result of {equation!r}", mend=mend)


def _tree(equation: str, terms: list[tuple[str, ...]], result: tuple[str, ...]) -> ast.Module:
    names = [f"x{k}" for k in range(1, len(terms) + 1)]
    body = _product([_read(name, term) for name, term in zip(names, terms, strict=True)])
    summed = dict.fromkeys(letter for term in terms for letter in term if letter not in result)
    if summed:
        entries = ast.Subscript(ast.Name("sum"), _row([_letter(a) for a in summed]))
        body = ast.Call(entries, [body], [])
    inputs = [ast.arg(n, _type([_size(a) for a in term])) for n, term in zip(names, terms, strict=True)]
    statements: list[ast.stmt] = [
        ast.Expr(ast.Constant(f"The einsum {equation}.")),
        ast.Assign([_read("out", result)], body, lineno=1),
        ast.Return(ast.Name("out")),
    ]
    if result:
        declared = ast.AnnAssign(ast.Name("out"), _type([_size(a) for a in result]), None, 1)
        statements.insert(1, declared)
    hyper = ast.arg("equation", ast.Subscript(ast.Name("Text"), ast.Constant(equation)))
    arguments = ast.arguments([], inputs, None, [hyper], [ast.Constant(equation)], None, [])
    layer = ast.Call(ast.Name("layer"), [], [ast.keyword("torch", ast.Constant("einsum"))])
    function = ast.FunctionDef("einsum", arguments, statements, [layer], lineno=1)
    return ast.fix_missing_locations(ast.Module([function], []))


def _product(factors: list[ast.expr]) -> ast.expr:
    first, *others = factors
    for factor in others:
        first = ast.BinOp(first, ast.Mult(), factor)
    return first


def _read(name: str, term: tuple[str, ...]) -> ast.expr:
    return ast.Subscript(ast.Name(name), _row([_letter(a) for a in term])) if term else ast.Name(name)


def _type(sizes: list[ast.expr]) -> ast.expr:
    return ast.Subscript(ast.Name("Real"), _row(sizes)) if sizes else ast.Name("Real")


def _row(items: list[ast.expr]) -> ast.expr:
    return items[0] if len(items) == 1 else ast.Tuple(items)


def _letter(a: str) -> ast.expr:
    """``i``; ``I``, whose name is its size's, goes by ``ii``."""
    return ast.Constant(...) if a == _ANY else ast.Name(a if a.islower() else a.lower() * 2)


def _size(a: str) -> ast.expr:
    return ast.Constant(...) if a == _ANY else ast.Name(a.upper() if a.islower() else a * 2)
