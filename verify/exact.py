"""The identity ⟨dy, J dx⟩ = ⟨Jᵀ dy, dx⟩ over integers modulo a prime: no tolerance at all.

Both sides are rational in the data once every transcendental value is a symbol of its own, so if they agree at a
random point they agree everywhere but with probability at most degree/p (Schwartz–Zippel).  Square roots are real
square roots mod p; a draw at which one does not exist is drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive import interpreter
from derive.errors import DeriveError
from derive.fields import Modular, NotRational
from derive.program import Program
from derive.verify.inputs import Case

_DEGREE = 2**20  # no program checked here comes near this degree
_DRAWS = 40
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
    """Both sides of the identity at one random point."""

    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right


def identity(case: Case, adjoint: Program, tangent: Program, seed: int = 0) -> Identity | str:
    """Both sides at a random point of the case's shapes, or in words why there is no such point."""
    rng = np.random.default_rng([seed, 11])
    reason = ""
    for _ in range(_DRAWS):
        inputs = {n: _random(rng, x.shape) if n in case.differentiable else x for n, x in case.inputs.items()}
        inputs |= {t.name: _random(rng, inputs[t.name].shape) for t in case.program.inputs if t.kind == "const"}
        try:
            return _sides(case, adjoint, tangent, inputs, rng)
        except NotRational as error:
            reason = error.message
        except DeriveError as error:
            return error.message
    return reason


def _sides(
    case: Case, adjoint: Program, tangent: Program, inputs: dict[str, np.ndarray], rng: np.random.Generator
) -> Identity:
    given = len(case.program.inputs)
    names = list(case.differentiable)
    tangents = {n: _random(rng, inputs[n].shape) for n in names}
    along = {t.name: tangents[n] for t, n in zip(tangent.inputs[given:], names, strict=True)}
    ty = interpreter.run(tangent, {**inputs, **along}, case.hypers, FIELD)
    dy = {t.name: _random(rng, ty[o].shape) for t, o in zip(adjoint.inputs[given:], tangent.outputs, strict=True)}
    dx = interpreter.run(adjoint, {**inputs, **dy}, case.hypers, FIELD)
    left = sum(_dot(dy[t.name], ty[o]) for t, o in zip(adjoint.inputs[given:], tangent.outputs, strict=True))
    right = sum(_dot(dx[o], tangents[n]) for o, n in zip(adjoint.outputs, names, strict=True))
    return Identity(left % FIELD.prime, right % FIELD.prime)


def _dot(a: np.ndarray, b: np.ndarray) -> int:
    return sum(int(x) * int(y) for x, y in zip(np.ravel(a), np.ravel(b), strict=True)) % FIELD.prime


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        values[index] = int(rng.integers(1, FIELD.prime))
    return values
