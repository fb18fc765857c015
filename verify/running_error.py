"""What rounding may do to a value: the running error, a field whose numbers carry Σ|terms| along.

Every number is a pair (value, e): a machine with unit roundoff u that computes the same formula is off by at most u·e
to first order.  a + b rounds by |a + b|, a sum of n terms by the depth of a balanced tree times Σ|terms|, a·b by |a·b|;
what the operands were off by is carried along.  x − x of one and the same number is 0 exactly, whatever it is off by.
A comparison that rounding could turn is ``Undecided``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from derive.fields import FLOAT, Field, Number
from derive.fields.base import order_functions


class Undecided(Exception):
    """A branch that depends on rounding."""


class Carried:
    """A value and what it is off by, in units of the roundoff; ``negated``: the number this one is the negative of."""

    __slots__ = ("error", "negated", "value")

    def __init__(self, value: float, error: float = 0.0, negated: Carried | None = None) -> None:
        self.value, self.error = value, 0.0 if math.isinf(value) and not math.isinf(error) else error
        self.negated = negated

    def __add__(self, other: Carried | int) -> Carried:
        other = _carried(other)
        if self.cancels(other):
            return Carried(0.0)
        value = self.value + other.value
        if math.isinf(value):
            return Carried(value)
        return Carried(value, self.error + other.error + (abs(value) if self.value and other.value else 0.0))

    __radd__ = __add__

    def __sub__(self, other: Carried | int) -> Carried:
        return self + -_carried(other)

    def __rsub__(self, other: int) -> Carried:
        return _carried(other) - self

    def __neg__(self) -> Carried:
        return self.negated or Carried(-self.value, self.error, self)

    def cancels(self, other: Carried) -> bool:
        """Whether one is the negative of the other, as a number and not by chance."""
        return (self.negated is other or other.negated is self) and math.isfinite(self.value)

    def __mul__(self, other: Carried | int) -> Carried:
        other = _carried(other)
        for unit, factor in ((self, other), (other, self)):
            if abs(unit.value) == 1.0 and not unit.error:
                return factor if unit.value > 0 else -factor
        value = self.value * other.value
        carried = _times(self.value, other.error) + _times(other.value, self.error)
        exact = abs(self.value) in (0.0, 1.0) or abs(other.value) in (0.0, 1.0)
        return Carried(value, carried if exact else carried + abs(value))

    __rmul__ = __mul__

    def __float__(self) -> float:
        return self.value

    def __round__(self) -> int:
        return round(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Carried) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


def _carried(x: Carried | int) -> Carried:
    """A whole number is itself exactly."""
    return x if isinstance(x, Carried) else Carried(float(x))


def _times(value: float, error: float) -> float:
    return abs(value) * error if error else 0.0


class RunningError(Field):
    """Floats with their running error; ``roundoff`` is the u at which comparisons are decided."""

    name, dtype = "running error", object

    def __init__(self, roundoff: float) -> None:
        self.roundoff = roundoff
        self.zero, self.one, self.infinity = Carried(0.0), Carried(1.0), Carried(math.inf)
        self.constants = {name: Carried(float(c), abs(float(c))) for name, c in FLOAT.constants.items()}
        named = {name: self._carried(f) for name, f in FLOAT.functions.items()}
        exact = {name: self._exact(FLOAT.functions[name]) for name in ("floor", "ceil", "round")}
        self.functions = {**named, **exact, **order_functions(self)}

    def number(self, value: Any) -> Number:
        """What is given is taken to be given exactly; literals that are no short binary number are rounded."""
        if isinstance(value, Carried):
            return value
        plain = FLOAT.number(value)
        short = not isinstance(value, Fraction) or value.denominator & (value.denominator - 1) == 0
        return Carried(plain, 0.0 if short else abs(plain))

    def divide(self, a: Carried, b: Carried) -> Carried:
        value = FLOAT.divide(a.value, b.value)
        if not math.isfinite(value):
            return Carried(value, math.inf)
        carried = a.error / abs(b.value) + abs(value) * b.error / abs(b.value)
        return Carried(value, carried + (0.0 if abs(b.value) == 1.0 else abs(value)))

    def power(self, base: Carried, exponent: Any) -> Carried:
        e = exponent.value if isinstance(exponent, Carried) else exponent
        value = FLOAT.power(base.value, e)
        error = 2 * abs(value)
        if base.value:
            error += abs(float(e) * value / base.value) * base.error
            if isinstance(exponent, Carried) and base.value > 0:
                error += abs(value * math.log(base.value)) * exponent.error
        return Carried(value, error)

    def total(self, values: Iterable[Carried]) -> Carried:
        """Σ: the depth of a balanced tree, and four more for those who do not balance."""
        terms = list(values)
        if not all(math.isfinite(t.value) for t in terms):
            return Carried(sum(t.value for t in terms))  # an infinite term is all that counts
        if len(terms) == 2:
            return terms[0] + terms[1]
        value = math.fsum(t.value for t in terms)
        present = sum(1 for t in terms if t.value)
        depth = min(max(present - 1, 0), 4 + math.ceil(math.log2(present)) if present > 1 else 0)
        return Carried(value, sum(t.error for t in terms) + depth * sum(abs(t.value) for t in terms))

    def key(self, value: Carried) -> float:
        return value.value

    def less(self, a: Carried, b: Carried) -> bool:
        self._decided(a, b)
        return a.value < b.value

    def equal(self, a: Carried, b: Carried) -> bool:
        self._decided(a, b)
        return a.value == b.value

    def beats(self, a: Carried, b: Carried) -> bool:
        return self.less(b, a)

    def _decided(self, a: Carried, b: Carried) -> None:
        doubt = 4 * self.roundoff * (a.error + b.error)
        if doubt and abs(a.value - b.value) <= doubt:
            raise Undecided

    def _carried(self, function: Callable[..., float]) -> Callable[..., Carried]:
        """f(a, …): what each argument is off by, times the slope there, and two roundings."""

        def call(*arguments: Any) -> Carried:
            plain = [float(a) for a in arguments]
            value = function(*plain)
            error = 2 * abs(value)
            for k, a in enumerate(arguments):
                if isinstance(a, Carried) and a.error and math.isfinite(a.value):
                    error += _slope(function, plain, k) * a.error
            return Carried(value, error)

        return call

    @staticmethod
    def _exact(function: Callable[[float], float]) -> Callable[[Carried], Carried]:
        def call(x: Carried) -> Carried:
            value = function(x.value)
            if x.error:
                raise Undecided
            return Carried(value)

        return call


def _slope(function: Callable[..., float], at: list[float], k: int) -> float:
    """|∂f/∂argument k|, to the few digits that a bound needs."""
    step = 1e-6 * max(abs(at[k]), 1e-3)
    ends = []
    for side in (step, -step):
        moved = list(at)
        moved[k] += side
        ends.append(function(*moved))
    slope = abs(ends[0] - ends[1]) / (2 * step)
    return slope if math.isfinite(slope) else math.inf
