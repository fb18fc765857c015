"""Groups of equations that read one another: along which axis they move, which way, in what order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sympy import Basic, Expr

from derive.calculus.affine import ONE, Polynomial, Ranges, add, polynomial, scale, subtract
from derive.errors import DefinitionError
from derive.order import strongly_connected
from derive.program import Bind, Compare, Hyper, Piece, Program, Read, Reduce, Statement, tensors_read


@dataclass(frozen=True)
class Group:
    """Statements to be computed together.

    ``axis``: for each name the position of the part it moves along, in the order of ``names``, empty if the
    group is one plain statement.  ``direction``: +1 forward, −1 backward, 0 no recurrence.  Within a step the
    statements are computed in the order of ``names``.
    """

    names: tuple[str, ...]
    axis: tuple[int, ...] = ()
    direction: int = 0

    @property
    def recurrent(self) -> bool:
        return self.direction != 0

    def position(self, name: str) -> int:
        """The part of the tensor the recurrence moves along."""
        return self.axis[self.names.index(name)]


@dataclass(frozen=True)
class Edge:
    """``reader`` reads ``source`` within a group: for every pair of positions, how far back."""

    reader: str
    source: str
    piece: Piece
    indices: tuple[Expr, ...]
    ranges: Ranges
    known: tuple[Polynomial, ...]

    def lag(self, here: int, there: int) -> int | None:
        """1: strictly earlier, 0: the same step, −1: strictly later, None: not known."""
        difference = subtract(polynomial(self.piece.indices[here]), polynomial(self.indices[there]))
        if not difference:
            return 0
        return next((way for way in (1, -1) if self._positive(scale(difference, way))), None)

    def _positive(self, difference: Polynomial) -> bool:
        if all(isinstance(x, Hyper) and x.is_integer for m in difference for x, _ in m) and any(difference):
            return all(c > 0 for c in difference.values())  # a lag of k steps: k is meant to be positive
        less = subtract(difference, ONE)
        return self.ranges.nonnegative(less) or any(self.ranges.nonnegative(subtract(less, k)) for k in self.known)


def groups(program: Program) -> tuple[Group, ...]:
    """The program's statements in groups, each after those it reads."""
    definitions = program.definitions
    graph = {s.name: tensors_read(s) for s in program.statements}
    found = []
    for names in strongly_connected(graph):
        if len(names) == 1 and names[0] not in graph[names[0]]:
            found.append(Group(names))
        else:
            found.append(_recurrence(program, [definitions[n] for n in names]))
    return tuple(found)


def _recurrence(program: Program, statements: Sequence[Statement]) -> Group:
    names = [s.name for s in statements]
    edges = [e for s in statements for e in _edges(s, names)]
    for axis in _choices(statements, edges):
        for direction in (1, -1):
            order = _order(names, axis, edges, direction)
            if order:
                return Group(order, tuple(axis[n] for n in order), direction)
    raise DefinitionError(
        f"{program.name}: {', '.join(names)} read one another, but not all one way along one axis",
        mend="a recurrence reads earlier points of one axis, as h[t - 1, n]",
    )


def _edges(statement: Statement, names: Sequence[str]) -> Iterator[Edge]:
    for piece in statement.pieces:
        for entries, read in _reads_within(piece.entries, (*piece.entries, piece.rhs)):
            if read.tensor in names:
                ranges = Ranges().extended(e for e in entries if isinstance(e, Bind))
                known = tuple(k for e in entries if (k := _slack(e)) is not None)
                yield Edge(statement.name, read.tensor, piece, read.indices, ranges, known)


def _slack(e: Basic) -> Polynomial | None:
    """What a comparison says is at least 0."""
    if not isinstance(e, Compare) or e.op not in ("<", "<="):
        return None
    difference = subtract(polynomial(e.args[2]), polynomial(e.args[1]))
    return subtract(difference, ONE) if e.op == "<" else add(difference)


def _reads_within(entries: tuple[Basic, ...], nodes: Sequence[Basic]) -> Iterator[tuple[tuple[Basic, ...], Read]]:
    """Every read with the binds and filters it stands under."""
    for e in nodes:
        if isinstance(e, Read):
            yield entries, e
        if isinstance(e, Reduce):
            yield from _reads_within((*entries, *e.entries), (*e.entries, e.body))
        else:
            yield from _reads_within(entries, e.args)


def _choices(statements: Sequence[Statement], edges: Sequence[Edge]) -> Iterator[dict[str, int]]:
    """Choices of one part per tensor under which every read within the group has a known direction."""

    def extend(chosen: dict[str, int], rest: Sequence[Statement]) -> Iterator[dict[str, int]]:
        if not rest:
            yield chosen
            return
        statement = rest[0]
        for position in range(len(statement.tensor.parts)):
            trial = {**chosen, statement.name: position}
            ready = [
                e for e in edges if e.reader in trial and e.source in trial and statement.name in (e.reader, e.source)
            ]
            if all(e.lag(trial[e.reader], trial[e.source]) is not None for e in ready):
                yield from extend(trial, rest[1:])

    return extend({}, statements)


def _order(names: Sequence[str], axis: dict[str, int], edges: Sequence[Edge], direction: int) -> tuple[str, ...]:
    """The order within a step; empty if some read goes the wrong way or a step reads itself in a circle."""
    lags = [(e, e.lag(axis[e.reader], axis[e.source])) for e in edges]
    if any(lag == -direction for _, lag in lags):
        return ()
    within = {n: tuple(e.source for e, lag in lags if lag == 0 and e.reader == n) for n in names}
    ordered = strongly_connected(within)
    if any(len(group) > 1 or group[0] in within[group[0]] for group in ordered):
        return ()
    return tuple(name for group in ordered for name in group)
