"""The top of the page: how it stands, how it was run, how near to its tolerance each check is, and the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from derive.reports.html import pictures, words
from derive.reports.html.elements import Element, Node, element
from derive.reports.verdicts import STATUSES, used

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

#: Status -> the drawing of its mark: a shape of its own, for eyes that do not see its colour.
MARKS = {
    "failed": "M5 1h6l4 4v6l-4 4H5l-4-4V5zM5 5l6 6M11 5l-6 6",
    "inconclusive": "M8 1l7 13H1zM8 5.5v4M8 11.5v.6",
    "passed": "M8 1a7 7 0 1 0 .01 0zM4.6 8.3l2.4 2.4 4.4-5",
    "not applicable": "M8 1a7 7 0 1 0 .01 0zM5 8h6",
}
#: Rows of the table; a sweep of more says how many it leaves out.
LINES = 600


def marks() -> Element:
    """The drawings, once; ``mark`` refers to them."""
    drawn = [element("symbol", element("path", d=d), id=f"m-{_slug(s)}", viewBox="0 0 16 16") for s, d in MARKS.items()]
    return element("svg", *drawn, width=0, height=0, aria_hidden="true", class_="marks")


def mark(status: str, said: str = "") -> Element:
    """A status by shape, colour and word."""
    shape = element("svg", element("use", href=f"#m-{_slug(status)}"), class_="mark", aria_hidden="true")
    return element("span", shape, said or status, class_=f"status {_slug(status)}")


def _slug(status: str) -> str:
    return status.replace(" ", "-")


def headline(verdicts: Sequence[Verdict]) -> str:
    """How it stands."""
    failed, idle = sum(bool(v.failures) for v in verdicts), sum(not v.checked for v in verdicts)
    if not verdicts or idle == len(verdicts):
        return "Nothing was checked"
    if len(verdicts) == 1:
        return f"{clipped(verdicts[0].name, 80)} {'failed' if failed else 'passed'}"
    if failed:
        return f"{failed} of {len(verdicts)} failed"
    return f"{len(verdicts) - idle} passed, {idle} not decided" if idle else f"All {len(verdicts)} passed"


def header(verdicts: Sequence[Verdict], facts: Mapping[str, str]) -> Element:
    """The headline, the totals by status and how to get the same page again."""
    counts = {s: sum(len(v.of(s)) for v in verdicts) for s in STATUSES}
    totals = [element("li", mark(s, f"{words.grouped(counts[s])} {s}")) for s in STATUSES if counts[s]]
    pairs = [n for k, v in facts.items() if v for n in (element("dt", k), element("dd", element("code", v)))]
    return element(
        "header",
        element("p", "derive check", class_="brand"),
        element("h1", headline(verdicts)),
        element("ul", *totals, class_="totals"),
        element("dl", *pairs, class_="facts") if pairs else None,
    )


def spread(verdicts: Sequence[Verdict]) -> Element | None:
    """The histogram."""
    errors = [used(r) for v in verdicts for r in v.rows if r.status in ("passed", "failed") and r.error is not None]
    if not errors:
        return None
    return element(
        "figure",
        element("div", pictures.histogram(errors), class_="wide"),
        element("figcaption", words.HISTOGRAM),
        class_="spread",
    )


def table(verdicts: Sequence[Verdict], anchors: Mapping[int, str]) -> Element:
    """A row a verdict, worst first; ``anchors``: the place of each that is shown in full, by its position."""
    heads = ("Status", "Target", "Checks", "Error ÷ tolerance", "Nearest to failing")
    rows = [_line(v, anchors.get(i)) for i, v in enumerate(verdicts[:LINES])]
    left_out = len(verdicts) - len(rows)
    caption = f"Worst first; {words.several(left_out, 'target')} better than these are left out." if left_out else None
    return element(
        "div",
        element(
            "table",
            element("caption", caption or "Worst first."),
            element("thead", element("tr", *(element("th", h, scope="col") for h in heads))),
            element("tbody", *rows),
            class_="verdicts",
        ),
        class_="scroll",
    )


def _line(v: Verdict, anchor: str | None) -> Element:
    decided = [r for r in v.rows if r.status in ("passed", "failed")]
    worst = max(decided, key=used, default=None)
    name = clipped(v.name, 80)
    failed = len(v.failures)
    checks = f"{failed} of {len(decided)} failed" if failed else str(len(decided))
    return element(
        "tr",
        element("td", mark(v.status)),
        element("th", element("a", name, href=f"#{anchor}") if anchor else name, scope="row"),
        element("td", checks, class_="number"),
        element("td", *_use(worst), class_="use"),
        element("td", clipped(worst.check, 80) if worst else reason(v)),
    )


def _use(worst: Row | None) -> list[Node]:
    """Error over tolerance as a number and as a length, on a scale of powers of ten from 10⁻⁶ to 10³."""
    if worst is None or worst.error is None:
        return ["—"]
    share = used(worst)
    at = 9.0 if not math.isfinite(share) else min(max(math.log10(share) + 6, 0.0), 9.0) if share > 0 else 0.0
    gauge = element("span", element("i", style=f"width:{at / 0.09:.0f}%"), class_="gauge", aria_hidden="true")
    return [element("span", words.number(share)), gauge]


def reason(v: Verdict) -> str:
    """Why nothing was decided."""
    return clipped(next((r.reason for r in v.rows if r.reason), ""), 120)


def clipped(text: str, most: int) -> str:
    """The text, no longer than that."""
    return text if len(text) <= most else text[: most - 1] + "…"
