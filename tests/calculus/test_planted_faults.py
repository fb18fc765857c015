"""The oracles see what can go wrong: each rule of the calculus, taken out, turns a construct red."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from derive.calculus import delta, derivation, kept, occurrences, solve
from derive.errors import DeriveError
from derive.program import Bind, Compare
from tests.calculus.oracle import errors_of
from tests.calculus.rows import ROWS


def no_renaming(patch) -> None:
    patch.setattr(occurrences, "rename_bound", lambda e, fresh: e)


def no_own_points(patch) -> None:
    patch.setattr(derivation, "own_points", lambda piece, earlier: piece.entries)


def no_divisibility(patch) -> None:
    patch.setattr(delta, "Modulo", lambda a, b: 0 * a)


def no_ranges(patch) -> None:
    def without(entries, body, outer, *more, **named):
        found = real(entries, body, outer, *more, **named)
        return found and (tuple(e for e in found[0] if isinstance(e, Bind)), found[1])

    real = delta.eliminate
    module = __import__("sys").modules["derive.calculus.adjoint"]
    patch.setattr(module, "eliminate", without)


def no_ties(patch) -> None:
    def rule(self, e, entries, factor):
        here = Compare("==", e.body, self.copy(e))
        yield from self._walk(e.body, (*self._inside(e, entries), here), factor)

    patch.setitem(occurrences.REDUCE_RULES, "amax", rule)


def last_winner(patch) -> None:
    real = kept.position
    patch.setattr(occurrences, "position", lambda e: real(e) + 1)


def product_by_division(patch) -> None:
    def rule(self, e, entries, factor):
        yield from self._through(e.body, self._inside(e, entries), factor, e / e.body)

    patch.setitem(occurrences.REDUCE_RULES, "prod", rule)


def no_remainder(patch) -> None:
    def rule(equation):
        for solution in solve.quotient(equation):
            yield solve.Solution(
                solution.cost, solution.letter, solution.equality, solution.numerator, solution.divisor, (),
                tuple(Bind(b.letter, 0, 1) for b in solution.binds),
            )  # fmt: skip

    patch.setattr(solve, "RULES", tuple(rule if r is solve.quotient else r for r in solve.RULES))


def guard_is_a_factor(patch) -> None:
    patch.setattr(occurrences, "negate", lambda c: c)


FAULTS: tuple[tuple[str, Callable], ...] = (
    ("square_of_a_shifted_sum", no_renaming),
    ("pieces_by_literal", no_own_points),
    ("conv2d", no_divisibility),
    ("conv2d", no_ranges),
    ("recurrence", no_ranges),
    ("amax_ties", no_ties),
    ("max_pool", last_winner),
    ("prod_zeros", product_by_division),
    ("quotient_and_remainder", no_remainder),
    ("where", guard_is_a_factor),
)


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_a_planted_fault_is_seen(name: str, fault: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    row = next(row for row in ROWS if row.name == name)
    try:
        errors = errors_of(row.program, row.inputs, row.reference, row.hypers, 1)
    except (DeriveError, TypeError, AttributeError):  # it did not even make a program
        return
    assert not all(error < 1e-6 for error in errors)
