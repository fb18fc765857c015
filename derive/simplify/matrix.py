"""Equations as matrix algebra: products, elementwise products, sums by 1ᵀ, where an equation is one.

A tensor of two indices is a matrix, of one a column.  Letters that always go together count as one
(``[t, n]`` as rows); letters that every tensor has are set aside (*for each n*).  What is no matrix formula
has none: ``matrix_form`` says None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sympy import Add, Expr, Function, Integer, Mul, Pow

from derive.functions import HALF, function_name
from derive.program import Letter, Program, Read, Reduce, Statement, walk
from derive.simplify.whole_axes import Flat

ONE = Integer(1)


@dataclass(frozen=True)
class Matrix:
    """``op`` of ``parts`` with extents ``rows`` × ``cols``.

    name(text) · ones() · transpose(A) · times(A, B, …) · hadamard(A, B, …) · plus(A, B, …) · minus(A) ·
    scale(number, A) · diag(column) · apply(function, A) ·
    reciprocal(A)
    """

    op: str
    parts: tuple
    rows: Expr
    cols: Expr


@dataclass(frozen=True)
class Equation:
    """``left = right`` for each of the letters ``each``; ``together``: letters that count as one."""

    left: Matrix
    right: Matrix
    each: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()


class ShapeError(AssertionError):
    """A matrix formula whose extents do not fit: our own mistake."""


def matrix_form(statement: Statement, program: Program) -> Equation | None:
    """The equation in matrices, its shapes checked; None if it is no matrix formula."""
    flat = Flat.of(statement, program)
    if flat is None:
        return None
    flat = flat.merged()
    aside, flat = flat.without_common()
    compiler = _Compiler(flat.extents)
    found = []
    for row, column in _orientations(flat):
        left, right = (
            compiler.read(Read(statement.name, *flat.left), row, column),
            compiler.matrix(flat.rhs, row, column),
        )
        if left is not None and right is not None and any(n.op in OPERATIONS for n in nodes(right)):
            found.append(Equation(left, right, tuple(l.name for l in aside), flat.together))
    if not found:
        return None
    best = min(found, key=lambda q: sum(n.op != "ones" for n in (*nodes(q.left), *nodes(q.right))))
    if (best.left.rows, best.left.cols) != shape(best.right):
        raise ShapeError(f"{statement.name}: {best.left.rows}×{best.left.cols} is not what its right side is")
    return best


#: What makes a formula worth saying in matrices.
OPERATIONS = ("times", "hadamard", "plus", "apply")


def nodes(m: Matrix) -> Iterator[Matrix]:
    """The matrix and all it is made of."""
    yield m
    for part in m.parts:
        if isinstance(part, Matrix):
            yield from nodes(part)


def _orientations(flat: Flat) -> list[tuple[Letter | None, Letter | None]]:
    """(row letter, column letter): a single letter may be either."""
    if len(flat.left) == 2:
        return [(flat.left[0], flat.left[1])]
    if len(flat.left) == 1:
        return [(None, flat.left[0]), (flat.left[0], None)]
    return [(None, None)] if not flat.left and _contracts(flat.rhs) else []


def _contracts(e: Expr) -> bool:
    return any(isinstance(n, Reduce) for n in walk(e))


# ------------------------------------------------------------------------------ shapes


def shape(m: Matrix) -> tuple[Expr, Expr]:
    """The extents, worked out from the parts; ShapeError where they do not fit."""
    inner = [shape(p) for p in m.parts if isinstance(p, Matrix)]
    found = _SHAPES[m.op](m, inner)
    if found != (m.rows, m.cols):
        raise ShapeError(f"{m.op}: {found[0]}×{found[1]} is not {m.rows}×{m.cols}")
    return found


def _chain(m: Matrix, inner: list) -> tuple[Expr, Expr]:
    for (_, a), (b, _) in pairwise(inner):
        if a != b:
            raise ShapeError(f"a product of {a} columns with {b} rows")
    return inner[0][0], inner[-1][1]


def _same(m: Matrix, inner: list) -> tuple[Expr, Expr]:
    if len(dict.fromkeys(inner)) != 1:
        raise ShapeError(f"{m.op} of different shapes: {inner}")
    return inner[0]


_SHAPES = {
    "name": lambda m, inner: (m.rows, m.cols),
    "ones": lambda m, inner: (m.rows, m.cols),
    "transpose": lambda m, inner: inner[0][::-1],
    "times": _chain,
    "hadamard": _same,
    "plus": _same,
    "minus": _same,
    "scale": _same,
    "reciprocal": _same,
    "apply": _same,
    "diag": lambda m, inner: (inner[0][0], inner[0][0]),
}


# ------------------------------------------------------------------------------ compiling


class _Compiler:
    """Expressions over a row and a column letter as matrices."""

    def __init__(self, extents: dict[Letter, Expr]) -> None:
        self.extents = extents

    def extent(self, letter: Letter | None) -> Expr:
        return ONE if letter is None else self.extents[letter]

    def ones(self, row: Letter | None, column: Letter | None) -> Matrix:
        return Matrix("ones", (), self.extent(row), self.extent(column))

    def matrix(self, e: Expr, row: Letter | None, column: Letter | None) -> Matrix | None:
        """e as a matrix of that many rows and columns; what does not depend on one of them is repeated along it."""
        used = {n for n in walk(e) if isinstance(n, Letter)}
        if isinstance(e, Reduce):
            return self._sum(e, row, column)
        if (row is not None and row not in used) or (column is not None and column not in used):
            if not used & {row, column} and not isinstance(e, Read) and not _contracts(e):
                return self._scaled(e, self._everywhere(row, column))
            a, b = row if row in used else None, column if column in used else None
            return self._repeated(self.matrix(e, a, b), row if a is None else None, column if b is None else None)
        for kind, rule in _RULES:
            if isinstance(e, kind):
                return rule(self, e, row, column)
        return None

    def _everywhere(self, row: Letter | None, column: Letter | None) -> Matrix:
        if row is None or column is None:
            return self.ones(row, column)
        parts = (self.ones(row, None), self.ones(None, column))
        return Matrix("times", parts, self.extent(row), self.extent(column))

    def _repeated(self, m: Matrix | None, row: Letter | None, column: Letter | None) -> Matrix | None:
        if m is None:
            return None
        m = self._times(self.ones(row, None), m) if row is not None else m
        return self._times(m, self.ones(None, column)) if column is not None else m

    def read(self, e: Read, row: Letter | None, column: Letter | None) -> Matrix | None:
        """A matrix, a column, or one of them transposed."""
        wanted = tuple(l for l in (row, column) if l is not None)
        if e.indices == wanted and (row is not None or not wanted):
            return Matrix("name", (e.tensor,), self.extent(row), self.extent(column))
        if e.indices == wanted[::-1]:
            plain = Matrix("name", (e.tensor,), self.extent(column), self.extent(row))
            return Matrix("transpose", (plain,), plain.cols, plain.rows)
        return None

    def _add(self, e: Add, row: Letter | None, column: Letter | None) -> Matrix | None:
        terms = [self.matrix(a, row, column) for a in e.args]
        return _joint("plus", [m for m in terms if m is not None], len(terms))

    def _mul(self, e: Mul, row: Letter | None, column: Letter | None) -> Matrix | None:
        """Numbers in front, a factor of rows only as diag on the left, one of columns only on the right."""
        number: Expr = ONE
        left, middle, right = list[Expr](), list[Expr](), list[Expr]()
        for factor in e.args:
            used = {n for n in walk(factor) if isinstance(n, Letter)} & {row, column}
            if not used and not _contracts(factor):
                number = number * factor
            elif row is not None and column is not None and used == {row}:
                left.append(factor)
            elif row is not None and column is not None and used == {column}:
                right.append(factor)
            else:
                middle.append(factor)
        if not middle:  # an outer product
            parts = [self.matrix(Mul(*left), row, None) if left else None, self.matrix(Mul(*right), None, column)]
            whole = _joint("times", [p for p in parts if p is not None], 2)
        else:
            found = [self.matrix(f, row, column) for f in middle]
            whole = _joint("hadamard", [m for m in found if m is not None], len(middle))
            whole = self._beside(left, whole, right, row, column)
        return None if whole is None else self._scaled(number, whole)

    def _beside(
        self, left: list, whole: Matrix | None, right: list, row: Letter | None, column: Letter | None
    ) -> Matrix | None:
        for factors, letter, first in ((left, row, True), (right, column, False)):
            if factors and whole is not None:
                vector = self.matrix(Mul(*factors), letter, None)
                if vector is None:
                    return None
                diagonal = Matrix("diag", (vector,), vector.rows, vector.rows)
                whole = self._times(diagonal, whole) if first else self._times(whole, diagonal)
        return whole

    def _sum(self, e: Reduce, row: Letter | None, column: Letter | None) -> Matrix | None:
        """Σ_s L[row, s] · R[s, column] = L · R."""
        if len(e.letters) != 1:
            return None
        (s,) = e.letters
        outer, left, right = list[Expr](), list[Expr](), list[Expr]()
        for factor in Mul.make_args(e.body):
            used = {n for n in walk(factor) if isinstance(n, Letter)}
            if s not in used:
                outer.append(factor)
            elif row in used and column in used:
                return None
            else:
                (left if row in used else right).append(factor)
        if not left and not any(column in set(walk(f)) for f in right):
            left, right = right, []
        product = self._times(self._side(left, row, s), self._side(right, column, s, flipped=True))
        if product is None:
            return None
        rows = row if product.rows == ONE and row is not None else None
        columns = column if product.cols == ONE and column is not None else None
        whole = self._repeated(product, rows, columns)
        if whole is None or not outer:
            return whole
        return self._with(outer, whole, row, column)

    def _with(self, outer: list, whole: Matrix, row: Letter | None, column: Letter | None) -> Matrix | None:
        factor = Mul(*outer)
        if not {n for n in walk(factor) if isinstance(n, Letter)}:
            return self._scaled(factor, whole)
        other = self.matrix(factor, row, column)
        return None if other is None else _joint("hadamard", [other, whole], 2)

    def _side(self, factors: list, letter: Letter | None, s: Letter, flipped: bool = False) -> Matrix | None:
        """One side of a product: rows or columns by the letter if it is used, by 1 if not."""
        used = {n for f in factors for n in walk(f) if isinstance(n, Letter)}
        letter = letter if letter in used else None
        row, column = (s, letter) if flipped else (letter, s)
        return self.matrix(Mul(*factors), row, column) if factors else self.ones(row, column)

    def _power(self, e: Pow, row: Letter | None, column: Letter | None) -> Matrix | None:
        """A ⊙ A, 1/A and √A, all of them elementwise."""
        base = self.matrix(e.base, row, column)
        if base is None or not e.exp.is_Rational:
            return None
        if e.exp.is_negative:
            below = self._power(Pow(e.base, -e.exp, evaluate=False), row, column)
            return below and Matrix("reciprocal", (below,), base.rows, base.cols)
        if e.exp == HALF:
            return Matrix("apply", ("sqrt", base), base.rows, base.cols)
        if not e.exp.is_Integer or int(e.exp) > 3:
            return None
        return base if e.exp == 1 else Matrix("hadamard", (base,) * int(e.exp), base.rows, base.cols)

    def _call(self, e: Function, row: Letter | None, column: Letter | None) -> Matrix | None:
        name = function_name(e)
        body = self.matrix(e.args[0], row, column) if name and len(e.args) == 1 else None
        return None if body is None else Matrix("apply", (name, body), body.rows, body.cols)

    def _scaled(self, number: Expr, m: Matrix) -> Matrix:
        if number == 1:
            return m
        if number == -1:
            return Matrix("minus", (m,), m.rows, m.cols)
        return Matrix("scale", (number, m), m.rows, m.cols)

    def _times(self, a: Matrix | None, b: Matrix | None) -> Matrix | None:
        if a is None or b is None:
            return None
        for one, other, first in ((a, b, True), (b, a, False)):
            if one.op in ("minus", "scale"):
                inner = self._times(*((one.parts[-1], other) if first else (other, one.parts[-1])))
                return inner and Matrix(one.op, (*one.parts[:-1], inner), inner.rows, inner.cols)
        parts = tuple(p for m in (a, b) for p in (m.parts if m.op == "times" else (m,)))
        return Matrix("times", parts, a.rows, b.cols)


def _joint(op: str, parts: list[Matrix], wanted: int) -> Matrix | None:
    """The parts joined by an operation, if none is missing."""
    if len(parts) != wanted:
        return None
    if len(parts) == 1:
        return parts[0]
    return Matrix(op, tuple(parts), parts[0].rows, parts[-1].cols)


_RULES = (
    (Read, _Compiler.read),
    (Add, _Compiler._add),
    (Mul, _Compiler._mul),
    (Pow, _Compiler._power),
    (Function, _Compiler._call),
)
