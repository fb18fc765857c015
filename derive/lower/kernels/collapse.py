"""Programs with some axes of one entry: their letters are 0, their sizes 1, and nothing is indexed by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import Basic, Integer

from derive.program import Bind, Letter, Logic, Piece, Program, Read, Reduce, Size, Statement, Tensor, Where, walk


def inner_packs(statements: Sequence[Statement]) -> tuple[Size, ...]:
    """Sizes of packs that stand beside other letters: often 1, and then the loop next to them is the inner one."""
    found: dict[Size, None] = {}
    for s in statements:
        for p in s.pieces:
            for e in (*p.entries, p.rhs):
                found.update(dict.fromkeys(b.hi for b in walk(e) if isinstance(b, Bind) and _is_pack(b)))
    tensors = [s.tensor for s in statements]
    alone = {part.extent for t in tensors for part in t.parts[:1]}
    return tuple(size for size in found if size not in alone)


def _is_pack(b: Bind) -> bool:
    return isinstance(b.hi, Size) and b.hi.is_pack


def collapsed(program: Program, sizes: Iterable[Size]) -> Program:
    """The program where these sizes are 1."""
    ones = set(sizes)
    kept = {t.name: tuple(p.extent not in ones for p in t.parts) for t in program.tensors.values()}
    change = _Collapse(ones, kept)
    return replace(
        program,
        inputs=tuple(map(change.tensor, program.inputs)),
        statements=tuple(map(change.statement, program.statements)),
    )


class _Collapse:
    def __init__(self, ones: set[Size], kept: dict[str, tuple[bool, ...]]) -> None:
        self.ones, self.kept = ones, kept
        self.values: dict[Basic, Basic] = dict.fromkeys(ones, Integer(1))

    def tensor(self, t: Tensor) -> Tensor:
        axes = (tuple(p for p in axis if p.extent not in self.ones) for axis in t.axes)
        return replace(t, axes=tuple(axis for axis in axes if axis))

    def statement(self, s: Statement) -> Statement:
        return replace(s, tensor=self.tensor(s.tensor), pieces=tuple(self.piece(p, s.name) for p in s.pieces))

    def piece(self, p: Piece, name: str) -> Piece:
        gone = self._gone(p.binds)
        entries = tuple(self.of(e, gone) for e in p.entries if e not in gone)
        indices = tuple(i for i, keep in zip(p.indices, self.kept[name], strict=True) if keep)
        return replace(p, indices=indices, entries=entries, rhs=self.of(p.rhs, gone))

    def _gone(self, binds: Sequence[Bind]) -> dict[Basic, Letter]:
        return {b: b.letter for b in binds if b.hi in self.ones and b.lo == 0}

    def of(self, e: Basic, gone: dict[Basic, Letter]) -> Basic:
        """The expression without them."""
        e = e.xreplace({**self.values, **dict.fromkeys(gone.values(), Integer(0))}) if self.values or gone else e
        return self._inside(e)

    def _inside(self, e: Basic) -> Basic:
        if isinstance(e, Read):
            indices = (self._inside(i) for i, keep in zip(e.indices, self.kept[e.tensor], strict=True) if keep)
            return Read(e.tensor, *indices)
        if isinstance(e, Reduce):
            return self._reduce(e)
        if not e.args or not any(isinstance(n, (Read, Reduce)) for n in walk(e)):
            return e
        return e.func(*(self._inside(a) for a in e.args))

    def _reduce(self, e: Reduce) -> Basic:
        gone = {b: b.letter for b in e.binds if b.lo == 0 and b.hi == 1}
        zero = dict.fromkeys(gone.values(), Integer(0))
        entries = tuple(self._inside(x.xreplace(zero)) for x in e.entries if x not in gone)
        body = self._inside(e.body.xreplace(zero))
        if any(isinstance(x, Bind) for x in entries):
            return Reduce(e.op, entries, body)
        if entries and e.op != "sum":
            raise NotCollapsed
        if not entries:
            return body if e.op != "count" else Integer(1)
        return Where(entries[0] if len(entries) == 1 else Logic("and", *entries), body, Integer(0))


class NotCollapsed(Exception):
    """A reduction with filters only, other than a sum."""
