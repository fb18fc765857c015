"""A recurrence as steps: matrix products of the step before, and runs of statements that one kernel computes.

``h[t] = tanh(Σ_l w[k, l]·h[t − 1, l] + known[t])``: the product goes to an array of its own; the rest is loops over the
step's slices, which lie one after the other in memory.  What the recurrence does not change is a statement before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Integer, Mul, Symbol

from derive.calculus import affine
from derive.calculus.recurrence import Group
from derive.lower.conditions import Span, all_of, assuming, number_conditions
from derive.lower.context import Context
from derive.lower.kernels.fits import fits
from derive.lower.kernels.spans import cut, settled, within
from derive.lower.points import factors_of
from derive.lower.reads import position, stored
from derive.lower.recurrence import Member, is_base, loop_letter, member, span_of
from derive.program import (
    Bind,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    Where,
    free_letters,
    reads,
    rebuild,
    substitute,
    tensors_read,
    walk,
)


@dataclass(frozen=True)
class Slice:
    """``tensor[by·t + at]`` as an array of the step; ``by`` and ``at`` are None for the whole tensor, at every step."""

    tensor: str
    by: int | None = None
    at: Expr | None = None


@dataclass(frozen=True)
class Product:
    """``name[letters] = sum``, a contraction, where the conditions on the step hold."""

    name: str
    binds: tuple[Bind, ...]
    value: Reduce
    conditions: tuple[Basic, ...]


@dataclass(frozen=True)
class Run:
    """Statements over slices, and the program they make."""

    statements: tuple[Statement, ...]
    program: Program


@dataclass(frozen=True)
class Segment:
    """The same steps for every t of a range."""

    span: Span
    steps: tuple[Product | Run, ...]


@dataclass(frozen=True)
class Stepping:
    """A group's letter, its members, what is computed before it, and its segments in the order they are run."""

    group: Group
    letter: Letter
    turn: Symbol
    members: tuple[Member, ...]
    bases: tuple[tuple[Member, Piece], ...]
    before: tuple[Statement, ...]
    segments: tuple[Segment, ...]
    slices: dict[str, Slice]
    buffers: tuple[Tensor, ...]


class NoSteps(Exception):
    """The recurrence is not slices and products."""


def stepping(group: Group, context: Context, numbers: frozenset[str] = frozenset()) -> Stepping | None:
    """The group as steps; None where its axis is not the outermost or a step is more than products and loops."""
    letter = loop_letter(group, context)
    members = [member(group, n, letter, context) for n in group.names]
    if any(m.axis or not _is_plain(m.tensor) for m in members):
        return None
    try:
        return _Steps(group, letter, context, members, numbers).made()
    except NoSteps:
        return None


def _is_plain(tensor: Tensor) -> bool:
    """Whether the steps' slices have axes, without points beside them."""
    return len(tensor.parts) > 1 and not any(p.below or p.origin for p in tensor.parts[1:])


@dataclass
class _Steps:
    group: Group
    letter: Letter
    context: Context
    members: list[Member]
    numbers: frozenset[str]
    before: list[Statement] = field(default_factory=list)
    slices: dict[str, Slice] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.turn = Symbol(self.context.fresh.name(self.letter.name), integer=True)
        self.names = frozenset(self.group.names)
        self.known: dict[tuple, str] = {}

    def made(self) -> Stepping:
        bases = tuple((m, p) for m in self.members for p in m.pieces if is_base(p, m, self.group))
        rest = [replace(m, pieces=tuple(p for p in m.pieces if (m, p) not in bases)) for m in self.members]
        segments = tuple(s for s in (self._segment(span, rest) for span in self._spans(rest)) if s.steps)
        if not any(isinstance(step, Run) for s in segments for step in s.steps):
            raise NoSteps
        return Stepping(
            self.group, self.letter, self.turn, tuple(self.members), bases, tuple(self.before), segments,
            self.slices, tuple(self.buffers.values()),
        )  # fmt: skip

    # ------------------------------------------------------------------ which equations hold where

    def _spans(self, members: Sequence[Member]) -> list[Span]:
        """The axis cut into ranges on which the same equations hold, in the order of the steps."""
        found = cut(
            (span_of(p, m) for m in members for p in m.pieces),
            (c for m in members for p in m.pieces for e in (*p.conditions, p.rhs) for c in self._conditions(e)),
            self.letter,
        )
        if found is None:
            raise NoSteps
        return found if self.group.direction > 0 else found[::-1]

    def _conditions(self, e: Basic) -> list[Basic]:
        """Conditions on the step within an expression."""
        return number_conditions(e, replace(self.context.scope(), fixed=(self.letter,)))

    def _segment(self, span: Span, members: Sequence[Member]) -> Segment:
        steps: list[Product | Statement] = []
        for m in members:
            piece = self._equation(m, span)
            if piece is not None:
                steps += self._steps(m, piece, span)
        return Segment(span, tuple(self._runs(steps)))

    def _equation(self, m: Member, span: Span) -> Piece | None:
        """The member's equation on the range: its pieces as one choice, what the range decides decided."""
        here = [p for p in m.pieces if within(span, span_of(p, m))]
        if not here:
            return None
        first = here[0]
        if any(p.indices[1:] != first.indices[1:] for p in here) or not _is_whole(first, m.tensor):
            raise NoSteps
        rhs: Expr = Integer(0)
        for p in reversed(here):
            rhs = Where(all_of(p.conditions), p.rhs, rhs) if p.conditions else p.rhs
        binds = tuple(b for b in first.binds if b.letter in first.indices[1:])
        piece = Piece(first.indices[1:], binds, rhs)
        for c in self._conditions(rhs):
            known = settled(c, self.letter, span)
            if known is not None:
                piece = assuming(piece, c, known)
        return piece

    # ------------------------------------------------------------------ one equation

    def _steps(self, m: Member, piece: Piece, span: Span) -> Iterator[Product | Statement]:
        """The products of an equation, then the equation over slices."""
        found: list[Product | Statement] = []
        rhs = self._without_products(piece.rhs, piece.binds, (), span, found)
        name = self._slice(m.tensor, self.letter)
        binds = tuple(self._still(b) for b in piece.binds)
        axes = tuple((p,) for p in m.tensor.parts[1:])
        tensor = Tensor(name, axes, m.tensor.kind)
        yield from found
        yield Statement(tensor, (Piece(piece.indices, binds, self._sliced(rhs)),))

    def _without_products(
        self, e: Basic, binds: tuple[Bind, ...], guards: tuple[Basic, ...], span: Span, found: list
    ) -> Basic:
        """The expression with each sum that is more than a pass over what it reads as a tensor's entry."""
        if isinstance(e, Reduce):
            return e if self._is_a_pass(e, binds) else self._outlined(e, binds, guards, span, found)
        if isinstance(e, Where):
            c, a, b = e.args
            a = self._without_products(a, binds, (*guards, c), span, found)
            b = self._without_products(b, binds, (*guards, affine.negate(c)), span, found)
            return Where(self._without_products(c, binds, guards, span, found), a, b)
        if not e.args or not any(isinstance(n, Reduce) for n in walk(e)):
            return e
        return e.func(*(self._without_products(a, binds, guards, span, found) for a in e.args))

    def _is_a_pass(self, e: Reduce, binds: tuple[Bind, ...]) -> bool:
        own = tuple(b for b in binds if b.letter in free_letters(e))
        probe = Tensor("·probe", tuple((Part(b.hi),) for b in own))
        statement = Statement(probe, (Piece(tuple(b.letter for b in own), own, e),))
        statement = self._still_statement(statement)
        return fits(statement, self._program((statement,)), self.numbers, windows=True)

    def _outlined(self, e: Reduce, binds: tuple[Bind, ...], guards: tuple[Basic, ...], span: Span, found: list) -> Expr:
        guards = tuple(g for g in guards if self._is_of_the_step(g))
        own = tuple(b for b in binds if b.letter in free_letters(e))
        if any(b.lo != 0 for b in own):
            raise NoSteps
        if not any(r.tensor in self.names for r in reads(e)):
            return self._known_before(e, own, guards, span)
        numbers = tuple(f for f in e.filters if self._is_of_the_step(f))
        if any(f not in numbers for f in e.filters) or e.op != "sum" or not own:
            raise NoSteps
        body, ours = self._one_factor(e.body, (*own, *e.binds), found)
        own = tuple(sorted(own, key=lambda b: b.letter not in free_letters(ours)))
        tensor = self._buffer("product", own)
        found.append(Product(tensor.name, own, Reduce(e.op, e.binds, body), (*guards, *numbers)))
        read = Read(tensor.name, *(b.letter for b in own))
        return Where(all_of(numbers), read, Integer(0)) if numbers else read

    def _one_factor(self, body: Expr, binds: tuple[Bind, ...], found: list) -> tuple[Expr, Expr]:
        """A product whose factors that the recurrence changes are one read, and that read."""
        factors = factors_of(body)
        ours = [f for f in factors if any(r.tensor in self.names for r in reads(f)) or self.letter in free_letters(f)]
        if len(ours) == 1 and isinstance(ours[0], Read) and ours[0].tensor in self.names:
            return body, ours[0]
        value = Mul(*ours)
        along = tuple(b for b in binds if b.letter in free_letters(value))
        if any(b.lo != 0 for b in along) or not along or any(True for n in walk(value) if isinstance(n, Reduce)):
            raise NoSteps
        tensor = self._buffer("factor", along)
        letters = tuple(b.letter for b in along)
        found.append(Statement(tensor, (Piece(letters, along, self._sliced(value)),)))
        read = Read(tensor.name, *letters)
        return Mul(read, *(f for f in factors if f not in ours)), read

    def _buffer(self, like: str, binds: tuple[Bind, ...]) -> Tensor:
        """An array of one step."""
        tensor = Tensor(self.context.fresh.name(like), tuple((Part(b.hi),) for b in binds))
        self.buffers[tensor.name] = self.tensors[tensor.name] = self.context.tensors[tensor.name] = tensor
        return tensor

    def _is_of_the_step(self, e: Basic) -> bool:
        return replace(self.context.scope(), fixed=(self.letter,)).is_number(e)

    def _known_before(self, e: Reduce, own: tuple[Bind, ...], guards: tuple[Basic, ...], span: Span) -> Expr:
        """A sum that reads no member, for all steps at once."""
        moves = self.letter in free_letters(e)
        if (e, guards, span) not in self.known:
            name = self.context.fresh.name(f"{self.group.names[0]}_known")
            along = (Bind(self.letter, 0, span[1] - span[0]),) if moves else ()
            value = Where(all_of(guards), e, Integer(0)) if guards and moves else e
            tensor = Tensor(name, tuple((Part(b.hi),) for b in (*along, *own)))
            letters = tuple(b.letter for b in (*along, *own))
            value = substitute(value, {self.letter: self.letter + span[0]})
            self.before.append(Statement(tensor, (Piece(letters, (*along, *own), value),)))
            self.context.tensors[name] = tensor
            self.known[e, guards, span] = name
        place = (self.letter - span[0],) if moves else ()
        return Read(self.known[e, guards, span], *place, *(b.letter for b in own))

    # ------------------------------------------------------------------ slices

    def _sliced(self, e: Basic) -> Basic:
        """Every read along the recurrence's letter as a read of that slice."""

        def one(n: Basic) -> Basic:
            if not isinstance(n, Read) or n.tensor in self.tensors:
                return n
            tensor = self.context.tensors[n.tensor]
            along = n.tensor in self.names or (tensor.parts and self.letter in free_letters(n.indices[0]))
            beside = bool(tensor.parts) and (tensor.parts[0].below or tensor.parts[0].origin)
            if not along and not beside:
                return n
            if any(self.letter in free_letters(i) for i in n.indices[1:]):
                raise NoSteps
            if n.indices[0].has(Read) and _is_plain(tensor) and n.tensor not in self.names:
                return Read(self._shifted(tensor), position(n.indices[0], tensor.parts[0]), *n.indices[1:])
            return Read(self._slice(tensor, n.indices[0]), *n.indices[1:])

        return self._still(rebuild(e, one))

    def _slice(self, tensor: Tensor, index: Expr) -> str:
        """The name of a tensor's slice at an index that is affine in the letter."""
        halves = affine.split(affine.polynomial(index), self.letter) if not index.has(Read) else None
        by = affine.constant(halves[0]) if halves else None
        at = affine.expression(halves[1]) if halves else None
        if at is None or by is None or int(by) != by or free_letters(at) or not _is_plain(tensor):
            raise NoSteps
        part = tensor.parts[0]
        wanted = Slice(tensor.name, int(by), (at - part.origin + part.below).expand())
        return self._named(wanted, Tensor(f"{tensor.name}_now", tuple((p,) for p in tensor.parts[1:]), tensor.kind))

    def _shifted(self, tensor: Tensor) -> str:
        """The name of a whole tensor whose points are counted from 0."""
        parts = (Part(stored(tensor.parts[0])), *tensor.parts[1:])
        return self._named(Slice(tensor.name), Tensor(f"{tensor.name}_whole", tuple((p,) for p in parts), tensor.kind))

    def _named(self, wanted: Slice, tensor: Tensor) -> str:
        for name, known in self.slices.items():
            if known == wanted:
                return name
        name = self.context.fresh.name(tensor.name)
        self.slices[name], self.tensors[name] = wanted, replace(tensor, name=name)
        return name

    def _still(self, e: Basic) -> Basic:
        """The letter as a number."""
        return e.xreplace({self.letter: self.turn})

    def _still_statement(self, s: Statement) -> Statement:
        (piece,) = s.pieces
        return replace(s, pieces=(replace(piece, rhs=self._sliced(piece.rhs)),))

    # ------------------------------------------------------------------ runs

    def _program(self, statements: Sequence[Statement]) -> Program:
        """The statements with what they read as inputs."""
        own = {s.name for s in statements}
        known = {**self.context.tensors, **self.tensors}
        needed = dict.fromkeys(n for s in statements for n in tensors_read(s) if n not in own)
        inputs = tuple(known[n] for n in needed if n in known)
        return replace(
            self.context.program, inputs=inputs, statements=tuple(statements), outputs=tuple(own), updates=()
        )

    def _runs(self, steps: Sequence[Product | Statement]) -> Iterator[Product | Run]:
        """Consecutive statements together."""
        run: list[Statement] = []
        for step in (*steps, None):
            if isinstance(step, Statement):
                run.append(step)
                continue
            if run:
                yield self._run(tuple(run))
            run = []
            if step is not None:
                yield step

    def _run(self, statements: tuple[Statement, ...]) -> Run:
        program = self._program(statements)
        if not all(fits(s, program, self.numbers, windows=True) for s in statements):
            raise NoSteps
        return Run(statements, program)


def _is_whole(piece: Piece, tensor: Tensor) -> bool:
    """Whether the other indices are letters over the whole slice."""
    ranges = {b.letter: (b.lo, b.hi) for b in piece.binds}
    rest = piece.indices[1:]
    pairs = zip(rest, tensor.parts[1:], strict=True)
    return len(set(rest)) == len(rest) and all(ranges.get(i) == (0, p.extent) for i, p in pairs)  # type: ignore[call-overload]


def wanted(s: Stepping, run: Run, kept: frozenset[str]) -> tuple[str, ...]:
    """What of a run's somebody looks for after it."""
    buffers = {t.name for t in s.buffers}
    own = (st.name for st in run.statements)
    return tuple(n for n in own if n in buffers or s.slices[n].tensor in kept)


def held(s: Stepping, program: Program) -> frozenset[str]:
    """The members that somebody reads outside the group, in a product, or at another step: they are stored."""
    found = {n for other in program.statements if other.name not in s.group.names for n in tensors_read(other)}
    found |= {*program.outputs, *(n for _, n in program.updates)}
    for step in (step for x in s.segments for step in x.steps):
        if isinstance(step, Product):
            found |= {r.tensor for r in reads(step.value)}
            continue
        made = {st.name for st in step.statements}
        found |= {
            s.slices[n].tensor for st in step.statements for n in tensors_read(st) if n in s.slices and n not in made
        }
    return frozenset(n for n in s.group.names if n in found)
