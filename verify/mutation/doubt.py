"""Fifty digits in which a comparison that their own rounding could turn is not made: 0 and 1e-50 are no order."""

from __future__ import annotations

from derive.errors import DeriveError
from derive.fields import Number
from derive.fields.precise import HighPrecision

#: Numbers that differ, but by less than this part of them, differ by what was rounded.
NEAR = 1e-40


class Doubtful(DeriveError):
    """A branch that depends on the rounding of the fiftieth digit."""


class Decided(HighPrecision):
    """Fifty digits that raise where they do not decide a comparison; equal numbers are equal."""

    name = "decided digits"

    def less(self, a: Number, b: Number) -> bool:
        self._decide(a, b)
        return super().less(a, b)

    def equal(self, a: Number, b: Number) -> bool:
        self._decide(a, b)
        return super().equal(a, b)

    @staticmethod
    def _decide(a: Number, b: Number) -> None:
        if a != b and abs(a - b) < NEAR * (1 + abs(a)):
            raise Doubtful(f"{a} and {b} differ by rounding alone")


DECIDED = Decided()
