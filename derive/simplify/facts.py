"""Ranges of data-dependent indices, known because the definition reads with them."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Integer

from derive.program import Bind, Letter, Logic, Program, Read, Reduce, Size, Statement, Where
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import RangeFact


def range_facts(program: Program, given: tuple[Statement, ...], algebra: Algebra) -> Iterator[RangeFact]:
    """``logp[n, target[n]]`` under ``target[n] != ignore``: there 0 ≤ target[n] < C; an argmax is in its range."""
    for statement in given:
        for piece in statement.pieces:
            letters, conditions = piece.letters, tuple(algebra.canonical(c) for c in piece.conditions)
            yield from _inside(program, algebra, piece.rhs, letters, conditions)
            position = piece.rhs
            if isinstance(position, Reduce) and position.op in ("argmax", "argmin") and not conditions:
                yield from _position(statement.name, position, letters, piece.indices)


def _position(name: str, e: Reduce, letters: tuple[Letter, ...], indices: tuple[Basic, ...]) -> Iterator[RangeFact]:
    whole = len(e.entries) == 1 and len(e.binds) == 1 and e.binds[0].lo == 0 and isinstance(e.binds[0].hi, Size)
    if whole and all(isinstance(i, Letter) for i in indices):
        yield RangeFact(Read(name, *indices), Integer(0), e.binds[0].hi, letters, ())


def _inside(
    program: Program, algebra: Algebra, e: Basic, letters: tuple[Letter, ...], guards: tuple[Basic, ...]
) -> Iterator[RangeFact]:
    if isinstance(e, Read):
        for index, part in zip(e.indices, program.tensors[e.tensor].parts, strict=True):
            if isinstance(index, Read) and not part.below and part.origin == 0:
                yield RangeFact(index, Integer(0), part.extent, letters, guards)
    if isinstance(e, Where):
        yield from _inside(program, algebra, e.args[1], letters, (*guards, *conjuncts(algebra, e.args[0])))
        yield from _inside(program, algebra, e.args[2], letters, (*guards, algebra.canonical(Logic("not", e.args[0]))))
        return
    if isinstance(e, Reduce):
        letters = (*letters, *e.letters)
        guards = (*guards, *(c for f in e.filters for c in conjuncts(algebra, f)))
    for part in e.args:
        if not isinstance(part, Bind):
            yield from _inside(program, algebra, part, letters, guards)


def conjuncts(algebra: Algebra, condition: Basic) -> tuple[Basic, ...]:
    """The guards a condition is split into."""
    if isinstance(condition, Logic) and condition.op == "and":
        return tuple(c for part in condition.conditions for c in conjuncts(algebra, part))
    return (algebra.canonical(condition),)
