"""What a field of numbers is: a table of functions and the operations that are not Python's own."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from derive.errors import DeriveError

Number = Any
Table = dict[str, Callable[..., Number]]


class NotRational(DeriveError):
    """A value that the field cannot hold: a root or a transcendental function over the rationals."""


class NotReal(DeriveError):
    """A complex number where the field is real."""

    def __init__(self, value: Any) -> None:
        super().__init__(f"{value} is not a real number", mend="evaluate over complex numbers: field=COMPLEX")


class Field(ABC):
    """Numbers of one kind: how they are made, divided, raised to powers, compared and stored."""

    name: str
    dtype: type | str = object
    functions: Table
    constants: dict[str, Number]
    infinity: Number
    zero: Number
    one: Number

    @abstractmethod
    def number(self, value: Any) -> Number:
        """A Python, NumPy or mpmath number (or a Fraction) as an element of the field."""

    @abstractmethod
    def divide(self, a: Number, b: Number) -> Number:
        """a / b."""

    @abstractmethod
    def power(self, base: Number, exponent: Number) -> Number:
        """base ** exponent, where an exponent that is a literal or made of letters is an int or a Fraction."""

    def total(self, values: Iterable[Number]) -> Number:
        """Σ values."""
        return self.reduced(sum(values, self.zero))

    def product(self, values: Iterable[Number]) -> Number:
        """Π values."""
        result = self.one
        for value in values:
            result = self.reduced(result * value)
        return result

    def reduced(self, value: Number) -> Number:
        """The canonical form of a sum or product of elements."""
        return value

    def key(self, value: Number) -> Any:
        """What comparisons look at."""
        return value

    def less(self, a: Number, b: Number) -> bool:
        """a < b."""
        return bool(self.key(a) < self.key(b))

    def equal(self, a: Number, b: Number) -> bool:
        """a == b."""
        return bool(self.key(a) == self.key(b))

    def beats(self, a: Number, b: Number) -> bool:
        """Whether a replaces b as the maximum: a > b, or a is the first nan."""
        return self.less(b, a) or (a != a and b == b)

    def __repr__(self) -> str:
        return self.name


def as_fraction(value: Any) -> Fraction:
    """An exact Fraction of a finite rational number; NotRational otherwise."""
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    if hasattr(value, "_mpf_"):
        sign, mantissa, exponent, _ = value._mpf_
        return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent
    try:
        return Fraction(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise NotRational(f"{value!r} is not a rational number", mend="evaluate over floats") from error


def is_complex(value: Any) -> bool:
    """Whether a Python or NumPy number is of a complex type."""
    return isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real)


def order_functions(field: Field) -> Table:
    """abs, sign, relu, max, min, clamp: the functions that are only a comparison."""
    less, zero, minus = field.less, field.zero, field.number(-1)

    def negative(x: Number) -> Number:
        return field.product((minus, x))

    def sign(x: Number) -> Number:
        return field.one if less(zero, x) else minus if less(x, zero) else field.product((zero, x))

    def maximum(a: Number, b: Number) -> Number:
        return b if field.beats(b, a) else a

    def minimum(a: Number, b: Number) -> Number:
        return b if less(b, a) or b != b else a

    return {
        "abs": lambda x: negative(x) if less(x, zero) else x,
        "sign": sign,
        "relu": lambda x: zero if less(x, zero) else x,
        "max": maximum,
        "min": minimum,
        "clamp": lambda x, lo, hi: minimum(maximum(x, lo), hi),
    }


HALF = Fraction(1, 2)
