"""GitHub Actions: annotations it can read, ten at most; a summary under its limit."""

from __future__ import annotations

import re

from derive.reports.github import ANNOTATIONS, SUMMARY_BYTES, to_annotations, to_summary
from tests.reports.verdicts import ALL, fine, hung, idle, many, wrong

COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:\n]*,?)+)::([^\n]*)")


def commands(*verdicts) -> list[tuple[str, dict[str, str], str]]:
    """Annotations as GitHub's runner reads them."""
    lines = to_annotations(verdicts).splitlines()
    read = [COMMAND.fullmatch(line) for line in lines]
    assert all(read), lines
    found = []
    for kind, properties, said in (m.groups() for m in read):
        pairs = dict(p.split("=", 1) for p in properties.split(","))
        found.append((kind, {k: _unescaped(v) for k, v in pairs.items()}, _unescaped(said)))
    return found


def _unescaped(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_an_annotation_a_broken_target_at_its_line() -> None:
    (one,) = commands(fine, wrong)
    kind, at, said = one
    assert kind == "error" and at == {"file": "my ops.py", "line": "14", "title": "wrong: contract, strided cotangent"}
    assert said.endswith("again: derive check ops:wrong --seed 7")


def test_nothing_a_target_says_is_a_command_of_its_own() -> None:
    text = to_annotations([hung])
    assert len(text.splitlines()) == 1
    ((_, at, said),) = commands(hung)
    assert "line two" in said and "%0A" in said and "file" not in at  # outside the checkout GitHub has no such file


def test_nothing_checked_is_a_warning() -> None:
    ((kind, at, _),) = commands(idle)
    assert kind == "warning" and at["title"] == "idle: nothing was checked"
    assert commands(fine) == []


def test_the_worst_nine_and_the_number_of_the_rest() -> None:
    found = commands(*many(30))
    assert len(found) == ANNOTATIONS and "21 more" in found[-1][2]
    assert [at["title"] for _, at, _ in found[:9]] == [f"t{i:05}: probes" for i in range(29, 20, -1)]
    assert len(commands(*many(10))) == 10 and "more" not in commands(*many(10))[-1][2]


def test_the_summary_says_all_and_stays_under_the_limit() -> None:
    text = to_summary(ALL)
    assert text.index("### wrong failed") < text.index("| fine | passed") and "3 more" not in text
    assert "derive check ops:wrong --seed 7" in text and "\\<3\\>" in text
    assert "and 1 more checks" not in text
    large = to_summary(many(20_000))
    assert len(large.encode()) < SUMMARY_BYTES
    left = int(re.search(r"(\d+) more targets", large).group(1))
    shown = len(re.findall(r"^\| t\d+ \|", large, re.M))
    assert shown + left == 20_000 and "more failed" in large and "t19999" in large
