"""Is it true?  Checks of programs against independent oracles; prints nothing.

May import derive and, inside its own files, torch, which is the oracle here and nowhere else.  ``check`` climbs the
ladder: forward, gradients of every order, tangents, probes by differences, the exact identity modulo a prime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.verify.answer import check, run
    from derive.verify.verdict import Row, Verdict

__all__ = ["Row", "Verdict", "check", "run"]

_HOMES = {"check": "answer", "run": "answer", "Row": "verdict", "Verdict": "verdict"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"derive.verify.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'derive.verify' has no attribute {name!r}")
