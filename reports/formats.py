"""The formats a document can be printed in."""

from __future__ import annotations

from collections.abc import Callable

from derive.reports.document import Document
from derive.reports.plain import to_text

FORMATS: dict[str, Callable[[Document], str]] = {
    "text": to_text,
    "ascii": lambda d: to_text(d, ascii=True),
}


def render(document: Document, format: str = "text") -> str:
    """The document as text in the named format; it ends with a newline."""
    return FORMATS[format](document)
