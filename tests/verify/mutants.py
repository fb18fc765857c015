"""Planted faults: wrong programs made from right ones by one small change each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sympy import Add, Integer, Mul, Rational

from derive.program import (
    Bind,
    Compare,
    Hyper,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Where,
    rebuild,
    substitute,
    walk,
    with_statements,
)

Change = Callable[[object], object]


def _everywhere(program: Program, change: Change) -> Program:
    """The program with every right side changed."""

    def piece(p: Piece) -> Piece:
        return replace(p, entries=tuple(change(e) for e in p.entries), rhs=change(p.rhs))

    return with_statements(program, (replace(s, pieces=tuple(map(piece, s.pieces))) for s in program.statements))


def _only(program: Program, name: str, change: Change) -> Program:
    """The program with the right sides of one statement changed."""

    def statement(s: Statement) -> Statement:
        if s.name != name:
            return s
        return replace(s, pieces=tuple(replace(p, rhs=change(p.rhs)) for p in s.pieces))

    return with_statements(program, map(statement, program.statements))


def _first(program: Program, kind: type, make: Callable, test: Callable = lambda e: True) -> Iterator[Program]:
    """One mutant for each statement that has a node of that kind: its first such node replaced."""
    for s in program.statements:
        for p in s.pieces:
            found = [e for e in walk(p.rhs) if isinstance(e, kind) and test(e)]
            if found:
                yield _only(program, s.name, lambda rhs, old=found[0]: substitute(rhs, {old: make(old)}))
                break


def outputs_scaled(program: Program, factor: object) -> Iterator[Program]:
    for name in program.outputs:
        yield _only(program, name, lambda rhs: rhs * factor)


def sign(program: Program) -> Iterator[Program]:
    yield from outputs_scaled(program, Integer(-1))


def scaled(program: Program) -> Iterator[Program]:
    yield from outputs_scaled(program, 1 + Rational(1, 10**6))


def one_over_n(program: Program) -> Iterator[Program]:
    sizes = [part.extent for t in program.inputs for part in t.parts if part.extent.is_Symbol]
    yield from outputs_scaled(program, 1 / sizes[0])


def path_dropped(program: Program) -> Iterator[Program]:
    yield from outputs_scaled(program, Integer(0))


def term_dropped(program: Program) -> Iterator[Program]:
    yield from _first(program, Add, lambda e: Add(*e.args[1:]), lambda e: any(isinstance(n, Read) for n in walk(e)))


def factor_dropped(program: Program) -> Iterator[Program]:
    def without(e: Mul) -> object:
        read = next(a for a in e.args if isinstance(a, Read))
        return e.func(*(a for a in e.args if a != read))

    yield from _first(program, Mul, without, lambda e: any(isinstance(a, Read) for a in e.args))


def filter_missing(program: Program) -> Iterator[Program]:
    def unfiltered(e: Reduce) -> Reduce:
        return Reduce(e.op, [x for x in e.entries if x != e.filters[-1]], e.body)

    yield from _first(program, Reduce, unfiltered, lambda e: bool(e.filters))


def range_short(program: Program) -> Iterator[Program]:
    def shorter(e: Reduce) -> Reduce:
        b = e.binds[0]
        return Reduce(e.op, [Bind(b.letter, b.lo, b.hi - 1) if x == b else x for x in e.entries], e.body)

    yield from _first(program, Reduce, shorter)


def guard_dropped(program: Program) -> Iterator[Program]:
    yield from _first(program, Where, lambda e: e.args[1])


def guard_inverted(program: Program) -> Iterator[Program]:
    yield from _first(program, Where, lambda e: Where(e.args[0], e.args[2], e.args[1]))


def swapped(a: str, b: str) -> Callable[[Program], Iterator[Program]]:
    """Two hyperparameters exchanged: stride for dilation, height for width."""

    def mutants(program: Program) -> Iterator[Program]:
        one, other = Hyper(a, True), Hyper(b, True)
        yield _everywhere(program, lambda e: substitute(e, {one: other, other: one}))

    return mutants


def comparisons_strict(program: Program) -> Iterator[Program]:
    """``<=`` read as ``<`` everywhere: the first point of every range lost."""

    def strict(e: object) -> object:
        return Compare("<", *e.args[1:]) if isinstance(e, Compare) and e.op == "<=" else e

    yield _everywhere(program, lambda e: rebuild(e, strict))


#: fault -> the mutants it makes of a gradient
FAULTS: dict[str, Callable[[Program], Iterator[Program]]] = {
    "sign": sign,
    "scale 1+1e-6": scaled,
    "1/N": one_over_n,
    "path dropped": path_dropped,
    "term dropped": term_dropped,
    "factor dropped": factor_dropped,
    "filter missing": filter_missing,
    "loop one short": range_short,
    "guard dropped": guard_dropped,
    "guard inverted": guard_inverted,
    "stride for dilation": swapped("stride", "dilation"),
    "stride and dilation": swapped("stride[0]", "dilation[0]"),
    "height and width": swapped("stride[0]", "stride[1]"),
    "padding and stride": swapped("padding[1]", "stride[1]"),
    "off by one": comparisons_strict,
}
