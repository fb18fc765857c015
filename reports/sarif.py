"""Verdicts -> SARIF 2.1.0, which code-scanning pages read: a result a broken rule of a target, at the user's line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from derive import __version__
from derive.reports.places import place, uri
from derive.reports.verdicts import badness, worst_first

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "deriveCheck/v1"

#: What is reported, and as what: SARIF's "open" is a rule that could not be decided.
_KINDS = {"failed": ("fail", "error"), "inconclusive": ("open", "none")}


def to_sarif(verdicts: Sequence[Verdict]) -> str:
    """One run: its rules by stable id, its results worst first."""
    found = [(v, rows) for v in worst_first(verdicts) for rows in _by_rule(v)]
    rules = sorted({rows[0].rule: rows[0].check for _, rows in found}.items())
    numbers = {rule: n for n, (rule, _) in enumerate(rules)}
    failed = any(v.failures for v in verdicts)
    run = {
        "tool": {"driver": {"name": "derive", "version": __version__, "rules": [_rule(*r) for r in rules]}},
        "invocations": [{"executionSuccessful": True, "exitCode": 1 if failed else 0}],
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder that derive check was run in."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(v, rows, numbers[rows[0].rule]) for v, rows in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _by_rule(v: Verdict) -> list[list[Row]]:
    """The reported rows of each rule, the worst of them first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(v.rows, key=badness):
        if row.status in _KINDS:
            groups.setdefault((row.status, row.rule), []).append(row)
    return list(groups.values())


def _rule(id_: str, check: str) -> dict[str, Any]:
    return {
        "id": id_,
        "name": "".join(part.capitalize() for part in id_.replace("/", "-").split("-")),
        "shortDescription": {"text": check[:1].upper() + check[1:]},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["correctness", "gradients"]},
    }


def _result(v: Verdict, rows: list[Row], number: int) -> dict[str, Any]:
    worst = rows[0]
    kind, level = _KINDS[worst.status]
    return {
        "ruleId": worst.rule,
        "ruleIndex": number,
        "kind": kind,
        "level": level,
        "message": {"text": _message(v, rows)},
        "locations": [_location(v)],
        "partialFingerprints": {FINGERPRINT: _fingerprint(v, worst)},
        "properties": {"cases": len(rows), **_numbers(worst), "seed": worst.seed},
    }


def _message(v: Verdict, rows: list[Row]) -> str:
    """The worst case in words, how many more there are, and how to see it again."""
    worst = rows[0]
    said = worst.detail or worst.reason or worst.status
    case = f" ({worst.case})" if worst.case else ""
    more = f"; {len(rows) - 1} more case{'s' if len(rows) > 2 else ''}" if len(rows) > 1 else ""
    return f"{v.name}, {worst.check}{case}: {said}{more}." + (f"\nAgain: {v.rerun}" if v.rerun else "")


def _location(v: Verdict) -> dict[str, Any]:
    """The user's line where it is known, and the target's name always."""
    found: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": v.target or v.name, "kind": "function"}]}
    file, line = place(v.where)
    if file:
        at: dict[str, Any] = {"uri": uri(file)}
        if not at["uri"].startswith("file:"):
            at["uriBaseId"] = "SRCROOT"
        found["physicalLocation"] = {"artifactLocation": at, "region": {"startLine": line}}
    return found


def _fingerprint(v: Verdict, row: Row) -> str:
    """The same for the same fault wherever its lines move to."""
    return hashlib.sha256(f"{v.target or v.name}\0{row.rule}".encode()).hexdigest()[:32]


def _numbers(row: Row) -> dict[str, Any]:
    data = row.to_dict()
    return {name: data[name] for name in ("error", "tolerance") if data[name] is not None}
