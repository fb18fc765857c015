"""Document -> JSON, for programs that read programs: the same blocks, each formula as text and as LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from derive.reports import layout as L
from derive.reports.document import Block, Document, Formula
from derive.reports.latex import formula as latex_formula
from derive.reports.text import Text

SCHEMA = "derive.formulas/1"


def to_json(document: Document) -> str:
    """One object; ``schema`` names its version."""
    return json.dumps(as_dict(document), indent=2, ensure_ascii=False) + "\n"


def as_dict(document: Document) -> dict[str, Any]:
    """The document as plain lists and strings."""
    return {
        "schema": SCHEMA,
        "name": document.name,
        "role": document.role,
        "doc": document.doc.strip(),
        "blocks": [_block(b) for b in document.main],
        "theorems": [_formula(f, Text()) for f in document.theorems],
    }


def _block(block: Block) -> dict[str, Any]:
    text = Text()
    told = {key: list(lines) for key, lines in (("says", block.says), ("code", block.code)) if lines}
    return {
        "title": block.title,
        **told,
        "about": [{"name": n, "shape": text.line(node)} for n, node in block.about],
        "given": [{"name": n, "shape": text.line(node), "note": note} for n, node, note in block.declared],
        "formulas": [_formula(f, text) for f in block.formulas],
        "over": _lines(block.over, text),
        "notes": {head: list(items) for head, items in block.notes},
        **{head: [s.filled(text.line) for s in sentences] for head, sentences in block.prose},
    }


def _formula(f: Formula, text: Text) -> dict[str, Any]:
    return {
        "left": text.line(f.left),
        "right": text.line(f.right),
        "relation": f.relation,
        "where": [{"name": text.line(a), "value": text.line(b)} for a, b in f.where],
        "only": _lines(f.only, text),
        "for": _lines(f.over, text),
        "if": _lines(f.guard, text),
        "else": f.otherwise,
        "latex": latex_formula(f),
    }


def _lines(nodes: Iterable[L.Node], text: Text) -> list[str]:
    return [text.line(n) for n in nodes]
