"""Reverse mode: the vector-Jacobian product of a program, as a program.

For every occurrence ``x[a]`` in ``y[i] = …`` with factor f, entries E and own piece P:
``dx[k] += sum[i, P, E, a == k](dy[i]·f)``, with the deltas eliminated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Basic, Expr, Integer

from derive.calculus.affine import Ranges
from derive.calculus.delta import Move, eliminate, guarded, summation
from derive.calculus.derivation import Derivation, finished, prefixed, wanted_inputs
from derive.calculus.occurrences import Occurrence
from derive.program import Bind, Compare, Letter, Part, Piece, Program, Read, Statement, Tensor, free_letters


def adjoint(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """vjp: inputs and a cotangent ``dy`` per output y; outputs ``dx`` for each differentiable input in order."""
    return Adjoint(program, wanted_inputs(program, wrt)).result()


@dataclass(frozen=True)
class Contribution:
    """One occurrence of a tensor in a piece of the statement ``of``."""

    of: str
    piece: Piece
    domain: tuple[Basic, ...]
    occurrence: Occurrence


class Adjoint(Derivation):
    """The cotangent statements of one program."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        super().__init__(program, wrt)
        self.contributions: dict[str, list[Contribution]] = {name: [] for name in self.active}
        for statement in program.statements:
            if statement.name in self.active:
                self._collect(statement)
        self.reached = self._reached()
        self.inputs = {name: self._cotangent_input(name) for name in self.outputs}
        self.cotangents = {name: self._cotangent_name(name) for name in self.reached}

    def _collect(self, statement: Statement) -> None:
        for piece, own, occurrences in self.occurrences(statement):
            for occurrence in occurrences:
                self.contributions[occurrence.tensor].append(Contribution(statement.name, piece, own, occurrence))

    def _reached(self) -> tuple[str, ...]:
        """Active tensors that an output depends on through a derivative."""
        readers: dict[str, list[str]] = {}
        for name, found in self.contributions.items():
            for c in found:
                readers.setdefault(c.of, []).append(name)
        reached = dict.fromkeys(name for name in self.outputs if name in self.active)
        pending = list(reached)
        while pending:
            for name in readers.get(pending.pop(), ()):
                if name not in reached:
                    reached[name] = None
                    pending.append(name)
        return tuple(name for name in self.active if name in reached)

    def _cotangent_input(self, output: str) -> Tensor:
        axes = tuple(tuple(replace(p, below=0) for p in axis) for axis in self.program.tensor(output).axes)
        return Tensor(self.fresh.name(f"d{output}"), axes)

    def _cotangent_name(self, name: str) -> str:
        """The output's own input where nothing is added to it, else a tensor of its own."""
        alone = name in self.inputs and not self.contributions[name] and name in self.program.definitions
        if alone and not any(p.below for p in self.program.tensor(name).parts) and name not in self.wrt:
            return self.inputs[name].name
        return self.fresh.name(prefixed("d", name))

    def program_statements(self) -> Iterable[Statement]:
        """A cotangent statement per reached tensor that is not simply an input; 0 for unreached wrt."""
        given = {t.name for t in self.inputs.values()}
        for name in self.reached:
            if self.cotangents[name] not in given:
                yield self._statement(name)
        for name in self.wrt:
            if name not in self.cotangents:
                self.cotangents[name] = self.fresh.name(prefixed("d", name))
                yield self._zero(name)

    def result(self) -> Program:
        """The whole derived program, without what it does not read."""
        statements = tuple(self.program_statements())
        return finished(
            self,
            statements,
            inputs=(*self.program.inputs, *self.inputs.values()),
            outputs=tuple(self.cotangents[name] for name in self.wrt),
            derived="vjp",
        )

    def _tensor(self, name: str) -> Tensor:
        axes = self.program.tensors[name].axes if name in self.program.tensors else ()
        return Tensor(self.cotangents[name], axes)

    def _zero(self, name: str) -> Statement:
        tensor = self._tensor(name)
        letters = tuple(self.fresh.letter("k") for _ in tensor.parts)
        return Statement(tensor, (Piece(letters, _binds(letters, tensor.parts), Integer(0)),))

    def _statement(self, name: str) -> Statement:
        tensor = self._tensor(name)
        targets = tuple(self.fresh.letter(f"k_{n}") for n in range(len(tensor.parts)))
        binds = _binds(targets, tensor.parts)
        ranges = self.ranges.extended(binds)
        terms = [self._own_output(name, targets, tensor.parts)]
        terms += [self._term(c, targets, ranges) for c in self.contributions[name] if c.of in self.cotangents]
        piece = Piece(targets, binds, Add(*terms))
        return Statement(tensor, (self.tidy(piece, self.preferred(name)),))

    def _own_output(self, name: str, targets: Sequence[Letter], parts: Sequence[Part]) -> Expr:
        """The output cotangent, which the halo does not receive."""
        if name not in self.inputs:
            return Integer(0)
        result = [Compare("<=", p.origin, k) for k, p in zip(targets, parts, strict=True) if p.below]
        return guarded(result, Read(self.inputs[name].name, *targets))

    def _term(
        self, c: Contribution, targets: Sequence[Letter], ranges: Ranges, moves: list[Move] | None = None
    ) -> Expr:
        entries, body = self.with_deltas(c, targets)
        solved = eliminate(entries, body, ranges, c.piece.letters, self.derived_sizes, self.fresh, moves)
        return Integer(0) if solved is None else summation(*solved)

    def with_deltas(self, c: Contribution, targets: Sequence[Letter]) -> tuple[tuple[Basic, ...], Expr]:
        """The entries and the body of ``Σ dy[i] · f · [a = k]``."""
        deltas = [_delta(a, k) for a, k in zip(c.occurrence.indices, targets, strict=True)]
        body = Read(self.cotangents[c.of], *c.piece.indices) * c.occurrence.factor
        return (*c.domain, *c.occurrence.entries, *deltas), body


def _delta(index: Expr, target: Letter) -> Compare:
    """index == target; what no letter stands in is said of the target."""
    return Compare("==", index, target) if free_letters(index) else Compare("==", target, index)


def _binds(letters: Sequence[Letter], parts: Sequence[Part]) -> tuple[Bind, ...]:
    return tuple(Bind(k, p.origin - p.below, p.origin + p.extent) for k, p in zip(letters, parts, strict=True))
