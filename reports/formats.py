"""The formats a document can be printed in."""

from __future__ import annotations

from collections.abc import Callable

from derive.reports.as_json import to_json
from derive.reports.document import Document
from derive.reports.latex import to_latex
from derive.reports.markdown import to_markdown
from derive.reports.mathml import to_mathml
from derive.reports.plain import to_text

FORMATS: dict[str, Callable[[Document], str]] = {
    "text": to_text,
    "ascii": lambda d: to_text(d, ascii=True),
    "latex": to_latex,
    "markdown": to_markdown,
    "mathml": to_mathml,
    "json": to_json,
}


def render(document: Document, format: str = "text") -> str:
    """The document as text in the named format; it ends with a newline."""
    return FORMATS[format](document)
