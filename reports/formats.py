"""The formats a document can be printed in; each is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module

from derive.reports.document import Document

#: Format -> (module, function).
FORMATS: dict[str, tuple[str, str]] = {
    "text": ("plain", "to_text"),
    "ascii": ("plain", "to_ascii"),
    "latex": ("latex", "to_latex"),
    "markdown": ("markdown", "to_markdown"),
    "mathml": ("mathml", "to_mathml"),
    "json": ("as_json", "to_json"),
}


def render(document: Document, format: str = "text") -> str:
    """The document as text in the named format; it ends with a newline."""
    module, function = FORMATS[format]
    return getattr(import_module(f"derive.reports.{module}"), function)(document)
