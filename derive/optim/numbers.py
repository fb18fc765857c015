"""A step apart in two: what is the same for every entry, computed once in Python's numbers, and the rest.

``lr/(1 − betas[0]^t)``, a product of momenta, an average's weight: scalars that no array decides become hyperparameters
of the pass over the entries.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Basic

from derive.lower.residuals import map_expressions
from derive.program import (
    Hyper,
    Parameter,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    piece_expressions,
    tensors_read,
    walk,
)


def apart(once: Program) -> tuple[Program, Program]:
    """(the scalars, the rest) of a step whose clock is a number.

    The first has no inputs: scalar states are its hyperparameters; its outputs are all scalars it computes.
    """
    scalars = _scalars(once)
    states = tuple(t.name for t in once.inputs if t.name in scalars)
    first = [s for s in once.statements if s.name in scalars]
    rest = [s for s in once.statements if s.name not in scalars]
    read = {n: None for s in rest for n in tensors_read(s) if n in scalars}
    numbers = replace(
        once,
        name=f"{once.name}_numbers",
        inputs=(),
        statements=tuple(_with_numbers(s, states) for s in first),
        outputs=tuple(s.name for s in first),
        parameters=(*once.parameters, *_parameters(states)),
    )
    entries = replace(
        once,
        inputs=tuple(t for t in once.inputs if t.name not in scalars),
        statements=tuple(_with_numbers(s, tuple(scalars)) for s in rest),
        outputs=tuple(n for n in once.outputs if n not in scalars),
        parameters=(*once.parameters, *_parameters(tuple(read))),
    )
    return numbers, replace(entries, requirements=())


def _scalars(once: Program) -> dict[str, None]:
    """Tensors without axes that no array decides."""
    found = {t.name: None for t in once.inputs if not t.parts}
    for statement in once.statements:
        if not statement.tensor.parts and not _sized(statement) and all(n in found for n in tensors_read(statement)):
            found[statement.name] = None
    return found


def _sized(statement: Statement) -> bool:
    """Whether the shape of an array decides the value."""
    return any(isinstance(n, Size) for p in statement.pieces for e in piece_expressions(p) for n in walk(e))


def _parameters(names: tuple[str, ...]) -> tuple[Parameter, ...]:
    return tuple(Parameter(n, "Real", required=True) for n in names)


def _with_numbers(statement: Statement, names: tuple[str, ...]) -> Statement:
    """Reads of these scalars as hyperparameters."""

    def number(e: Basic) -> Basic:
        return Hyper(e.tensor) if isinstance(e, Read) and e.tensor in names else e

    return map_expressions(statement, number)


def is_elementwise(program: Program) -> bool:
    """Whether every entry goes its own way: one shape, no reduction."""
    shapes = {t.parts for t in program.tensors.values() if t.parts}
    return len(shapes) == 1 and not any(
        isinstance(n, Reduce)
        for s in program.statements
        for p in s.pieces
        for e in piece_expressions(p)
        for n in walk(e)
    )
