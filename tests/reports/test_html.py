"""The page of verdicts: well-formed, self-contained, within its size, safe with hostile names, and true."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import islice

import numpy as np
import pytest

from derive.reports import html
from derive.reports.html import make_font, pictures, words
from derive.reports.html.elements import VOID, element, printed
from derive.reports.html.page import to_html
from derive.verify.evidence import fitted, gather
from derive.verify.probes import Claim
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, Evidence, Row, Verdict
from tests.reports.pages import HOSTILE, evidence, hostile, many, right, row, wrong

VERSIONS = {"derive": "0.0"}


class Page(HTMLParser):
    """What a page holds; elements that are not closed in order are told."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.maths: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)
        if "math" in self.open:
            self.maths |= set(data)

    def count(self, tag: str) -> int:
        return sum(t == tag for t, _ in self.tags)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def mixed() -> str:
    verdicts = [right("softmax", shown=evidence()), wrong("layer_norm", shown=evidence(1e-3))]
    return to_html(verdicts, html.formulas(verdicts), command="derive check --all", versions=VERSIONS)


def test_the_page_is_well_formed(mixed: str) -> None:
    page = Page(mixed)
    assert page.wrong == [] and page.open == []
    assert mixed.startswith("<!DOCTYPE html>") and page.count("h1") == 1 and page.count("title") == 1
    assert ("html", {"lang": "en"}) in page.tags


def test_headings_leave_out_no_level(mixed: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(mixed).tags if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in zip([0, *levels], levels, strict=False))


def test_nothing_is_run_and_nothing_is_fetched(mixed: str) -> None:
    page = Page(mixed)
    assert (
        page.count("script") == 0 and page.count("link") == 0 and page.count("img") == 0 and page.count("iframe") == 0
    )
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "srcset", "action") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    style = mixed[mixed.index("<style>") : mixed.index("</style>")]
    assert "@import" not in style and re.findall(r"url\((?!data:font/woff2;base64,)", style) == []


def test_every_reference_has_its_place_and_ids_are_unique(mixed: str) -> None:
    tags = Page(mixed).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for _, a in tags if a.get("href")} <= set(ids)


def test_pictures_and_tables_are_named(mixed: str) -> None:
    for tag, attributes in Page(mixed).tags:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (
                attributes.get("role") == "img" and attributes.get("aria-label")
            )
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")


def test_worst_first_and_failures_unfolded(mixed: str) -> None:
    text = Page(mixed).text
    assert text.index("layer_norm") < text.index("softmax")
    assert "1 of 2 failed" in text and "derive check my_ops.py:layer_norm --seed 0" in text and "my_ops.py:41" in text
    assert "dx[1, 2] is 0.41041, expected 0.41, ratio 1.001" in text
    entries = [a for tag, a in Page(mixed).tags if tag == "details" and "entry" in (a.get("class") or "")]
    assert ["open" in a for a in entries] == [True, False]


def test_the_header_says_how_it_was_run() -> None:
    text = Page(to_html([right()], command="derive check right", when="2026-01-02", versions={"torch": "2.9"})).text
    for part in ("right passed", "derive check right", "torch 2.9", "2026-01-02", "Seed 0"):
        assert part in text


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([], "Nothing was checked"),
        ([right("a"), right("b")], "All 2 passed"),
        ([wrong("a")], "a failed"),
        ([Verdict("idle", (Row("probes", "", NOT_APPLICABLE, reason="no torch"),))], "Nothing was checked"),
        ([right("a"), Verdict("idle")], "1 passed, 1 not decided"),
    ],
)
def test_the_headline_is_what_is_so(verdicts: list[Verdict], headline: str) -> None:
    text = to_html(verdicts, versions=VERSIONS)
    assert f"<h1>{headline}</h1>" in text and Page(text).wrong == []


def test_an_error_in_lines_keeps_its_lines() -> None:
    detail = "my.py:7: index r is never read\n    y[n] = sum[r](x[n])\n               ^"
    text = to_html([Verdict("mine", (Row("load", "", FAILED, detail=detail),))], versions=VERSIONS)
    assert f'<p class="detail lines">{detail}</p>' in text


def test_what_could_not_be_decided_is_not_said_to_have_failed() -> None:
    undecided = row("probes", "ties", INCONCLUSIVE, 1e-3, reason="a kink near")
    text = Page(to_html([Verdict("relu", (*right().rows, undecided))], versions=VERSIONS)).text
    assert "What could not be decided" in text and "a kink near" in text and "What failed" not in text


def test_hostile_names_are_text() -> None:
    verdicts = [hostile(), wrong()]
    text = to_html(verdicts, html.formulas(verdicts), command=HOSTILE, when=HOSTILE, versions={HOSTILE: HOSTILE})
    page = Page(text)
    assert page.wrong == [] and page.open == [] and page.count("script") == 0 and page.count("img") == 0
    assert page.count("style") == 1 and page.count("title") == 1 and "\x00" not in text and "\x1b" not in text
    assert HOSTILE.partition("\x00")[0] in page.text
    assert not any(name.startswith("on") for _, a in page.tags for name in a)


def test_formulas_hold_what_definitions_hold(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("@layer\ndef twice(x: Real[N]):\n    y[n] = 2*x[n]\n    return y\n", encoding="utf-8")
    verdicts = [right("twice", target=f"{path}:twice"), right("gone", target=f"{tmp_path}/none.py:gone")]
    found = html.formulas(verdicts)
    assert list(found) == [f"{path}:twice"]
    page = to_html(verdicts, found, versions=VERSIONS)
    assert page.count("<math") >= 3 and Page(page).wrong == []


def test_the_whole_catalogue_and_more_stay_under_a_megabyte() -> None:
    from derive.language import catalogue_index

    names = list(catalogue_index())
    verdicts = many(150)
    targets = {v.name: names[k % len(names)] for k, v in enumerate(verdicts)}
    verdicts = [Verdict(v.name, v.rows, v.rerun, targets[v.name], v.where, 1.0, v.evidence) for v in verdicts]
    text = to_html(verdicts, html.formulas(verdicts), versions=VERSIONS)
    page = Page(text)
    assert len(text.encode()) < 1_000_000 and page.wrong == []
    assert all(v.name in page.text for v in verdicts)
    assert 20 <= sum("entry" in (a.get("class") or "") for _, a in page.tags) <= 50
    assert "stand in the table alone" in page.text
    assert page.maths <= set(make_font.CHARACTERS)


def test_a_flood_of_failures_stays_under_a_megabyte() -> None:
    rows = tuple(row(f"check {k}", "case " * 80, FAILED, 1.0, detail=f"{k}: " + "wrong " * 2000) for k in range(400))
    text = to_html([Verdict(f"v{k}", rows, "again " * 500) for k in range(900)], versions=VERSIONS)
    assert len(text.encode()) < 1_000_000 and Page(text).wrong == []
    assert "targets better than these are left out" in Page(text).text


def test_the_same_verdicts_give_the_same_page(mixed: str) -> None:
    verdicts = [wrong("layer_norm", shown=evidence(1e-3)), right("softmax", shown=evidence())]
    assert to_html(verdicts, html.formulas(verdicts), command="derive check --all", versions=VERSIONS) == mixed


# ------------------------------------------------------------------------------ pictures


def curve(svg: str, kind: str) -> list[tuple[float, float]]:
    points = re.search(rf'<polyline points="([^"]*)" class="{kind}"', svg).group(1)  # type: ignore[union-attr]
    return [(float(a), float(b)) for a, b in (p.split(",") for p in points.split())]


def test_a_right_gradient_is_drawn_as_a_v() -> None:
    at = curve(printed(pictures.steps(evidence())), "curve c0")
    low = max(range(len(at)), key=lambda k: at[k][1])  # downwards is smaller
    assert 3 <= low <= len(at) - 4
    assert at[0][1] < at[low][1] - 30 and at[-1][1] < at[low][1] - 60


def test_a_wrong_gradient_is_drawn_level_and_its_height_is_said() -> None:
    shown = evidence(1e-3)
    svg = printed(pictures.steps(shown))
    at = curve(svg, "curve c0")
    heights = [y for _, y in at[:10]]
    assert max(heights) - min(heights) < 1 and 'class="level"' in svg
    assert "1.0·10⁻³" in svg or "9.9·10⁻⁴" in svg
    assert words.steps_finding(shown).startswith("Here x levels off at ") and "one part in 1" in words.steps_finding(
        shown
    )
    assert (
        words.steps_finding(evidence())
        == "Here nothing levels off: the formula is right as far as differences can see."
    )


def test_the_fitted_slope_is_said() -> None:
    wrong_one = printed(pictures.remainders(evidence(1e-3)))
    assert "slope 1.00" in wrong_one and "slope 2.00" in wrong_one  # x, and weight
    assert words.remainders_finding(evidence(1e-3)) == "Here x has slope 1.00: φ′ is wrong."
    assert fitted(evidence()[0].remainders) == pytest.approx(2, abs=0.05)


def test_a_kink_is_not_said_to_be_a_wrong_gradient() -> None:
    """|x|, a step from which crosses 0: remainders bend, and the gradient is right."""
    x = np.array([[0.004, -0.02, 0.7]])
    one = Claim(lambda given: {"y": np.abs(given["x"])}, None, {"x": x}, {"y": np.ones((1, 3))}, {"x": -np.sign(x)})
    right_one = replace(one, gradient={"x": np.sign(x)})
    back = replace(right_one, cotangents={"y": -np.ones((1, 3))}, gradient={"x": -np.sign(x)})
    assert "φ′ is wrong" in words.remainders_finding(gather(one, "at 0"))
    for claim in (right_one, back):
        assert "φ′ is wrong" not in words.remainders_finding(gather(claim, "at 0"))
    bent = (Evidence("x", "", ((1e-2, 1e-12), (1e-3, 1e-11), (1e-4, 1e-10)), ((1e-1, 0.3), (1e-2, 0.3), (1e-3, 0.3))),)
    assert "crosses a kink" in words.remainders_finding(bent)


def test_a_gradient_that_is_no_number_is_not_said_to_be_right() -> None:
    x = np.array([[0.4, -0.2]])
    broken = Claim(
        lambda given: {"y": given["x"]}, None, {"x": x}, {"y": np.ones((1, 2))}, {"x": np.array([[1, np.nan]])}
    )
    shown = gather(broken, "as given")
    assert "not a number" in words.steps_finding(shown) and "right" not in words.remainders_finding(shown)
    assert "dx is wrong" in words.heat_finding(shown)
    printed(pictures.steps(shown)), printed(pictures.heat(shown[0]))


def test_maps_ring_the_worst_cell_of_a_wrong_gradient_only() -> None:
    bad, good = (printed(pictures.heat(e)) for e in evidence(1e-3))
    assert 'class="ring"' in bad and 'class="heat h2"' in bad
    assert 'class="ring"' not in good and re.findall(r"heat h(\d)", good) == ["0"]


def test_the_histogram_parts_failures_from_passes_at_the_tolerance() -> None:
    svg = printed(pictures.histogram([0.0, 1e-30, 1e-3, 0.999, 1.0, 1.0001, 5.0, 1e9, float("inf"), float("nan")]))
    limit = float(re.search(r'd="M([\d.]+) \d+V[^"]*" class="limit"', svg).group(1))  # type: ignore[union-attr]
    bars = [(float(x), kind) for x, kind in re.findall(r'<rect x="([\d.]+)"[^>]*class="(bar[^"]*)"', svg)]
    assert {kind for x, kind in bars if x < limit} == {"bar"} and {kind for x, kind in bars if x > limit} == {"bar bad"}
    assert "10 checks: 5 beyond" in svg


def test_pictures_stay_within_their_frames() -> None:
    for svg in map(printed, (pictures.steps(evidence(1e-3)), pictures.remainders(evidence(1e-3)))):
        for x, y in curve(svg, "curve c0"):
            assert pictures.LEFT <= x <= pictures.WIDTH - pictures.RIGHT
            assert pictures.TOP - 1 <= y <= pictures.HEIGHT - pictures.BOTTOM + 1


# ------------------------------------------------------------------------------ small things


def test_text_is_escaped_once() -> None:
    assert printed(element("p", "a < b & c", title='"')) == '<p title="&quot;">a &lt; b &amp; c</p>'


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (1e-3, "1.0·10⁻³"), (0.25, "0.25"), (2e12, "2.0·10¹²"), (None, "—"), (float("inf"), "∞")],
)
def test_numbers_are_said_shortly(value: float | None, said: str) -> None:
    assert words.number(value) == said


def test_the_font_has_every_character_of_every_forward() -> None:
    """The subset is made of a list; whatever a formula of the catalogue prints must be in it."""
    from derive.language import catalogue_index
    from derive.reports import forward
    from derive.reports.mathml import to_mathml
    from derive.verify.subject import Subject, subjects

    missing = {}
    for name in catalogue_index():
        programs = (s.program for s in subjects(name) if isinstance(s, Subject))
        page = Page("".join(f"<p>{to_mathml(forward(program))}</p>" for program in islice(programs, 1)))
        missing[name] = set("".join(page.texts)) - set(make_font.CHARACTERS) - {"\n"}
    assert {name: found for name, found in missing.items() if found} == {}


def test_the_font_and_its_licence_are_there() -> None:
    assert make_font.FONT.read_bytes()[:4] == b"wOF2" and make_font.FONT.stat().st_size < 110_000
    assert "SIL OPEN FONT LICENSE" in make_font.FONT.with_name("OFL.txt").read_text(encoding="utf-8")
