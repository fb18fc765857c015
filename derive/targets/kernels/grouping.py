"""The loops of a phase's rows, those over the same ranges together."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Basic, Expr

from derive.lower.kernels.records import Loop, Phase
from derive.program import Bind, Letter, Read, reads


@dataclass
class Group:
    """Loops over the same ranges, run as one."""

    extents: tuple[Expr, ...]
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """A loop in its group's letters; ``kind``: map (by inner loops, if it reduces), reduction, or columns."""

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


def _runs_along(loop: Loop, letter: Letter) -> bool:
    """Whether what is summed lies along a letter that stays."""
    last = [r.indices[-1] for r in reads(loop.rhs) if r.indices]
    return any(e == letter for e in last) and not any(e in {b.letter for b in loop.bound} for e in last)
