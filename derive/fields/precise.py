"""Reals of 50 digits, and the special functions the other fields borrow from them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from derive.fields.base import Field, NotReal, Number, order_functions

CONTEXT = mpmath.mp.clone()  # our own, so that nobody's precision is changed
CONTEXT.dps = 50


def analytic(name: str, x: Any) -> Any:
    """A special function of 50 digits; lgamma is log|Γ| on the real line, continued."""
    context = CONTEXT
    if name == "lgamma":
        real = context.loggamma(context.re(x))
        return context.loggamma(x) - context.mpc(0, context.im(real))
    return {"erf": context.erf, "erfc": context.erfc, "digamma": context.digamma}[name](x)


class HighPrecision(Field):
    """mpmath reals of 50 digits; nan where the real function is not defined."""

    name, dtype = "mp", object

    def __init__(self) -> None:
        c = CONTEXT
        self.zero, self.one, self.infinity = c.mpf(0), c.mpf(1), c.inf
        self.constants = {"pi": +c.pi, "e": +c.e}
        direct = ("exp", "log", "sqrt", "log1p", "expm1", "sin", "cos", "tan", "asin", "acos", "atan")
        named = {
            name: self._real(getattr(c, name)) for name in (*direct, "sinh", "cosh", "tanh", "atan2", "floor", "ceil")
        }
        special = {name: self._real(lambda x, n=name: analytic(n, x)) for name in ("lgamma", "digamma", "erf", "erfc")}
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
                return CONTEXT.nan
            return value if isinstance(value, CONTEXT.mpf) else _real_part(value)

        return call

    def number(self, value: Any) -> Number:
        if hasattr(value, "item"):  # a NumPy number
            value = value.item()
        if isinstance(value, complex):
            raise NotReal(value)
        if isinstance(value, Fraction):
            return CONTEXT.mpf(value.numerator) / value.denominator
        return CONTEXT.mpf(value)

    def divide(self, a: Number, b: Number) -> Number:
        if b == 0:
            return self.infinity * a if a == a and a != 0 else CONTEXT.nan
        return a / b

    def power(self, base: Number, exponent: Number) -> Number:
        if base == 0 and exponent < 0:
            return self.infinity
        if isinstance(exponent, Fraction):
            exponent = self.number(exponent)
        return _real_part(CONTEXT.power(base, exponent))


def _real_part(value: Any) -> Any:
    """value if it is real, nan if it is not."""
    return CONTEXT.re(value) if CONTEXT.im(value) == 0 else CONTEXT.nan


MP = HighPrecision()
