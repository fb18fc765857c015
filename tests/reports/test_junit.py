"""JUnit XML: what CI systems read of it, held against the structure they agree on."""

from __future__ import annotations

from xml.etree import ElementTree as xml

import pytest

from derive.reports.junit import to_junit
from tests.reports.verdicts import ALL, fine, hung, idle, wrong

#: Element -> (attributes it must have, attributes it may have, children): Jenkins's junit-10.xsd, with the ``file`` and
#: ``line`` of a testcase that pytest and GitLab added.
STRUCTURE = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors", "skipped"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests"}, {"failures", "errors", "skipped", "time"}, {"properties", "testcase", "system-out"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name", "classname"}, {"time", "file", "line"}, {"properties", "failure", "error", "skipped"},
    ),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
}  # fmt: skip
COUNTS = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
NUMBERS = {"tests", "failures", "errors", "skipped", "line"}


def faults(root: xml.Element) -> list[str]:
    """What breaks the structure, or counts that are not those of the cases."""
    found = []
    for node in root.iter():
        must, may, children = STRUCTURE.get(node.tag, (set(), set(), set()))
        found += [f"{node.tag} is unknown"] if node.tag not in STRUCTURE else []
        found += [f"{node.tag} lacks {name}" for name in must - set(node.keys())]
        found += [f"{node.tag} has {name}" for name in set(node.keys()) - must - may]
        found += [f"{child.tag} in {node.tag}" for child in node if child.tag not in children]
        found += [f"{name}={v} of {node.tag}" for name, v in node.items() if name in NUMBERS and not v.isdecimal()]
        if node.tag in ("testsuite", "testsuites"):
            for name, tag in (
                ("tests", "testcase"),
                ("failures", "failure"),
                ("errors", "error"),
                ("skipped", "skipped"),
            ):
                if int(node.get(name, "0")) != len(list(node.iter(tag))):
                    found.append(f"{name} of {node.get('name')} is not the number of {tag}")
    return found


def test_the_structure_is_the_one_agreed_on() -> None:
    assert faults(xml.fromstring(to_junit(ALL).encode())) == []
    assert faults(xml.fromstring(to_junit([]).encode())) == []


@pytest.mark.parametrize(
    "old, new",
    [("<failure", "<broken"), ('tests="', 'test="'), ('failures="3"', 'failures="2"'), ('classname="', 'class="')],
)
def test_a_broken_structure_is_seen(old: str, new: str) -> None:
    text = to_junit([wrong])
    assert old in text
    text = text.replace("</failure", "</broken") if "broken" in new else text
    assert faults(xml.fromstring(text.replace(old, new).encode()))


def test_a_suite_a_target_a_case_a_check() -> None:
    root = xml.fromstring(to_junit([fine, wrong]).encode())
    first = root[0]
    assert first.get("name") == "ops:wrong" and (first.get("tests"), first.get("failures")) == ("4", "3")
    names = [case.get("name") for case in first.iter("testcase")]
    assert names[:2] == ["probes [plain]", "probes [asymmetric]"]
    about = {p.get("name"): p.get("value") for p in first.find("properties")}
    assert about["seed"] == "7" and about["rerun"] == "derive check ops:wrong --seed 7"
    case = first.find("testcase")
    assert case.get("file") == "my ops.py" and case.get("line") == "14"
    said = {p.get("name"): p.get("value") for p in case.find("properties")}
    assert said == {"rule": "probes", "error": "2.000e-03", "tolerance": "1.000e-10", "seed": "7"}
    assert "2 & <3>" in case.find("failure").get("message") and "again: derive check" in case.find("failure").text


def test_what_could_not_be_made_is_an_error_and_what_was_not_decided_is_skipped() -> None:
    root = xml.fromstring(to_junit([hung, idle]).encode())
    hung_suite, idle_suite = root
    assert hung_suite.get("errors") == "1" and "\x1b" not in hung_suite.find("testcase/error").text
    assert idle_suite.find("testcase/skipped").get("message") == "not applicable: no real input"
    assert idle_suite.find("testcase/error").get("message") == "nothing was checked"
