"""One target in full: what failed in words, the pictures, the formulas, the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from derive.reports.html import pictures, words
from derive.reports.html.elements import Element, Node, element
from derive.reports.html.formulas import blocks
from derive.reports.html.summary import clipped, mark
from derive.reports.verdicts import badness
from derive.verify.evidence import bottom, worst_cell

if TYPE_CHECKING:
    from derive.reports.document import Document
    from derive.verify.verdict import Evidence, Row, Verdict

#: Cases of one check said in full, checks so said, and maps drawn; the rest is counted.
CASES, CHECKS, MAPS = 3, 12, 8


def section(v: Verdict, document: Document | None, anchor: str) -> Element:
    """Folded where nothing failed; the anchor lies inside, so that a link to it unfolds it."""
    parts: list[Node] = [_where(v), *_wrong(v)]
    parts += [_pictures(v.evidence)] if v.evidence else []
    parts += [_formulas(document)] if document else []
    parts.append(_checks(v))
    return element(
        "details",
        element("summary", element("h2", clipped(v.name, 200)), mark(v.status), element("span", _short(v), class_="short")),
        element("div", *parts, id=anchor, class_="target"),
        open=bool(v.failures) or None,
        class_=f"entry {v.status.replace(' ', '-')}",
    )


def _short(v: Verdict) -> str:
    decided = sum(r.status in ("passed", "failed") for r in v.rows)
    if v.failures:
        return f"{len(v.failures)} of {words.several(decided, 'check')} failed"
    unsure = len(v.of("inconclusive"))
    return words.several(decided, "check") + (f", {unsure} inconclusive" if unsure else "")


def _where(v: Verdict) -> Element:
    """Where it is written and how to run it again."""
    pairs = [("Written at", v.where), ("Again", v.rerun)]
    told = [n for k, text in pairs if text for n in (element("dt", k), element("dd", element("code", clipped(text, 400))))]
    return element("dl", *told, class_="facts")


# ------------------------------------------------------------------------------ what failed


def _wrong(v: Verdict) -> Iterator[Node]:
    """Each check that failed or could not be decided, with its worst cases in full."""
    rows = sorted((r for r in v.rows if r.status in ("failed", "inconclusive")), key=badness)
    groups = _grouped(rows, lambda r: (r.status, r.check))
    if not groups:
        return
    yield element("h3", "What failed" if v.failures else "What could not be decided")
    yield element("ul", *(_group(group) for group in groups[:CHECKS]), class_="wrong")
    if len(groups) > CHECKS:
        rest = sum(map(len, groups[CHECKS:]))
        yield element("p", f"{words.several(len(groups) - CHECKS, 'check')} more, in {words.several(rest, 'case')}.", class_="more")


def _group(rows: Sequence[Row]) -> Element:
    more = len(rows) - CASES
    return element(
        "li",
        element("h4", clipped(rows[0].check, 200), " ", mark(rows[0].status)),
        *(_case(r) for r in rows[:CASES]),
        element("p", f"and {words.several(more, 'case')} more", class_="more") if more > 0 else None,
    )


def _case(r: Row) -> Element:
    size = f"error {words.number(r.error)}, tolerance {words.number(r.tolerance)}" if r.error is not None else ""
    said = " · ".join(part for part in (clipped(r.case, 300), size, f"seed {r.seed}") if part)
    text = clipped(r.detail or r.reason, 1200)
    return element("div", element("p", said, class_="case"), element("p", text, class_="detail") if text else None)


def _grouped(rows: Sequence[Row], key: Callable[[Row], object]) -> list[list[Row]]:
    """Rows that have a key in common, in order of the first of each."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


# ------------------------------------------------------------------------------ pictures


def _pictures(evidence: Sequence[Evidence]) -> Element:
    """The worst first; so many curves as can be told apart."""
    ranked = sorted(evidence, key=_height, reverse=True)
    chosen = ranked[: pictures.CURVES]
    left_out = len(ranked) - len(chosen)
    more = f" {words.several(left_out, 'input')} with smaller errors left out." if left_out else ""
    curves = [e for e in chosen if e.remainders]
    maps = [e for e in sorted(evidence, key=lambda e: -worst_cell(e.heat)[0]) if e.heat]
    return element(
        "section",
        element("h3", "What differences show"),
        element("p", f"At {clipped(evidence[0].case, 300)}.", class_="case") if evidence[0].case else None,
        element(
            "div",
            _figure("Error against step size", pictures.steps(chosen), words.STEPS, words.steps_finding(evidence) + more, _legend(chosen, words.of_steps)),
            _figure("Taylor’s remainder", pictures.remainders(chosen) if curves else None, words.REMAINDERS, words.remainders_finding(evidence), _legend(chosen, words.of_remainders)),
            _maps(maps) if maps else None,
            class_="figures",
        ),
        class_="pictures",
    )


def _height(e: Evidence) -> float:
    low = bottom(e.steps)
    return low.height if low else -1.0


def _legend(chosen: Sequence[Evidence], said: Callable[[Evidence], str]) -> Element:
    items = [element("li", pictures.swatch(i), element("b", e.input), " ", said(e)) for i, e in enumerate(chosen)]
    return element("ul", *items, class_="legend")


def _figure(title: str, drawn: Element | None, sentence: str, finding: str, legend: Element) -> Element:
    caption = element("figcaption", element("p", element("strong", finding)), element("p", sentence))
    return element("figure", element("h4", title), drawn, legend, caption)


def _maps(evidence: Sequence[Evidence]) -> Element:
    drawn = [
        element("li", pictures.heat(e), element("span", element("b", f"d{e.input}"), f" {_shape(e)}", element("br"), words.of_heat(e)))
        for e in evidence[:MAPS]
    ]
    left_out = len(evidence) - len(drawn)
    worst = [e for e in evidence if worst_cell(e.heat)[0] >= words.WRONG]
    finding = f"Here {words.joined(['d' + e.input for e in worst[:MAPS]])} {'is' if len(worst) == 1 else 'are'} wrong in the cells that are coloured." if worst else "Here every entry agrees with its difference."
    return element(
        "figure",
        element("h4", "Where: a map of each gradient"),
        element("ul", *drawn, class_="maps"),
        pictures.scale(),
        element("figcaption", element("p", element("strong", finding)), element("p", words.HEAT), element("p", f"{words.several(left_out, 'map')} more left out.") if left_out else None),
        class_="full",
    )


def _shape(e: Evidence) -> str:
    return "×".join(map(str, e.shape))


# ------------------------------------------------------------------------------ formulas and checks


def _formulas(document: Document) -> Element:
    return element("section", element("h3", "The formulas"), blocks(document), class_="formulas")


def _checks(v: Verdict) -> Element:
    """A line a check: how many cases, the worst of them."""
    groups = _grouped(sorted(v.rows, key=badness), lambda r: (r.status, r.check, r.reason if r.error is None else ""))
    heads = ("Status", "Check", "Cases", "Worst error", "Tolerance", "Where")
    return element(
        "section",
        element("h3", "The checks"),
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", *(element("th", h, scope="col") for h in heads))),
                element("tbody", *map(_check, groups[:80])),
                class_="checks",
            ),
            class_="scroll",
        ),
    )


def _check(rows: Sequence[Row]) -> Element:
    worst = rows[0]
    said = "; ".join(part for part in (worst.case, worst.reason) if part)
    return element(
        "tr",
        element("td", mark(worst.status)),
        element("th", clipped(worst.check, 120), scope="row"),
        element("td", str(len(rows)), class_="number"),
        element("td", words.number(worst.error), class_="number"),
        element("td", words.number(worst.tolerance), class_="number"),
        element("td", clipped(said, 160)),
    )
