"""The door: what a user gives, checked against a program, with every size solved.

``bind`` (``door.py``) takes arrays and needs NumPy; ``Bound`` does not, so that the simplifier's gate, which
makes its own data, starts without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from derive.bind.bound import Bound

if TYPE_CHECKING:
    from derive.bind.door import bind, draw

__all__ = ["Bound", "bind", "draw"]


def __getattr__(name: str) -> Any:
    if name in ("bind", "draw"):
        return getattr(import_module("derive.bind.door"), name)
    raise AttributeError(f"module 'derive.bind' has no attribute {name!r}")
