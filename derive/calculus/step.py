"""One step of an optimizer, or of any recurrence that looks one step back, as a program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Integer

from derive.calculus.affine import constant, polynomial, subtract
from derive.calculus.recurrence import Group, groups
from derive.errors import CannotDerive
from derive.order import strongly_connected
from derive.program import (
    Axis,
    Bind,
    Compare,
    Fresh,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Statement,
    Tensor,
    names_in,
    rebuild,
    tensors_read,
)


def step(program: Program) -> Program:
    """The program that goes from step t − 1 to step t.

    Inputs: those that do not move with t, each moving input at step t, the state at t − 1 under its own name,
    and ``t`` itself.  Outputs: the program's outputs at t, then the other states, as ``<name>_new``.
    """
    return Stepper(program).step()


def initial(program: Program) -> Program:
    """The program of the state before the first step, one output per state of ``step``."""
    return Stepper(program).initial()


@dataclass(frozen=True)
class Along:
    """Where a tensor moves with the step: the position of that part, and the part."""

    position: int
    part: Part


class Stepper:
    """Takes the axis of steps out of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.fresh = Fresh(names_in(program))
        self.along = self._axes()
        self.states = self._states()
        outputs = [n for n in program.outputs if n in self.along]
        self.moving = tuple(dict.fromkeys((*outputs, *self.states)))
        self.new = {name: self.fresh.name(f"{name}_new") for name in self.moving}
        self.time = self.fresh.name("t") if "t" in {t.name for t in program.tensors.values()} else "t"

    def _axes(self) -> dict[str, Along]:
        """For every tensor that moves with the step, its part along the recurrence."""
        program = self.program
        recurrent = _of_steps(program, [g for g in groups(program) if g.recurrent])
        if not recurrent or any(g.direction < 0 for g in recurrent):
            raise CannotDerive(
                f"{program.name} has no step from t - 1 to t", mend="only a recurrence that moves forward has one"
            )
        found = {
            name: Along(g.position(name), program.tensor(name).parts[g.position(name)])
            for g in recurrent
            for name in g.names
        }
        extents = dict.fromkeys(a.part.extent for a in found.values())
        if len(extents) > 1:
            raise CannotDerive(
                f"{program.name} moves along {', '.join(map(str, extents))}: one step of it is not defined",
                mend="take one recurrence at a time",
            )
        for tensor in program.tensors.values():
            for n, part in enumerate(tensor.parts):
                if part.extent in extents:
                    found.setdefault(tensor.name, Along(n, part))
        return found

    def _states(self) -> tuple[str, ...]:
        """Tensors read one step back, the outputs first."""
        lagged: dict[str, None] = {}
        for statement in self.program.statements:
            for piece in statement.pieces:
                for name, lag in self._lags(statement.name, piece):
                    if lag == 1:
                        lagged.setdefault(name)
                    elif lag != 0:
                        raise self._too_far(statement.name, name)
        return tuple(sorted(lagged, key=lambda n: n not in self.program.outputs))

    def _too_far(self, reader: str, name: str) -> CannotDerive:
        return CannotDerive(
            f"{reader} reads {name} more than one step back, so one step does not determine the next",
            mend=f"keep what is needed of {name} in a state of its own",
        )

    def _lags(self, reader: str, piece: Piece) -> list[tuple[str, int | None]]:
        found: list[tuple[str, int | None]] = []

        def visit(e: Basic) -> Basic:
            if isinstance(e, Read) and e.tensor in self.along:
                found.append((e.tensor, self._lag(reader, piece, e)))
            return e

        if not self._is_base(reader, piece):
            for e in (*piece.entries, piece.rhs):
                rebuild(e, visit)
        return found

    def _lag(self, reader: str, piece: Piece, read: Read) -> int | None:
        if reader not in self.along:
            return None
        here = piece.indices[self.along[reader].position]
        there = read.indices[self.along[read.tensor].position]
        lag = constant(subtract(polynomial(here), polynomial(there)))
        return None if lag is None else int(lag)

    def _is_base(self, name: str, piece: Piece) -> bool:
        """Whether the piece is for a point before the first step."""
        if name not in self.along:
            return False
        along = self.along[name]
        index = piece.indices[along.position]
        return bool(index.is_Integer) and int(index) < along.part.origin

    def step(self) -> Program:
        """The one-step program."""
        program = self.program
        inputs = [self._input(t) for t in program.inputs if self._needed(t.name)]
        states = [replace(self._shrunk(program.tensor(n)), default=None, optional=False) for n in self.states]
        kept = [t for t in states if t.name not in {i.name for i in inputs}]
        clock = Tensor(self.time, (), "const")
        statements = [self._statement(s) for s in program.statements]
        return self._finished("step", (*kept, *inputs, clock), statements, tuple(self.new[n] for n in self.moving))

    def initial(self) -> Program:
        """The program of the first state."""
        program = self.program
        statements = []
        for name in self.states:
            definition = program.definitions.get(name)
            if definition is None:
                continue
            pieces = [self._base(name, p) for p in definition.pieces if self._is_base(name, p)]
            everywhere = any(not p.conditions and all(isinstance(i, Letter) for i in p.indices) for p in pieces)
            tensor = self._shrunk(definition.tensor)
            statements.append(
                Statement(tensor, tuple(pieces) if pieces else (_zero(tensor, self.fresh),), not everywhere)
            )
        still = tuple(t for t in program.inputs if t.name not in self.along)
        return self._finished("initial", still, statements, tuple(s.name for s in statements))

    def _finished(
        self, what: str, inputs: Sequence[Tensor], statements: Sequence[Statement], outputs: tuple[str, ...]
    ) -> Program:
        by_name = {s.name: s for s in statements}
        graph = {s.name: tensors_read(s) for s in statements}
        needed: dict[str, None] = {}
        pending = list(outputs)
        while pending:
            name = pending.pop()
            if name in graph and name not in needed:
                needed[name] = None
                pending += graph[name]
        order = strongly_connected({n: r for n, r in graph.items() if n in needed})
        return replace(
            self.program,
            name=f"{self.program.name}_{what}",
            inputs=tuple(inputs),
            statements=tuple(by_name[name] for group in order for name in group),
            outputs=outputs,
            role="layer",
            laws=(),
        )

    def _needed(self, name: str) -> bool:
        """An input is kept unless only the state before the first step reads it."""
        return any(
            name == read
            for s in self.program.statements
            for p in s.pieces
            if not self._is_base(s.name, p)
            for read in tensors_read(Statement(s.tensor, (p,)))
        )

    def _input(self, tensor: Tensor) -> Tensor:
        return self._shrunk(tensor) if tensor.name in self.along else tensor

    def _shrunk(self, tensor: Tensor) -> Tensor:
        """The tensor at one step: its axes without the part along the steps."""
        if tensor.name not in self.along:
            return tensor
        position, axes, n = self.along[tensor.name].position, [], 0
        for axis in tensor.axes:
            kept: Axis = tuple(p for m, p in enumerate(axis, n) if m != position)
            n += len(axis)
            if kept or not axis:
                axes.append(kept)
        return replace(tensor, axes=tuple(axes))

    def _statement(self, statement: Statement) -> Statement:
        tensor = self._shrunk(statement.tensor)
        tensor = replace(tensor, name=self.new.get(tensor.name, tensor.name))
        pieces = tuple(self._piece(statement.name, p) for p in statement.pieces if not self._is_base(statement.name, p))
        return Statement(tensor, pieces, statement.zero_elsewhere)

    def _piece(self, name: str, piece: Piece) -> Piece:
        if name not in self.along:
            return piece
        position = self.along[name].position
        index = piece.indices[position]
        clock = Read(self.time)

        def at_one_step(e: Basic) -> Basic:
            if isinstance(e, Read) and e.tensor in self.along:
                return self._read(name, piece, e)
            return e

        entries = [e for e in piece.entries if not (isinstance(e, Bind) and e.letter == index)]
        timed = [Compare("==", clock, index)] if index.is_Integer else []
        entries = [
            rebuild(e, at_one_step).xreplace({index: clock} if isinstance(index, Letter) else {}) for e in entries
        ]
        rhs = rebuild(piece.rhs, at_one_step).xreplace({index: clock} if isinstance(index, Letter) else {})
        return Piece((*piece.indices[:position], *piece.indices[position + 1 :]), (*entries, *timed), rhs)

    def _read(self, reader: str, piece: Piece, read: Read) -> Read:
        position = self.along[read.tensor].position
        lag = self._lag(reader, piece, read)
        name = (
            self.new.get(read.tensor, read.tensor)
            if lag == 0 and read.tensor in self.program.definitions
            else read.tensor
        )
        return Read(name, *read.indices[:position], *read.indices[position + 1 :])

    def _base(self, name: str, piece: Piece) -> Piece:
        position = self.along[name].position
        return replace(piece, indices=(*piece.indices[:position], *piece.indices[position + 1 :]))


def _of_steps(program: Program, found: list[Group]) -> list[Group]:
    """Recurrences over an optimizer's steps, which count from 1, if there are any; others run within a step."""
    counted = [g for g in found if all(program.tensor(n).parts[g.position(n)].origin == 1 for n in g.names)]
    return counted or found


def _zero(tensor: Tensor, fresh: Fresh) -> Piece:
    letters = tuple(fresh.letter("k") for _ in tensor.parts)
    binds = tuple(Bind(k, p.origin - p.below, p.origin + p.extent) for k, p in zip(letters, tensor.parts, strict=True))
    return Piece(letters, binds, Integer(0))
