"""An update rule as equations from step t − 1 to step t: what theorems about it are read from.

m[0] = base,   m[1] = first,   m[t] = body   (a state),      g[t] = body   (a value within a step)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer

from derive.program import (
    Compare,
    Fresh,
    Hyper,
    Letter,
    Piece,
    Program,
    Read,
    Tensor,
    Where,
    names_in,
    rebuild,
    rename_bound,
    walk,
)

#: A heuristic: a step of more nodes than this, said in one expression, has no theorem that a person would read.
LARGEST = 1500


class TooLarge(Exception):
    """What is looked at is past reading; the theorem is not told."""


@dataclass(frozen=True)
class Equation:
    """``name[indices] = body``; ``at`` is the place of the step among the indices."""

    name: str
    indices: tuple[Expr, ...]
    at: int
    body: Expr
    first: Expr | None = None
    base: Expr | None = None

    @property
    def t(self) -> Letter:
        """The letter that counts steps."""
        return self.indices[self.at]

    @property
    def now(self) -> Read:
        """The value after the step."""
        return Read(self.name, *self.indices)

    @property
    def before(self) -> Read:
        """The value before the step."""
        return Read(self.name, *(i - 1 if n == self.at else i for n, i in enumerate(self.indices)))

    def at_step(self, step: Expr) -> Read:
        """The value after another step."""
        return Read(self.name, *(step if n == self.at else i for n, i in enumerate(self.indices)))


class Rule:
    """The equations of an optimizer's program that move with the step."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.fresh = Fresh(names_in(program))
        self.equations: dict[str, Equation] = {}
        still = {s.name: s.pieces[0].rhs for s in program.statements if not s.tensor.parts and len(s.pieces) == 1}
        program = self.program = put_in(program, still)
        for statement in program.statements:
            found = _equation(statement.tensor, statement.pieces)
            if found is not None:
                self.equations[statement.name] = found
        read_back = {r.tensor for e in self.equations.values() for r in _reads(e) if self.lag(r, e.t) == 1}
        self.states = tuple(n for n in self.equations if n in read_back)
        self.gradients = tuple(t.name for t in program.inputs if t.kind == "real" and _step_at(t) is not None)
        self.parameter = next((n for n in program.outputs if n in self.states), None)

    @property
    def inner(self) -> tuple[str, ...]:
        """Values within a step that are read straight from a gradient."""

        def reads_one(e: Equation) -> bool:
            return any(isinstance(n, Read) and n.tensor in self.gradients for n in walk(e.body))

        return tuple(n for n, e in self.equations.items() if n not in self.states and reads_one(e))

    @property
    def theta(self) -> Equation:
        """The equation of the parameter."""
        assert self.parameter is not None
        return self.equations[self.parameter]

    def whole(self) -> bool:
        """Whether every moving statement was read as equations and there is one parameter and a gradient."""
        moving = [s for s in self.program.statements if _step_at(s.tensor) is not None]
        return self.parameter is not None and bool(self.gradients) and len(moving) == len(self.equations)

    def elementwise(self) -> bool:
        """Whether no element reads another: one number stands for all."""
        return all(
            r.indices == e.indices or len(r.indices) == len(e.indices) or set(r.indices) <= {e.t, e.t - 1}
            for e in self.equations.values()
            for r in _reads(e)
            if r.tensor in self.equations or r.tensor in self.gradients
        ) and not any(type(n).__name__ == "Reduce" for e in self.equations.values() for n in walk(e.body))

    def lag(self, read: Read, t: Letter) -> int | None:
        """How many steps back a read looks; None if it does not move with the step."""
        place = self.place(read.tensor)
        if place is None:
            return None
        back = t - read.indices[place]
        return int(back) if back.is_Integer else None

    def place(self, name: str) -> int | None:
        """Where the step stands among a tensor's indices."""
        if name in self.equations:
            return self.equations[name].at
        tensor = self.program.tensors.get(name)
        return None if tensor is None else _step_at(tensor)

    def put(self, e: Expr, value: Callable[[Read], Expr | None]) -> Expr:
        """The expression with reads replaced where ``value`` has something to say."""

        def one(node: Basic) -> Basic:
            found = value(node) if isinstance(node, Read) else None
            return node if found is None else found

        return rebuild(e, one)

    def body_of(self, read: Read) -> Expr:
        """What a value is made of, said with the letters it is read with."""
        equation = self.equations[read.tensor]
        body = rename_bound(equation.body, self.fresh)
        return body.xreplace(dict(zip(equation.indices, read.indices, strict=True)))

    def opened(self, e: Expr, keep: tuple[str, ...]) -> Expr:
        """The expression said in ``keep``, states before the step and inputs: values within the step are put in."""
        t = self.theta.t

        def value(read: Read) -> Expr | None:
            if read.tensor in keep or read.tensor not in self.equations or self.lag(read, t) != 0:
                return None
            return self.opened(self.body_of(read), keep)

        said = self.put(e, value)
        if sum(1 for _ in walk(said)) > LARGEST:
            raise TooLarge
        return said

    def update(self, keep: tuple[str, ...] = ()) -> Expr:
        """θ[t] − θ[t − 1], said in ``keep`` at t, inputs, and states before the step."""
        return self.opened(self.theta.body, keep) - self.theta.before


def put_in(program: Program, values: dict[str, Expr]) -> Program:
    """The program with scalars that do not move, ``keep = 1 − lr·decay``, said where they are read."""
    known: dict[str, Expr] = {}

    def value(e: Basic) -> Basic:
        return known.get(e.tensor, e) if isinstance(e, Read) else e

    for name, e in values.items():
        known[name] = rebuild(e, value)
    if not known:
        return program
    statements = tuple(
        replace(s, pieces=tuple(replace(p, rhs=rebuild(p.rhs, value)) for p in s.pieces))
        for s in program.statements
        if s.name not in known or s.name in program.outputs
    )
    return replace(program, statements=statements)


def _equation(tensor: Tensor, pieces: tuple[Piece, ...]) -> Equation | None:
    at = _step_at(tensor)
    if at is None:
        return None
    bodies = [p for p in pieces if not p.indices[at].is_Integer]
    bases = [p for p in pieces if p.indices[at] == 0]
    plain = len(bodies) == 1 and len(bodies) + len(bases) == len(pieces) and len(bases) <= 1
    if not plain or any(p.conditions for p in pieces) or not all(isinstance(i, Letter) for i in bodies[0].indices):
        return None
    (body,) = bodies
    base = None
    if bases:
        names = {a: b for a, b in zip(bases[0].indices, body.indices, strict=True) if isinstance(a, Letter)}
        base = bases[0].rhs.xreplace(names)
    rhs, first = body.rhs, None
    if isinstance(rhs, Where) and rhs.args[0] == Compare("==", body.indices[at], Integer(1)):
        _, first, rhs = rhs.args
        first = first.xreplace({body.indices[at]: Integer(1)})
    return Equation(tensor.name, body.indices, at, rhs, first, base)


def _step_at(tensor: Tensor) -> int | None:
    """The place of the axis of steps, which count from 1."""
    return next((n for n, part in enumerate(tensor.parts) if part.origin == 1), None)


def _reads(equation: Equation) -> list[Read]:
    es = (equation.body, *(() if equation.first is None else (equation.first,)))
    return [n for e in es for n in walk(e) if isinstance(n, Read)]


def reads_of(e: Expr) -> list[Read]:
    """The reads of an expression, each once."""
    return list(dict.fromkeys(n for n in walk(e) if isinstance(n, Read)))


def hypers_of(e: Expr) -> list[Hyper]:
    """The hyperparameters of an expression, each once."""
    return list(dict.fromkeys(n for n in walk(e) if isinstance(n, Hyper)))
