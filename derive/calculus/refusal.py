"""Errors of the calculus: the construct as the definition writes it, and how to mend it."""

from __future__ import annotations

from sympy import Basic

from derive.errors import CannotDerive, DefinitionError
from derive.language.notation import expression_text


def refusal(what: str, e: Basic, mend: str) -> CannotDerive:
    """``what: e``, ready to raise."""
    return CannotDerive(f"{what}: {written(e)}", mend=mend)


def written(e: Basic) -> str:
    """e in the language's own notation, as far as it has one."""
    try:
        return expression_text(e)
    except DefinitionError:
        return str(e)
