"""Where a program can be changed: one equation with its scope, and the changes that keep every read in range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from sympy import Add, Basic, Expr, Integer
from sympy.core.symbol import Str

from derive.errors import DeriveError
from derive.language.notation import expression_text
from derive.program import (
    Bind,
    Compare,
    Letter,
    Logic,
    Modulo,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Truth,
    Where,
    rebuild,
    substitute,
    walk,
    with_statements,
)

Scope = dict[Letter, Bind]
Found = tuple[Basic, Scope]
Kind = TypeVar("Kind", bound=Basic)
_TRUTHS = (Compare, Logic, Truth)


@dataclass(frozen=True)
class Edit:
    """A program after one change, where it was made, and the change in words."""

    statement: str
    words: str
    program: Program


@dataclass(frozen=True)
class Place:
    """One equation of a program; ``known`` names the tensors that the forward already has."""

    program: Program
    statement: Statement
    at: int
    known: frozenset[str]

    @property
    def piece(self) -> Piece:
        return self.statement.pieces[self.at]

    @property
    def rhs(self) -> Expr:
        return self.piece.rhs

    @property
    def is_real(self) -> bool:
        return self.statement.tensor.kind == "real"

    @cached_property
    def scope(self) -> Scope:
        """The letters of the left side, with their ranges."""
        return {b.letter: b for b in self.piece.binds}

    # -------------------------------------------------------------------------- what stands here

    @cached_property
    def values(self) -> tuple[Found, ...]:
        """Every subexpression that is a value (not an index, not a condition), with the letters it may use."""
        return _once(_values(self.rhs, self.scope))

    def those(self, kind: type[Kind]) -> Iterator[tuple[Kind, Scope]]:
        """The values of that node type."""
        for e, scope in self.values:
            if isinstance(e, kind):
                yield e, scope

    def sums(self) -> Iterator[tuple[Add, Scope]]:
        """Sums of terms that read something."""
        return ((e, s) for e, s in self.those(Add) if any(isinstance(n, Read) for n in walk(e)))

    def cotangents(self) -> Iterator[tuple[Read, Scope]]:
        """Reads of what only the derivative has."""
        return ((r, s) for r, s in self.those(Read) if r.tensor not in self.known and self._real(r))

    def saved(self) -> Iterator[tuple[Read, Scope]]:
        """Reads of what the forward has."""
        return ((r, s) for r, s in self.those(Read) if r.tensor in self.known and self._real(r))

    def parts(self, read: Read) -> tuple[Part, ...]:
        return self.program.tensors[read.tensor].parts

    def _real(self, read: Read) -> bool:
        return self.program.tensors[read.tensor].kind in ("real", "const")

    # -------------------------------------------------------------------------- changes

    def swap(self, old: Basic, new: Basic) -> Iterator[Edit]:
        """The right side with one subexpression replaced; nothing if that is no change."""
        yield from self._edit(old, new, replace(self.piece, rhs=substitute(self.rhs, {old: new})))

    def root(self, new: Basic) -> Iterator[Edit]:
        """Another right side."""
        yield from self._edit(self.rhs, new, replace(self.piece, rhs=new))

    def throughout(self, mapping: dict[Basic, Basic]) -> Iterator[Edit]:
        """Replaced in the right side and in the equation's own conditions."""
        p = self.piece
        entries = tuple(e if isinstance(e, Bind) else substitute(e, mapping) for e in p.entries)
        old, new = next(iter(mapping.items()))
        yield from self._edit(old, new, replace(p, entries=entries, rhs=substitute(p.rhs, mapping)))

    def conditions(self, entries: tuple[Basic, ...], old: Basic, new: Basic) -> Iterator[Edit]:
        """Other conditions on the left side's points."""
        yield from self._edit(old, new, replace(self.piece, entries=entries))

    def _edit(self, old: Basic, new: Basic, piece: Piece) -> Iterator[Edit]:
        if piece == self.piece:
            return
        pieces = (*self.statement.pieces[: self.at], piece, *self.statement.pieces[self.at + 1 :])
        words = f"{self._text(old)} → {self._text(new)}"
        yield Edit(self.statement.name, words, with_statement(self.program, replace(self.statement, pieces=pieces)))

    def _text(self, e: Basic) -> str:
        try:
            return expression_text(e, self.program.tensors)
        except DeriveError:
            return str(e)

    # -------------------------------------------------------------------------- reads kept in range

    def wrapped(self, read: Read, at: int, index: Expr, scope: Scope) -> Expr:
        """An index of that read taken round its axis, so that it is in range wherever it points: i → i mod n."""
        part = self.parts(read)[at]
        bind = scope.get(index) if isinstance(index, Letter) else None
        lo, hi = part.origin - part.below, part.origin + part.extent
        if bind is not None and (bind.lo, bind.hi) == (lo, hi):
            return index
        return lo + Modulo(index - lo, hi - lo)

    def with_index(self, read: Read, changes: dict[int, Expr], scope: Scope) -> Read:
        """The read with some indices changed, and kept in range."""
        indices = list(read.indices)
        for at, index in changes.items():
            indices[at] = self.wrapped(read, at, index, scope)
        return Read(read.tensor, *indices)

    def safe(self, e: Basic) -> Basic:
        """e with every index that is not a bare letter taken round its axis: what a lost guard leaves readable."""

        def round_(n: Basic) -> Basic:
            if not isinstance(n, Read):
                return n
            bare = (Letter, Integer)
            return self.with_index(n, {k: i for k, i in enumerate(n.indices) if not isinstance(i, bare)}, {})

        return rebuild(e, round_)


def places(program: Program, known: frozenset[str]) -> tuple[Place, ...]:
    """Every equation of a program."""
    return tuple(Place(program, s, at, known) for s in program.statements for at in range(len(s.pieces)))


def with_statement(program: Program, changed: Statement) -> Program:
    """The program with the statement of that name changed."""
    return with_statements(program, (changed if s.name == changed.name else s for s in program.statements))


def mapped(program: Program, change: Callable[[Basic], Basic]) -> Program:
    """The program with every right side changed from the leaves up."""

    def piece(p: Piece) -> Piece:
        return replace(p, rhs=rebuild(p.rhs, change))

    return with_statements(program, (replace(s, pieces=tuple(map(piece, s.pieces))) for s in program.statements))


def _values(e: Basic, scope: Scope) -> Iterator[Found]:
    if isinstance(e, (*_TRUTHS, Str)):
        return
    yield e, scope
    if isinstance(e, Read):
        return
    if isinstance(e, Reduce):
        yield from _values(e.body, {**scope, **{b.letter: b for b in e.binds}})
    else:
        for a in e.args[1:] if isinstance(e, Where) else e.args:
            yield from _values(a, scope)


def _once(found: Iterator[Found]) -> tuple[Found, ...]:
    first: dict[Basic, Scope] = {}
    for e, scope in found:
        first.setdefault(e, scope)
    return tuple(first.items())
