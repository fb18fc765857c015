"""The scalar functions of the language: one row a function, its derivative in SymPy's own terms.

Smooth functions SymPy knows are SymPy's classes.  The others are inert SymPy functions of ours whose
``fdiff`` is the row's derivative.  Kinks follow torch's conventions (design section 7) and are written
with ``where``, so that a guard stays a domain.  Targets keep their own tables from these names to code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Function, Integer, Rational, pi, sqrt

from derive.program import Compare, Logic, Where

ZERO, ONE, HALF = Integer(0), Integer(1), Rational(1, 2)


def _where(op: str, a, b, then, otherwise) -> Where:
    return Where(Compare(op, a, b), then, otherwise)


def _scalar(name: str, arity: int, *partials: Callable[..., Expr]) -> type[Function]:
    """An inert real SymPy function whose i-th partial derivative is ``partials[i]``."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return partials[argindex - 1](*self.args)

    return type(name, (Function,), {"nargs": arity, "fdiff": fdiff, "is_real": True, "is_commutative": True})


relu: type[Function] = _scalar("relu", 1, lambda x: _where("<", ZERO, x, ONE, ZERO))
sign: type[Function] = _scalar("sign", 1, lambda x: ZERO)
absolute: type[Function] = _scalar("abs", 1, lambda x: sign(x))
floor: type[Function] = _scalar("floor", 1, lambda x: ZERO)
ceil: type[Function] = _scalar("ceil", 1, lambda x: ZERO)
round_: type[Function] = _scalar("round", 1, lambda x: ZERO)
sigmoid: type[Function] = _scalar("sigmoid", 1, lambda x: sigmoid(x) * (1 - sigmoid(x)))
softplus: type[Function] = _scalar("softplus", 1, lambda x: sigmoid(x))
logsigmoid: type[Function] = _scalar("logsigmoid", 1, lambda x: 1 - sigmoid(x))
log1p: type[Function] = _scalar("log1p", 1, lambda x: 1 / (1 + x))
expm1: type[Function] = _scalar("expm1", 1, lambda x: sympy.exp(x))
tanh: type[Function] = _scalar("tanh", 1, lambda x: 1 - tanh(x) ** 2)
sinh: type[Function] = _scalar("sinh", 1, lambda x: cosh(x))
cosh: type[Function] = _scalar("cosh", 1, lambda x: sinh(x))
erf: type[Function] = _scalar("erf", 1, lambda x: 2 / sqrt(pi) * sympy.exp(-(x**2)))
erfc: type[Function] = _scalar("erfc", 1, lambda x: -2 / sqrt(pi) * sympy.exp(-(x**2)))
asin: type[Function] = _scalar("asin", 1, lambda x: 1 / sqrt(1 - x**2))
acos: type[Function] = _scalar("acos", 1, lambda x: -1 / sqrt(1 - x**2))
atan: type[Function] = _scalar("atan", 1, lambda x: 1 / (1 + x**2))
atan2: type[Function] = _scalar("atan2", 2, lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2))
lgamma: type[Function] = _scalar("lgamma", 1, lambda x: digamma(x))
polygamma: type[Function] = _scalar("polygamma", 2, lambda n, x: ZERO, lambda n, x: polygamma(n + 1, x))
digamma: type[Function] = _scalar("digamma", 1, lambda x: polygamma(ONE, x))
maximum: type[Function] = _scalar(
    "max", 2,
    lambda a, b: _where("<", b, a, ONE, _where("==", a, b, HALF, ZERO)),
    lambda a, b: _where("<", a, b, ONE, _where("==", a, b, HALF, ZERO)),
)  # fmt: skip
minimum: type[Function] = _scalar(
    "min", 2,
    lambda a, b: _where("<", a, b, ONE, _where("==", a, b, HALF, ZERO)),
    lambda a, b: _where("<", b, a, ONE, _where("==", a, b, HALF, ZERO)),
)  # fmt: skip
clamp: type[Function] = _scalar(
    "clamp", 3,
    lambda x, lo, hi: Where(Logic("and", Compare("<=", lo, x), Compare("<=", x, hi)), ONE, ZERO),
    lambda x, lo, hi: Where(Logic("and", Compare("<", x, lo), Compare("<", lo, hi)), ONE, ZERO),
    lambda x, lo, hi: Where(Logic("or", Compare("<", hi, x), Compare("<", hi, lo)), ONE, ZERO),
)  # fmt: skip


@dataclass(frozen=True)
class Scalar:
    """A function's name in the language, its SymPy class, arity, and whether it has kinks or jumps."""

    name: str
    cls: Callable[..., Expr]
    arity: int = 1
    smooth: bool = True


#: Every scalar function a definition may call.  ``sqrt`` and ``exp`` build SymPy's own forms.
FUNCTIONS: dict[str, Scalar] = {
    row.name: row
    for row in (
        Scalar("exp", sympy.exp),
        Scalar("log", sympy.log),
        Scalar("sqrt", sqrt),
        Scalar("log1p", log1p),
        Scalar("expm1", expm1),
        Scalar("abs", absolute, smooth=False),
        Scalar("sign", sign, smooth=False),
        Scalar("sin", sympy.sin),
        Scalar("cos", sympy.cos),
        Scalar("tan", sympy.tan),
        Scalar("asin", asin),
        Scalar("acos", acos),
        Scalar("atan", atan),
        Scalar("atan2", atan2, 2),
        Scalar("sinh", sinh),
        Scalar("cosh", cosh),
        Scalar("tanh", tanh),
        Scalar("sigmoid", sigmoid),
        Scalar("softplus", softplus),
        Scalar("logsigmoid", logsigmoid),
        Scalar("relu", relu, smooth=False),
        Scalar("erf", erf),
        Scalar("erfc", erfc),
        Scalar("lgamma", lgamma),
        Scalar("digamma", digamma),
        Scalar("polygamma", polygamma, 2),
        Scalar("floor", floor, smooth=False),
        Scalar("ceil", ceil, smooth=False),
        Scalar("round", round_, smooth=False),
        Scalar("max", maximum, 2, smooth=False),
        Scalar("min", minimum, 2, smooth=False),
        Scalar("clamp", clamp, 3, smooth=False),
    )
}

#: From a SymPy class's name to the language's name, for printers and evaluators.
NAME_OF_CLASS: dict[str, str] = {row.cls.__name__: row.name for row in FUNCTIONS.values() if isinstance(row.cls, type)}


def function_name(e: Expr) -> str | None:
    """The language's name of a scalar function application, or None if e is not one."""
    return NAME_OF_CLASS.get(type(e).__name__) if isinstance(e, Function) else None


def partial(e: Expr, position: int) -> Expr:
    """∂e/∂(argument at position), by SymPy's ``fdiff``."""
    return e.fdiff(position + 1)
