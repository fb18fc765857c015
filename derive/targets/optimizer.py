"""An optimizer's file: ``X_step(theta, grad, state, t, …) -> theta, state`` and ``init_state(theta)``."""

from __future__ import annotations

from derive.program import Program


def optimizer_text(program: Program, target: str) -> str:
    """The whole file."""
    raise AssertionError(program, target)
