"""Document -> terminal text: 80 columns, one formula a line, Unicode or ASCII."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from derive.reports import layout as L
from derive.reports.document import Block, Document, Formula
from derive.reports.text import WIDTH, Piece, Run, Text, deeper, flat, fold, word

#: Non-mathematical signs, for terminals that have only ASCII.
PROSE = str.maketrans({
    "∂": "d_", "·": "-", "←": "<-", "—": "-", "–": "-", "…": "...", "’": "'", "×": "x", "−": "-", "ᵀ": "^T",
})  # fmt: skip


def to_text(document: Document, ascii: bool = False) -> str:
    """The whole report."""
    printer = Text(ascii)
    parts = [_block(block, printer, document.doc if i == 0 else "") for i, block in enumerate(document.blocks)]
    text = "\n\n".join(parts) + "\n"
    return _plain(text) if ascii else text


def to_ascii(document: Document) -> str:
    """The whole report in ASCII."""
    return to_text(document, ascii=True)


def _block(block: Block, t: Text, doc: str) -> str:
    lines = [_heading(block, t)]
    summary = doc.replace("``", "").strip().splitlines()
    if summary:
        lines += textwrap.wrap(summary[0], WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
    said = map(_plain, block.says) if t.ascii else block.says
    lines += [f"  {line}" for sentence in said for line in filled(sentence, WIDTH - 2)]
    lines += _declared(block, t)
    for formula in block.formulas:
        lines += _formula(formula, t)
    if block.over:
        lines += _listed("over   ", block.over, t)
    lines += [f"    {line}".rstrip() for line in block.code]
    for head, items in block.notes:
        lines += _rows(
            f"{head:<7}" if len(head) < 7 else f"{head}  ", [word(_plain(item) if t.ascii else item) for item in items]
        )
    for head, sentences in block.prose:
        lines += _paragraph(head, " ".join(s.filled(t.line, _plain if t.ascii else str) for s in sentences))
    return "\n".join(lines)


def _paragraph(head: str, text: str) -> list[str]:
    """``head  words …`` filled to the width, the lines after the first indented as far."""
    begin = f"    {head:<7}" if len(head) < 7 else f"    {head}  "
    return textwrap.wrap(
        text, WIDTH, initial_indent=begin, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )


def filled(text: str, width: int) -> list[str]:
    """Lines of at most that many columns; a wide sign takes two, and a line may end after any of them."""
    lines = [""]
    for part in re.findall(rf"[{WIDE}][{CLOSING}]*|[^\s{WIDE}]+[{CLOSING}]*\s*|\s+", text):
        if columns(lines[-1]) + columns(part.rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


#: Signs between which a line may end, and those of them that begin none.
WIDE, CLOSING = "\u2e80-\uffef", "，。；：、）"


def packed(items: Sequence[str], width: int) -> list[str]:
    """Items with commas between them, as many on a line as fit; none is broken."""
    lines = [""]
    for i, item in enumerate(items):
        item += "," if i < len(items) - 1 else ""
        if lines[-1] and columns(lines[-1]) + 1 + columns(item) > width:
            lines.append("")
        lines[-1] += f" {item}" if lines[-1] else item
    return lines


def columns(text: str) -> int:
    """How wide a terminal shows the text."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _heading(block: Block, t: Text) -> str:
    items = [f"{name}: {t.line(node)}" for name, node in block.about]
    about = ", ".join(items)
    if not about:
        return "\n".join(textwrap.wrap(block.title, WIDTH, subsequent_indent="    "))
    gap = max(3, 34 - columns(block.title))
    line = f"{block.title}{' ' * gap}{about}"
    if columns(line) <= WIDTH:
        return line
    return "\n".join([block.title, *(f"  {part}" for part in packed(items, WIDTH - 2))])


def _declared(block: Block, t: Text) -> list[str]:
    if not block.declared:
        return []
    items = []
    for name, node, note in block.declared:
        items.append(f"{name}: {t.line(node)}" + (f" ({note})" if note else ""))
    lines, line = [], "  given  "
    for item in items:
        if len(line) + len(item) + 1 > WIDTH and line.strip() != "given":
            lines.append(line.rstrip(" "))
            line = "         "
        line += item + ",  "
    return [*lines, line.rstrip(", ")]


def _formula(f: Formula, t: Text) -> list[str]:
    """The equation, what follows it on its line while there is room, and the rest on lines below."""
    lines = fold(
        (Piece("  "), *deeper(t.run(f.left), 9), Piece(f" {t.signs[f.relation]} "), *t.run(f.right)), WIDTH, " " * 6
    )
    guard = [t.run(c) for c in f.guard]
    if f.otherwise:
        guard[-1] = (*guard[-1], Piece(f", else {f.otherwise}"))
    rows = [
        ("if", guard),
        ("where", [(*t.run(a), Piece(" = "), *t.run(b)) for a, b in f.where]),
        ("only", [t.run(n) for n in f.only]),
        ("for", [t.run(n) for n in f.over]),
    ]
    for head, runs in rows:
        beside = f"{lines[-1]}   {head} " + ", ".join(map(flat, runs))
        if runs and head in ("if", "for") and len(lines) == 1 and len(beside) <= WIDTH:
            lines = [beside]
        elif runs:
            lines += _rows(f"{head:<7}", runs)
    return lines


def _listed(head: str, nodes: Iterable[L.Node], t: Text) -> list[str]:
    return _rows(head, [t.run(n) for n in nodes])


def _rows(head: str, runs: list[Run]) -> list[str]:
    """``head a,  b,`` filled to the width."""
    lines, line = [], "    " + head
    blank = " " * len(line)
    for i, run in enumerate(runs):
        run = (*run, Piece(",")) if i < len(runs) - 1 else run
        if len(line) + len(flat(run)) > WIDTH and line.strip() not in ("", head.strip()):
            lines.append(line.rstrip())
            line = blank
        *full, line = fold((Piece(line), *run), WIDTH, blank + "  ")
        lines += full
        line += "  "
    return [*lines, line.rstrip()]


def _plain(text: str) -> str:
    """Prose in ASCII: signs by their likeness, Greek letters by their names."""
    out = ""
    for sign in unicodedata.normalize("NFKD", text.translate(PROSE)):
        name = unicodedata.name(sign, "")
        out += sign if sign.isascii() else name.rpartition(" ")[2].lower() if name.startswith("GREEK") else ""
    return out
