"""Formulas on the page: each in a box that scrolls where the screen is narrower than the formula."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from derive.errors import DeriveError
from derive.reports.html.choice import shown
from derive.reports.html.elements import Element, Node, Printed, element
from derive.reports.mathml import declared, equation, inner, mathml, named

if TYPE_CHECKING:
    from derive.reports.document import Block, Document, Formula
    from derive.verify.verdict import Verdict


def formulas(verdicts: Sequence[Verdict]) -> dict[str, Document]:
    """The forward and the gradients of each target that the page shows in full and that is a definition."""
    found = {target: _document(target) for target in shown(verdicts)}
    return {target: document for target, document in found.items() if document is not None}


def _document(target: str) -> Document | None:
    """As it is without choices, or at the first setting it is checked at where it needs some.

    A function of the user's, or a text that is gone, has no formula to show.
    """
    from derive.doors import load, vjp
    from derive.reports.compose import in_indices
    from derive.verify.subject import Subject, subjects

    try:
        program = load(target)
    except (DeriveError, OSError):
        try:
            program = next(s.program for s in subjects(target) if isinstance(s, Subject))
        except (DeriveError, OSError, StopIteration):
            return None
    return in_indices(program, [vjp(program)])


def blocks(document: Document) -> Element:
    """Everything a document says, block by block."""
    return element("div", *(_block(part, document.name) for part in document.blocks), class_="blocks")


def _block(part: Block, whole: str) -> Element:
    """A titled group of formulas; the target's own name is not said again in the title."""
    title = part.title.removeprefix(f"{whole} · ") if part.title != whole else "forward"
    return element(
        "section",
        element(
            "h4",
            title[:1].upper() + title[1:],
            *(element("span", _inline(declared(*about)), class_="shape") for about in part.about),
        ),
        *(element("p", sentence) for sentence in part.says),
        _with("given", (declared(*given) for given in part.declared)),
        *(node for f in part.formulas for node in _formula(f)),
        _with("over", map(mathml, part.over)),
        element("pre", "\n".join(part.code)) if part.code else None,
        *(_note(head, items) for head, items in part.notes),
        class_="block",
    )


def _formula(f: Formula) -> Iterator[Node]:
    yield element("div", Printed(f'<math display="block">{inner(equation(f))}</math>'), class_="formula")
    rest = f", else {f.otherwise}" if f.otherwise else ""
    lines = (
        _with("if", map(mathml, f.guard), rest),
        _with("where", map(named, f.where)),
        _with("only", map(mathml, f.only)),
        _with("for", map(mathml, f.over)),
    )
    yield from (line for line in lines if line is not None)


def _with(head: str, parts: Iterable[str], last: str = "") -> Element | None:
    """A line under a formula; it wraps between its parts."""
    inside: list[Node] = []
    for part in parts:
        inside += [", ", _inline(part)] if inside else [_inline(part)]
    return element("p", element("span", head, class_="head"), " ", *inside, last, class_="with") if inside else None


def _note(head: str, items: Sequence[str]) -> Element:
    return element("p", element("span", head, class_="head"), " ", ", ".join(items), class_="with")


def _inline(markup: str) -> Printed:
    return Printed(f'<math displaystyle="true">{inner(markup)}</math>')
