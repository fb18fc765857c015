"""What statements share while a program is lowered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Add, Expr

from derive.lower.arrays import Array
from derive.lower.plan import ALL, Item, Node, at, span
from derive.lower.points import real
from derive.lower.reads import position, stored
from derive.lower.scope import Scope
from derive.lower.vectorise import vectorise, whole
from derive.program import Fresh, Letter, Part, Piece, Program, Statement, Tensor, walk


@dataclass
class Context:
    """The program being lowered; ``numbers`` and ``tensors`` grow as statements are lowered."""

    program: Program
    fresh: Fresh
    tensors: dict[str, Tensor]
    statements: dict[str, Statement]
    numbers: dict[str, Expr]

    def scope(self) -> Scope:
        return Scope(vectorise, self.tensors, self.fresh, numbers=self.numbers, sums=self.sums)

    @cached_property
    def sums(self) -> frozenset[Expr]:
        """Every sum of the program's right sides."""
        sides = (p.rhs for s in self.program.statements for p in s.pieces)
        return frozenset(n for e in sides for n in walk(e) if isinstance(n, Add))


def typed(a: Array, kind: str) -> Array:
    """a in the kind of the tensor it becomes."""
    if kind == "real":
        return real(a)
    if kind == "int" and a.kind == "real" and not a.is_scalar:  # whole by rounding
        return Array(Node("cast", (a.node,), ("int",), "int", a.node.ndim), a.dims)
    return whole(a) if kind == "int" else a


def of_kind(a: Array, kind: str) -> Array:
    """A Python number as a number of that kind."""
    return Array(replace(a.node, kind=kind), a.dims) if a.is_scalar else a


def covers(piece: Piece, indices: Sequence[Expr], parts: Sequence[Part]) -> bool:
    """Whether the indices are distinct letters that run over all of the parts."""
    binds = {b.letter: b for b in piece.binds}
    if any(not isinstance(i, Letter) or i not in binds for i in indices) or len(set(indices)) != len(parts):
        return False
    return all(
        position(binds[i].lo, p) == 0 and (position(binds[i].hi, p) - stored(p)).expand() == 0  # type: ignore[index]
        for i, p in zip(indices, parts, strict=True)
    )


def slices(i: Expr, part: Part, scope: Scope) -> Item:
    """Where a letter's range or a literal falls on a stored axis."""
    if not isinstance(i, Letter) or i in scope.fixed:
        return at(position(i, part))
    lo, hi = scope.ranges[i]
    first, end = position(lo, part), position(hi, part)
    start = None if first == 0 else first
    stop = None if (end - stored(part)).expand() == 0 else end
    return ALL if start is None and stop is None else span(start, stop)
