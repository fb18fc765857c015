"""Which statements of a derivative are the derivative: those linear in the cotangents (or tangents) given."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Basic, Mul

from derive.program import Program, Read, Reduce, Statement, Where, piece_expressions, tensors_read, walk


class NotLinear(Exception):
    """An expression is not homogeneous of degree one or zero in the names asked about."""


def derived_names(program: Program) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(inputs, statements): the shortest run of last inputs in which every output is linear, and what depends on it.

    A derived program lists its cotangents or tangents last; what does not depend on them is the definition.
    """
    if not program.derived:
        return (), ()
    real = [t.name for t in program.inputs]
    for first in range(len(real) - 1, -1, -1):
        dependent = depending(program, real[first:])
        given = (*real[first:], *dependent)
        if any(name in dependent for name in program.outputs) and _all_linear(program, given, dependent):
            return tuple(real[first:]), dependent
    return (), ()


def depending(program: Program, names: Sequence[str]) -> tuple[str, ...]:
    """Statements that read, directly or not, one of the names."""
    readers: dict[str, list[str]] = {}
    for statement in program.statements:
        for name in tensors_read(statement):
            readers.setdefault(name, []).append(statement.name)
    found: dict[str, None] = {}
    pending = list(names)
    while pending:
        for name in readers.get(pending.pop(), ()):
            if name not in found:
                found[name] = None
                pending.append(name)
    return tuple(s.name for s in program.statements if s.name in found)


def _all_linear(program: Program, given: Sequence[str], dependent: Sequence[str]) -> bool:
    names = dict.fromkeys(given)
    try:
        degrees = {s.name: _statement_degree(s, names) for s in program.statements if s.name in dependent}
    except NotLinear:
        return False
    outputs = [name for name in program.outputs if name in degrees]
    zero = all(_vanishes(program.definitions[o]) for o in program.outputs if o not in degrees)
    return zero and all(degrees[name] in (1, None) for name in outputs)


def _vanishes(statement: Statement) -> bool:
    return all(p.rhs == 0 for p in statement.pieces)


def _statement_degree(statement: Statement, names: dict[str, None]) -> int | None:
    degrees = {_degree(p.rhs, names) for p in statement.pieces} - {None}
    conditions = (e for p in statement.pieces for e in piece_expressions(p) if e is not p.rhs)
    if len(degrees) > 1 or 0 in degrees or any(_touches(e, names) for e in conditions):
        raise NotLinear
    return 1 if degrees else None


def _touches(e: Basic, names: dict[str, None]) -> bool:
    return any(isinstance(n, Read) and n.tensor in names for n in walk(e))


def _degree(e: Basic, names: dict[str, None]) -> int | None:
    """Degree of homogeneity: 0, 1, or None for the number 0 (of every degree)."""
    if e == 0:
        return None
    if not _touches(e, names):
        return 0
    if isinstance(e, Read):
        if any(_touches(i, names) for i in e.indices):
            raise NotLinear
        return 1
    if isinstance(e, Mul):
        degrees = [_degree(a, names) for a in e.args]
        if None in degrees:
            return None
        return _one_or_less(sum(d for d in degrees if d))
    if isinstance(e, Add):
        return _same(_degree(a, names) for a in e.args)
    if isinstance(e, Where) and not _touches(e.args[0], names):
        return _same(_degree(a, names) for a in e.args[1:])
    if isinstance(e, Reduce) and e.op == "sum" and not any(_touches(x, names) for x in e.entries):
        return _degree(e.body, names)
    raise NotLinear


def _one_or_less(degree: int) -> int:
    if degree > 1:
        raise NotLinear
    return degree


def _same(degrees) -> int | None:
    found = {d for d in degrees if d is not None}
    if len(found) > 1:
        raise NotLinear
    return found.pop() if found else None
