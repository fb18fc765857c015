"""What is proved: the statement over the program's own symbols, what it assumes, and why it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sympy import Basic, Expr, Function

from derive.program import Program

#: The expectation of a random value; linear, and inert.
Expectation = Function("E")


@dataclass(frozen=True)
class Said:
    """A sentence in which ``{}`` stands for expressions."""

    text: str
    terms: tuple[Basic, ...] = ()


def say(text: str, *terms: Basic) -> Said:
    """A sentence about some expressions, in order or by number."""
    return _numbered(text, terms)


def _numbered(text: str, terms: tuple[Basic, ...]) -> Said:
    """``{1} … {0}`` said in order."""
    order = [int(n) for n in re.findall(r"{(\d+)}", text)]
    return Said(re.sub(r"{\d+}", "{}", text), tuple(terms[n] for n in order)) if order else Said(text, terms)


@dataclass(frozen=True)
class Claim:
    """``left relation right`` for every value of the free letters; ``first`` is the first step it holds at.

    ``checked``: whether both sides are values of the setting, to be compared along its trajectories.
    """

    left: Expr
    right: Expr
    relation: str = "=="
    first: int = 1
    checked: bool = True


@dataclass(frozen=True)
class Theorem:
    """A statement that was proved symbolically.

    ``setting``: the program whose trajectories fulfil the claims, under the assumptions; ``zero``: the hyperparameters
    assumed to be 0 there.  ``kind`` names the finder, ``data`` is what a numeric check needs.
    ``steady``: inputs of the setting that are the same at every step; ``gradient``: the input that is the gradient.
    ``tested``: the claims over the setting's tensors, where the printed ones speak of others (an expectation).
    ``plain``: it says nothing that is worth saying twice, for another choice of the same definition.
    """

    kind: str
    title: Said
    claims: tuple[Claim, ...]
    setting: Program
    proof: tuple[Said, ...]
    assumes: tuple[Said, ...] = ()
    zero: tuple[str, ...] = ()
    data: tuple[Any, ...] = ()
    proved: str = "symbolically"
    plain: bool = False
    tested: tuple[Claim, ...] = ()
    steady: tuple[str, ...] = ()
    gradient: str = ""

    @property
    def tests(self) -> tuple[Claim, ...]:
        """The claims as the setting's own values say them."""
        return self.tested or self.claims
