"""Neighbouring loops over axes that lie together in every array, as one: short rows become a long one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Basic, Expr

from derive.lower.kernels.phases import used_beside
from derive.lower.kernels.records import Phase
from derive.program import Bind, Letter, reads
from derive.targets.kernels.grouping import Group, Member

Extents = dict[str, tuple[Expr, ...]]


def joined(group: Group, phase: Phase, extents: Extents) -> list[list[int]]:
    """The nest's positions, those in one list run as one loop; ``extents`` are every array's."""
    runs: list[list[int]] = []
    for k in range(len(group.extents)):
        if k and all(_lie_together(m, k, group, phase, extents) for m in group.members):
            runs[-1].append(k)
        else:
            runs.append([k])
    return runs


def _lie_together(m: Member, k: int, group: Group, phase: Phase, extents: Extents) -> bool:
    """Whether positions k − 1 and k of the nest are one axis to a member."""
    if m.kind not in ("map", "reduction", "columns") or (m.kind == "map" and m.loop.op and m.loop.bound):
        return False
    pair = m.nest[k - 1], m.nest[k]
    kept = {b.letter for b in phase.inner(m.loop)}
    if (pair[0] in kept) != (pair[1] in kept) or any(e.has(Letter) for e in group.extents):
        return False
    conditions = [e for e in m.loop.entries if not isinstance(e, Bind)]
    if any(x in pair for e in (m.loop.rhs, *conditions) for x in used_beside(e)):
        return False
    return all(_adjacent(pair, i, sizes, group.extents[k]) for i, sizes in _places(m, extents))


def _places(m: Member, extents: Extents) -> Iterator[tuple[Sequence[Basic], tuple[Expr, ...]]]:
    """Where a member reads and writes: indices, and the sizes of their axes."""
    yield m.loop.letters, tuple(b.hi for b in m.loop.binds)
    for e in m.loop.expressions:
        for r in reads(e):
            yield r.indices, extents[r.tensor]


def _adjacent(pair: tuple[Letter, Letter], indices: Sequence[Basic], sizes: tuple[Expr, ...], extent: Expr) -> bool:
    """Neither letter is there, or both side by side over the whole of the second's axis."""
    where = [k for k, i in enumerate(indices) if i in pair]
    if not where:
        return not any(x in i.free_symbols for i in indices for x in pair)
    return (
        len(where) == 2
        and where[1] == where[0] + 1
        and (indices[where[0]], indices[where[1]]) == pair
        and sizes[where[1]] == extent
    )
