"""Number fields: what a real value of a program may be made of.

A field is a table from the language's function names to implementations, and the few operations that
are not Python's own.  ``FLOAT`` is float64 with IEEE's inf and nan where ``math`` would raise;
``COMPLEX`` continues every function analytically and compares real parts (for complex steps);
``FRACTION`` is exact and refuses what is irrational; ``Modular(p)`` computes with integers mod p, where
equal rational expressions have equal values; ``MP`` is mpmath with 50 digits.
"""

from __future__ import annotations

import cmath
import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from derive.errors import DeriveError
from derive.functions import FUNCTIONS

Number = Any
Table = dict[str, Callable[..., Number]]


class NotRational(DeriveError):
    """A value that the field cannot hold: a root or a transcendental function over the rationals."""


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
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "_mpf_"):
        sign, mantissa, exponent, _ = value._mpf_
        return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent
    try:
        return Fraction(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise NotRational(f"{value!r} is not a rational number", mend="evaluate over floats") from error


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


# ------------------------------------------------------------------------------ multiprecision

_CONTEXT = mpmath.mp.clone()  # our own, so that nobody's precision is changed
_CONTEXT.dps = 50


def _analytic(name: str, x: Any) -> Any:
    """A special function of 50 digits; lgamma is log|Γ| on the real line, continued."""
    context = _CONTEXT
    if name == "lgamma":
        real = context.loggamma(context.re(x))
        return context.loggamma(x) - context.mpc(0, context.im(real))
    return {"erf": context.erf, "erfc": context.erfc, "digamma": context.digamma}[name](x)


class HighPrecision(Field):
    """mpmath reals of 50 digits; nan where the real function is not defined."""

    name, dtype = "mp", object

    def __init__(self) -> None:
        c = _CONTEXT
        self.zero, self.one, self.infinity = c.mpf(0), c.mpf(1), c.inf
        self.constants = {"pi": +c.pi, "e": +c.e}
        direct = ("exp", "log", "sqrt", "log1p", "expm1", "sin", "cos", "tan", "asin", "acos", "atan")
        named = {
            name: self._real(getattr(c, name)) for name in (*direct, "sinh", "cosh", "tanh", "atan2", "floor", "ceil")
        }
        special = {name: self._real(lambda x, n=name: _analytic(n, x)) for name in ("lgamma", "digamma", "erf", "erfc")}
        self.functions = {
            **named,
            **special,
            **order_functions(self),
            "polygamma": self._real(lambda n, x: c.psi(int(n), x)),
            "round": self._real(c.nint),
            "sigmoid": self._real(lambda x: 1 / (1 + c.exp(-x))),
            "softplus": self._real(lambda x: c.log1p(c.exp(x))),
            "logsigmoid": self._real(lambda x: -c.log1p(c.exp(-x))),
        }

    @staticmethod
    def _real(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            try:
                value = function(*arguments)
            except (ValueError, ZeroDivisionError):  # a pole
                return _CONTEXT.nan
            return value if isinstance(value, _CONTEXT.mpf) else _real_part(value)

        return call

    def number(self, value: Any) -> Number:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Fraction):
            return _CONTEXT.mpf(value.numerator) / value.denominator
        return _CONTEXT.mpf(value)

    def divide(self, a: Number, b: Number) -> Number:
        if b == 0:
            return self.infinity * a if a == a and a != 0 else _CONTEXT.nan
        return a / b

    def power(self, base: Number, exponent: Number) -> Number:
        if base == 0 and exponent < 0:
            return self.infinity
        if isinstance(exponent, Fraction):
            exponent = self.number(exponent)
        return _real_part(_CONTEXT.power(base, exponent))


def _real_part(value: Any) -> Any:
    """value if it is real, nan if it is not."""
    return value if _CONTEXT.im(value) == 0 else _CONTEXT.nan


# ------------------------------------------------------------------------------ float and complex


def _ieee(function: Callable[[float], float], edge: Callable[[float], float] | None = None) -> Callable[[float], float]:
    """``math``'s function with IEEE's answers: nan outside its domain, inf where it overflows."""

    def call(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.copysign(math.inf, x) if function is math.sinh else math.inf
        except ValueError:
            return edge(x) if edge else math.nan

    return call


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


def _special(name: str) -> Callable[[float], float]:
    return lambda x: float(_analytic(name, _CONTEXT.mpf(x))) if math.isfinite(x) else math.nan


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x))) if x == x else x


class Float(Field):
    """float64, with inf and nan as IEEE has them."""

    name, dtype = "float", float

    def __init__(self) -> None:
        self.zero, self.one, self.infinity = 0.0, 1.0, math.inf
        self.constants = {"pi": math.pi, "e": math.e}
        plain = (
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "erf",
            "erfc",
            "exp",
            "expm1",
            "sqrt",
        )
        self.functions = {
            **{name: _ieee(getattr(math, name)) for name in plain},
            **order_functions(self),
            "log": _ieee(math.log, lambda x: -math.inf if x == 0 else math.nan),
            "log1p": _ieee(math.log1p, lambda x: -math.inf if x == -1 else math.nan),
            "lgamma": _ieee(math.lgamma, lambda x: math.inf),
            "digamma": _special("digamma"),
            "polygamma": lambda n, x: float(MP.functions["polygamma"](n, x)),
            "floor": _whole(math.floor),
            "ceil": _whole(math.ceil),
            "round": _whole(round),
            "atan2": math.atan2,
            "abs": abs,
            "sigmoid": _sigmoid,
            "softplus": _softplus,
            "logsigmoid": lambda x: -_softplus(-x),
        }

    def number(self, value: Any) -> Number:
        return float(value)

    def divide(self, a: Number, b: Number) -> Number:
        if b:
            return a / b
        return math.copysign(1, b) * a * math.inf

    def power(self, base: Number, exponent: Number) -> Number:
        if exponent == _HALF:
            return self.functions["sqrt"](base)
        exponent = float(exponent)
        try:
            return math.pow(base, exponent)
        except OverflowError:
            return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
        except ValueError:
            return math.inf if base == 0 else math.nan


class Complex(Field):
    """complex128; real numbers stay Python floats, comparisons look at real parts."""

    name, dtype = "complex", complex

    def __init__(self) -> None:
        self.zero, self.one, self.infinity = 0.0, 1.0, math.inf
        self.constants = FLOAT.constants
        plain = ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
        continued = {
            **{name: getattr(cmath, name) for name in plain},
            **{
                n: (lambda x, n=n: complex(_analytic(n, _CONTEXT.mpc(x)))) for n in ("erf", "erfc", "lgamma", "digamma")
            },
            "log1p": lambda x: complex(_CONTEXT.log1p(_CONTEXT.mpc(x))),
            "expm1": lambda x: complex(_CONTEXT.expm1(_CONTEXT.mpc(x))),
            "sigmoid": lambda x: 1 / (1 + cmath.exp(-x)) if x.real >= 0 else cmath.exp(x) / (1 + cmath.exp(x)),
            "softplus": _softplus_complex,
            "logsigmoid": lambda x: -_softplus_complex(-x),
            "polygamma": lambda n, x: complex(_CONTEXT.psi(int(n.real), _CONTEXT.mpc(x))),
            "atan2": lambda y, x: -1j * cmath.log((x + 1j * y) / cmath.sqrt(x * x + y * y)),
            "floor": lambda x: float(math.floor(x.real)),
            "ceil": lambda x: float(math.ceil(x.real)),
            "round": lambda x: float(round(x.real)),
        }
        either = {name: _by_type(f, FLOAT.functions[name]) for name, f in continued.items()}
        self.functions = {**either, **order_functions(self)}

    def number(self, value: Any) -> Number:
        return complex(value) if isinstance(value, (complex, np.complexfloating)) else float(value)

    def divide(self, a: Number, b: Number) -> Number:
        return a / b if b else a * math.inf

    def power(self, base: Number, exponent: Number) -> Number:
        if not isinstance(base, complex) and not isinstance(exponent, complex):
            return FLOAT.power(base, exponent)
        if exponent == _HALF:
            return cmath.sqrt(base)
        if isinstance(exponent, Fraction):
            exponent = int(exponent) if exponent.denominator == 1 else float(exponent)
        return base**exponent if base or not exponent.real < 0 else math.inf

    def key(self, value: Number) -> Any:
        return value.real


def _softplus_complex(x: complex) -> complex:
    return cmath.log(1 + cmath.exp(x)) if x.real < 0 else x + cmath.log(1 + cmath.exp(-x))


def _by_type(continued: Callable[..., Number], real: Callable[..., Number]) -> Callable[..., Number]:
    """The real function on reals, its continuation where an argument is complex."""

    def call(*arguments: Number) -> Number:
        return (continued if any(isinstance(a, complex) for a in arguments) else real)(*arguments)

    return call


# ------------------------------------------------------------------------------ exact fields


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
        infinite = isinstance(value, (float, np.floating)) and math.isinf(value)
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

    def _relatives(self) -> Table:
        p, over = self.prime, self.divide

        def exp(x: int) -> int:
            if x == 0:
                return 1
            return self.oracle("exp", x) if x <= p // 2 else over(1, self.oracle("exp", p - x))

        def half_tangent(x: int) -> int:
            return self.oracle("tan/2", x) if x <= p // 2 else p - self.oracle("tan/2", p - x)

        def log(x: int) -> int:
            return 0 if x == 1 else self.oracle("log", x)

        def odd(x: int) -> int:
            return (exp(x) - exp(-x % p)) % p

        def even(x: int) -> int:
            return (exp(x) + exp(-x % p)) % p

        def sin(x: int) -> int:
            t = half_tangent(x) if x else 0
            return over(2 * t, 1 + t * t)

        def cos(x: int) -> int:
            t = half_tangent(x) if x else 0
            return over(1 - t * t, 1 + t * t)

        return {
            "exp": exp,
            "expm1": lambda x: (exp(x) - 1) % p,
            "log": log,
            "log1p": lambda x: log((1 + x) % p),
            "sigmoid": lambda x: over(1, 1 + exp(-x % p)),
            "softplus": lambda x: log((1 + exp(x)) % p),
            "logsigmoid": lambda x: -log((1 + exp(-x % p)) % p) % p,
            "sinh": lambda x: over(odd(x), 2),
            "cosh": lambda x: over(even(x), 2),
            "tanh": lambda x: over(odd(x), even(x)),
            "sin": sin,
            "cos": cos,
            "tan": lambda x: over(sin(x), cos(x)),
            "erfc": lambda x: (1 - self.oracle("erf", x)) % p,
            "sqrt": lambda x: self.power(x, _HALF),
        }

    def number(self, value: Any) -> Number:
        if isinstance(value, (float, np.floating)) and math.isinf(value):
            return self.infinity if value > 0 else self.prime - self.infinity
        if isinstance(value, (int, np.integer)):
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


_HALF = Fraction(1, 2)
MP = HighPrecision()
FLOAT = Float()
COMPLEX = Complex()
FRACTION = Rationals()
MODULAR = Modular()
