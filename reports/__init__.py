"""How it is said: reads programs and verdicts, computes nothing.

``reports.forward`` and ``reports.derivative`` make a document of a program, ``reports.in_indices`` and
``reports.in_matrices`` one of a program and its derivatives, ``reports.steps`` one of a walk through a derivation;
``reports.with_theorems`` one of an update rule and what holds for it;
``reports.render`` prints it as text, latex, markdown, mathml or json; ``reports.html`` makes a page of verdicts.
Imports derive and verify; nothing below imports this room.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.reports.compose import derivative, forward, in_indices, merged
    from derive.reports.formats import FORMATS, render
    from derive.reports.matrix import in_matrices
    from derive.reports.stepwise import steps
    from derive.reports.theorems import with_theorems

#: The room's doors; imported when first used, because the command line reads its cache without sympy.
_DOORS = {
    "derivative": "compose", "forward": "compose", "in_indices": "compose", "merged": "compose", "FORMATS": "formats",
    "render": "formats", "in_matrices": "matrix", "steps": "stepwise", "with_theorems": "theorems",
}  # fmt: skip

__all__ = [
    "FORMATS",
    "derivative",
    "forward",
    "in_indices",
    "in_matrices",
    "merged",
    "render",
    "steps",
    "with_theorems",
]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(import_module(f"derive.reports.{_DOORS[name]}"), name)
    raise AttributeError(f"module 'derive.reports' has no attribute {name!r}")
