"""A mutant against the checker: the ladder's rungs at every kind of input, until the first that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from derive.program import Program
from derive.verify import ladder
from derive.verify.inputs import KINDS, Case, make
from derive.verify.mutation.records import FORWARD, GRADIENT, UPDATE
from derive.verify.subject import Subject
from derive.verify.verdict import FAILED, Row

#: Rungs that look at the program alone, and so say nothing of its gradient.
FORWARD_RUNGS = ("forward", "trajectory")
#: Rungs that look at a gradient, and need no operation of torch's own: what a user's definition has.
GRADIENT_RUNGS = ("gradient", "probes", "exact identity")
RUNGS_OF: dict[str, tuple[str, ...]] = {GRADIENT: GRADIENT_RUNGS, FORWARD: FORWARD_RUNGS, UPDATE: FORWARD_RUNGS}


@dataclass(frozen=True)
class Death:
    """Which rung, at which kind of input, failed, and the row that says so."""

    rung: str
    kind: str
    row: Row


@dataclass
class Bench:
    """One setting of a target with what its mutants share: the cases, the derivatives, what oracles remember."""

    subject: Subject
    seed: int = 0
    kinds: tuple[str, ...] = KINDS
    rungs: tuple[str, ...] = ()
    _cases: dict[tuple[str, int], Case | None] = field(default_factory=dict, repr=False)

    def case(self, kind: str, seed: int | None = None) -> Case | None:
        """The inputs of that kind, made once."""
        key = (kind, self.seed if seed is None else seed)
        if key not in self._cases:
            self._cases[key] = make(self.subject.program, *key)
        return self._cases[key]

    def cases(self) -> Iterator[Case]:
        """The inputs of each kind that the program admits."""
        return (case for kind in self.kinds if (case := self.case(kind)) is not None)

    def death(self, program: Program, level: str) -> Death | None:
        """What kills a mutated program, if anything does."""
        subject = self.subject
        mutated = subject.with_gradient(program) if level == GRADIENT else self._with_forward(program)
        allowed = [n for n in RUNGS_OF[level] if not self.rungs or n in self.rungs]
        return first_death(mutated, self.cases(), allowed, ladder.Options(self.seed, (1,), ()))

    def _with_forward(self, program: Program) -> Subject:
        return Subject(self.subject.name, program, self.subject.choices)


def first_death(
    subject: Subject, cases: Iterator[Case], allowed: list[str], options: ladder.Options
) -> Death | None:
    """The first failed row; the kind of inputs is the outer loop, as the cheap rungs come first in each."""
    for case in cases:
        for name, rung in ladder.RUNGS:
            if name not in allowed:
                continue
            for row in ladder._attempt(name, rung, subject, case, options):
                if row.status == FAILED:
                    return Death(name, case.kind, row)
    return None
