"""Equations whose letters run over whole axes, every index a letter, every sum plain; inseparable letters as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sympy import Basic, Expr, Mul

from derive.program import Bind, Letter, Piece, Program, Read, Reduce, Statement, substitute, walk


@dataclass(frozen=True)
class Flat:
    """A statement of one equation whose letters run over whole axes, every index a letter, every sum plain."""

    left: tuple[Letter, ...]
    rhs: Expr
    extents: dict[Letter, Expr]
    axes: int
    together: tuple[tuple[str, ...], ...] = ()

    @staticmethod
    def of(statement: Statement, program: Program) -> Flat | None:
        piece = statement.pieces[0]
        if len(statement.pieces) != 1 or piece.conditions or not _plain(piece, statement, program):
            return None
        binds = [*piece.binds, *(n for n in walk(piece.rhs) if isinstance(n, Bind))]
        left = tuple(i for i in piece.indices if isinstance(i, Letter))
        return Flat(left, piece.rhs, {b.letter: b.hi for b in binds}, len(statement.tensor.axes))

    def lists(self) -> Iterator[tuple[Letter, ...]]:
        """Every row of letters: the left side's, each read's, each sum's."""
        yield self.left
        for n in walk(self.rhs):
            if isinstance(n, Read):
                yield n.indices
            elif isinstance(n, Reduce):
                yield n.letters

    def merged(self) -> Flat:
        """Neighbours that are never apart count as one letter."""
        pair = self._pair()
        if pair is None:
            return self
        a, b = pair
        one = Letter(f"{a.name},{b.name}")
        extents = {**self.extents, one: Mul(self.extents[a], self.extents[b], evaluate=False)}

        def joined(e: Basic) -> Basic:
            if isinstance(e, Read):
                return Read(e.tensor, *_joined(e.indices, a, b, one))
            if isinstance(e, Reduce):
                letters = _joined(e.letters, a, b, one)
                return Reduce(e.op, [Bind(l, 0, extents[l]) for l in letters], joined(e.body))
            return e.func(*map(joined, e.args)) if e.args else e

        names = [*(t for t in self.together if ",".join(t) not in (a.name, b.name)), tuple(one.name.split(","))]
        rhs = joined(self.rhs)
        assert isinstance(rhs, Expr)
        return Flat(_joined(self.left, a, b, one), rhs, extents, self.axes, tuple(names)).merged()

    def _pair(self) -> tuple[Letter, Letter] | None:
        rows = list(self.lists())
        for row in rows:
            for a, b in pairwise(row):
                if a in self.left and len(self.left) <= min(2, self.axes):
                    continue  # a matrix stays one
                if all(_adjacent(other, a, b) for other in rows):
                    return a, b
        return None

    def without_common(self) -> tuple[tuple[Letter, ...], Flat]:
        """The left letters that every read has are set aside, first ones first, while more than two are left."""
        aside: list[Letter] = []
        left = list(self.left)
        reads = [n for n in walk(self.rhs) if isinstance(n, Read) and n.indices]
        while len(left) > 2 and reads and all(left[0] in r.indices for r in reads):
            aside.append(left.pop(0))
        stripped = {r: Read(r.tensor, *(i for i in r.indices if i not in aside)) for r in reads}
        return tuple(aside), replace(self, left=tuple(left), rhs=substitute(self.rhs, stripped))


def _plain(piece: Piece, statement: Statement, program: Program) -> bool:
    scope = {b.letter: b for b in piece.binds}
    for n in walk(piece.rhs):
        if isinstance(n, Reduce):
            if n.op != "sum" or n.filters:
                return False
            scope.update({b.letter: b for b in n.binds})
    tensors = program.tensors
    rows = [(statement.tensor, piece.indices)]
    rows += [(tensors[n.tensor], n.indices) for n in walk(piece.rhs) if isinstance(n, Read) and n.tensor in tensors]
    for tensor, indices in rows:
        if len(dict.fromkeys(indices)) != len(indices) or tensor.kind not in ("real", "const"):
            return False
        for i, part in zip(indices, tensor.parts, strict=True):
            bind = scope.get(i)
            if bind is None or bind.lo != 0 or bind.hi != part.extent or part.origin or part.below:
                return False
    return True


def _joined(row: Sequence[Letter], a: Letter, b: Letter, one: Letter) -> tuple[Letter, ...]:
    return tuple(one if l == a else l for l in row if l != b) if a in row else tuple(row)


def _adjacent(row: Sequence[Letter], a: Letter, b: Letter) -> bool:
    if a not in row and b not in row:
        return True
    return a in row and b in row and row.index(b) == row.index(a) + 1
