"""The adjoint with a record of what it did: every use of a tensor, its deltas, and how each letter was solved.

The derivation is ``Adjoint``'s own, step for step; only what it passes on the way is written down, in letters a
reader can follow: the cotangent's own, and primed ones for the formula that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sympy import Basic, Expr

from derive.calculus.adjoint import Adjoint, Contribution
from derive.calculus.affine import Ranges
from derive.calculus.delta import Move, summation
from derive.calculus.derivation import RESERVED, wanted_inputs
from derive.calculus.occurrences import Occurrence
from derive.program import Bind, Compare, Fresh, Letter, Piece, Program, walk

E = TypeVar("E", bound=Basic)


@dataclass(frozen=True)
class Use:
    """One occurrence of ``tensor`` at the points ``targets`` (ranges in ``binds``) in piece ``place`` of ``reader``.

    ``domain``: the piece's own points; ``entries`` and ``body``: the contribution with its deltas; ``moves``: each
    letter solved; ``term``: what is left.
    """

    tensor: str
    reader: str
    place: int
    piece: Piece
    domain: tuple[Basic, ...]
    occurrence: Occurrence
    targets: tuple[Letter, ...]
    binds: tuple[Bind, ...]
    entries: tuple[Basic, ...]
    body: Expr
    moves: tuple[Move, ...]
    term: Expr

    @property
    def deltas(self) -> tuple[Compare, ...]:
        """The equations ``index = k``."""
        return tuple(e for e in self.entries[len(self.domain) + len(self.occurrence.entries) :] if _is_equality(e))

    @property
    def local(self) -> Expr:
        """∂reader/∂tensor as a sum over deltas."""
        return summation((*self.occurrence.entries, *self.deltas), self.occurrence.factor)

    @property
    def states(self) -> tuple[Expr, ...]:
        """The contribution after each step: with its deltas, after each letter, as it ends."""
        passed = dict.fromkeys(((self.entries, self.body), *((m.entries, m.body) for m in self.moves)))
        return (*(summation(*state) for state in passed), self.term)


@dataclass(frozen=True)
class Trace:
    """The mechanical derivative of ``primal`` and the uses it adds up, by tensor; ``kept``: tensors made for it."""

    primal: Program
    program: Program
    wrt: tuple[str, ...]
    cotangents: dict[str, str]
    uses: dict[str, tuple[Use, ...]]
    kept: tuple[str, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The tensors with uses, in the order the backward goes."""
        of = {self.cotangents[name]: name for name in self.uses}
        return tuple(of[s.name] for s in self.program.statements if s.name in of)


def trace(program: Program, wrt: Sequence[str] | None = None) -> Trace:
    """The adjoint of a program, and how it came about."""
    traced = Traced(program, wanted_inputs(program, wrt))
    derived = traced.result()
    kept = tuple(s.name for s in derived.statements if s.name in traced.kept.statements)
    uses = {name: tuple(found) for name, found in traced.uses.items()}
    return Trace(program, derived, traced.wrt, dict(traced.cotangents), uses, kept)


class Traced(Adjoint):
    """An adjoint that remembers each contribution."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.uses: dict[str, list[Use]] = {}
        super().__init__(program, wrt)

    def _term(
        self, c: Contribution, targets: Sequence[Letter], ranges: Ranges, moves: list[Move] | None = None
    ) -> Expr:
        found: list[Move] = []
        term = super()._term(c, targets, ranges, found)
        name = c.occurrence.tensor
        entries, body = self.with_deltas(c, targets)
        binds = tuple(Bind(k, *ranges.known[k]) for k in targets)
        given = (c.piece, c.domain, c.occurrence, tuple(targets), binds, entries, body, tuple(found), term)
        place = self.program.definitions[c.of].pieces.index(c.piece)
        use = Use(name, c.of, place, *given)
        self.uses.setdefault(name, []).append(self._readable(use))
        return term

    def _readable(self, use: Use) -> Use:
        """The use with the cotangent's letters called as its tensor's own, the others primed where they clash."""
        taken = dict.fromkeys((*RESERVED, *self._reserved()))
        mapping: dict[Basic, Basic] = {}
        fresh = Fresh(taken)
        for k, name in zip(use.targets, self.preferred(use.tensor), strict=True):
            mapping[k] = fresh.letter(_plain(name))
        taken.update(dict.fromkeys(k.name for k in mapping.values() if isinstance(k, Letter)))
        for letter in _letters(use):
            if letter not in mapping:
                mapping[letter] = Letter(_primed(_plain(letter.name), taken))
                taken[mapping[letter].name] = None  # type: ignore[attr-defined]
        return _renamed(use, mapping)


def _is_equality(e: Basic) -> bool:
    return isinstance(e, Compare) and e.op == "=="


def _plain(name: str) -> str:
    head, _, tail = name.rpartition("_")
    return head if head and tail.isdigit() else name


def _primed(name: str, taken: Iterable[str]) -> str:
    """``n``, ``n'``, ``n''``: the first that is free."""
    while name in taken:
        name += "'"
    return name


def _letters(use: Use) -> tuple[Letter, ...]:
    """Every letter a use mentions, the reader's left side first."""
    parts: list[Basic] = [*use.piece.indices, *use.domain, *use.entries, use.body, use.piece.rhs]
    for move in use.moves:
        parts += [*move.entries, move.body, move.value]
    parts.append(use.term)
    return tuple(dict.fromkeys(n for e in parts for n in walk(e) if isinstance(n, Letter)))


def _renamed(use: Use, mapping: dict[Basic, Basic]) -> Use:
    def new(e: E) -> E:
        return e.xreplace(mapping)

    def every(es: Iterable[E]) -> tuple[E, ...]:
        return tuple(map(new, es))

    piece = Piece(every(use.piece.indices), every(use.piece.entries), new(use.piece.rhs))
    occurrence = replace(
        use.occurrence,
        indices=every(use.occurrence.indices),
        entries=every(use.occurrence.entries),
        factor=new(use.occurrence.factor),
    )
    moves = tuple(
        Move(
            new(m.letter), m.equality and new(m.equality), new(m.value), every(m.conditions), every(m.binds),
            every(m.entries), new(m.body),
        )
        for m in use.moves
    )  # fmt: skip
    return replace(
        use,
        piece=piece,
        domain=every(use.domain),
        occurrence=occurrence,
        targets=every(use.targets),
        binds=every(use.binds),
        entries=every(use.entries),
        body=new(use.body),
        moves=moves,
        term=new(use.term),
    )


__all__ = ["Trace", "Use", "trace"]
