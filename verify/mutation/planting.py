"""Mutants of a setting, made on demand, and any mutant as a torch function that other checkers can be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from derive.program import Program, Stop, tensors_read, walk
from derive.verify.mutation.breaches import Right, as_function
from derive.verify.mutation.operators import (
    ANYWHERE,
    BACKWARD,
    BREACHES,
    OF_THE_LAYOUT,
    OF_WHAT_WAS_SAVED,
    TOGETHER,
    UPDATES,
    Operator,
    edits,
)
from derive.verify.mutation.records import FORWARD, FUNCTION, GRADIENT, UPDATE, Mutant
from derive.verify.subject import Subject


def mutants_of(subject: Subject, operator: str) -> Iterator[Mutant]:
    """Every mutant that an operator makes of one setting."""
    if operator in BACKWARD:
        if any(t.differentiable for t in subject.program.inputs):
            yield from _edited(subject, operator, GRADIENT, BACKWARD[operator], subject.vjp)
    elif operator in UPDATES:
        if subject.program.role == "optimizer":
            yield from _edited(subject, operator, UPDATE, UPDATES[operator], subject.program)
    elif operator == TOGETHER:
        for name, change in ANYWHERE.items():
            yield from _edited(subject, operator, FORWARD, change, subject.program, f"{name}: ")
    else:
        yield from _breach(subject, operator)


def _edited(
    subject: Subject, operator: str, level: str, change: Operator, program: Program, prefix: str = ""
) -> Iterator[Mutant]:
    known = frozenset(subject.program.tensors)
    choices = tuple(sorted(subject.choices.items()))
    for e in edits(change, program, known):
        words = prefix + e.words
        yield Mutant(subject.name, operator, level, e.statement, words, subject.program, choices, e.program)


def _breach(subject: Subject, operator: str) -> Iterator[Mutant]:
    """The mutant of the function, if the breach has a place in it."""
    breach = BREACHES[operator]
    right = Right(subject.program, unfelt=unfelt(subject))
    if _decreed(subject.program) or (operator in OF_WHAT_WAS_SAVED and not _saves(subject)):
        return
    if operator == OF_THE_LAYOUT and not _spread(subject.program):
        return
    if right.felt and breach(right) is not None:
        words = (breach.__doc__ or "").strip().rstrip(".")
        choices = tuple(sorted(subject.choices.items()))
        yield Mutant(subject.name, operator, FUNCTION, "function", words, subject.program, choices, breach=breach)


def placeless(subject: Subject, operator: str) -> str:
    """Why an operator makes no mutant of a setting."""
    if operator in BREACHES and _decreed(subject.program):
        return "constant(…) stops a gradient: differences of the function say nothing of it"
    if operator in OF_WHAT_WAS_SAVED and not _saves(subject):
        return "the gradient reads no input"
    if operator == OF_THE_LAYOUT and not _spread(subject.program):
        return "every output is a single number"
    if operator in UPDATES and subject.program.role != "optimizer":
        return "it is no update rule"
    return "the program has no place for it"


def _spread(program: Program) -> bool:
    """Whether a real output has an axis."""
    return any(program.tensor(n).kind == "real" and program.tensor(n).parts for n in program.outputs)


def unfelt(subject: Subject) -> frozenset[str]:
    """The inputs whose derived gradient is 0 and nothing else."""
    if not any(t.differentiable for t in subject.program.inputs):
        return frozenset()
    names = (t.name for t in subject.program.inputs if t.differentiable)
    pairs = zip(names, subject.vjp.outputs, strict=True)
    rows = {s.name: s for s in subject.vjp.statements}
    return frozenset(n for n, o in pairs if o in rows and all(p.rhs == 0 for p in rows[o].pieces))


def _saves(subject: Subject) -> bool:
    """Whether the gradient reads any input of the forward."""
    inputs = {t.name for t in subject.program.inputs}
    return any(inputs & set(tensors_read(s)) for s in subject.vjp.statements)


def _decreed(program: Program) -> bool:
    """Whether ``constant`` stops a gradient: then differences of the function say nothing of it."""
    return any(isinstance(e, Stop) for s in program.statements for p in s.pieces for e in walk(p.rhs))


def right_of(program: Program, hypers: dict[str, Any], unfelt: frozenset[str] = frozenset()) -> Right:
    """The derived function of a program at these hyperparameters."""
    return Right(program, tuple(hypers.items()), unfelt)


def as_torch(mutant: Mutant, right: Right | None = None, **hypers: Any) -> Callable[..., Any]:
    """A mutant as a torch function of the program's inputs, in order; its hyperparameters are fixed here."""
    right = right or right_of(mutant.primal, hypers)
    if mutant.breach is not None:
        return mutant.breach(right)
    assert mutant.program is not None
    if mutant.level == GRADIENT:
        return as_function(right, _gradient(mutant.program, right))
    return right_of(mutant.program, dict(right.hypers)).plain


def _gradient(vjp: Program, right: Right) -> Callable:
    """The generated code of a mutated gradient in a backward's place."""
    from derive.targets.files import callable_of

    run = callable_of(vjp, "torch")
    outputs = [right.program.tensor(n).kind == "real" for n in right.program.outputs]

    def pull(ctx: Any, xs: tuple, dys: tuple, needs: Any) -> tuple:
        given = [w for w, real in zip(dys, outputs, strict=True) if real]
        by_place = dict(zip(right.moving, run(*xs, *given, **dict(right.hypers)), strict=True))
        return tuple(by_place.get(k) for k in range(len(xs)))

    return pull
