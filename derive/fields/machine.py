"""float64 and complex128: IEEE's answers where ``math`` would raise."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from derive.fields.base import HALF, Field, NotReal, Number, is_complex, order_functions
from derive.fields.precise import CONTEXT, MP, analytic


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
    return lambda x: float(analytic(name, CONTEXT.mpf(x))) if math.isfinite(x) else math.nan


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
        if is_complex(value):
            raise NotReal(value)
        return float(value)

    def divide(self, a: Number, b: Number) -> Number:
        if b:
            return a / b
        return math.copysign(1, b) * a * math.inf

    def power(self, base: Number, exponent: Number) -> Number:
        if exponent == HALF:
            return self.functions["sqrt"](base)
        exponent = float(exponent)
        try:
            return math.pow(base, exponent)
        except OverflowError:
            return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
        except ValueError:
            return math.inf if base == 0 else math.nan


FLOAT = Float()


class Complex(Field):
    """complex128; real numbers stay Python floats, comparisons look at real parts."""

    name, dtype = "complex", complex

    def __init__(self) -> None:
        self.zero, self.one, self.infinity = 0.0, 1.0, math.inf
        self.constants = FLOAT.constants
        plain = ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
        continued = {
            **{name: getattr(cmath, name) for name in plain},
            **{n: (lambda x, n=n: complex(analytic(n, CONTEXT.mpc(x)))) for n in ("erf", "erfc", "lgamma", "digamma")},
            "log1p": lambda x: complex(CONTEXT.log1p(CONTEXT.mpc(x))),
            "expm1": lambda x: complex(CONTEXT.expm1(CONTEXT.mpc(x))),
            "sigmoid": lambda x: 1 / (1 + cmath.exp(-x)) if x.real >= 0 else cmath.exp(x) / (1 + cmath.exp(x)),
            "softplus": _softplus_complex,
            "logsigmoid": lambda x: -_softplus_complex(-x),
            "polygamma": lambda n, x: complex(CONTEXT.psi(int(n.real), CONTEXT.mpc(x))),
            "atan2": _angle,
            "floor": lambda x: float(math.floor(x.real)),
            "ceil": lambda x: float(math.ceil(x.real)),
            "round": lambda x: float(round(x.real)),
        }
        either = {name: _by_type(f, FLOAT.functions[name]) for name, f in continued.items()}
        self.functions = {**either, **order_functions(self)}

    def number(self, value: Any) -> Number:
        return complex(value) if is_complex(value) else float(value)

    def divide(self, a: Number, b: Number) -> Number:
        return a / b if b else a * math.inf

    def power(self, base: Number, exponent: Number) -> Number:
        if not isinstance(base, complex) and not isinstance(exponent, complex):
            return FLOAT.power(base, exponent)
        if exponent == HALF:
            return cmath.sqrt(base)
        if isinstance(exponent, Fraction):
            exponent = int(exponent) if exponent.denominator == 1 else float(exponent)
        return base**exponent if base or not exponent.real < 0 else math.inf

    def key(self, value: Number) -> Any:
        return value.real


def _softplus_complex(x: complex) -> complex:
    return cmath.log(1 + cmath.exp(x)) if x.real < 0 else x + cmath.log(1 + cmath.exp(-x))


def _angle(y: complex, x: complex) -> complex:
    """atan2, continued: a principal arctangent of the smaller quotient, plus the real jump."""
    value = cmath.atan(y / x) if abs(x) >= abs(y) else -cmath.atan(x / y)
    return value + (math.atan2(y.real, x.real) - value.real)


def _by_type(continued: Callable[..., Number], real: Callable[..., Number]) -> Callable[..., Number]:
    """The real function on reals, its continuation where an argument is complex."""

    def call(*arguments: Number) -> Number:
        return (continued if any(isinstance(a, complex) for a in arguments) else real)(*arguments)

    return call


COMPLEX = Complex()
