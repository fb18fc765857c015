"""The loops of a phase's rows, those over the same ranges together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Integer

from derive.lower.kernels.records import Loop, Phase
from derive.program import Bind, Compare, Letter, Logic, Read, Where, reads


@dataclass
class Group:
    """Loops over the same ranges, run as one."""

    extents: tuple[Expr, ...]
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """A loop in its group's letters; ``kind``: map (by inner loops, if it reduces), reduction, columns, or points.

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
                together = made.kind == "map" and _same_point(r, member, len(phase.lead))
                first = max(first, where if together and groups[where].extents == extents else where + 1)
        k = next((k for k in range(first, len(groups)) if groups[k].extents == extents), len(groups))
        if k == len(groups):
            groups.append(Group(extents))
        groups[k].members.append(member)
        at[loop.name] = (k, member)
    return groups


def _same_point(r: Read, member: Member, count: int) -> bool:
    return tuple(r.indices[count:]) == member.nest[: len(r.indices) - count]


def _member(loop: Loop, phase: Phase) -> tuple[Member, tuple[Expr, ...]]:
    of_rows = any(x is loop for x in phase.loops)
    kept = loop.binds[len(phase.lead) :] if of_rows else loop.binds
    point = _point(loop, kept) if of_rows and not loop.op else None
    if point is not None:
        return point, tuple(b.hi for b in kept if b.letter in point.nest)
    if not loop.op:
        return Member(loop, "map", tuple(b.letter for b in kept)), tuple(b.hi for b in kept)
    simple = all(b.lo == 0 for b in loop.bound)
    if not kept and simple and loop.bound:
        filters = tuple(e for e in loop.entries if not isinstance(e, Bind))
        nest = tuple(b.letter for b in loop.bound)
        return Member(loop, "reduction", nest, filters), tuple(b.hi for b in loop.bound)
    if kept and simple and of_rows and loop.bound and _runs_along(loop, kept[-1].letter):
        filters = tuple(e for e in loop.entries if not isinstance(e, Bind))
        order = (*loop.bound, *kept)
        return Member(loop, "columns", tuple(b.letter for b in order), filters), tuple(b.hi for b in order)
    return Member(loop, "map", tuple(b.letter for b in kept), loop.entries), tuple(b.hi for b in kept)


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
