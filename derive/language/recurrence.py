"""Order of statements, and whether what reads itself moves one way along one axis."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integer

from derive.language.floors import expanded, sign
from derive.language.ranges import Facts
from derive.language.tables import Build, Row
from derive.order import strongly_connected
from derive.program import (
    Bind,
    Compare,
    Letter,
    Piece,
    Read,
    Reduce,
    Statement,
    free_letters,
    tensors_read,
)  # fmt: skip

Read_ = tuple[str, Piece, Read, tuple]


def ordered(statements: list[Statement], build: Build) -> tuple[Statement, ...]:
    """Statements so that each reads only earlier ones, recurrences adjacent."""
    by_name = {s.name: s for s in statements}
    graph = {s.name: tensors_read(s) for s in statements}
    out: list[Statement] = []
    for group in strongly_connected(graph):
        if len(group) > 1 or group[0] in graph[group[0]]:
            _check_recurrence([by_name[n] for n in group], build)
        out += [by_name[n] for n in group]
    return tuple(out)


def _check_recurrence(group: list[Statement], build: Build) -> None:
    names = [s.name for s in group]
    found = [r for s in group for r in _reads_of(s, names)]
    facts = Facts(build)
    for axes in _axes(group, found):
        for direction in (1, -1):
            steps = [
                (owner, read.tensor, _step(item, axes, direction, facts))
                for item in found
                for owner, _, read, _ in [item]
            ]
            if all(step is not None for _, _, step in steps) and _acyclic(names, steps):
                return
    row = next(r for r in build.rows if r.name == names[0])
    raise _cyclic(row, names)


def _cyclic(row: Row, names: list[str]) -> Exception:
    assert row.definition is not None
    shown = " → ".join([*names, names[0]])
    message = f"cyclic recurrence: {shown} does not move one way along one axis"
    mend = f"read an earlier step, such as {row.name}[t - 1], with a base {row.name}[-1] = …"
    return row.definition.error(message, row.node, mend)


def _reads_of(statement: Statement, names: list[str]) -> Iterator[Read_]:
    """(tensor, piece, read, entries on the way) of every read of the group."""
    for piece in statement.pieces:
        for e in (*piece.entries, piece.rhs):
            for read, entries in _on_the_way(e, piece.entries):
                if read.tensor in names:
                    yield statement.name, piece, read, entries


def _on_the_way(e: Expr, entries: tuple) -> Iterator[tuple[Read, tuple]]:
    if isinstance(e, Read):
        yield e, entries
    if isinstance(e, Reduce):
        entries = (*entries, *e.entries)
    for a in e.args:
        yield from _on_the_way(a, entries)


def _axes(group: list[Statement], found: list[Read_]) -> Iterator[dict[str, int]]:
    """For each way to say which part of each tensor is the step: the parts where reads are shifted first."""
    first = group[0]
    candidates = range(len(first.tensor.parts))
    for position in candidates:
        axes = {first.name: position}
        changed = True
        while changed:
            changed = False
            for owner, piece, read, _ in found:
                if owner in axes and read.tensor not in axes:
                    other = _same_part(piece.indices[axes[owner]], read)
                    if other is not None:
                        axes[read.tensor] = other
                        changed = True
                if read.tensor in axes and owner not in axes:
                    back = _same_index(read.indices[axes[read.tensor]], piece)
                    if back is not None:
                        axes[owner] = back
                        changed = True
        if len(axes) == len(group):
            yield axes


def _same_part(index: Expr, read: Read) -> int | None:
    """Which index of a read moves with a left side's index."""
    letters = free_letters(index)
    for position, e in enumerate(read.indices):
        if e == index or (letters and letters & free_letters(e)):
            return position
    return 0 if read.indices else None


def _same_index(index: Expr, piece: Piece) -> int | None:
    letters = free_letters(index)
    for position, e in enumerate(piece.indices):
        if letters & free_letters(e):
            return position
    return 0 if piece.indices else None


def _step(item: Read_, axes: dict[str, int], direction: int, facts: Facts) -> int | None:
    """1: the read is of a strictly earlier step; 0: of the same step; None: neither is certain."""
    owner, piece, read, entries = item
    gap = expanded(direction * (piece.indices[axes[owner]] - read.indices[axes[read.tensor]]))
    low = _lowest(gap, entries, facts)
    if any(facts.sign(e - 1) == 1 for e in low):
        return 1
    return 0 if any(facts.sign(e) == 1 for e in low) else None


def _lowest(gap: Expr, entries: tuple, facts: Facts) -> list[Expr]:
    """Lower bounds of an affine gap: each letter put at the end, or the filter, that makes it least."""
    bounds = [gap]
    for _ in range(4):
        following: list[Expr] = []
        for e in bounds:
            letters = sorted(free_letters(e), key=lambda s: s.name)
            if not letters:
                following.append(e)
                continue
            for letter in letters:
                slope = e.coeff(letter, 1)
                following += [expanded(e + slope * (end - letter)) for end in _ends(letter, slope, entries)]
        if following == bounds:
            break
        bounds = following[:64]
    return [facts.solve(e) for e in bounds if not free_letters(e)]


def _ends(letter: Letter, slope: Expr, entries: tuple) -> list[Expr]:
    """Where a letter makes ``slope*letter`` least: its low end, its high end, or what a filter says."""
    rising = sign(slope)
    if rising is None:
        return []
    ends: list[Expr] = []
    for e in entries:
        if isinstance(e, Bind) and e.letter == letter:
            ends.append(e.lo if rising == 1 else e.hi - 1)
        elif isinstance(e, Compare) and e.op in ("<", "<="):
            a, b = e.args[1:]
            strict = Integer(1 if e.op == "<" else 0)
            if rising == 1 and b == letter:
                ends.append(a + strict)
            elif rising == -1 and a == letter:
                ends.append(b - strict)
    return ends


def _acyclic(names: list[str], steps: list[tuple[str, str, int | None]]) -> bool:
    """Whether the reads within one step have an order."""
    same = {n: tuple(b for a, b, step in steps if a == n and step == 0) for n in names}
    groups = strongly_connected(same)
    return all(len(g) == 1 and g[0] not in same[g[0]] for g in groups)
