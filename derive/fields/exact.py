"""Fractions, and integers modulo a prime."""

from __future__ import annotations

import hashlib
import math
import numbers
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from derive.fields.base import HALF, Field, NotRational, Number, Table, as_fraction, order_functions
from derive.functions import FUNCTIONS


class Rationals(Field):
    """Exact fractions; inf is the float, for masks and empty maxima."""

    name = "fraction"

    def __init__(self) -> None:
        self.zero, self.one, self.infinity = Fraction(0), Fraction(1), math.inf
        self.constants = {}
        self.functions = {
            **{name: _irrational(name) for name in FUNCTIONS},
            **order_functions(self),
            "floor": lambda x: Fraction(math.floor(x)),
            "ceil": lambda x: Fraction(math.ceil(x)),
            "round": lambda x: Fraction(round(x)),
        }

    def number(self, value: Any) -> Number:
        infinite = isinstance(value, numbers.Real) and math.isinf(value)
        return float(value) if infinite else as_fraction(value)

    def divide(self, a: Number, b: Number) -> Number:
        if b == 0:
            raise NotRational("a division by zero has no exact value", mend="evaluate over floats")
        return a / b

    def power(self, base: Number, exponent: Number) -> Number:
        if Fraction(exponent).denominator != 1:
            raise NotRational(f"a power {exponent} is not rational", mend="evaluate over floats")
        return base ** int(exponent) if exponent >= 0 else self.divide(self.one, base ** int(-exponent))


def _irrational(name: str) -> Callable[..., Number]:
    def refuse(*arguments: Number) -> Number:
        raise NotRational(f"{name} has no exact value over the rationals", mend="evaluate over floats")

    return refuse


class Modular(Field):
    """Integers mod a prime: rational programs that agree at random points are equal (Schwartz–Zippel).

    A transcendental function is a fixed pseudo-random function of its name and arguments, with the
    rational identities between relatives kept (exp(−x)·exp(x) = 1, tanh = sinh/cosh, sigmoid by exp,
    sin² + cos² = 1).  So *equal* results are evidence of equal programs, but unequal ones are not a
    disproof once functions are involved (exp(a + b) is not exp(a)·exp(b) here): decide those in ``MP``.
    Powers that are not literal integers raise ``NotRational``, since (b**(1/2))**2 would not be b.
    Residues are ordered as −p/2 < x < p/2, so that small integers keep their order.
    """

    def __init__(self, prime: int = 2**61 - 1) -> None:
        self.prime, self.name = prime, f"mod {prime}"
        self.zero, self.one = 0, 1
        self.infinity = self.oracle("inf")
        self.constants = {"pi": self.oracle("pi"), "e": self.oracle("e")}
        opaque = (
            "log",
            "asin",
            "acos",
            "atan",
            "atan2",
            "erf",
            "lgamma",
            "digamma",
            "polygamma",
            "floor",
            "ceil",
            "round",
        )
        self.functions = {
            **{name: (lambda *a, n=name: self.oracle(n, *a)) for name in opaque},
            **order_functions(self),
            **self._relatives(),
        }

    def oracle(self, name: str, *arguments: int) -> int:
        """A pseudo-random residue that depends on the name and the arguments alone."""
        digest = hashlib.blake2b(f"{name}{arguments}".encode(), digest_size=16).digest()
        return int.from_bytes(digest, "big") % self.prime

    def _exp(self, x: int) -> int:
        """exp(−x)·exp(x) = 1."""
        if x % self.prime == 0:
            return 1
        below = x % self.prime <= self.prime // 2
        return self.oracle("exp", x % self.prime) if below else self.divide(1, self.oracle("exp", -x % self.prime))

    def _log(self, x: int) -> int:
        return 0 if x % self.prime == 1 else self.oracle("log", x % self.prime)

    def _circle(self, x: int) -> tuple[int, int]:
        """(sin x, cos x) on the unit circle, odd and even, by the tangent of half the angle."""
        below = x <= self.prime // 2
        t = 0 if x == 0 else self.oracle("tan/2", x) if below else -self.oracle("tan/2", -x % self.prime)
        return self.divide(2 * t, 1 + t * t), self.divide(1 - t * t, 1 + t * t)

    def _relatives(self) -> Table:
        p, over, exp, log, circle = self.prime, self.divide, self._exp, self._log, self._circle
        return {
            "exp": exp,
            "expm1": lambda x: (exp(x) - 1) % p,
            "log": log,
            "log1p": lambda x: log(1 + x),
            "sigmoid": lambda x: over(1, 1 + exp(-x)),
            "softplus": lambda x: log(1 + exp(x)),
            "logsigmoid": lambda x: -log(1 + exp(-x)) % p,
            "sinh": lambda x: over(exp(x) - exp(-x), 2),
            "cosh": lambda x: over(exp(x) + exp(-x), 2),
            "tanh": lambda x: over(exp(x) - exp(-x), exp(x) + exp(-x)),
            "sin": lambda x: circle(x)[0],
            "cos": lambda x: circle(x)[1],
            "tan": lambda x: over(*circle(x)),
            "erfc": lambda x: (1 - self.oracle("erf", x)) % p,
            "sqrt": lambda x: self.power(x, HALF),
        }

    def number(self, value: Any) -> Number:
        if isinstance(value, numbers.Real) and math.isinf(value):
            return self.infinity if float(value) > 0 else self.prime - self.infinity
        if isinstance(value, numbers.Integral):
            return int(value) % self.prime
        exact = as_fraction(value)
        return self.divide(exact.numerator, exact.denominator)

    def divide(self, a: Number, b: Number) -> Number:
        if b % self.prime == 0:
            raise NotRational("a division by zero has no value mod p", mend="evaluate at another point")
        return a * pow(b, -1, self.prime) % self.prime

    def power(self, base: Number, exponent: Number) -> Number:
        if not isinstance(exponent, (int, Fraction)) or Fraction(exponent).denominator != 1:
            raise NotRational(f"a power {exponent} leaves the rationals", mend="evaluate in high precision")
        if exponent < 0:
            return self.divide(1, pow(base, -int(exponent), self.prime))
        return pow(base, int(exponent), self.prime)

    def reduced(self, value: Number) -> Number:
        return value % self.prime

    def key(self, value: Number) -> Any:
        return value if value <= self.prime // 2 else value - self.prime


FRACTION = Rationals()
MODULAR = Modular()
