"""Verdicts -> JUnit XML, as CI systems read it: a testsuite a target, a testcase a check of a case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as xml

from derive.reports.verdicts import worst_first
from derive.verify.sweep import CRASHED, TIMED_OUT

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

#: Checks that could not be made: what JUnit calls an error, not a failure.
_NOT_MADE = {TIMED_OUT, CRASHED, "not run", "load"}
#: Characters that XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(verdicts: Sequence[Verdict]) -> str:
    """One file for the whole sweep, worst target first."""
    root = xml.Element("testsuites", name="derive")
    suites = [_suite(root, v) for v in worst_first(verdicts)]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(s.get(count, "0")) for s in suites)))
    root.set("time", f"{sum(v.seconds for v in verdicts):.3f}")
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _suite(root: xml.Element, v: Verdict) -> xml.Element:
    suite = xml.SubElement(root, "testsuite", name=_written(v.target or v.name))
    _properties(suite, _about(v))
    for n, row in enumerate(v.rows):
        _case(suite, v, row, v.seconds if n == 0 else 0.0)
    if not v.checked:
        case = xml.SubElement(suite, "testcase", classname=_class(v), name="anything at all", time="0.000")
        _said(case, "error", "nothing was checked", "nothing-checked", "")
    found = {count: len(suite.findall(f"testcase/{tag}")) for count, tag in _COUNTS}
    for count, number in {"tests": len(suite.findall("testcase")), **found}.items():
        suite.set(count, str(number))
    suite.set("time", f"{v.seconds:.3f}")
    return suite


_COUNTS = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


def _about(v: Verdict) -> Iterator[tuple[str, str]]:
    """What a person needs to run it again."""
    if v.rows:
        yield "seed", str(v.rows[0].seed)
    for name, value in (("status", v.status), ("rerun", v.rerun), ("where", v.where)):
        if value:
            yield name, value


def _case(suite: xml.Element, v: Verdict, row: Row, seconds: float) -> None:
    name = f"{row.check} [{row.case}]" if row.case else row.check
    case = xml.SubElement(suite, "testcase", classname=_class(v), name=_written(name), time=f"{seconds:.3f}")
    if v.where:
        file, _, line = v.where.rpartition(":")
        case.set("file", _written(file))
        case.set("line", line)
    numbers = {"error": row.error, "tolerance": row.tolerance}
    said = [(what, f"{number:.3e}") for what, number in numbers.items() if number is not None]
    _properties(case, [("rule", row.rule), *said, ("seed", str(row.seed))])
    if row.status == "failed":
        kind = "error" if row.check in _NOT_MADE else "failure"
        _said(case, kind, row.detail or row.reason or "failed", row.rule, f"again: {v.rerun}" if v.rerun else "")
    elif row.status != "passed":
        xml.SubElement(case, "skipped", message=_written(f"{row.status}: {row.reason or row.detail}"))


def _said(case: xml.Element, kind: str, what: str, rule: str, again: str) -> None:
    """The first line as the message, everything as the text."""
    found = xml.SubElement(case, kind, message=_written(what.partition("\n")[0]), type=rule)
    found.text = _written("\n".join(part for part in (what, again) if part))


def _properties(parent: xml.Element, pairs: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> None:
    properties = xml.SubElement(parent, "properties")
    for name, value in pairs:
        xml.SubElement(properties, "property", name=name, value=_written(value))


def _class(v: Verdict) -> str:
    """``derive.softmax``: CI systems show a dotted name as a folder and a class."""
    return f"derive.{_written(v.name)}"


def _written(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
