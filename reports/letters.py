"""Bound letters as a person would choose them: ``Σ k_2  e[k_2]`` reads ``Σ j  e[j]``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Basic, Expr, Symbol

from derive.program import Bind, Letter, Piece, Program, Read, Reduce, piece_expressions, walk

#: Letters for a second index over the same range, when the primal has none of its own.
SECOND = ("j", "l", "i", "u", "v")

Range = tuple[Expr, Expr]


class Letters:
    """Chooses the letters of one program's formulas; the primal's come first."""

    def __init__(self, program: Program, primal: Program) -> None:
        self.ranges: dict[str, list[Range]] = {}
        for bind in _binds(primal):
            known = self.ranges.setdefault(bind.letter.name, [])
            known += [(bind.lo, bind.hi)] if (bind.lo, bind.hi) not in known else []
        self.names = {*primal.tensors, *program.tensors, *(p.name for p in primal.parameters)}

    def chosen(self, piece: Piece, usual: Sequence[tuple[str, ...]] = ()) -> Piece:
        """The piece with letters that carry a number, or are named like a tensor, renamed where a plain one is free.

        ``usual``: for each index of the left side, the letters it would best go by.
        """
        binds = [*piece.binds, *_bound(piece.rhs)]
        poor = {b.letter.name for b in binds if self._poor(b.letter)}
        if not poor:
            return piece
        nodes = [n for e in piece_expressions(piece) for n in walk(e)]
        taken = {n.name for n in nodes if isinstance(n, Symbol)} | {n.tensor for n in nodes if isinstance(n, Read)}
        taken -= poor
        mapping: dict[Letter, Letter] = {}
        best = dict(zip(piece.indices, usual, strict=False))
        for bind in piece.binds:
            mapping[bind.letter] = Letter(self._name(bind, taken, best.get(bind.letter, ())))
            taken = taken | {mapping[bind.letter].name}
        indices, entries = (
            tuple(self._renamed(e, taken, mapping) for e in es) for es in (piece.indices, piece.entries)
        )
        return Piece(indices, entries, self._renamed(piece.rhs, taken, mapping))

    def _poor(self, letter: Letter) -> bool:
        return not letter.is_pack and (_number(letter.name) or letter.name in self.names)

    def _renamed(self, e: Expr, taken: set[str], mapping: dict[Letter, Letter]) -> Expr:
        """Reductions from the outside in, so that an inner letter avoids the outer ones."""
        if isinstance(e, Letter):
            return mapping.get(e, e)
        if not e.args or isinstance(e, Symbol):
            return e
        if isinstance(e, Reduce):
            for bind in e.binds:
                name = self._name(bind, taken)
                taken, mapping = taken | {name}, {**mapping, bind.letter: Letter(name)}
            entries = [self._renamed(c, taken, mapping) for c in e.entries]
            return Reduce(e.op, entries, self._renamed(e.body, taken, mapping))
        return e.func(*(self._renamed(a, taken, mapping) if isinstance(a, Basic) else a for a in e.args))

    def _name(self, bind: Bind, taken: set[str], best: tuple[str, ...] = ()) -> str:
        name = bind.letter.name
        if not self._poor(bind.letter):
            return name
        base = name.rpartition("_")[0] if _number(name) else name
        here = [(bind.lo, bind.hi)]
        same = [n for n, ranges in self.ranges.items() if ranges == here and len(n) == 1]
        second = [n for n in SECOND if n not in self.ranges]
        for candidate in (*best, base, *same, *second):
            if candidate not in taken and candidate not in self.names:
                return candidate
        return name


def _number(name: str) -> bool:
    head, _, tail = name.rpartition("_")
    return bool(head) and tail.isdigit()


def _bound(e: Basic) -> Iterator[Bind]:
    return (n for n in walk(e) if isinstance(n, Bind))


def _binds(program: Program) -> Iterator[Bind]:
    for statement in program.statements:
        for piece in statement.pieces:
            yield from piece.binds
            yield from _bound(piece.rhs)
