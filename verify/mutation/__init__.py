"""The checker checked: small faults planted in what is right, and each must be found.

``mutate`` plants them in any definition, by the operators of ``operators.py``; a mutant that is the same function after
all is shown to be so.  May import derive and the checks; prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.verify.mutation.records import Finding, Mutant, Report
    from derive.verify.mutation.side_by_side import mutate_all
    from derive.verify.mutation.sweep import mutate

__all__ = ["Finding", "Mutant", "Report", "mutate", "mutate_all"]

_HOMES = {
    "mutate": "sweep",
    "mutate_all": "side_by_side",
    "Finding": "records",
    "Mutant": "records",
    "Report": "records",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"derive.verify.mutation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'derive.verify.mutation' has no attribute {name!r}")
