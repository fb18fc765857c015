"""The page: its parts in order, its style and its font, within a size that a mail or a CI artefact takes."""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from derive import __version__
from derive.reports.html import words
from derive.reports.html.choice import in_full, key
from derive.reports.html.elements import Element, Node, Printed, element, printed
from derive.reports.html.summary import header, headline, marks, spread, table
from derive.reports.html.target import section
from derive.reports.verdicts import worst_first

if TYPE_CHECKING:
    from derive.reports.document import Document
    from derive.verify.verdict import Verdict

_HERE = Path(__file__).parent
#: Bytes of the page, and of what stands around the parts that are measured.
_LIMIT, _AROUND = 985_000, 8_000


def to_html(
    verdicts: Sequence[Verdict],
    formulas: Mapping[str, Document] | None = None,
    *,
    command: str = "",
    when: str = "",
    versions: Mapping[str, str] | None = None,
) -> str:
    """One file of HTML: totals, histogram and table of all, the worst in full with formulas and pictures.

    ``formulas``: documents by the verdict's target (or name); ``command``, ``when``: said in the header if given;
    ``versions``: of what took part, those installed by default.  The same arguments give the same text.
    """
    ordered = worst_first(verdicts)
    facts = {
        "Command": command,
        "Seed": _seeds(verdicts),
        "Versions": _said(installed() if versions is None else versions),
        "When": when,
    }
    top = (header(ordered, facts), spread(ordered))
    around = _AROUND + sum(map(_size, (*top, table(ordered, {}), Printed(_style()))))
    sections, anchors = _sections(ordered, formulas or {}, _LIMIT - around)
    body = element(
        "main",
        *top,
        table(ordered, anchors),
        element("h2", "In full", class_="part") if sections else None,
        *sections,
        _rest(len(ordered) - len(sections)),
    )
    return "<!DOCTYPE html>\n" + printed(_html(f"derive check: {headline(ordered)}", body)) + "\n"


def _size(node: Node | None) -> int:
    return 0 if node is None else len(printed(node).encode())


def _sections(
    ordered: Sequence[Verdict], formulas: Mapping[str, Document], room: int
) -> tuple[list[Printed], dict[int, str]]:
    """The worst in full, as many as there is room for, and where each stands."""
    sections: list[Printed] = []
    for i, v in enumerate(in_full(ordered)):
        text = printed(section(v, formulas.get(key(v)), f"t{i}"))
        room -= len(text.encode())
        if room < 0:
            break
        sections.append(Printed(text))
    return sections, {i: f"t{i}" for i in range(len(sections))}


def _rest(n: int) -> Element | None:
    return (
        element("p", f"{words.several(n, 'target')} better than these stand in the table alone.", class_="more")
        if n
        else None
    )


def _html(title: str, body: Element) -> Element:
    return element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", title),
            element("style", Printed(_style())),
        ),
        element("body", marks(), body),
        lang="en",
    )


def _style() -> str:
    """The style sheet, with the font in it."""
    font = base64.b64encode((_HERE / "maths.woff2").read_bytes()).decode("ascii")
    return (_HERE / "page.css").read_text(encoding="utf-8").replace("MATHS_FONT", f"data:font/woff2;base64,{font}")


def installed() -> dict[str, str]:
    """Versions of derive and of what it stands on."""
    found = {"derive": __version__, "Python": platform.python_version()}
    for name in ("torch", "numpy", "sympy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _said(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def _seeds(verdicts: Sequence[Verdict]) -> str:
    seeds = sorted({r.seed for v in verdicts for r in v.rows})
    return ", ".join(map(str, seeds[:8])) + (" …" if len(seeds) > 8 else "")
