"""Statements that only say another thing's name, said where they are read: ``w[i] = p[i]`` and ``b[i] = 0``."""

from __future__ import annotations

from dataclasses import replace

from sympy import Basic, Expr

from derive.lower.residuals import map_expressions
from derive.program import Bind, Letter, Program, Read, Statement, rebuild, substitute


def without_aliases(program: Program) -> Program:
    """The program without copies and constants that nobody outside asks for."""
    asked = {*program.outputs, *(n for _, n in program.updates)}
    found = {s.name: _alias(s, program) for s in program.statements if s.name not in asked}
    known = {n: alias for n, alias in found.items() if alias is not None}
    if not known:
        return program

    def read(e: Basic) -> Basic:
        if isinstance(e, Read) and e.tensor in known:
            letters, value = known[e.tensor]
            return rebuild(substitute(value, dict(zip(letters, e.indices, strict=True))), read)
        return e

    return replace(
        program, statements=tuple(map_expressions(s, read) for s in program.statements if s.name not in known)
    )


def _alias(s: Statement, program: Program) -> tuple[tuple[Letter, ...], Expr] | None:
    """Its letters and what it is: a number, or a tensor of its kind at the same letters."""
    if len(s.pieces) != 1 or s.tensor.kind != "real" or not s.tensor.parts:
        return None
    (piece,) = s.pieces
    letters = tuple(i for i in piece.indices if isinstance(i, Letter))
    whole = {b.letter: (b.lo, b.hi) for b in piece.entries if isinstance(b, Bind)}
    if piece.conditions or len(set(letters)) != len(s.tensor.parts) or any(p.below or p.origin for p in s.tensor.parts):
        return None
    if any(whole[x] != (0, p.extent) for x, p in zip(letters, s.tensor.parts, strict=True)):
        return None
    if piece.rhs.is_Rational:
        return letters, piece.rhs
    if isinstance(piece.rhs, Read) and piece.rhs.indices == letters and _is_real(piece.rhs.tensor, program, s):
        return letters, piece.rhs
    return None


def _is_real(name: str, program: Program, s: Statement) -> bool:
    """Whether the tensor has the same axes and is real numbers, too."""
    tensor = program.tensors[name]
    return tensor.kind in ("real", "const") and tensor.parts == s.tensor.parts
