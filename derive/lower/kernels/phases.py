"""Loops grouped into phases: the longest run of leading letters that they share is the rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import Basic, Expr

from derive.lower.kernels.records import Loop, Phase, is_flat
from derive.program import Bind, Letter, Read, reads, substitute


def phases_of(loops: Sequence[Loop]) -> tuple[Phase, ...] | None:
    """Consecutive loops over the same rows, as many as go together; memory in its order comes before fewer phases."""
    phases: list[Phase] = []
    group: list[Loop] = []
    current: Phase | None = None
    for loop in loops:
        grown = _grown(current, group, loop)
        if grown is None:
            phases += [current] if current else []
            group, grown = [], _phase([loop], True) or _phase([loop], False)
        if grown is None:
            return None
        current = grown
        group.append(loop)
    return (*phases, current) if current else ()


def _grown(current: Phase | None, group: Sequence[Loop], loop: Loop) -> Phase | None:
    """The phase with one more loop."""
    if current is None:
        return None
    found = _phase([*group, loop], True)
    return found if found is not None or not _jumps(current) else _phase([*group, loop], False)


def _phase(loops: Sequence[Loop], in_order: bool) -> Phase | None:
    """The loops over the longest rows' letters they share, those letters called alike; memory in its order or not.

    Rows may stand inside a tensor's axes (a channel between sample and pixels) where a row's reduction needs them to.
    """
    most = max((len(loop.binds) + len(loop.bound) for loop in loops), default=0)
    for count in range(most, -1, -1):
        for extents in _leads(loops, count):
            found = _with_lead(loops, extents, in_order)
            if found is not None:
                return found
    return None


def _leads(loops: Sequence[Loop], count: int) -> Iterator[tuple[Expr, ...]]:
    """Candidates: the leading extents of what a loop gives, or of what it sums over."""
    seen: dict[tuple[Expr, ...], None] = {}
    for loop in loops:
        if len(loop.binds) >= count:
            seen[tuple(b.hi for b in loop.binds[:count])] = None
        for choice in _choices(loop.bound, count):
            seen[tuple(b.hi for b in choice)] = None
    yield from seen


def _choices(binds: tuple[Bind, ...], count: int) -> Iterator[tuple[Bind, ...]]:
    """Consecutive bound letters that start at 0."""
    for k in range(len(binds) - count + 1 if count else 0):
        if all(b.lo == 0 for b in binds[k : k + count]):
            yield binds[k : k + count]


def _with_lead(loops: Sequence[Loop], extents: tuple[Expr, ...], in_order: bool) -> Phase | None:
    count = len(extents)
    letters = tuple(Letter(f"r{k}") for k in range(count))
    lead = tuple(Bind(x, 0, e) for x, e in zip(letters, extents, strict=True))
    rows: dict[str, Loop] = {}
    sums: dict[str, Loop] = {}
    if count == 0 and any(loop.binds or loop.op for loop in loops) and not (in_order and _are_columns(loops)):
        return None
    for loop in loops:
        inside = in_order and any(r.op and r.bound for r in rows.values())
        aligned = _row(loop, lead, rows, sums, inside)
        if aligned is not None:
            rows[loop.name] = aligned
            continue
        aligned = _sum(loop, lead, rows, sums)
        if aligned is None:
            return None
        sums[loop.name] = aligned
    phase = Phase(lead, tuple(rows.values()), tuple(sums.values()))
    return phase if _letters_stand_apart(phase) and not (in_order and _jumps(phase)) else None


def _are_columns(loops: Sequence[Loop]) -> bool:
    """Whether all reduce along memory's slow axes, as ``max[k](x[k, b])``: then the whole of it is one row."""
    last = [(loop, loop.binds[-1].letter if loop.op and loop.binds and loop.bound else None) for loop in loops]
    return all(x is not None and any(r.indices[-1:] == (x,) for r in reads(loop.rhs)) for loop, x in last)


def _jumps(phase: Phase) -> bool:
    """Whether an inner loop strides: its array's last index is a row's letter."""
    lead = {b.letter for b in phase.lead}
    for loop in (*phase.loops, *phase.sums):
        places = [loop.letters, *(r.indices for e in loop.expressions for r in reads(e))]
        if any(p and p[-1] in lead and any(isinstance(i, Letter) and i not in lead for i in p) for p in places):
            return True
    return False


def _letters_stand_apart(phase: Phase) -> bool:
    """Rows' letters are bare indices; in an elementwise pass over several, all of them together."""
    letters, flat = tuple(b.letter for b in phase.lead), is_flat(phase)
    if flat and len(letters) == 1:
        return True
    alone = set(letters)
    for loop in (*phase.loops, *phase.sums):
        for e in loop.expressions:
            if any(x in alone for x in used_beside(e)):
                return False
            if flat and any(alone & set(r.indices) and r.indices != letters for r in reads(e)):
                return False
    return True


def used_beside(e: Basic) -> Iterator[Basic]:
    """Symbols of an expression beside the bare indices of its reads."""
    if isinstance(e, Read):
        for i in e.indices:
            if not isinstance(i, Letter):
                yield from used_beside(i)
    elif not e.args:
        yield e
    else:
        for a in e.args:
            yield from used_beside(a)


def _row(loop: Loop, lead: tuple[Bind, ...], rows: dict, sums: dict, inside: bool) -> Loop | None:
    """A loop among whose letters the rows' are: the leading ones, or those between others."""
    count = len(lead)
    for k in range(len(loop.binds) - count + 1 if inside else 1):
        here = loop.binds[k : k + count]
        if tuple(b.hi for b in here) == tuple(b.hi for b in lead):
            mapping = {b.letter: x.letter for b, x in zip(here, lead, strict=True)}
            found = _renamed(loop, mapping, lead, rows, sums)
            if found is not None:
                return found
    return None


def _sum(loop: Loop, lead: tuple[Bind, ...], rows: dict, sums: dict) -> Loop | None:
    """A loop that sums over the rows."""
    if loop.op not in ("sum", "count") or any(b.letter in loop.letters for b in loop.bound):
        return None
    for choice in _summed(loop, lead):
        mapping = {b.letter: x.letter for b, x in zip(choice, lead, strict=True)}
        rest = replace(loop, entries=tuple(e for e in loop.entries if e not in choice))
        if {x for b in loop.binds for x in b.hi.free_symbols} & set(mapping):
            continue
        found = _renamed(rest, mapping, lead, rows, sums)
        if found is not None:
            return found
    return None


def _summed(loop: Loop, lead: tuple[Bind, ...]) -> Iterator[tuple[Bind, ...]]:
    """Its letters that are the rows': all of them summed over, or, where more is, some of them kept."""
    extents = tuple(b.hi for b in lead)
    yield from (c for c in _choices(loop.bound, len(lead)) if tuple(b.hi for b in c) == extents)
    fitting = [[b for b in (*loop.bound, *loop.binds) if b.lo == 0 and b.hi == e] for e in extents]
    for choice in itertools.product(*fitting):
        own = [b for b in choice if b in loop.bound]
        if len(set(choice)) == len(choice) and own and len(own) < len(choice) and len(own) < len(loop.bound):
            yield choice


def _renamed(loop: Loop, mapping: dict, lead: tuple[Bind, ...], rows: dict, sums: dict) -> Loop | None:
    """The loop in the rows' letters, if it reads only its own row of what the phase computes."""
    new = replace(
        loop,
        binds=tuple(substitute(b, mapping) for b in loop.binds),
        rhs=substitute(loop.rhs, mapping),
        entries=tuple(substitute(e, mapping) for e in loop.entries),
    )
    letters = {b.letter for b in lead}
    for e in new.expressions:
        for r in reads(e):
            if r.tensor in sums:
                return None
            if r.tensor in rows and not _of_its_row(r, rows[r.tensor], letters):
                return None
    return new


def _of_its_row(r: Read, made: Loop, lead: set[Letter]) -> bool:
    """A row's values may be read anywhere in the row once they are whole."""
    return all(i == x for i, x in zip(r.indices, made.letters, strict=True) if x in lead)
