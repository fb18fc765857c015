"""The doors: what a user calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.program import Program


def load(target: str, **choices: Any) -> Program:
    """The program of a catalogue name, a ``path.py:name`` or a definition's text, with these choices taken."""
    from derive.language.find import load_definition
    from derive.language.specialise import specialise

    return specialise(load_definition(target), **choices)


def vjp(program: Program, wrt: tuple[str, ...] | None = None) -> Program:
    """The vector-Jacobian product: ``dx`` for every differentiable input ``x``, given ``dy``."""
    from derive.calculus import adjoint

    return adjoint(program, wrt)


def jvp(program: Program, wrt: tuple[str, ...] | None = None) -> Program:
    """The Jacobian-vector product: ``ty`` for every output ``y``, given ``tx``."""
    from derive.calculus import tangent

    return tangent(program, wrt)
