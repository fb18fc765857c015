"""A mutant against the checker: its rungs at every kind of input, until the first that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from derive.program import Program
from derive.verify import autograd, callables, ladder
from derive.verify.inputs import KINDS, Case, is_symbolic, make
from derive.verify.mutation.breaches import Right
from derive.verify.mutation.planting import as_torch, right_of
from derive.verify.mutation.records import FORWARD, FUNCTION, GRADIENT, UPDATE, Mutant
from derive.verify.subject import Subject
from derive.verify.verdict import FAILED, Row

#: The rungs that look at what is mutated; for a gradient, those that need no operation of torch's own.
RUNGS_OF: dict[str, tuple[str, ...]] = {
    GRADIENT: ("gradient", "probes", "exact identity"),
    FORWARD: ("forward", "trajectory"),
    UPDATE: ("forward", "trajectory"),
    FUNCTION: ("forward", "contract", "probes"),
}
#: A function is given the example inputs of these kinds; it is varied from there as a user's is.
EXAMPLES = ("asymmetric", "plain")


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
    kept: dict = field(default_factory=dict, repr=False)  # values of the originals, for those who compare
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

    def rungs_of(self, level: str) -> tuple[str, ...]:
        """The rungs that are climbed for a mutant of that level."""
        return tuple(n for n in RUNGS_OF[level] if not self.rungs or n in self.rungs)

    @cached_property
    def rights(self) -> tuple[tuple[Case, Right], ...]:
        """The derived function at each example's hyperparameters."""
        cases = (self.case(kind) for kind in EXAMPLES if kind in self.kinds)
        return tuple((c, right_of(self.subject.program, hypers(c))) for c in cases if c is not None)

    def death(self, mutant: Mutant) -> Death | None:
        """What kills a mutant, if anything does."""
        if mutant.level == FUNCTION:
            return self._function_death(mutant)
        assert mutant.program is not None
        if mutant.level == GRADIENT:
            return self._climbed(self.subject.with_gradient(mutant.program), GRADIENT)
        return self._climbed(Subject(self.subject.name, mutant.program, self.subject.choices), mutant.level)

    def _climbed(self, subject: Subject, level: str) -> Death | None:
        """The first failed row; the kind of inputs is the outer loop, as the cheap rungs come first in each."""
        options = ladder.Options(self.seed, (1,), (), self.rungs_of(level))
        for case in self.cases():
            for name, row in ladder.rows_at(subject, case, options, self._finite(case)):
                if row.status == FAILED:
                    return Death(name, case.kind, row)
        return None

    def _finite(self, case: Case) -> bool:
        """Whether the forward has values there, and so derivatives."""
        if id(case) not in self.kept:
            self.kept[id(case)] = ladder.is_finite(case)
        return self.kept[id(case)]

    def _function_death(self, mutant: Mutant) -> Death | None:
        """The first failed row of a torch function at examples and near them."""
        for case, right in self.rights:
            tensors = tuple(autograd.tensors(case.inputs).values())
            function = as_torch(mutant, right)
            for row in callables.rows(function, tensors, seed=self.seed, orders=(1,), reference=right.plain):
                rung = row.rule.partition("/")[0]
                if row.status == FAILED and (not self.rungs or rung in self.rungs):
                    return Death(rung, case.kind, row)
        return None


def hypers(case: Case) -> dict[str, object]:
    """The hyperparameters that are still to be given, by name."""
    return {p.name: case.hyper(p) for p in case.program.parameters if is_symbolic(p)}


def program_of(bench: Bench, level: str) -> Program:
    """What is right at that level."""
    return bench.subject.vjp if level == GRADIENT else bench.subject.program
