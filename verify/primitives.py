"""A program in torch primitives, over explicit lists of points: an oracle that shares nothing with lowering.

An expression is evaluated at a list of P points (a letter is a tensor of P integers).  A reduction repeats each
point once per value of its letters, filters the list, and adds up by segment; ``where`` splits the list, so only
the chosen branch is ever read, by autograd too.  What autograd then derives is independent of ours at every order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from sympy import Add, Basic, Integer, Mul, Pow, Symbol
from torch import Tensor as Array

from derive.program import (
    INF,
    Bind,
    Compare,
    FloorDiv,
    Letter,
    Logic,
    Modulo,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Stop,
    Tensor,
    Truth,
    Where,
    reads,
    tensors_read,
    walk,
)
from derive.verify import pointwise


@dataclass(frozen=True)
class Points:
    """A list of points: its length, each letter's value at each, and the point of the piece each belongs to.

    ``lasting`` lists are the same in every run of a program at the same sizes, so what follows from them is kept.
    """

    count: int
    letters: dict[Letter, Array]
    home: Array
    lasting: bool = False

    def take(self, index: Array) -> Points:
        return Points(len(index), {k: v[index] for k, v in self.letters.items()}, self.home[index])

    def bind(self, letter: Letter, values: Array) -> Points:
        return replace(self, letters={**self.letters, letter: values}, lasting=False)


#: a statement, one of its pieces, and points of it that are computed at once
Step = tuple[Statement, Piece, Points]
_NOWHERE = Points(0, {}, torch.zeros(0, dtype=torch.long))


@dataclass
class Store:
    """A tensor's values, flat over its parts, and which of them are computed yet."""

    parts: tuple[Part, ...]
    extents: tuple[int, ...]
    values: Array
    ready: Array


@dataclass
class Run:
    """One evaluation of a program: ``numbers`` gives sizes and hyperparameters their values."""

    program: Program
    numbers: dict[Symbol, Any]
    dtype: torch.dtype = torch.float64
    kept: dict = field(default_factory=dict)
    held: list[Array] = field(default_factory=list)
    replayed: Iterator[Array] | None = None
    stores: dict[str, Store] = field(default_factory=dict)
    blocked: Array | None = None

    # ------------------------------------------------------------------ whole tensors

    def outputs(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Every output in its user shape (composite axes merged, halo dropped), from inputs of any such shape."""
        self.stores = {t.name: self._stored(t, inputs[t.name].reshape(-1)) for t in self.program.inputs}
        for group in groups(self.program.statements):
            self._run(group)
        return {name: self._result(self.program.tensor(name)) for name in self._wanted()}

    def _wanted(self) -> tuple[str, ...]:
        return (*self.program.outputs, *(new for _, new in self.program.updates))

    def integer(self, e: Basic) -> int:
        """An extent, as a number."""
        one = Points(1, {}, torch.zeros(1, dtype=torch.long))
        return int(self.at(e, one)[0])

    def _stored(self, tensor: Tensor, values: Array | None = None) -> Store:
        extents = tuple(self.integer(p.extent) + p.below for p in tensor.parts)
        size = 1
        for n in extents:
            size *= n
        ready = values is not None
        if values is None:
            kind = {"bool": torch.bool, "index": torch.long}.get(tensor.kind, self.dtype)
            values = torch.zeros(size, dtype=kind)
        assert len(values) == size, (tensor.name, extents, len(values))
        return Store(tensor.parts, extents, values, torch.full((size,), ready))

    def _result(self, tensor: Tensor) -> Array:
        store = self.stores[tensor.name]
        whole = store.values.reshape(store.extents)
        for place, part in enumerate(store.parts):
            whole = whole.narrow(place, part.below, store.extents[place] - part.below)
        merged, at = [], 0
        for axis in tensor.axes:
            n = 1
            for extent in whole.shape[at : at + len(axis)]:
                n *= extent
            merged.append(n)
            at += len(axis)
        return whole.reshape(merged)

    def _run(self, group: tuple[Statement, ...]) -> None:
        """Computes a group in an order in which every read is ready."""
        for s in group:
            self.stores[s.name] = self._stored(s.tensor)
        key = ("order", *(s.name for s in group))
        if key in self.kept:
            for step in self.kept[key]:
                self._compute(*step)
        else:
            order = self._find_order(group)
            if all(points.lasting for *_, points in order):
                self.kept[key] = order
        for s in group:
            if s.zero_elsewhere:
                self.stores[s.name].ready[:] = True

    def _find_order(self, group: tuple[Statement, ...]) -> list[Step]:
        """Computes a group in sweeps, each of every point all of whose reads are ready; the sweeps, in order.

        They are the same in every run, and their points lasting, unless data decide what is read.
        """
        names = {s.name for s in group}
        coupled = any(n in names for s in group for n in tensors_read(s))
        lasting = coupled and not any(_data_decide(p) for s in group for p in s.pieces)
        order: list[Step] = []
        pending = [(s, piece, points) for s in group for piece, points in self._pieces_of(s)]
        while pending:
            left = []
            for s, piece, points in pending:
                ready, waiting = self._split(piece, points) if coupled else (points, _NOWHERE)
                if ready.count:
                    order.append((s, piece, replace(ready, lasting=lasting or ready.lasting)))
                    self._compute(*order[-1])
                if waiting.count:
                    left.append((s, piece, waiting))
            before, after = (sum(p.count for *_, p in rows) for rows in (pending, left))
            assert not left or after < before, f"the equations of {sorted(names)} wait for each other"
            pending = left
        return order

    def _pieces_of(self, statement: Statement) -> list[tuple[Piece, Points]]:
        """The pieces with their points, kept for the next run unless they depend on data."""
        if statement.name not in self.kept:
            lasting = not any(_reads_data(p.entries) for p in statement.pieces)
            made = [(piece, replace(points, lasting=lasting)) for piece, points in self._pieces(statement)]
            if not lasting:
                return made
            self.kept[statement.name] = made
        return self.kept[statement.name]

    def _pieces(self, statement: Statement) -> Iterator[tuple[Piece, Points]]:
        """Each piece with its points; a point belongs to the first piece that admits it."""
        store = self.stores[statement.name]
        taken = torch.zeros_like(store.ready)
        for piece in statement.pieces:
            points, _ = self._narrow(Points(1, {}, torch.zeros(1, dtype=torch.long)), piece.entries)
            flat = self._flat(store, piece.indices, points)
            points = points.take(torch.nonzero(~taken[flat]).reshape(-1))
            taken[flat] = True
            yield piece, replace(points, home=torch.arange(points.count))

    def _split(self, piece: Piece, points: Points) -> tuple[Points, Points]:
        """The points all of whose reads are ready, and those that must wait."""
        self.blocked = torch.zeros(points.count, dtype=torch.bool)
        with torch.no_grad():
            self.at(piece.rhs, replace(points, home=torch.arange(points.count), lasting=False))
        blocked, self.blocked = self.blocked, None
        return points.take(torch.nonzero(~blocked).reshape(-1)), points.take(torch.nonzero(blocked).reshape(-1))

    def _compute(self, statement: Statement, piece: Piece, points: Points) -> None:
        store = self.stores[statement.name]
        flat = self._flat(store, piece.indices, points)
        value = self.at(piece.rhs, points).to(store.values.dtype)
        store.values = store.values.index_copy(0, flat, value)
        store.ready[flat] = True

    # ------------------------------------------------------------------ expressions at points

    def at(self, e: Basic, points: Points) -> Array:
        """The value of e at every point."""
        for kind, method in _METHODS:
            if isinstance(e, kind):
                return method(self, e, points)
        if e.is_Number or e.is_NumberSymbol:
            return self._constant(int(e) if e.is_Integer and abs(e) < 2**63 else float(e), points)
        return pointwise.apply(e, [self.at(a, points) for a in e.args])

    def _constant(self, value: Any, points: Points) -> Array:
        kind = torch.bool if isinstance(value, bool) else torch.long if isinstance(value, int) else self.dtype
        return torch.full((points.count,), value, dtype=kind)

    def _symbol(self, e: Symbol, points: Points) -> Array:
        if e == INF:
            return self._constant(float("inf"), points)
        return points.letters[e] if e in points.letters else self._constant(self.numbers[e], points)

    def _read(self, e: Read, points: Points) -> Array:
        store = self.stores[e.tensor]
        flat = self._flat(store, e.indices, points)
        if self.blocked is not None and len(flat):
            self.blocked[points.home[~store.ready[flat]]] = True
        else:
            assert bool(store.ready[flat].all()), f"{e} is read before it is computed, or has no equation"
        return store.values[flat]

    def _flat(self, store: Store, indices: tuple[Basic, ...], points: Points) -> Array:
        """The place of every point's indices in the flat values."""
        if not points.lasting or _reads_data(indices):
            return self._placed(store, indices, points)
        key = (id(points), store.parts, indices)
        if key not in self.kept:
            self.kept[key] = self._placed(store, indices, points)
        return self.kept[key]

    def _placed(self, store: Store, indices: tuple[Basic, ...], points: Points) -> Array:
        flat = torch.zeros(points.count, dtype=torch.long)
        for part, extent, index in zip(store.parts, store.extents, indices, strict=True):
            value = self.at(index, points) - part.origin + part.below
            inside = bool(((value >= 0) & (value < extent)).all())
            if self.blocked is not None:  # an index computed from values not ready yet may be anything
                value = value.clamp(0, max(extent - 1, 0))
            elif not inside:
                raise IndexError(f"index {index} is out of range 0 … {extent - 1}")
            flat = flat * extent + value
        return flat

    def _stop(self, e: Stop, points: Points) -> Array:
        """The value without gradient; or, where differences are taken, what it was in the run replayed."""
        if self.blocked is not None:  # only asking what is ready
            return self.at(e.args[0], points).detach()
        if self.replayed is not None:
            return next(self.replayed)
        self.held.append(self.at(e.args[0], points).detach())
        return self.held[-1]

    def _where(self, e: Where, points: Points) -> Array:
        truth = self.at(e.args[0], points)
        yes, no = torch.nonzero(truth).reshape(-1), torch.nonzero(~truth).reshape(-1)
        if not len(no):
            return self.at(e.args[1], points)
        if not len(yes):
            return self.at(e.args[2], points)
        one, other = self.at(e.args[1], points.take(yes)), self.at(e.args[2], points.take(no))
        kind = torch.promote_types(one.dtype, other.dtype)
        out = torch.zeros(points.count, dtype=kind)
        return out.index_copy(0, yes, one.to(kind)).index_copy(0, no, other.to(kind))

    def _logic(self, e: Logic, points: Points) -> Array:
        first, *rest = e.conditions
        truth = self.at(first, points)
        if e.op == "not":
            return ~truth
        for condition in rest:
            open_ = torch.nonzero(truth if e.op == "and" else ~truth).reshape(-1)
            truth = truth.index_copy(0, open_, self.at(condition, points.take(open_)))
        return truth

    def _compare(self, e: Compare, points: Points) -> Array:
        return _COMPARE[e.op](self.at(e.args[1], points), self.at(e.args[2], points))

    def _narrow(self, points: Points, entries: tuple[Basic, ...]) -> tuple[Points, Array]:
        """The list after the entries, and for each of its points the one it came from."""
        if not points.lasting or _reads_data(entries):
            return self._narrowed(points, entries)
        key = (id(points), entries)
        if key not in self.kept:
            inner, origin = self._narrowed(points, entries)
            self.kept[key] = replace(inner, lasting=True), origin
        return self.kept[key]

    def _narrowed(self, points: Points, entries: tuple[Basic, ...]) -> tuple[Points, Array]:
        origin = torch.arange(points.count)
        for entry in entries:
            if isinstance(entry, Bind):
                lo = self.at(entry.lo, points)
                lengths = (self.at(entry.hi, points) - lo).clamp(min=0)
                index = torch.from_numpy(np.repeat(np.arange(points.count), lengths.numpy()))
                start = torch.cumsum(lengths, 0) - lengths
                points = points.take(index).bind(entry.letter, lo[index] + torch.arange(len(index)) - start[index])
            else:
                index = torch.nonzero(self.at(entry, points)).reshape(-1)
                points = points.take(index)
            origin = origin[index]
        return points, origin

    def _reduce(self, e: Reduce, points: Points) -> Array:
        inner, origin = self._narrow(points, e.entries)
        if e.op in ("argmax", "argmin"):
            positions = self._positions(e, inner)
            best, found = pointwise.first_best(self.at(e.body, inner), origin, points.count, e.op == "argmax")
            return torch.full((points.count,), -1).index_copy(0, found, positions[best])
        return pointwise.reduce(e.op, self.at(e.body, inner), origin, points.count)

    def _positions(self, e: Reduce, inner: Points) -> Array:
        """The row-major position of each inner point among the ranges of the bound letters."""
        position = torch.zeros(inner.count, dtype=torch.long)
        for b in e.binds:
            lo, hi = self.at(b.lo, inner), self.at(b.hi, inner)
            position = position * (hi - lo) + inner.letters[b.letter] - lo
        return position

    def _add(self, e: Add, points: Points) -> Array:
        first, *rest = (self.at(a, points) for a in e.args)
        for value in rest:
            first = first + value
        return first

    def _mul(self, e: Mul, points: Points) -> Array:
        first, *rest = (self.at(a, points) for a in e.args)
        for value in rest:
            first = first * value
        return first

    def _pow(self, e: Pow, points: Points) -> Array:
        base, exponent = e.args
        return pointwise.power(self.at(base, points), exponent, lambda: self.at(exponent, points))


_COMPARE = {"==": torch.eq, "!=": torch.ne, "<": torch.lt, "<=": torch.le}

_METHODS = (
    (Symbol, Run._symbol),
    (Read, Run._read),
    (Reduce, Run._reduce),
    (Where, Run._where),
    (Compare, Run._compare),
    (Logic, Run._logic),
    (Truth, lambda run, e, points: run._constant(bool(e), points)),
    (Stop, Run._stop),
    (FloorDiv, lambda run, e, points: torch.div(*(run.at(a, points) for a in e.args), rounding_mode="floor")),
    (Modulo, lambda run, e, points: torch.remainder(*(run.at(a, points) for a in e.args))),
    (Add, Run._add),
    (Mul, Run._mul),
    (Pow, Run._pow),
    (Integer, lambda run, e, points: run._constant(int(e) if abs(e) < 2**63 else float(e), points)),
)


def _data_decide(piece: Piece) -> bool:
    """Whether data decide which points a piece has, or what is read at them."""
    asked = [piece.entries]
    for node in walk(piece.rhs):
        if isinstance(node, Read):
            asked.append(node.indices)
        elif isinstance(node, Reduce):
            asked.append(node.entries)
        elif isinstance(node, Where):
            asked.append(node.args[:1])
    return any(map(_reads_data, asked))


def _reads_data(expressions: tuple[Basic, ...]) -> bool:
    return any(True for e in expressions for _ in reads(e))


def groups(statements: tuple[Statement, ...]) -> Iterator[tuple[Statement, ...]]:
    """Statements in order; those that read later ones are taken together with all up to them."""
    place = {s.name: i for i, s in enumerate(statements)}
    start = 0
    while start < len(statements):
        end = at = start
        while at <= end:
            end = max([end, *(place[n] for n in tensors_read(statements[at]) if n in place)])
            at += 1
        yield statements[start : end + 1]
        start = end + 1
