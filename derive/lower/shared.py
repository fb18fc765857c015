"""Transcendental values that a forward and its backward both take: named, so that they are taken once and saved.

``y = x·sigmoid(x)``, ``dx = (… sigmoid(x) …)·dy`` become ``s = sigmoid(x)``, ``y = x·s``, ``dx = (… s …)·dy``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Function, Integer, Pow

from derive.functions import function_name
from derive.lower.residuals import CHEAP_FUNCTIONS, dependent
from derive.program import (
    Bind,
    Fresh,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    free_letters,
    names_in,
    reads,
    substitute,
    walk,
)

Ranges = Mapping[Letter, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Value:
    """A function's value with its letters numbered, and their ranges in that order."""

    pattern: Expr
    ranges: tuple[tuple[Expr, Expr], ...]


def with_shared(primal: Program, vjp: Program) -> tuple[Program, Program]:
    """Both programs with the values that they share named."""
    given = {t.name for t in primal.inputs}
    late = dependent(vjp, (t.name for t in vjp.inputs if t.name not in given))
    wanted = {v for s in vjp.statements if s.name in late for v, _, _ in _values(s)}
    known = {*given, *(s.name for s in primal.statements if s in vjp.statements)}
    fresh = Fresh(names_in(primal) | names_in(vjp))
    found: dict[Value, Statement] = {}
    for s in primal.statements:
        for value, e, piece in _values(s):
            if value in wanted and value not in found and e != piece.rhs and all(r.tensor in known for r in reads(e)):
                made = _named(value, e, s, piece, fresh, primal.tensors)
                found.update({value: made} if made else {})
    names = {value: made.name for value, made in found.items()}
    return tuple(  # type: ignore[return-value]
        replace(p, statements=(*found.values(), *(_reading(s, names) for s in p.statements))) if found else p
        for p in (primal, vjp)
    )


def _named(
    value: Value, e: Expr, s: Statement, piece: Piece, fresh: Fresh, tensors: Mapping[str, Tensor]
) -> Statement | None:
    """A statement of its own for the value, over the letters that it has."""
    parts = {i: part for i, part in zip(piece.indices, s.tensor.parts, strict=True) if isinstance(i, Letter)}
    letters = _letters(e)
    if not letters or any(x not in parts or parts[x].below for x in letters):
        return None
    binds = {b.letter: b for b in piece.binds}
    if any((binds[x].lo, binds[x].hi) != _range(parts[x]) for x in letters):
        return None
    if any(isinstance(i, Integer) and not part.extent.is_Integer for i, part in _places(e, tensors)):
        return None  # of an empty axis nothing is there
    about = next(iter(reads(e))).tensor
    tensor = Tensor(fresh.name(f"{function_name(e) or 'power'}_{about}"), tuple((parts[x],) for x in letters))
    return Statement(tensor, (Piece(letters, tuple(binds[x] for x in letters), e),))


def _places(e: Expr, tensors: Mapping[str, Tensor]) -> Iterator[tuple[Expr, Part]]:
    """Every index of every read, with the axis it is of."""
    for r in reads(e):
        yield from zip(r.indices, tensors[r.tensor].parts, strict=True)


def _range(part: Part) -> tuple[Expr, Expr]:
    return (part.origin + 0 * part.extent, part.origin + part.extent)


# ------------------------------------------------------------------------------ finding them


def _values(s: Statement) -> Iterator[tuple[Value, Expr, Piece]]:
    """The functions' values in a statement's right sides that no reduction is around."""
    for piece in s.pieces:
        ranges = {b.letter: (b.lo, b.hi) for b in piece.binds}
        for e in _functions(piece.rhs):
            value = _value(e, ranges)
            if value is not None:
                yield value, e, piece


def _functions(e: Basic) -> Iterator[Expr]:
    if isinstance(e, Reduce):
        return
    if _dear(e):
        yield e  # type: ignore[misc]
    for a in e.args:
        yield from _functions(a)


def _dear(e: Basic) -> bool:
    """A transcendental function of reads at bare letters, or a power of one that is no fraction."""
    dear = isinstance(e, Function) and not isinstance(e, Read) and function_name(e) not in (None, *CHEAP_FUNCTIONS)
    if not dear and not (isinstance(e, Pow) and not e.exp.is_Rational):
        return False
    plain = all(isinstance(i, (Letter, Integer)) for r in reads(e) for i in r.indices)
    return plain and any(True for _ in reads(e)) and not any(isinstance(n, Reduce) for n in walk(e))


def _letters(e: Basic) -> tuple[Letter, ...]:
    """Its letters in order of appearance."""
    return tuple(dict.fromkeys(n for n in walk(e) if isinstance(n, Letter) and n in free_letters(e)))


def _value(e: Expr, ranges: Ranges) -> Value | None:
    letters = _letters(e)
    if any(x not in ranges for x in letters):
        return None
    pattern = substitute(e, {x: Letter(f"·{k}") for k, x in enumerate(letters)})
    pattern = pattern.func(*(a.expand() for a in pattern.args))  # (a·x² + b)·x is a·x³ + b·x
    return Value(pattern, tuple(ranges[x] for x in letters))


# ------------------------------------------------------------------------------ reading them


def _reading(s: Statement, names: Mapping[Value, str]) -> Statement:
    pieces = tuple(replace(p, rhs=_replaced(p.rhs, {b.letter: (b.lo, b.hi) for b in p.binds}, names)) for p in s.pieces)
    return replace(s, pieces=pieces)


def _replaced(e: Basic, ranges: Ranges, names: Mapping[Value, str]) -> Basic:
    value = _value(e, ranges) if _dear(e) else None  # type: ignore[arg-type]
    if value in names:
        return Read(names[value], *_letters(e))  # type: ignore[index]
    if isinstance(e, Reduce):
        inner = {**ranges, **{b.letter: (b.lo, b.hi) for b in e.entries if isinstance(b, Bind)}}
        entries = [b if isinstance(b, Bind) else _replaced(b, inner, names) for b in e.entries]
        return Reduce(e.op, entries, _replaced(e.body, inner, names))
    if isinstance(e, (Read, Letter)) or not e.args or not any(_dear(n) for n in walk(e)):
        return e
    return e.func(*(_replaced(a, ranges, names) for a in e.args))
