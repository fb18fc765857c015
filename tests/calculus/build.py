"""Programs written by hand, short: the calculus is tested without the parser."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, sympify

from derive.program import Bind, Compare, Letter, Part, Piece, Program, Reduce, Size, Statement, Tensor


def size(extent: str | int | Expr) -> Expr:
    """A size by name, or an extent as it stands."""
    return Size(extent) if isinstance(extent, str) else sympify(extent)


def axes(*extents) -> tuple[tuple[Part, ...], ...]:
    """One axis an extent; a list is a composite axis."""
    return tuple(tuple(map(_part, e)) if isinstance(e, list) else (_part(e),) for e in extents)


def _part(extent) -> Part:
    return extent if isinstance(extent, Part) else Part(size(extent))


def tensor(name: str, *extents, kind: str = "real") -> Tensor:
    return Tensor(name, axes(*extents), kind)


def over(**ranges) -> tuple[Bind, ...]:
    """``over(n="N", k=3)``: 0 ≤ n < N, 0 ≤ k < 3; a pair is (lo, hi)."""
    return tuple(
        Bind(Letter(name), *(map(size, r) if isinstance(r, tuple) else (0, size(r)))) for name, r in ranges.items()
    )


def within(index: Expr, extent: str | Expr) -> tuple[Basic, Basic]:
    """0 ≤ index < extent, the filters of a read out of range."""
    return Compare("<=", 0, index), Compare("<", index, size(extent))


def reduce(op: str, entries: Sequence[Basic], body: Expr) -> Reduce:
    return Reduce(op, entries, body)


def piece(indices: Sequence[str | int], entries: Sequence[Basic], rhs) -> Piece:
    """One equation; letters by name."""
    return Piece(tuple(Letter(i) if isinstance(i, str) else sympify(i) for i in indices), tuple(entries), sympify(rhs))


def define(target: Tensor, indices: Sequence[str | int], entries: Sequence[Basic], rhs) -> Statement:
    """A tensor of one equation."""
    return Statement(target, (piece(indices, entries, rhs),))


def program(inputs: Sequence[Tensor], *statements: Statement, **more) -> Program:
    """A program whose output is its last statement, unless ``outputs`` says otherwise."""
    more.setdefault("outputs", (statements[-1].name,))
    return Program("test", tuple(inputs), statements, **more)
