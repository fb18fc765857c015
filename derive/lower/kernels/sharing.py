"""Reductions that are the same are done once: ``dx``'s own sum over a channel is the gradient of the shift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import Basic

from derive.lower.kernels.records import Loop
from derive.program import Letter, Read, reads, rebuild, substitute


def shared(loops: Sequence[Loop], kept: Iterable[str]) -> list[Loop]:
    """The loops without those that repeat an earlier reduction; what is kept keeps its name."""
    wanted = set(kept)
    result: list[Loop] = []
    places: dict[tuple, int] = {}
    names: dict[str, str] = {}
    for loop in loops:
        loop = _renamed(loop, names)
        key = _key(loop)
        if not loop.op or key not in places:
            if loop.op:
                places[key] = len(result)
            result.append(loop)
            continue
        first = result[places[key]]
        if loop.name not in wanted:
            names[loop.name] = first.name
        elif first.name not in wanted:
            names[first.name] = loop.name
            result[places[key]] = replace(first, tensor=loop.tensor)
            result = [_renamed(other, {first.name: loop.name}) for other in result]
        else:
            result.append(loop)
    return result


def _key(loop: Loop) -> tuple:
    """A reduction up to the names of its letters."""
    letters = {b.letter: Letter(f"·{k}") for k, b in enumerate((*loop.binds, *loop.bound))}
    entries = (substitute(e, letters) for e in (*loop.binds, *loop.entries))
    return loop.op, loop.tensor.kind, len(loop.binds), *entries, substitute(loop.rhs, letters)


def _renamed(loop: Loop, names: dict[str, str]) -> Loop:
    """The loop with what it reads called otherwise."""
    if not any(r.tensor in names for e in loop.expressions for r in reads(e)):
        return loop

    def one(n: Basic) -> Basic:
        return Read(names[n.tensor], *n.indices) if isinstance(n, Read) and n.tensor in names else n

    return replace(loop, rhs=rebuild(loop.rhs, one), entries=tuple(rebuild(e, one) for e in loop.entries))
