"""What printing does to a program before it prints it changes no value: letters, named indices, lifted conditions."""

from __future__ import annotations

import functools

import pytest
from sympy import Integer

import derive
from derive.errors import RewriteError
from derive.language.find import catalogue_index
from derive.program import Bind, Letter, Program, Read, Reduce, Statement, substitute, walk, with_statements
from derive.reports.document import lift_conditions
from derive.reports.letters import Letters
from derive.reports.naming import Names, named
from derive.reports.typeset import is_bracket
from derive.simplify.gate import check_equal
from tests.reports import programs as P

NAMES = list(catalogue_index())


@functools.cache
def pair(name: str) -> tuple[Program, Program]:
    """A definition and its gradient."""
    primal = derive.load(name)
    return primal, derive.vjp(primal)


def relettered(program: Program, primal: Program) -> Program:
    letters, names = Letters(program, primal), Names(program, primal)

    def again(s: Statement) -> Statement:
        usual = [names.of(s.name, k) for k in range(len(s.tensor.parts))]
        return Statement(s.tensor, tuple(letters.chosen(p, usual) for p in s.pieces), s.zero_elsewhere)

    return with_statements(program, map(again, program.statements))


@pytest.mark.parametrize("name", NAMES)
def test_other_letters_are_the_same_program(name: str) -> None:
    primal, gradient = pair(name)
    for program in (primal, gradient):
        changed = relettered(program, primal)
        check_equal(program, changed)
        for statement in changed.statements:
            for piece in statement.pieces:
                assert _bound_once(piece.rhs, set(piece.letters)), (name, statement.name)


def _bound_once(e, outer: set[Letter]) -> bool:
    """No letter is bound twice on a way down."""
    if isinstance(e, Reduce):
        if outer & set(e.letters):
            return False
        outer = outer | set(e.letters)
    return all(_bound_once(a, outer) for a in e.args)


@pytest.mark.parametrize("name", NAMES)
def test_named_indices_put_back_are_the_piece(name: str) -> None:
    primal, gradient = pair(name)
    for program in (primal, gradient):
        names = Names(program, primal)
        for statement in program.statements:
            for piece in statement.pieces:
                found = named(piece, names)
                rhs, guard = found.rhs, found.guard
                for letter, index, _ in reversed(found.where):
                    rhs = substitute(rhs, {letter: index})
                    guard = tuple(substitute(c, {letter: index}) for c in guard)
                assert rhs == piece.rhs and guard == piece.conditions


@pytest.mark.parametrize("name", NAMES)
def test_lifted_conditions_are_those_of_every_reduction(name: str) -> None:
    for program in pair(name):
        for statement in program.statements:
            for piece in statement.pieces:
                for spare in (is_bracket, None):
                    rhs, only = lift_conditions(piece.rhs, spare)
                    before = [n for n in walk(piece.rhs) if isinstance(n, Reduce)]
                    after = [n for n in walk(rhs) if isinstance(n, Reduce)]
                    assert len(before) == len(after)
                    for old, new in zip(before, after, strict=True):
                        assert set(old.filters) == {*new.filters, *only}


def test_a_captured_letter_is_seen() -> None:
    """The gate refuses Σ j  x[k] for Σ j  x[j]."""
    x, y = P.tensor("x", P.K), P.tensor("y", P.K)
    total = Reduce("sum", [Bind(P.j, 0, P.K)], Read("x", P.j))
    captured = Reduce("sum", [Bind(P.j, 0, P.K)], Read("x", P.k))
    old, new = (Program("f", (x,), (P.equation(y, (P.k,), e),), ("y",)) for e in (total, captured))
    with pytest.raises(RewriteError):
        check_equal(old, new)


def test_an_inner_letter_avoids_the_outer_one() -> None:
    """Σ j_1 Σ j_2  must not become Σ j Σ j."""
    outer, inner = Letter("k_1"), Letter("k_2")
    body = Reduce("sum", [Bind(inner, 0, P.K)], Read("x", outer) * Read("x", inner))
    e = Reduce("sum", [Bind(outer, 0, P.K)], body)
    program = Program("f", (P.tensor("x", P.K),), (P.equation(P.tensor("y"), (), e),), ("y",))
    changed = relettered(program, program)
    check_equal(program, changed)
    letters = [n.letter for n in walk(changed.statements[0].pieces[0].rhs) if isinstance(n, Bind)]
    assert len(set(letters)) == 2 and not any(letter.name.endswith(("_1", "_2")) for letter in letters)


def test_a_literal_index_stays(name: str = "rnn") -> None:
    primal, _ = pair(name)
    piece = relettered(primal, primal).definitions["h"].pieces[0]
    assert piece.indices[0] == Integer(-1)
