"""A contraction within a statement as one of its own, where the rest joins the loops after it.

``a[i, j] = c·Σ_k q[i, k]·r[j, k] + mask[i, j]`` before a softmax over j: the matrix product alone is array code.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from sympy import Add, Basic, Expr, Mul

from derive.lower.kernels.fits import fits
from derive.program import (
    Bind,
    Fresh,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    free_letters,
    names_in,
    reads,
    tensors_read,
    with_statements,
)


def products_apart(program: Program, numbers: Sequence[str], recurrent: Container[str]) -> Program:
    """The program with those contractions outlined; ``numbers`` are Python's, what is ``recurrent`` stays."""
    aside, fresh = frozenset(numbers), Fresh(names_in(program))
    statements: list[Statement] = []
    for k, s in enumerate(program.statements):
        after = takewhile(lambda t: fits(t, program, aside), program.statements[k + 1 :])
        if s.name not in recurrent and any(s.name in tensors_read(t) for t in after):
            statements += _apart(s, program, aside, fresh)
        else:
            statements.append(s)
    return with_statements(program, statements) if len(statements) > len(program.statements) else program


def _apart(s: Statement, program: Program, numbers: frozenset[str], fresh: Fresh) -> list[Statement]:
    """The contraction and the rest, or the statement as it is."""
    if len(s.pieces) != 1 or s.pieces[0].conditions or fits(s, program, numbers):
        return [s]
    (piece,) = s.pieces
    sums = list(_sums(piece.rhs))
    if len(sums) != 1 or sums[0] == piece.rhs:
        return [s]
    own = tuple(b for b in piece.binds if b.letter in free_letters(sums[0]))
    if any(b.lo != 0 for b in own) or not own:
        return [s]
    product = _statement(fresh.name("product"), own, sums[0])
    read = Read(product.name, *(b.letter for b in own))
    rest = replace(s, pieces=(replace(piece, rhs=piece.rhs.xreplace({sums[0]: read})),))
    both = with_statements(program, [*(x for x in program.statements if x is not s), product, rest])
    return [product, rest] if fits(rest, both, numbers) and not fits(product, both, numbers) else [s]


def _statement(name: str, binds: tuple[Bind, ...], value: Expr) -> Statement:
    tensor = Tensor(name, tuple((Part(b.hi),) for b in binds))
    return Statement(tensor, (Piece(tuple(b.letter for b in binds), binds, value),))


def _sums(e: Basic) -> Iterator[Reduce]:
    """The sums of products among the terms and factors of an expression."""
    if isinstance(e, Reduce):
        if e.op == "sum" and sum(any(True for _ in reads(f)) for f in Mul.make_args(e.body)) > 1:
            yield e
    elif isinstance(e, (Add, Mul)):
        for a in e.args:
            yield from _sums(a)
