"""Document -> Markdown with fenced ``math`` blocks (inline dollars lose underscores)."""

from __future__ import annotations

from derive.reports.document import Block, Document
from derive.reports.latex import formula, ranges
from derive.reports.text import Text


def to_markdown(document: Document) -> str:
    """A heading a block, a fenced block a formula."""
    parts = [_block(b, document.doc if i == 0 else "") for i, b in enumerate(document.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, doc: str) -> str:
    text = Text()
    parts = [f"## {block.title}"]
    if doc.strip():
        parts.append(doc.strip().splitlines()[0].replace("``", "`"))
    parts += [_escaped(sentence) for sentence in block.says]
    shapes = [f"- `{n}: {text.line(node)}`" for n, node in block.about]
    shapes += [f"- given `{n}: {text.line(node)}`{f' ({note})' if note else ''}" for n, node, note in block.declared]
    if shapes:
        parts.append("\n".join(shapes))
    parts += [f"```math\n{formula(f)}\n```" for f in block.formulas]
    if block.over:
        parts.append(f"```math\n{ranges(block)}\n```")
    parts += ["```python\n" + "\n".join(block.code) + "\n```"] if block.code else []
    parts += [f"{head}: " + ", ".join(f"`{item}`" for item in items) for head, items in block.notes]
    for head, sentences in block.prose:
        words = " ".join(s.filled(lambda n: f"`{text.line(n)}`", _escaped) for s in sentences)
        parts.append(f"*{head.capitalize()}.* {words}")
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("_", "\\_").replace("*", "\\*")
