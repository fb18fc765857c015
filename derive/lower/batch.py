"""A program over a batch of inputs: one more letter, in front, wherever a batched input reaches.

``y[i] = Σ_k x[i, k]·w[k]`` with x batched becomes ``y[b, i] = Σ_k x[b, i, k]·w[k]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Basic

from derive.program import (
    Bind,
    Fresh,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Size,
    Statement,
    Tensor,
    names_in,
    rebuild,
    tensors_read,
)


def batch(program: Program, names: Iterable[str]) -> tuple[Program, tuple[bool, ...]]:
    """The program with the named inputs batched along a new first axis, and which of what it returns is batched."""
    reached = _reached(program, names)
    fresh = Fresh(names_in(program))
    size, letter = Size(fresh.name("B")), fresh.letter("b")
    inputs = tuple(_grown(t, size) if t.name in reached else t for t in program.inputs)
    statements = tuple(_batched(s, size, letter, reached) if s.name in reached else s for s in program.statements)
    returned = dict.fromkeys((*program.outputs, *(name for _, name in program.updates)))
    flags = tuple(name in reached for name in returned)
    return replace(program, inputs=inputs, statements=statements, laws=(), requirements=()), flags


def _reached(program: Program, names: Iterable[str]) -> dict[str, None]:
    """The batched inputs and every tensor that reads one, however indirectly."""
    reached, grown = dict.fromkeys(names), True
    while grown:
        grown = False
        for s in program.statements:
            if s.name not in reached and any(name in reached for name in tensors_read(s)):
                reached[s.name] = None
                grown = True
    return reached


def _grown(tensor: Tensor, size: Size) -> Tensor:
    return replace(tensor, axes=((Part(size),), *tensor.axes))


def _batched(statement: Statement, size: Size, letter: Letter, reached: dict[str, None]) -> Statement:
    def read_the_same(e: Basic) -> Basic:
        if isinstance(e, Read) and e.tensor in reached:
            return Read(e.tensor, letter, *e.indices)
        return e

    pieces = tuple(
        Piece(
            (letter, *(rebuild(i, read_the_same) for i in piece.indices)),
            (Bind(letter, 0, size), *(rebuild(e, read_the_same) for e in piece.entries)),
            rebuild(piece.rhs, read_the_same),
        )
        for piece in statement.pieces
    )
    return replace(statement, tensor=_grown(statement.tensor, size), pieces=pieces)
