"""``mutate``: every operator on one target, each mutant run against the checker, survivors examined."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

from derive.doors import load
from derive.errors import UnknownName
from derive.program import Program
from derive.simplify.gate import is_rational
from derive.verify.inputs import KINDS
from derive.verify.mutation.equivalence import Shown, shown
from derive.verify.mutation.operators import BREACHES, NAMES
from derive.verify.mutation.planting import mutants_of, placeless
from derive.verify.mutation.records import (
    CUT,
    EQUIVALENT,
    FUNCTION,
    KILLED,
    SURVIVED,
    UNSOUND,
    Finding,
    Mutant,
    Report,
)
from derive.verify.mutation.running import Bench, Death, program_of
from derive.verify.subject import Subject, subjects
from derive.verify.verdict import NOT_APPLICABLE


def mutate(
    target: str | Program,
    seed: int = 0,
    limit: int | None = None,
    *,
    operators: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    rungs: tuple[str, ...] = (),
    seconds: float | None = None,
) -> Report:
    """The report over one target; ``limit``: mutants of each operator, taken at random by ``seed``, all if None.

    ``kinds`` and ``rungs`` weaken the checker on purpose: what then survives tells what they are for.
    ``seconds`` of processor time: operators whose turn comes later are told as cut, never left out in silence.
    """
    start = time.process_time()
    benches = tuple(Bench(s, seed, kinds, rungs) for s in subjects(target) if isinstance(s, Subject))
    if not benches and isinstance(target, str):
        load(target)  # says why
    sweep = Sweep(benches, seed, limit, seconds)
    findings = [f for operator in _known(operators) or NAMES for f in sweep.of(operator)]
    return Report(
        sweep.name,
        tuple(findings),
        seed,
        limit,
        time.process_time() - start,
        tuple(n for b in benches for n in notes(b)),
    )


def _known(operators: tuple[str, ...]) -> tuple[str, ...]:
    for name in operators:
        if name not in NAMES:
            raise UnknownName(f"there is no mutation operator {name!r}", mend=f"they are: {', '.join(NAMES)}")
    return operators


class Sweep:
    """The settings of one target, and what is known of their originals."""

    def __init__(self, benches: tuple[Bench, ...], seed: int, limit: int | None, seconds: float | None = None) -> None:
        self.benches, self.seed, self.limit, self.seconds = benches, seed, limit, seconds
        self.started = time.process_time()
        self.name = benches[0].subject.name if benches else ""

    def of(self, operator: str) -> Iterator[Finding]:
        """What became of an operator's mutants: at most ``limit`` different ones over all settings."""
        if self._over():
            yield self._cut(operator)
            return
        found = list(self._chosen(operator))
        if not found:
            why = dict.fromkeys(placeless(bench.subject, operator) for bench in self.benches)
            yield Finding(self.name, operator, NOT_APPLICABLE, proof="; ".join(why))
        for at, mutant in found:
            if self._over():
                yield self._cut(operator)
                return
            yield judged(self.benches[at], mutant)

    def _over(self) -> bool:
        return self.seconds is not None and time.process_time() - self.started > self.seconds

    def _cut(self, operator: str) -> Finding:
        return Finding(self.name, operator, CUT, proof=f"not run: the {self.seconds:g} s of this target were over")

    def _chosen(self, operator: str) -> Iterator[tuple[int, Mutant]]:
        """Mutants at random; breaches in one setting first, whose right function is looked at once for all of them."""
        made = [(at, m) for at, bench in enumerate(self.benches) for m in mutants_of(bench.subject, operator)]
        random.Random(f"{self.seed} {self.name} {operator}").shuffle(made)
        if operator in BREACHES:
            order = list(range(len(self.benches)))
            random.Random(f"{self.seed} {self.name}").shuffle(order)
            made.sort(key=lambda m: order.index(m[0]))
        seen: set[Any] = set()
        for at, mutant in made:
            key = (at, mutant.program)
            if key not in seen and (self.limit is None or len(seen) < self.limit):
                seen.add(key)
                yield at, mutant


def notes(bench: Bench) -> Iterator[str]:
    """Where a gradient that is no number counted for nothing."""
    setting = f" ({bench.subject.title()})" if bench.subject.choices else ""
    for case, detail in bench.passed_over.items():
        yield f"{bench.subject.name}{setting}, the right function too, {case}: {detail}"


def judged(bench: Bench, mutant: Mutant) -> Finding:
    """What becomes of a mutant."""
    said = _said(bench, mutant)
    death = bench.death(mutant)
    own = bench.own(mutant.level, death) if death else None
    if death is not None and own is not None:
        return Finding(
            mutant.target, mutant.operator, UNSOUND, **said, rung=death.rung, kind=death.kind, check=own.check,
            detail=own.detail,
        )  # fmt: skip
    evidence = _examined(bench, mutant, death)
    if death is not None and not (evidence and evidence.same):
        return Finding(
            mutant.target, mutant.operator, KILLED, **said, rung=death.rung, kind=death.kind, check=death.row.check,
            detail=death.row.detail,
        )  # fmt: skip
    assert evidence is not None
    return Finding(
        mutant.target, mutant.operator, EQUIVALENT if evidence.same else SURVIVED, **said, proof=evidence.proof
    )


def _examined(bench: Bench, mutant: Mutant, death: Death | None) -> Shown | None:
    """The comparison of a mutant with its original, where the checker did not decide.

    The exact identity cannot tell exp(a + b) from exp(a)·exp(b): its word alone is no kill where there are functions.
    """
    if mutant.level == FUNCTION:
        return None if death else Shown(False, "it breaks what a torch function promises")
    if death is not None and (death.rung != "exact identity" or is_rational(bench.subject.program)):
        return None
    assert mutant.program is not None
    return shown(program_of(bench, mutant.level), mutant.program, bench)


def _said(bench: Bench, mutant: Mutant) -> dict[str, str]:
    return {
        "level": mutant.level, "statement": mutant.statement, "change": mutant.change,
        "setting": bench.subject.title(),
    }  # fmt: skip
