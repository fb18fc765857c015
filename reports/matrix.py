"""Formulas as matrices (``--notation matrix``): what is one is printed so, the rest in indices, and said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sympy import Expr

from derive.program import Program, Statement
from derive.record import replace
from derive.reports import layout as L
from derive.reports.compose import derivative_blocks, forward_block, merged, theorems
from derive.reports.document import Block, Composer, Document, Formula
from derive.reports.text import TRANSPOSED
from derive.simplify.matrix import Equation, Matrix, matrix_form, nodes

ONES = L.Number("1")


def forward(program: Program) -> Document:
    """The forward equations, in matrices where they can be."""
    composer = MatrixComposer(program)
    return Document(program.name, program.role, program.doc, (forward_block(composer),), theorems(composer))


def derivative(program: Program, primal: Program, order: int = 1) -> Document:
    """The derivative's formulas, in matrices where they can be."""
    composer = MatrixComposer(program, primal)
    return Document(primal.name, primal.role, "", tuple(derivative_blocks(composer, order)), theorems(composer))


def in_matrices(program: Program, derivatives: Iterable[Program]) -> Document:
    """The forward, then its derivatives from the first order on."""
    return merged(forward(program), *(derivative(d, program, n) for n, d in enumerate(derivatives, 1)))


class MatrixComposer(Composer):
    """Blocks whose equations are matrix formulas where they can be."""

    def block(
        self, title: str, about: Iterable[str], statements: Iterable[Statement], *, free: bool = False, **more: Any
    ) -> Block:
        """As ``Composer.block``, matrix formulas in their places, their shapes and what stayed in indices below."""
        statements = list(statements)
        forms = {s.name: matrix_form(s, self.program) for s in statements}
        found = {name: e for name, e in forms.items() if e is not None}
        indexed = [s for s in statements if s.name not in found]
        rest = super().block(title, about, indexed, free=free, **more)
        sizes, lines = len(more.get("before", ())), iter(rest.formulas)
        formulas = [next(lines) for _ in range(sizes)]
        for s in statements:
            if s.name in found:
                formulas.append(equation(found[s.name], self))
            else:
                formulas += [next(lines) for _ in s.pieces]
        known = {name: extents for e in found.values() for name, extents in shapes(e, self)}
        notes = [("shapes", tuple(f"{name} {extents}" for name, extents in known.items()))] if found else []
        merged = dict.fromkeys(" ".join(t) for e in found.values() for t in e.together)
        notes += [("as one", tuple(merged))] if merged else []
        notes += [("in indices", tuple(s.name for s in indexed))] if indexed else []
        return replace(rest, formulas=tuple(formulas), notes=(*rest.notes, *notes))


def equation(e: Equation, composer: Composer) -> Formula:
    """``dX = dY · W``."""
    each = tuple(L.Word(letter) for letter in e.each)
    return Formula(_node(e.left, composer), _node(e.right, composer), over=each)


def shapes(e: Equation, composer: Composer) -> Iterator[tuple[str, str]]:
    """``dX``, ``[P, I]`` for each tensor of an equation."""
    for m in (*nodes(e.left), *nodes(e.right)):
        if m.op == "name":
            extents = [m.rows, m.cols] if 1 not in (m.rows, m.cols) else [m.rows if m.cols == 1 else m.cols]
            shown = ", ".join(_extent(x, composer) for x in extents)
            yield composer.text.line(L.Word(_name(m, composer))), f"[{shown}]"


def _extent(e: Expr, composer: Composer) -> str:
    """``N·T``, in the order of the letters."""
    if e.is_Mul:
        return "·".join(_extent(f, composer) for f in e.args)
    return "…" if str(e).startswith(("...", "*")) else composer.text.line(composer.t.node(e))


def _name(m: Matrix, composer: Composer) -> str:
    """One-letter matrices are capitals, unless a size is: ``x`` is X, ``dy`` is dY; a column keeps its name."""
    text: str = m.parts[0]
    if m.rows == 1 or m.cols == 1 or len(text.rstrip("0123456789_")) > 2:
        return text
    capital = text.upper() if len(text) == 1 else text[0] + text[1:].capitalize() if text[0] in "dt" else text
    tensors = composer.program.tensors
    sizes = {s.name for t in tensors.values() for part in t.parts for s in part.extent.free_symbols}
    return text if capital in sizes or capital in tensors else capital


def _node(m: Matrix, composer: Composer) -> L.Node:
    parts = [_node(p, composer) if isinstance(p, Matrix) else p for p in m.parts]
    if m.op == "scale":
        return _scaled(composer.t.node(m.parts[0]), parts[1])
    return L.Word(_name(m, composer)) if m.op == "name" else _NODES[m.op](m, parts)


def _scaled(number: L.Node, body: L.Node) -> L.Node:
    if isinstance(number, L.Minus):
        return L.Minus(_scaled(number.body, body))
    if isinstance(number, L.Fraction) and number.top == L.Number("1"):
        return L.Fraction(body, number.bottom)
    return L.Product((number, *(body.factors if isinstance(body, L.Product) else (body,))))


def _plus(m: Matrix, parts: list[L.Node]) -> L.Node:
    """Added terms before subtracted ones, then what is written shorter."""
    terms = sorted(parts, key=lambda p: (isinstance(p, L.Minus), repr(p).count("("), repr(p)))
    return L.Sum(tuple(terms))


_NODES: dict[str, Callable[[Matrix, list[Any]], Any]] = {
    "ones": lambda m, parts: ONES if m.cols == 1 else L.Power(ONES, TRANSPOSED),
    "transpose": lambda m, parts: L.Power(parts[0], TRANSPOSED),
    "times": lambda m, parts: L.Product(tuple(parts)),
    "hadamard": lambda m, parts: L.Elementwise(tuple(parts)),
    "plus": _plus,
    "minus": lambda m, parts: L.Minus(parts[0]),
    "diag": lambda m, parts: L.Call("diag", (parts[0],)),
    "apply": lambda m, parts: L.Root(parts[1]) if parts[0] == "sqrt" else L.Call(parts[0], (parts[1],)),
    "reciprocal": lambda m, parts: L.Fraction(L.Number("1"), parts[0]),
}
