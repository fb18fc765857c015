"""Verdicts as one page to look at: a file that needs no network, no script and no other file.

``to_html`` makes the page of verdicts and of the documents of their formulas; ``formulas`` makes those documents for
the verdicts that the page shows in full, ``shown`` names them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.reports.html.choice import shown
    from derive.reports.html.maths import formulas
    from derive.reports.html.page import to_html

#: The page's doors; imported when first used.
_DOORS = {"formulas": "maths", "shown": "choice", "to_html": "page"}

__all__ = ["formulas", "shown", "to_html"]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(import_module(f"derive.reports.html.{_DOORS[name]}"), name)
    raise AttributeError(f"module 'derive.reports.html' has no attribute {name!r}")
