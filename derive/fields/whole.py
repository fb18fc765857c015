"""Index arithmetic: exact integers, with fractions on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sympy import Rational

Env = dict[str, int]
Closure = Callable[[Env], Any]


def constant(value: Any) -> Closure:
    return lambda env: value


Form = tuple[int, dict[str, int]]


def sum_of_forms(forms: list[Form]) -> Form:
    letters: dict[str, int] = {}
    for _, coefficients in forms:
        for name, c in coefficients.items():
            letters[name] = letters.get(name, 0) + c
    return sum(constant for constant, _ in forms), letters


def product_of_forms(forms: list[Form]) -> Form | None:
    """The product, if at most one factor has letters."""
    factor = math.prod(constant for constant, letters in forms if not letters)
    linear = [form for form in forms if form[1]]
    if len(linear) > 1:
        return None
    constant, letters = linear[0] if linear else (1, {})
    return constant * factor, {name: c * factor for name, c in letters.items()}


def affine_closure(start: int, letters: dict[str, int]) -> Closure:
    terms = tuple(letters.items())
    if not terms:
        return constant(start)
    if len(terms) == 1:
        ((name, c),) = terms
        return lambda env: start + c * env[name]
    if len(terms) == 2:
        (name, c), (other, d) = terms
        return lambda env: start + c * env[name] + d * env[other]
    return lambda env: start + sum([c * env[name] for name, c in terms])


def plain(e: Rational) -> int | Fraction:
    return int(e) if e.is_Integer else Fraction(int(e.p), int(e.q))


def _exact_power(base: Any, exponent: int) -> Any:
    return base**exponent if exponent >= 0 else Fraction(1) / base**-exponent


EXACT_FUNCTIONS: dict[str | None, Callable[..., Any]] = {
    "FloorDiv": lambda a, b: a // b,
    "Modulo": lambda a, b: a % b,
    "Pow": _exact_power,
    "abs": abs,
    "min": min,
    "max": max,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sign": lambda a: (a > 0) - (a < 0),
    "clamp": lambda x, lo, hi: min(max(x, lo), hi),
}

EXACT_COMPARE: dict[str, Callable[[Closure, Closure], Closure]] = {
    "==": lambda f, g: lambda env: f(env) == g(env),
    "!=": lambda f, g: lambda env: f(env) != g(env),
    "<": lambda f, g: lambda env: f(env) < g(env),
    "<=": lambda f, g: lambda env: f(env) <= g(env),
}
