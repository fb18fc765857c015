"""The ladder: forward, gradients, probes, exact identity, at every setting and every kind of input."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np

from derive.errors import DeriveError
from derive.language import load_definition
from derive.program import Program
from derive.verify import autograd
from derive.verify.evidence import of_program
from derive.verify.inputs import KINDS, Case, make
from derive.verify.rungs import CODES, RUNGS, Options, Rung
from derive.verify.rungs.base import title
from derive.verify.subject import Subject, subjects
from derive.verify.verdict import FAILED, NOT_APPLICABLE, Row, Verdict

__all__ = ["RUNGS", "Options", "check"]


def check(
    target: str | Program,
    *,
    seed: int = 0,
    orders: tuple[int, ...] = (1, 2),
    kinds: tuple[str, ...] = KINDS,
    codes: tuple[str, ...] = CODES,
    rungs: tuple[str, ...] = (),
    vjp: Program | None = None,
    evidence: bool = False,
) -> Verdict:
    """The verdict over a catalogue name, ``path.py:name``, a definition's text, or a program.

    Checked at inputs made for it.  ``vjp``: a gradient to be checked instead of the derived one, as a program of the
    same inputs and cotangents.  ``rungs``: names of ``RUNGS`` to climb, all if empty.
    ``evidence``: also gather what the report draws.
    """
    options = Options(seed, tuple(orders), tuple(codes), tuple(rungs))
    rows: list[Row] = []
    climbed: list[tuple[Subject, list[Row]]] = []
    name = target.name if isinstance(target, Program) else load_definition(target).name
    for subject in subjects(target):
        if isinstance(subject, DeriveError):
            rows.append(Row("load", "", FAILED, seed=seed, detail=str(subject)))
            continue
        if vjp is not None:
            subject = subject.with_gradient(vjp)
        climbed.append((subject, list(_climb(subject, options, kinds))))
        rows += climbed[-1][1]
    shown = of_program(climbed, seed) if evidence else ()
    return Verdict(name, tuple(rows), _again(target, name, seed), evidence=shown)


def _again(target: str | Program, name: str, seed: int) -> str:
    """How to run the check again: what was typed, a path too; ``-`` stands for a text."""
    if isinstance(target, Program):
        return f"derive.verify.check({name}, seed={seed})"
    return f"derive check {'-' if chr(10) in target else shlex.quote(target)} --seed {seed}"


def _climb(subject: Subject, options: Options, kinds: tuple[str, ...]) -> Iterator[Row]:
    for kind in kinds:
        try:
            case = make(subject.program, kind, options.seed)
        except Exception as error:  # a fault in the forward itself must not end the sweep
            yield Row("inputs", title(subject, kind), FAILED, seed=options.seed, detail=_words(error))
            continue
        if case is None:
            reason = "the program admits no such sizes" if kind != "masked" else "no mask among the inputs"
            yield Row("inputs", title(subject, kind), NOT_APPLICABLE, reason=reason, seed=options.seed)
            continue
        finite = is_finite(case)
        yield from (row for _, row in rows_at(subject, case, options, finite))
        if not finite:
            reason = "the forward is not finite here"
            yield Row("gradient", title(subject, case.title()), NOT_APPLICABLE, reason=reason, seed=options.seed)


def rows_at(subject: Subject, case: Case, options: Options, finite: bool) -> Iterator[tuple[str, Row]]:
    """The rows of every rung at one case, as they are found, each with its rung's name."""
    for name, rung in RUNGS:
        if (finite or name == "forward") and (not options.rungs or name in options.rungs):
            yield from ((name, row) for row in _attempt(name, rung, subject, case, options))


def is_finite(case: Case) -> bool:
    """Whether there is a derivative to speak of; a forward that raises is for its own rung to tell."""
    try:
        return all(np.isfinite(y).all() for y in autograd.forward(case).values())
    except Exception:
        return True


def _attempt(name: str, rung: Rung, subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """A rung's rows; whatever it raises is a failed row, and the sweep goes on."""
    try:
        yield from rung(subject, case, options)
    except Exception as error:
        yield Row(name, title(subject, case.title()), FAILED, seed=options.seed, detail=_words(error))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, DeriveError) else f"{type(error).__name__}: {error}"
