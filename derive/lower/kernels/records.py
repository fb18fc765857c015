"""A kernel as data.

Normalised, a statement is a map ``T[i] = f`` or one reduction ``T[i] = op[entries](f)``; a *phase* is a run of them
that share letters, the rows, mostly the leading ones: a row's values need no other row's, and what is summed over the
rows is whole when the phase ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Basic, Expr

from derive.program import Bind, Letter, Tensor


@dataclass(frozen=True)
class Loop:
    """``T[binds] = rhs``, or ``T[binds] = op[entries](rhs)``; a point where a condition fails is 0."""

    tensor: Tensor
    binds: tuple[Bind, ...]
    rhs: Expr
    op: str = ""
    entries: tuple[Basic, ...] = ()

    @property
    def name(self) -> str:
        return self.tensor.name

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(b.letter for b in self.binds)

    @property
    def bound(self) -> tuple[Bind, ...]:
        return tuple(e for e in self.entries if isinstance(e, Bind))

    @property
    def expressions(self) -> tuple[Basic, ...]:
        return (*self.entries, self.rhs)


@dataclass(frozen=True)
class Phase:
    """Loops over the same rows: ``rows`` leading letters each; ``sums`` are over all rows."""

    lead: tuple[Bind, ...]
    loops: tuple[Loop, ...]
    sums: tuple[Loop, ...]

    def inner(self, loop: Loop) -> tuple[Bind, ...]:
        """The loop's own letters beside the rows'."""
        lead = {b.letter for b in self.lead}
        return tuple(b for b in loop.binds if b.letter not in lead)


@dataclass(frozen=True)
class Kernel:
    """Phases one after the other; ``outputs`` are wanted outside, the other tensors only within.

    ``checks`` count data-dependent indices that are out of range, where their reads are not guarded.
    """

    name: str
    phases: tuple[Phase, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    checks: tuple[str, ...] = ()

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name)


def is_flat(phase: Phase) -> bool:
    """Only maps of the rows' own letters, and sums of them: the rows themselves are the innermost loop."""
    count = len(phase.lead)
    maps = all(not loop.op and len(loop.binds) == count for loop in phase.loops)
    return maps and all(not loop.bound and not loop.binds for loop in phase.sums)
