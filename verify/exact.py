"""The identity ⟨dy, J dx⟩ = ⟨Jᵀ dy, dx⟩ over integers modulo a prime: no tolerance at all.

Both sides are rational in the data once every transcendental value is a symbol of its own, so if they agree at a
random point they agree everywhere but with probability at most degree/p (Schwartz–Zippel).  Square roots are real
square roots mod p; a draw at which one does not exist is drawn again.

A function's value mod p is a symbol that knows few of its identities (exp(a + b) is not exp(a)·exp(b) there), a
root has either sign, order is not that of the reals: where a program has such, a difference proves nothing, so both
sides are computed to fifty digits, and that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Basic, Pow

from derive import interpreter
from derive.errors import DeriveError
from derive.fields import MP, Field, Modular, NotRational
from derive.functions import function_name
from derive.program import Compare, Program, Reduce, reads, walk
from derive.verify.inputs import Case
from derive.verify.probes import bounded

_DEGREE = 2**20  # no program checked here comes near this degree
_DRAWS = 40
#: what two values of fifty digits may differ by after some thousand operations, relatively
_DIGITS = 1e-35
#: a prime ≡ 7 (mod 8) modulo which every whole number up to 22 is a square
_PRIME = 2305843009213682039


class ModularWithRoots(Modular):
    """Integers mod p ≡ 3 (mod 4) with b^(k/2) where b is a square; π is one."""

    def __init__(self) -> None:
        super().__init__(_PRIME)
        self.constants = {name: value * value % self.prime for name, value in self.constants.items()}

    def power(self, base: Any, exponent: Any) -> Any:
        twice = 2 * exponent if isinstance(exponent, (int, Fraction)) else Fraction(1, 3)
        if not isinstance(exponent, Fraction) or twice.denominator != 1:
            return super().power(base, exponent)
        root = pow(base, (self.prime + 1) // 4, self.prime)
        if root * root % self.prime != base % self.prime:
            raise NotRational("a square root that does not exist mod p", mend="draw again")
        return super().power(root, int(twice))


FIELD = ModularWithRoots()
FAILURE_PROBABILITY = _DEGREE / FIELD.prime


@dataclass(frozen=True)
class Identity:
    """Both sides of the identity at one random point, and how they were computed."""

    left: Any
    right: Any
    holds: bool
    how: str

    def words(self) -> str:
        return f"⟨dy, J dx⟩ = {self.left} but ⟨Jᵀ dy, dx⟩ = {self.right}, {self.how}"


def identity(case: Case, adjoint: Program, tangent: Program, seed: int = 0) -> Identity | str:
    """Both sides at a random point of the case's shapes, or in words why there is no such point."""
    rng = np.random.default_rng([seed, 11])
    found = _modular(case, adjoint, tangent, rng)
    if isinstance(found, str) or found.holds or not functions_of(adjoint, tangent):
        return found
    return to_digits(case, adjoint, tangent, rng)


def functions_of(*programs: Program) -> tuple[str, ...]:
    """What has identities over the reals that residues do not know: functions, roots, order."""
    expressions = (p.rhs for program in programs for s in program.statements for p in s.pieces)
    return tuple(sorted({name for whole in expressions for e in walk(whole) if (name := _beyond_residues(e))}))


def _beyond_residues(e: Basic) -> str:
    if getattr(e, "is_Function", False):
        return str(function_name(e))
    if isinstance(e, Pow):
        return "" if e.args[1].is_Integer else "root"
    if isinstance(e, Reduce):
        return e.op if e.op not in _RATIONAL else ""
    return "order" if isinstance(e, Compare) and any(True for a in e.args[1:] for _ in reads(a)) else ""


_RATIONAL = ("sum", "mean", "prod", "count", "any", "all")


def _modular(case: Case, adjoint: Program, tangent: Program, rng: np.random.Generator) -> Identity | str:
    reason = ""
    for _ in range(_DRAWS):
        inputs = {n: _random(rng, x.shape) if n in case.differentiable else x for n, x in case.inputs.items()}
        inputs |= {t.name: _random(rng, inputs[t.name].shape) for t in case.program.inputs if t.kind == "const"}
        try:
            left, right = _sides(case, adjoint, tangent, inputs, rng, FIELD, _random)
        except NotRational as error:
            reason = error.message
        except DeriveError as error:
            return error.message
        else:
            how = f"modulo a prime: wrong with probability below {FAILURE_PROBABILITY:.0e}"
            return Identity(left, right, left == right, how)
    return reason


def to_digits(case: Case, adjoint: Program, tangent: Program, rng: np.random.Generator) -> Identity | str:
    """Both sides in high precision, at the case's own inputs, which lie where the functions are defined."""

    def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return bounded(rng, shape)

    try:
        left, right = _sides(case, adjoint, tangent, dict(case.inputs), rng, MP, drawn)
    except DeriveError as error:
        return error.message
    if left != left or right != right:
        return "the functions are not defined here"
    holds = abs(left - right) <= _DIGITS * (1 + abs(left))
    names = ", ".join(functions_of(adjoint, tangent))
    return Identity(left, right, bool(holds), f"to 50 digits: {names} know identities that residues do not")


def _sides(
    case: Case,
    adjoint: Program,
    tangent: Program,
    inputs: dict[str, np.ndarray],
    rng: np.random.Generator,
    field: Field,
    drawn: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
) -> tuple[Any, Any]:
    given = len(case.program.inputs)
    names = list(case.differentiable)
    tangents = {n: drawn(rng, inputs[n].shape) for n in names}
    along = {t.name: tangents[n] for t, n in zip(tangent.inputs[given:], names, strict=True)}
    ty = interpreter.run(tangent, {**inputs, **along}, case.hypers, field)
    dy = {t.name: drawn(rng, ty[o].shape) for t, o in zip(adjoint.inputs[given:], tangent.outputs, strict=True)}
    dx = interpreter.run(adjoint, {**inputs, **dy}, case.hypers, field)
    ahead = [_dot(field, dy[t.name], ty[o]) for t, o in zip(adjoint.inputs[given:], tangent.outputs, strict=True)]
    back = [_dot(field, dx[o], tangents[n]) for o, n in zip(adjoint.outputs, names, strict=True)]
    return field.total(ahead), field.total(back)


def _dot(field: Field, a: np.ndarray, b: np.ndarray) -> Any:
    pairs = zip(np.ravel(a), np.ravel(b), strict=True)
    return field.total(field.number(x) * field.number(y) for x, y in pairs)


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        values[index] = int(rng.integers(1, FIELD.prime))
    return values
