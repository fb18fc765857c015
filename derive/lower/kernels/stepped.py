"""A recurrence in steps as array steps: arrays for all turns, weights as matrices, loops of products and kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Symbol

from derive.lower.arrays import Array, index, product, reshaped, transposed
from derive.lower.conditions import all_of, tidy
from derive.lower.context import Context
from derive.lower.contract import roles
from derive.lower.kernels.spans import settled
from derive.lower.kernels.stepping import Product, Run, Segment, Stepping, wanted
from derive.lower.plan import (
    ALL,
    Allocate,
    Assign,
    Block,
    Choose,
    Into,
    Judge,
    Loop,
    Node,
    Prepare,
    Step,
    Store,
    Turn,
    at,
)
from derive.lower.points import factors_of, real
from derive.lower.reads import KINDS, position, source, stored
from derive.lower.recurrence import fill_of, stored_at
from derive.program import Letter, Read, Tensor


@dataclass(frozen=True)
class Made:
    """A run's kernel: its arrays, of which it reads the first ``given``; its own ones; whether it judges indices."""

    kernel: str
    arrays: tuple[str, ...]
    given: int
    own: tuple[Tensor, ...]
    integers: tuple[Symbol, ...]
    reals: tuple[Symbol, ...]
    judges: bool


def stepped(s: Stepping, context: Context, held: frozenset[str], kernel: Callable[[Run], Made | None]) -> Block | None:
    """The group's block; None where a run is no kernel."""
    return _Block(s, context, held, kernel).block()


class _Block:
    def __init__(self, s: Stepping, context: Context, held: frozenset[str], kernel: Callable) -> None:
        self.s, self.context, self.held, self.kernel = s, context, held, kernel
        self.before: list[Step] = []
        self.matrices: dict[Node, str] = {}
        self.buffers = {t.name: t for t in s.buffers}
        self.flat: dict[str, tuple[Expr, ...]] = {}
        self.judges: list[Step] = []

    def block(self) -> Block | None:
        loops = []
        for segment in self.s.segments:
            if not any(isinstance(x, Run) and wanted(self.s, x, self.held) for x in segment.steps):
                continue
            body = self._body(segment)
            if body is None:
                return None
            lo, hi = segment.span
            loops.append(Loop(self.s.letter, lo, hi, tuple(body), down=self.s.group.direction < 0))
        return Block(self.s.group.names, (*self._arrays(), *self.before, *loops, *self.judges))

    def _arrays(self) -> list[Step]:
        """The arrays of all turns with their base cases, and those of one turn."""
        members = [m for m in self.s.members if m.tensor.name in self.held]
        steps: list[Step] = [Allocate(m.tensor.name, m.shape, KINDS[m.tensor.kind], fill_of(m)) for m in members]
        for m, piece in self.s.bases:
            if m in members:
                place = at(position(piece.indices[0], m.part))
                stores = stored_at(m, piece, self.context, {}, place, {})
                steps += [replace(x, axis=None) if isinstance(x, Store) else x for x in stores]
        for t in self.s.buffers:
            steps.append(Allocate(t.name, self.flat.get(t.name, tuple(p.extent for p in t.parts))))
        return steps

    def _body(self, segment: Segment) -> list[Step] | None:
        steps: list[Step] = []
        for step in segment.steps:
            made = self._product(step, segment) if isinstance(step, Product) else self._run(step, segment)
            if made is None:
                return None
            steps += made
        return steps

    # ------------------------------------------------------------------ kernels

    def _run(self, run: Run, segment: Segment) -> list[Step] | None:
        if not wanted(self.s, run, self.held):
            return []
        made = self.kernel(run)
        if made is None:
            return None
        slices: list[tuple[str, int | None, Expr | None]] = []
        own = {t.name: self._own(t) for t in made.own}
        for n in made.arrays:
            where = self.s.slices.get(n)
            slices.append((own.get(n, n), None, None) if where is None else (where.tensor, where.by, where.at))
        written = tuple(dict.fromkeys(n for n, _, _ in slices[made.given :]))
        turn = made.integers.index(self.s.turn) if self.s.turn in made.integers else None
        numbers = tuple(Integer(0) if i == self.s.turn else i for i in made.integers)
        name = self.context.fresh.name("step")
        place = (turn, *segment.span)
        self.before.append(Prepare(name, made.kernel, tuple(slices), numbers, made.reals, *place, written))
        if made.judges:
            self.judges.append(Judge(name))
        return [Turn(name, self.s.letter, written)]

    def _own(self, t: Tensor) -> str:
        """An array that only the kernel looks at."""
        name = self.context.fresh.name(t.name)
        self.before.append(Allocate(name, tuple(p.extent for p in t.parts), KINDS[t.kind]))
        return name

    # ------------------------------------------------------------------ products

    def _product(self, p: Product, segment: Segment) -> list[Step]:
        known = {c: settled(c, self.s.letter, segment.span) for c in p.conditions}
        if False in known.values():
            return []
        conditions = [c for c, holds in known.items() if holds is None]
        steps = self._matrices(p) or self._any(p, segment)
        return [Choose(tidy(all_of(conditions)), tuple(steps))] if conditions else steps

    def _any(self, p: Product, segment: Segment) -> list[Step]:
        """However array code contracts it."""
        scope = replace(self.context.scope(), fixed=(self.s.letter,), spans={self.s.letter: segment.span})
        scope = scope.with_binds(p.binds)
        value = transposed(real(scope.value(p.value)), tuple(b.letter for b in p.binds))
        return [*scope.before, Store(p.name, (ALL,) * len(p.binds), value.node)]

    def _matrices(self, p: Product) -> list[Step] | None:
        """One matrix product: the step's slice times a matrix made before the loop."""
        scope = self.context.scope().with_binds((*p.binds, *p.value.binds))
        changing = [f for f in factors_of(p.value.body) if self._changes(f)]
        others = [f for f in factors_of(p.value.body) if f not in changing]
        if len(changing) != 1 or not others:
            return None
        (ours,) = changing
        letters = ours.indices[1:] if ours.tensor in self.held else ours.indices
        if any(not isinstance(x, Letter) for x in letters) or len(set(letters)) != len(letters):
            return None
        factor = real(scope.value(product(others)))
        gone = tuple(b.letter for b in p.value.binds)
        r = roles(Array(Node("name", (), (ours.tensor,), "real", len(letters)), letters), factor, gone)
        kept = tuple(b.letter for b in p.binds)
        if r.batch or scope.before or kept != (*r.rows, *r.columns) or letters != (*r.rows, *r.summed) or not r.summed:
            return None
        if set(gone) != set(r.summed):
            return None
        rows, summed, columns = (product(scope.extents(x)) for x in (r.rows, r.summed, r.columns))
        right = reshaped(transposed(factor, r.summed + r.columns).node, (summed, columns))
        if len(r.summed) == 1 and len(r.columns) == 1:
            right = right.args[0]
        left = self._slice(ours, rows, summed, len(letters))
        self.flat[p.name] = (rows, columns)
        return [Into(p.name, left, self._named("matrix", right))]

    def _changes(self, f: Expr) -> bool:
        return isinstance(f, Read) and (f.tensor in self.s.group.names or f.tensor in self.buffers)

    def _slice(self, ours: Read, rows: Expr, summed: Expr, count: int) -> Node:
        """The step's slice as a matrix: an entry of the whole array, shaped so before the loop."""
        tensor: Tensor = self.context.tensors[ours.tensor]
        whole = source(tensor)
        if ours.tensor not in self.held:
            return whole if count == 2 else reshaped(whole, (rows, summed))
        part = tensor.parts[0]
        if count != 2:
            whole = self._named("rows", reshaped(whole, (stored(part), rows, summed)))
        return index(whole, (at(position(ours.indices[0], part)), ALL, ALL))

    def _named(self, like: str, node: Node) -> Node:
        if node not in self.matrices:
            self.matrices[node] = self.context.fresh.name(like)
            self.before.append(Assign(self.matrices[node], node))
        return Node("name", (), (self.matrices[node],), node.kind, node.ndim)
