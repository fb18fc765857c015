"""Forward mode: the Jacobian-vector product of a program, as a program.

For every occurrence ``x[a]`` in ``y[i] = …`` with factor f and entries E: ``ty[i] += sum[E](f·tx[a])``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Add, Expr, Integer

from derive.calculus.affine import Ranges
from derive.calculus.delta import eliminate, summation
from derive.calculus.derivation import Derivation, finished, prefixed, wanted_inputs
from derive.calculus.occurrences import Occurrence
from derive.program import Piece, Program, Read, Statement, Tensor


def tangent(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """jvp: inputs and a tangent ``tx`` per differentiable input x; outputs ``ty`` for each output."""
    return Tangent(program, wanted_inputs(program, wrt)).result()


class Tangent(Derivation):
    """The tangent statements of one program."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        super().__init__(program, wrt)
        found = [s for s in program.statements if s.name in self.active]
        self.found = {s.name: [(piece, o) for piece, _, o in self.occurrences(s)] for s in found}
        self.moving = self._moving()
        self.inputs = {name: self._tangent_input(name) for name in self.wrt}
        self.tangents = {
            name: self.inputs[name].name if name in self.inputs else self.fresh.name(f"t{name}")
            for name in dict.fromkeys((*self.moving, *self.outputs))
        }

    def _moving(self) -> dict[str, None]:
        """Tensors that an input differentiated by reaches through a derivative."""
        moving = dict.fromkeys(self.wrt)
        grew = True
        while grew:
            grew = False
            for name, pieces in self.found.items():
                if name not in moving and any(o.tensor in moving for _, found in pieces for o in found):
                    moving[name] = None
                    grew = True
        return moving

    def _tangent_input(self, name: str) -> Tensor:
        axes = self.program.tensors[name].axes if name in self.program.tensors else ()
        return Tensor(self.fresh.name(prefixed("t", name)), axes)

    def result(self) -> Program:
        """The whole derived program, without what it does not read."""
        definitions = self.program.definitions
        statements = tuple(self._statement(definitions[name]) for name in self.tangents if name in definitions)
        return finished(
            self,
            statements,
            inputs=(*self.program.inputs, *self.inputs.values()),
            outputs=tuple(self.tangents[name] for name in self.outputs),
            derived="jvp",
        )

    def _statement(self, statement: Statement) -> Statement:
        tensor = Tensor(self.tangents[statement.name], statement.tensor.axes)
        found = self.found.get(statement.name) or [(piece, []) for piece in statement.pieces]
        pieces = tuple(self._piece(piece, occurrences) for piece, occurrences in found)
        return Statement(tensor, pieces, statement.zero_elsewhere)

    def _piece(self, piece: Piece, occurrences: Sequence[Occurrence]) -> Piece:
        ranges = self.ranges.extended(piece.binds)
        terms = [self._term(o, ranges) for o in occurrences if o.tensor in self.moving]
        return replace(piece, rhs=Add(*terms))

    def _term(self, occurrence: Occurrence, ranges: Ranges) -> Expr:
        body = occurrence.factor * Read(self.tangents[occurrence.tensor], *occurrence.indices)
        solved = eliminate(occurrence.entries, body, ranges, (), self.derived_sizes, self.fresh)
        return Integer(0) if solved is None else summation(*solved)
