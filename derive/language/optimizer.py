"""Optimizers as recurrences: ``theta_0`` is given, state is 0 at step 0, gradients come one a step."""

from __future__ import annotations

from derive.language.definition import Definition


def desugar(definition: Definition) -> Definition:
    """The plain definition an optimizer stands for; any other definition is itself."""
    return definition
