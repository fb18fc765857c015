"""Verdicts -> a table, worst first, or JSON.  A verdict is said in the words of the check that gave it."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from derive.reports.plain import WIDTH

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

SCHEMA = "derive.verdicts/1"

#: Worst first.
STATUSES = ("failed", "inconclusive", "passed", "not applicable")


def badness(row: Row) -> tuple[int, float]:
    """Rows sort by status, then by how much of the tolerance the error uses; an error that is no number is worst."""
    return STATUSES.index(row.status), -_used(row)


def _used(row: Row) -> float:
    """Error over tolerance."""
    if row.error is None:
        return 0.0
    if not math.isfinite(row.error):
        return math.inf
    return row.error / row.tolerance if row.tolerance else row.error


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Failed verdicts first, then those nearest to failing."""
    return sorted(verdicts, key=lambda v: (min(map(badness, v.rows), default=(len(STATUSES), 0.0)), v.name))


def to_table(verdicts: Sequence[Verdict], details: bool | None = None) -> str:
    """A line a verdict, worst first; failures in full; ``details`` (the default for one verdict): a line a check."""
    full = len(verdicts) == 1 if details is None else details
    width = max((len(v.name) for v in verdicts), default=0)
    lines: list[str] = []
    for v in worst_first(verdicts):
        lines.append(_line(v, width))
        for row in sorted((r for r in v.rows if r.status in ("failed", "inconclusive")), key=badness):
            lines += _row(row)
        lines += _by_check(v) if full else []
        if v.failures and v.rerun:
            lines.append(f"    again: {v.rerun}")
    return "\n".join([*lines, _total(verdicts)]) + "\n"


def _by_check(v: Verdict) -> list[str]:
    """A line a check: how many cases passed, the worst of them, or why it does not apply."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in v.rows:
        if row.status in ("passed", "not applicable"):
            groups.setdefault((row.check, row.status), []).append(row)
    width = max((len(check) for check, _ in groups), default=0)
    lines = []
    for (check, status), rows in sorted(groups.items(), key=lambda item: min(map(badness, item[1]))):
        worst = min(rows, key=badness)
        if status == "passed":
            size = f"worst {_number(worst.error)} of {_number(worst.tolerance)}" if worst.error is not None else ""
            lines.append(f"  {check:<{width}}  {len(rows):>3} passed  {size}  {worst.case}".rstrip())
        else:
            lines.append(
                f"  {check:<{width}}    – not applicable: {worst.case + ', ' if worst.case else ''}{worst.reason}"
            )
    return lines


def _line(v: Verdict, width: int) -> str:
    decided = [r for r in v.rows if r.status in ("passed", "failed")]
    worst = max(decided, key=_used, default=None)
    line = f"{v.name:<{width}}  {v.status:<8}  {len(decided):>3} checks"
    if worst is not None and worst.error is not None:
        line += f"   worst {_number(worst.error)} of {_number(worst.tolerance)} ({worst.check})"
    return line


def _row(row: Row) -> list[str]:
    size = f"{_number(row.error)} of {_number(row.tolerance)}" if row.error is not None else ""
    parts = [row.check, row.case, size, row.reason, row.detail]
    text = f"  {row.status:<14} " + "   ".join(p for p in parts if p)
    return textwrap.wrap(text, WIDTH + 20, subsequent_indent=" " * 17)


def _number(value: float | None) -> str:
    return "—" if value is None else "0" if value == 0 else f"{value:.1e}"


def _total(verdicts: Sequence[Verdict]) -> str:
    decided = sum(1 for v in verdicts for r in v.rows if r.status in ("passed", "failed"))
    failed = [v for v in verdicts if v.failures]
    undecided = [v for v in verdicts if not v.checked]
    parts = [f"{len(verdicts)} checked" if len(verdicts) != 1 else "", f"{decided} checks"]
    parts.append(f"{len(failed)} failed" if failed else "none failed" if decided else "nothing was checked")
    if undecided and len(verdicts) > 1:
        parts.append(f"{len(undecided)} not decided")
    return ", ".join(p for p in parts if p)


def to_json(verdicts: Sequence[Verdict]) -> str:
    """One object; ``schema`` names its version."""
    data = {
        "schema": SCHEMA,
        "passed": bool(verdicts) and all(v.passed for v in verdicts),
        "verdicts": [_verdict(v) for v in worst_first(verdicts)],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _verdict(v: Verdict) -> dict[str, object]:
    rows = [_as_dict(r) for r in sorted(v.rows, key=badness)]
    return {"name": v.name, "status": v.status, "rerun": v.rerun, "rows": rows}


def _as_dict(row: Row) -> dict[str, object]:
    """A row; JSON has no NaN, so such errors are text."""
    data = dict(vars(row))
    for field in ("error", "tolerance"):
        if data[field] is not None and not math.isfinite(data[field]):
            data[field] = str(data[field])
    return data
