"""The language: text to Program.  Definitions are read as syntax trees and never executed.

``parse_text``, ``load_definition`` and ``catalogue_index`` need neither SymPy nor an array library;
``specialise`` makes a definition a Program.  Imports only ``errors``, ``program``, ``functions``, ``order``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive.language.definition import Definition
from derive.language.find import catalogue_index, load_definition
from derive.language.parse import parse_text

if TYPE_CHECKING:
    from derive.language.definite import specialise

__all__ = ["Definition", "catalogue_index", "load_definition", "parse_text", "specialise"]


def __getattr__(name: str) -> Any:
    if name == "specialise":
        from derive.language.definite import specialise

        return specialise
    raise AttributeError(f"module 'derive.language' has no attribute {name!r}")
