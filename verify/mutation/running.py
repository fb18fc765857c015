"""A mutant against the checker: its rungs at every kind of input, until the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from derive.program import Program
from derive.verify import autograd, callables, ladder
from derive.verify.inputs import KINDS, Case, is_symbolic, make
from derive.verify.mutation.breaches import Right, unbroken
from derive.verify.mutation.planting import as_torch, right_of, unfelt
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
NO_NUMBER = "finite gradient"
#: A function's example inputs are of these kinds, or the first there is; it is varied from there as a user's is.
EXAMPLES = ("asymmetric", "plain")


@dataclass(frozen=True)
class Death:
    """Which rung, at which kind of input, failed, and the row that says so; of a function, at which example."""

    rung: str
    kind: str
    row: Row
    example: int = 0


@dataclass
class Bench:
    """One setting of a target with what its mutants share: the cases, the derivatives, what oracles remember."""

    subject: Subject
    seed: int = 0
    kinds: tuple[str, ...] = KINDS
    rungs: tuple[str, ...] = ()
    kept: dict = field(default_factory=dict, repr=False)  # values of the originals, for those who compare
    passed_over: dict[str, str] = field(default_factory=dict)  # cases where the right function has no finite gradient
    _own: dict[tuple[str, str, str], Row | None] = field(default_factory=dict, repr=False)
    _made: dict[int, dict[tuple[str, str], Row]] = field(default_factory=dict, repr=False)
    _whole: set[int] = field(default_factory=set, repr=False)
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
        cases = [c for kind in EXAMPLES if kind in self.kinds and (c := self.case(kind)) is not None]
        cases = cases or list(islice((c for c in self.cases() if c.kind != "empty"), 1))
        idle = unfelt(self.subject)
        return tuple((c, right_of(self.subject.program, hypers(c), idle)) for c in cases)

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
        if not self.rungs_of(level):
            return None
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
        """The first failed row of a torch function.

        A gradient that is no number where the right one is none either is passed over: √0 has none, and the chain rule
        makes nan of it even where the whole is smooth, as it does in torch.
        """
        for k, (case, right) in enumerate(self.rights):
            for row in _rows(as_torch(mutant, right), case, right, self.seed):
                rung = row.rule.partition("/")[0]
                if row.status != FAILED or (self.rungs and rung not in self.rungs):
                    continue
                found = Death(rung, case.kind, row, k)
                if row.check != NO_NUMBER or self.own(FUNCTION, found) is None:
                    return found
                self.passed_over.setdefault(row.case, row.detail)
        return None

    def own(self, level: str, death: Death) -> Row | None:
        """How what is right fails the check that killed a mutant, if it does: then the kill says nothing."""
        return self._own_function(death) if level == FUNCTION else self._own_rung(level, death)

    def _own_rung(self, level: str, death: Death) -> Row | None:
        key = (level, death.rung, death.kind)
        if key not in self._own:
            case = self.case(death.kind)
            assert case is not None
            options = ladder.Options(self.seed, (1,), (), (death.rung,))
            rows = (row for _, row in ladder.rows_at(self.subject, case, options, self._finite(case)))
            self._own[key] = next((row for row in rows if row.status == FAILED), None)
        return self._own[key]

    def _own_function(self, death: Death) -> Row | None:
        """The right function's row of that check: made up to the first one asked for, for another to the end."""
        wanted = (death.row.case, death.row.check)
        known = self._made.get(death.example)
        if known is None:
            known = self._made[death.example] = self._right_rows(death.example, wanted)
        elif wanted not in known and death.example not in self._whole:
            known = self._made[death.example] = self._right_rows(death.example, None)
            self._whole.add(death.example)
        if wanted in known:
            return known[wanted] if known[wanted].status == FAILED else None
        return next((row for row in known.values() if row.status == FAILED), None)  # it never came to that check

    def _right_rows(self, example: int, last: tuple[str, str] | None) -> dict[tuple[str, str], Row]:
        """The right function's rows by case and check, up to one of them."""
        case, right = self.rights[example]
        found: dict[tuple[str, str], Row] = {}
        for row in _rows(unbroken(right), case, right, self.seed):
            found.setdefault((row.case, row.check), row)
            if (row.case, row.check) == last:
                break
        return found


def _rows(function: Callable[..., Any], case: Case, right: Right, seed: int) -> Iterator[Row]:
    tensors = tuple(autograd.tensors(case.inputs).values())
    return callables.rows(function, tensors, seed=seed, orders=(1,), reference=right.plain)


def hypers(case: Case) -> dict[str, object]:
    """The hyperparameters that are still to be given, by name."""
    return {p.name: case.hyper(p) for p in case.program.parameters if is_symbolic(p)}


def program_of(bench: Bench, level: str) -> Program:
    """What is right at that level."""
    return bench.subject.vjp if level == GRADIENT else bench.subject.program
