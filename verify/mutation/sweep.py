"""``mutate``: every operator on one target, each mutant run against the checker, survivors examined."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

from derive.errors import DeriveError
from derive.program import Program
from derive.verify.inputs import KINDS
from derive.verify.mutation.equivalence import shown
from derive.verify.mutation.operators import BACKWARD, Operator, edits
from derive.verify.mutation.records import EQUIVALENT, GRADIENT, KILLED, SURVIVED, Finding, Mutant, Report
from derive.verify.mutation.running import Bench
from derive.verify.subject import subjects
from derive.verify.verdict import NOT_APPLICABLE


def mutate(
    target: str | Program,
    seed: int = 0,
    limit: int | None = None,
    *,
    operators: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    rungs: tuple[str, ...] = (),
) -> Report:
    """The report over one target; ``limit``: mutants of each operator, taken at random by ``seed``, all if None.

    ``kinds`` and ``rungs`` weaken the checker on purpose: what then survives tells what they are for.
    """
    start = time.perf_counter()
    benches = [Bench(s, seed, kinds, rungs) for s in subjects(target) if not isinstance(s, DeriveError)]
    name = benches[0].subject.name if benches else str(target)
    findings: list[Finding] = []
    for operator in operators or tuple(BACKWARD):
        findings += _of_operator(name, operator, benches, seed, limit)
    return Report(name, tuple(findings), seed, limit, time.perf_counter() - start)


def _of_operator(
    name: str, operator: str, benches: list[Bench], seed: int, limit: int | None
) -> Iterator[Finding]:
    found = list(_chosen(name, operator, benches, seed, limit))
    if not found:
        yield Finding(name, operator, NOT_APPLICABLE, proof="the program has no place for it")
    for bench, mutant in found:
        yield judged(bench, mutant)


def _chosen(
    name: str, operator: str, benches: list[Bench], seed: int, limit: int | None
) -> Iterator[tuple[Bench, Mutant]]:
    """At most ``limit`` different mutants of an operator, over all settings."""
    made = [(bench, m) for bench in benches for m in gradient_mutants(bench, operator, BACKWARD[operator])]
    random.Random(f"{seed} {name} {operator}").shuffle(made)
    seen: set[Any] = set()
    for bench, mutant in made:
        key = (mutant.choices, mutant.program)
        if key not in seen and (limit is None or len(seen) < limit):
            seen.add(key)
            yield bench, mutant


def gradient_mutants(bench: Bench, name: str, operator: Operator) -> Iterator[Mutant]:
    """The mutants of a gradient."""
    subject = bench.subject
    known = frozenset(subject.program.tensors)
    for edit in edits(operator, subject.vjp, known):
        yield Mutant(
            subject.name, name, GRADIENT, edit.statement, edit.words, subject.program,
            tuple(sorted(subject.choices.items())), edit.program,
        )  # fmt: skip


def judged(bench: Bench, mutant: Mutant) -> Finding:
    """What becomes of a mutant."""
    assert mutant.program is not None
    said = {
        "level": mutant.level, "statement": mutant.statement, "change": mutant.change,
        "setting": bench.subject.title(),
    }  # fmt: skip
    death = bench.death(mutant.program, mutant.level)
    if death is not None:
        return Finding(
            mutant.target, mutant.operator, KILLED, **said, rung=death.rung, kind=death.kind, check=death.row.check,
            detail=death.row.detail,
        )  # fmt: skip
    original = bench.subject.vjp if mutant.level == GRADIENT else bench.subject.program
    evidence = shown(original, mutant.program, bench)
    status = EQUIVALENT if evidence.same else SURVIVED
    return Finding(mutant.target, mutant.operator, status, **said, proof=evidence.proof)
