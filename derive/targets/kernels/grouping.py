"""The loops of a phase's rows, those over the same ranges together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Integer

from derive.lower.kernels.records import Loop, Phase
from derive.lower.kernels.short import told_apart
from derive.program import Bind, Compare, Letter, Logic, Read, Size, Where, reads


@dataclass
class Group:
    """Loops over the same ranges, run as one."""

    extents: tuple[Expr, ...]
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """A loop in its group's letters; ``kind``: map (by inner loops, if it reduces), reduction, columns, values,
    or points.

    A reduction is over the inner part of its nest; columns are reduced over the outer part, all at once.

    Of values, ``inner`` is the short letter that is left out of ``nest``, each of its values a line, and its extent.
    Of points, ``inner`` is where along the letter left out of ``nest``, and the conditions; the loop gives the value.
    """

    loop: Loop
    kind: str
    nest: tuple[Letter, ...]
    inner: tuple[Basic, ...] = ()


def grouped(phase: Phase) -> list[Group]:
    """Each loop in the earliest group it may join."""
    groups: list[Group] = []
    at: dict[str, tuple[int, Member]] = {}
    for loop in (*phase.loops, *phase.sums):
        member, extents = _member(loop, phase)
        first = 0
        for r in (r for e in loop.expressions for r in reads(e)):
            if r.tensor in at:
                where, made = at[r.tensor]
                together = made.kind == "map" and _same_point(r, made, member, phase)
                first = max(first, where if together and groups[where].extents == extents else where + 1)
        k = next((k for k in range(first, len(groups)) if groups[k].extents == extents), len(groups))
        if k == len(groups):
            groups.append(Group(extents))
        groups[k].members.append(member)
        at[loop.name] = (k, member)
    return groups


def _same_point(r: Read, made: Member, member: Member, phase: Phase) -> bool:
    """Whether a nest reads, at each of its points, what is made at that point."""
    own = phase.inner(made.loop)
    inner = tuple(i for i, b in zip(r.indices, made.loop.binds, strict=True) if b in own)
    return inner == member.nest[: len(inner)]


def _member(loop: Loop, phase: Phase) -> tuple[Member, tuple[Expr, ...]]:
    """How a loop is run, and the ranges of its nest."""
    kept = phase.inner(loop)
    in_front = loop.binds[len(phase.lead) :] == kept and any(x is loop for x in phase.loops)
    point = _point(loop, kept) if in_front and not loop.op else None
    if point is not None:
        return point, tuple(b.hi for b in kept if b.letter in point.nest)
    filters = tuple(e for e in loop.entries if not isinstance(e, Bind))
    apart = told_apart(kept, loop.rhs) if not loop.op else None
    if apart is not None:
        return _over("values", loop, tuple(b for b in kept if b is not apart), (apart.letter, apart.hi))
    if not loop.op:
        return _over("map", loop, kept, ())
    simple = loop.bound and all(b.lo == 0 for b in loop.bound)
    if simple and (not kept or _is_along(loop)):
        return _over("reduction", loop, (*kept, *loop.bound), filters)
    if simple and (in_front or loop in phase.sums) and _runs_along(loop, kept[-1].letter):
        return _over("columns", loop, (*loop.bound, *kept), filters)
    return _over("map", loop, kept, loop.entries)


def _over(kind: str, loop: Loop, binds: tuple[Bind, ...], inner: tuple[Basic, ...]) -> tuple[Member, tuple[Expr, ...]]:
    return Member(loop, kind, tuple(b.letter for b in binds), inner), tuple(b.hi for b in binds)


def _is_along(loop: Loop) -> bool:
    """Whether what is summed lies along the last letter that is summed over, and is long."""
    last = loop.bound[-1]
    is_long = any(isinstance(s, Size) for s in last.hi.free_symbols)
    return is_long and any(r.indices and r.indices[-1] == last.letter for r in reads(loop.rhs))


def _point(loop: Loop, kept: tuple[Bind, ...]) -> Member | None:
    """``where(data == letter, value, 0)`` with a value free of the letter: zeros, and the value at one point."""
    if not (isinstance(loop.rhs, Where) and loop.rhs.args[2] == 0):
        return None
    condition, value, _ = loop.rhs.args
    parts = condition.conditions if isinstance(condition, Logic) and condition.op == "and" else (condition,)
    for b in kept:
        for k, c in enumerate(parts):
            at = _equal_to(c, b.letter)
            rest = (*parts[:k], *parts[k + 1 :])
            if at is not None and not any(b.letter in e.free_symbols for e in (at, value, *rest)):
                nest = tuple(x.letter for x in kept if x is not b)
                inside = Logic("and", Compare("<=", Integer(0), at), Compare("<", at, b.hi))
                return Member(replace(loop, rhs=value), "points", nest, (b.letter, at, *rest, inside))
    return None


def _equal_to(c: Basic, letter: Letter) -> Expr | None:
    """What data say the letter is."""
    if not (isinstance(c, Compare) and c.op == "==" and letter in c.args[1:]):
        return None
    other = c.args[2] if c.args[1] == letter else c.args[1]
    return other if any(True for _ in reads(other)) else None


def _runs_along(loop: Loop, letter: Letter) -> bool:
    """Whether what is summed lies along a letter that stays."""
    last = [r.indices[-1] for r in reads(loop.rhs) if r.indices]
    return any(e == letter for e in last) and not any(e in {b.letter for b in loop.bound} for e in last)
