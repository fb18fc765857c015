"""One target in full: what failed in words, the pictures, the formulas, the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from derive.reports.html import pictures, words
from derive.reports.html.elements import Element, Node, element
from derive.reports.html.maths import blocks
from derive.reports.html.summary import clipped, mark
from derive.reports.verdicts import badness
from derive.verify.evidence import bottom, worst_cell

if TYPE_CHECKING:
    from derive.reports.document import Document
    from derive.verify.verdict import Evidence, Row, Verdict

Item = TypeVar("Item")

#: Cases of one check said in full, checks so said at once and after unfolding, and maps drawn; the rest is counted.
CASES, FIRST, MOST, MAPS = 2, 3, 15, 8


def section(v: Verdict, document: Document | None, anchor: str) -> Element:
    """Folded where nothing failed; the anchor lies inside, so that a link to it unfolds it."""
    parts: list[Node] = [_where(v), *_wrong(v)]
    parts += [_pictures(v.evidence)] if v.evidence else []
    parts += [_formulas(document)] if document else []
    parts.append(_checks(v))
    return element(
        "details",
        element(
            "summary", element("h2", clipped(v.name, 200)), mark(v.status), element("span", _short(v), class_="short")
        ),
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
    told = [
        n for k, text in pairs if text for n in (element("dt", k), element("dd", element("code", clipped(text, 400))))
    ]
    return element("dl", *told, class_="facts")


# ------------------------------------------------------------------------------ what failed


def _wrong(v: Verdict) -> Iterator[Node]:
    """Each check that failed or could not be decided, with its worst cases in full."""
    rows = sorted((r for r in v.rows if r.status in ("failed", "inconclusive")), key=badness)
    groups = _alike(_grouped(rows, lambda r: (r.status, r.check)))
    if not groups:
        return
    yield element("h3", "What failed" if v.failures else "What could not be decided")
    yield element("ul", *map(_group, groups[:FIRST]), class_="wrong")
    if len(groups) > FIRST:
        rest = groups[FIRST:]
        title = f"{words.several(len(rest), 'more check')}, in {words.several(sum(map(len, rest)), 'case')}"
        left_out = len(groups) - MOST
        yield element(
            "details",
            element("summary", title),
            element("ul", *map(_group, groups[FIRST:MOST]), class_="wrong"),
            element("p", f"{words.several(left_out, 'check')} more stand in the table below.", class_="more")
            if left_out > 0
            else None,
            class_="fold",
        )


def _group(rows: Sequence[Row]) -> Element:
    more = len(_once(rows)) - CASES
    return element(
        "li",
        element("h4", _titles(rows), " ", mark(rows[0].status)),
        *(_case(r) for r in _once(rows)[:CASES]),
        element("p", f"and {words.several(more, 'case')} more", class_="more") if more > 0 else None,
        class_=rows[0].status,
    )


def _alike(groups: list[list[Row]]) -> list[list[Row]]:
    """Groups that say the same of their cases as one: often every code that carries a formula fails as it does."""
    said = _grouped(
        groups, lambda rows: (rows[0].status, rows[0].check.partition(",")[0], rows[0].case, rows[0].detail)
    )
    return [[row for rows in same for row in rows] for same in said]


def _titles(rows: Sequence[Row]) -> str:
    """``gradient: interpreter, numpy and torch``."""
    checks = list(dict.fromkeys(row.check for row in rows))
    head, _, _ = checks[0].partition(", ")
    tails = [check.partition(", ")[2] for check in checks]
    return clipped(checks[0] if len(checks) == 1 else f"{head}: {words.joined([t for t in tails if t])}", 200)


def _once(rows: Sequence[Row]) -> list[Row]:
    """One row for each case."""
    return [same[0] for same in _grouped(rows, lambda r: (r.case, r.detail))]


def _case(r: Row) -> Element:
    """One case in words; lines that belong under each other stay so."""
    size = f"error {words.number(r.error)}, tolerance {words.number(r.tolerance)}" if r.error is not None else ""
    parts = [part for part in (clipped(r.case, 300), size) if part]
    said = " · ".join([*parts, f"seed {r.seed}"]) if parts else ""
    text = clipped(r.detail or r.reason, 1200)
    kind = "detail lines" if "\n" in text else "detail"
    return element(
        "div", element("p", said, class_="case") if said else None, element("p", text, class_=kind) if text else None
    )


def _grouped(items: Iterable[Item], key: Callable[[Item], object]) -> list[list[Item]]:
    """Items that have a key in common, in order of the first of each."""
    found: dict[object, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
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
        element("p", f"Inputs: {clipped(evidence[0].case, 300)}.", class_="case") if evidence[0].case else None,
        element(
            "div",
            _figure(
                "Error against step size",
                pictures.steps(chosen),
                words.STEPS,
                words.steps_finding(evidence) + more,
                _legend(chosen, words.of_steps),
            ),
            _figure(
                "Taylor’s remainder",
                pictures.remainders(chosen) if curves else None,
                words.REMAINDERS,
                words.remainders_finding(evidence),
                _legend(chosen, words.of_remainders),
            ),
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
        element(
            "li",
            pictures.heat(e),
            element("span", element("b", f"d{e.input}"), f" {_shape(e)}", element("br"), words.of_heat(e)),
        )
        for e in evidence[:MAPS]
    ]
    left_out = len(evidence) - len(drawn)
    finding = words.heat_finding(evidence[:MAPS])
    return element(
        "figure",
        element("h4", "Where: a map of each gradient"),
        element("ul", *drawn, class_="maps"),
        pictures.scale(),
        element(
            "figcaption",
            element("p", element("strong", finding)),
            element("p", words.HEAT),
            element("p", f"{words.several(left_out, 'map')} more left out.") if left_out else None,
        ),
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
        "details",
        element("summary", element("h3", "The checks"), element("span", _kinds(v), class_="short")),
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
        class_="fold",
    )


def _kinds(v: Verdict) -> str:
    """How many cases of each kind of check, in the order they were made."""
    counts: dict[str, int] = {}
    for row in v.rows:
        head = row.check.partition(",")[0]
        counts[head] = counts.get(head, 0) + 1
    named = [f"{clipped(head, 40)} {words.grouped(n)}" for head, n in counts.items()]
    return ", ".join(named[:12]) + (" …" if len(named) > 12 else "")


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
