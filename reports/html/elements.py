"""A page as a tree, printed once: text and attributes are escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from derive.record import record

#: Elements that have no inside.
VOID = frozenset({"meta", "br", "hr", "col"})

#: Drawings that need no end of their own where nothing is in them.
DRAWN = frozenset({"path", "polyline", "circle", "rect", "use"})

#: What no XML or HTML text may hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@record
class Printed:
    """Markup that another printer has made, and has escaped itself."""

    text: str


@record
class Element:
    """``<tag …>children</tag>``; ``class_`` and ``aria_label`` are written as HTML spells them."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Node, ...]


Node = Element | Printed | str


def element(tag: str, *children: Node | None, **attributes: object) -> Element:
    """An element; children that are None and attributes that are None or False are left out."""
    named = tuple(
        (key.rstrip("_").replace("_", "-"), "" if value is True else str(value))
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Element(tag, named, tuple(child for child in children if child is not None))


def printed(node: Node) -> str:
    """The markup of a tree."""
    return "".join(_pieces(node))


def _pieces(node: Node) -> Iterable[str]:
    if isinstance(node, str):
        yield _safe(node)
    elif isinstance(node, Printed):
        yield node.text
    else:
        attributes = "".join(f' {name}="{_safe(value)}"' for name, value in node.attributes)
        closed = node.tag in DRAWN and not node.children
        yield f"<{node.tag}{attributes}{'/' if closed else ''}>"
        if node.tag not in VOID and not closed:
            for child in node.children:
                yield from _pieces(child)
            yield f"</{node.tag}>"


def _safe(text: str) -> str:
    return escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)
