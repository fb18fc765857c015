"""SARIF 2.1.0: valid by the published schema, stable ids and fingerprints, the user's line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from derive.reports.sarif import FINGERPRINT, to_sarif
from tests.reports.verdicts import ALL, fine, hung, idle, wrong

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
VALID = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def run_of(*verdicts: Any) -> dict[str, Any]:
    data = json.loads(to_sarif(verdicts))
    assert [e.message for e in VALID.iter_errors(data)] == []
    return data["runs"][0]


def test_every_report_is_valid() -> None:
    run_of(*ALL)
    run_of()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run["results"][0].update(level="bad"),
        lambda run: run["results"][0].pop("message"),
        lambda run: run["tool"]["driver"].pop("name"),
        lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda run: run["results"][0].update(unheard=1),
    ],
)
def test_the_schema_sees_what_is_wrong(spoil: Any) -> None:
    data = json.loads(to_sarif([wrong]))
    spoil(data["runs"][0])
    assert list(VALID.iter_errors(data))


def test_a_result_a_rule_with_its_worst_case() -> None:
    run = run_of(fine, wrong)
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == ["contract/strided-cotangent", "probes"]
    assert [r["ruleId"] for r in run["results"]] == ["contract/strided-cotangent", "probes"]
    probes = run["results"][1]
    assert all(ids[r["ruleIndex"]] == r["ruleId"] for r in run["results"])
    assert probes["level"] == "error" and "dx[2, 0]: ratio 2" in probes["message"]["text"]
    assert "1 more case" in probes["message"]["text"] and "derive check ops:wrong --seed 7" in probes["message"]["text"]
    assert probes["properties"] == {"cases": 2, "error": 4e-3, "tolerance": 1e-10, "seed": 7}
    assert run["invocations"][0]["exitCode"] == 1


def test_places_are_relative_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    at = run_of(wrong)["results"][0]["locations"][0]["physicalLocation"]
    assert at == {
        "artifactLocation": {"uri": "my%20ops.py", "uriBaseId": "SRCROOT"}, "region": {"startLine": 14},
    }  # fmt: skip
    inside = replace(wrong, where=f"{tmp_path}/sub/ops.py:2")
    assert run_of(inside)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sub/ops.py"
    outside = run_of(hung)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert outside == {"uri": "file:///elsewhere/ops.py"}


def test_a_fingerprint_outlives_moved_lines_and_new_numbers() -> None:
    moved = replace(wrong, where="my ops.py:99", rows=tuple(replace(r, error=1.0, seed=8) for r in wrong.rows))
    one, other = (
        sorted(r["partialFingerprints"][FINGERPRINT] for r in run_of(v)["results"]) for v in (wrong, moved)
    )  # fmt: skip
    assert one == other and len(set(one)) == 2
    renamed = run_of(replace(wrong, target="ops:other"))["results"]
    assert not {r["partialFingerprints"][FINGERPRINT] for r in renamed} & set(one)


def test_what_was_not_decided_is_open_and_what_passed_is_not_told() -> None:
    run = run_of(*ALL)
    kinds = {(r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], r["kind"]) for r in run["results"]}
    assert ("ops:kinked", "open") in kinds and not any(name == "ops:fine" for name, _ in kinds)
    assert run_of(fine, idle)["results"] == []
