"""The page as a browser renders it: its font is used, nothing overflows, all of it can be read in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derive.reports import html
from derive.reports.html.page import to_html
from derive.verify.verdict import Verdict
from tests.reports import browser
from tests.reports.pages import evidence, hostile, right, wrong

PROGRAM = browser.found()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed")

WIDE, PHONE = 1200, 390
QUESTIONS = Path(__file__).with_name("seen.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    assert PROGRAM is not None
    started = browser.Browser(PROGRAM)
    yield started
    started.close()


def opened(chromium: browser.Browser, path: Path, width: int = WIDE, dark: bool = False) -> browser.Browser:
    """The page, with the questions that are asked of it."""
    chromium.open(path, width, dark=dark)
    chromium.run(QUESTIONS)
    return chromium


def page(verdicts: list[Verdict]) -> str:
    return to_html(
        verdicts, html.formulas(verdicts), command="derive check --all --html report.html", versions={"torch": "2.9"}
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long formulas, a failure with long words, hostile names, everything unfolded."""
    names = ["lstm", "conv2d", "layer_norm", "scaled_dot_product_attention", "adam"]
    six = tuple(f"weight_{k}" for k in "abcdef")
    verdicts = [right(n, shown=evidence(0.0, six)) for n in names]
    verdicts += [wrong("layer_norm_wrong", target="layer_norm", shown=evidence(1e-3, six)), wrong("w" * 300), hostile()]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(verdicts).replace("<details ", "<details open "), encoding="utf-8")
    return path


def changed(report: Path, tmp_path: Path, old: str, new: str) -> Path:
    """The page with a fault planted in its style."""
    text = report.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "changed.html").write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path / "changed.html"


# ------------------------------------------------------------------------------ nothing overflows


@pytest.mark.parametrize("width", [WIDE, 800, PHONE, 320])
def test_nothing_is_wider_than_the_window(chromium: browser.Browser, report: Path, width: int) -> None:
    opened(chromium, report, width)
    found = chromium.run("seen.overflow()")
    assert found["page"] <= 0 and found["out"] == []


def test_a_formula_that_does_not_scroll_would_be_seen(chromium: browser.Browser, report: Path, tmp_path: Path) -> None:
    opened(chromium, changed(report, tmp_path, ".formula { overflow-x: auto; overflow-y: hidden;", ".formula {"), PHONE)
    assert chromium.run("seen.overflow()")["page"] > 0


def test_long_formulas_scroll_in_their_own_box(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report, PHONE)
    boxes = chromium.run("seen.boxes()")
    assert any(inside > outside for outside, inside in boxes) and all(outside <= PHONE for outside, _ in boxes)


# ------------------------------------------------------------------------------ the maths


def used_fonts(chromium: browser.Browser, selector: str) -> dict[str, bool]:
    """Fonts that drew the text of an element, and whether each came with the page."""
    chromium.ask("DOM.enable")
    chromium.ask("CSS.enable")
    root = chromium.ask("DOM.getDocument")["root"]["nodeId"]
    node = chromium.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    fonts = chromium.ask("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]
    return {f["familyName"]: f["isCustomFont"] for f in fonts}


def test_formulas_are_set_in_the_font_of_the_page(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report)
    found = chromium.run("seen.maths()")
    assert found["faces"] == [["Maths", "loaded"]] and found["count"] > 50 and found["flat"] == 0
    assert found["sum"] > 1.2  # larger than the letters beside it: the font's table for maths is used
    assert used_fonts(chromium, ".formula mi") == {"STIX Two Math": True}


def test_a_broken_font_would_be_seen(chromium: browser.Browser, report: Path, tmp_path: Path) -> None:
    opened(chromium, changed(report, tmp_path, "base64,d09GMg", "base64,AAAAAA"))
    assert chromium.run("seen.maths()")["faces"] == [["Maths", "error"]]
    assert used_fonts(chromium, ".formula mi") != {"STIX Two Math": True}


# ------------------------------------------------------------------------------ reading it


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_stands_out_from_its_ground(chromium: browser.Browser, report: Path, dark: bool) -> None:
    opened(chromium, report, dark=dark)
    ground = chromium.run("getComputedStyle(document.body).backgroundColor")
    shade = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert shade < 60 if dark else shade > 200
    assert chromium.run("seen.faint()") == []


def test_faint_text_would_be_seen(chromium: browser.Browser, report: Path, tmp_path: Path) -> None:
    opened(chromium, changed(report, tmp_path, "--soft: #59616a", "--soft: #b9c1ca"))
    assert chromium.run("seen.faint()") != []


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_words_of_a_picture_neither_meet_nor_leave_it(chromium: browser.Browser, report: Path, width: int) -> None:
    opened(chromium, report, width)
    assert chromium.run("seen.clashes()") == []


def test_words_too_large_for_their_picture_would_be_seen(
    chromium: browser.Browser, report: Path, tmp_path: Path
) -> None:
    opened(chromium, changed(report, tmp_path, "font-size: 11px", "font-size: 40px"))
    assert len(chromium.run("seen.clashes()")) > 10


def test_curves_are_drawn_within_their_pictures(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report)
    found = chromium.run("seen.curves()")
    assert len(found) > 20 and all(found)


# ------------------------------------------------------------------------------ using it


def test_nothing_is_fetched_and_nothing_complains(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report)
    asked = [event["request"]["url"] for event in chromium.happened("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert chromium.happened("Log.entryAdded") == [] and chromium.happened("Runtime.exceptionThrown") == []


def test_a_fetch_would_be_seen(chromium: browser.Browser, report: Path, tmp_path: Path) -> None:
    opened(chromium, changed(report, tmp_path, "<header>", '<header><img src="http://127.0.0.1:9/x.png">'))
    asked = [event["request"]["url"] for event in chromium.happened("Network.requestWillBeSent")]
    assert "http://127.0.0.1:9/x.png" in asked


def test_a_link_in_the_table_unfolds_its_target(chromium: browser.Browser, tmp_path: Path) -> None:
    (tmp_path / "two.html").write_text(page([right("softmax"), wrong("layer_norm")]), encoding="utf-8")
    opened(chromium, tmp_path / "two.html")
    assert chromium.run("seen.unfolded()") == [True, False]
    chromium.run("[...document.querySelectorAll('.verdicts a')].at(-1).click()")
    chromium.run("new Promise(done => setTimeout(done, 100))")
    assert chromium.run("seen.unfolded()") == [True, True]
    assert 0 <= chromium.run("document.querySelector('details.passed .target').getBoundingClientRect().top") < 900


def accessible(chromium: browser.Browser) -> list[dict[str, Any]]:
    return [n for n in chromium.ask("Accessibility.getFullAXTree")["nodes"] if not n.get("ignored")]


def images(chromium: browser.Browser) -> list[str]:
    """What a screen reader says of each picture."""
    nodes = accessible(chromium)
    return [n.get("name", {}).get("value", "") for n in nodes if n["role"]["value"] in ("image", "img")]


def test_a_screen_reader_finds_headings_tables_and_pictures(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report)
    nodes = accessible(chromium)
    roles = [n["role"]["value"] for n in nodes]
    assert images(chromium) and all(images(chromium))
    assert any(name.startswith("Error against step size.") and "levels off at" in name for name in images(chromium))
    assert {"heading", "table", "columnheader", "rowheader", "link"} <= set(roles)
    assert "3 of 8 failed" in [n["name"]["value"] for n in nodes if n["role"]["value"] == "heading"]


def test_a_picture_without_words_would_be_seen(chromium: browser.Browser, report: Path, tmp_path: Path) -> None:
    opened(chromium, changed(report, tmp_path, 'role="img" aria-label="Error against step size.', 'role="img" alt="'))
    assert not any("levels off at" in name for name in images(chromium))


def test_it_prints(chromium: browser.Browser, report: Path) -> None:
    opened(chromium, report)
    pdf = chromium.ask("Page.printToPDF", preferCSSPageSize=True)["data"]
    assert len(pdf) > 20_000
