"""Verdicts as tables: worst first, a failure never hidden."""

from __future__ import annotations

import json
import math

from derive.reports.verdicts import to_json, to_table, worst_first
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Row, Verdict

fine = Verdict("fine", (Row("vjp", "case 1", PASSED, 1e-15, 1e-12),))
close = Verdict("close", (Row("vjp", "case 1", PASSED, 9e-13, 1e-12),))
bad = Verdict(
    "bad", (Row("vjp", "stride=2", FAILED, 2e-12, 1e-12, detail="dx[0, 1]"), *fine.rows), rerun="derive check bad"
)
lost = Verdict("lost", (Row("vjp", "case 1", FAILED, math.nan, 1e-12),))
idle = Verdict("idle", (Row("torch", "", NOT_APPLICABLE, reason="torch has no such layer"),))
unsure = Verdict("unsure", (Row("vjp", "", INCONCLUSIVE, reason="near a kink"),))


def test_worst_first() -> None:
    assert [v.name for v in worst_first([fine, idle, close, bad, lost, unsure])] == [
        "lost", "bad", "unsure", "close", "fine", "idle",
    ]  # fmt: skip


def test_a_failure_is_said_in_full() -> None:
    text = to_table([fine, bad])
    assert text.index("bad") < text.index("fine")
    for part in ("stride=2", "2.0e-12 of 1.0e-12", "dx[0, 1]", "again: derive check bad", "1 failed"):
        assert part in text


def test_nothing_checked_is_not_a_pass() -> None:
    assert "nothing was checked" in to_table([idle]) and "torch has no such layer" in to_table([idle])
    assert json.loads(to_json([idle]))["passed"] is False and json.loads(to_json([]))["passed"] is False


def test_json_survives_errors_that_are_no_numbers() -> None:
    data = json.loads(to_json([lost, fine]), parse_constant=lambda name: 1 / 0)
    assert data["schema"] == "derive.verdicts/1"
    assert data["verdicts"][0]["rows"][0]["error"] == "nan"
