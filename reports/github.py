"""Verdicts for GitHub Actions: annotations of the worst, and a job summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from derive.reports.places import place
from derive.reports.verdicts import badness, counted, used, worst_first

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

#: GitHub shows ten annotations of a step and keeps one mebibyte of its summary.
ANNOTATIONS, SUMMARY_BYTES = 10, 1 << 20
_ROOM = 4096  # for the lines that say what was left out


def to_annotations(verdicts: Sequence[Verdict]) -> str:
    """A workflow command a broken target: the nine worst, and one that counts the rest."""
    lines = [_annotation(v) for v in worst_first(verdicts) if v.failures or not v.checked]
    if len(lines) > ANNOTATIONS:
        more = len(lines) - (ANNOTATIONS - 1)
        lines[ANNOTATIONS - 1 :] = [f"::error title=derive check::and {more} more; the job summary has them all"]
    return "".join(f"{line}\n" for line in lines)


def _annotation(v: Verdict) -> str:
    worst = min(v.rows, key=badness, default=None)
    title = f"{v.name}: {worst.check}" if worst and v.failures else f"{v.name}: nothing was checked"
    said = _words(worst) if worst else "no check applies to it"
    file, line = place(v.where)
    at = {"file": Path(file).as_posix(), "line": str(line)} if file and not os.path.isabs(file) else {}
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**at, "title": title}.items())
    again = f"\nagain: {v.rerun}" if v.rerun else ""
    return f"::{'error' if v.failures else 'warning'} {properties}::{_data(said + again)}"


def _words(row: Row) -> str:
    parts = (row.case, row.detail or row.reason)
    return ": ".join(p for p in parts if p) or row.status


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ------------------------------------------------------------------------------ summary


def to_summary(verdicts: Sequence[Verdict], limit: int = SUMMARY_BYTES) -> str:
    """Markdown, worst first: what failed in full, then a line a target, as much as fits in the limit."""
    head = f"## derive check\n\n{counted(verdicts)}\n"
    ordered = worst_first(verdicts)
    room = limit - len(head.encode()) - _ROOM
    blocks, left = _fitting([_failure(v) for v in ordered if v.failures], room // 2)
    missing = f"\n{left} more failed.\n" if left else ""
    lines, left = _fitting([_line(v) for v in ordered], room - sum(len(b.encode()) for b in blocks))
    rest = f"\n{left} more targets.\n" if left else ""
    table = "\n| target | status | checks | worst error | of |\n|---|---|--:|--:|--:|\n" + "".join(lines)
    return head + "".join(blocks) + missing + table + rest


def _fitting(parts: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first parts that fit, and how many do not."""
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode())
        if room < 0:
            break
        kept.append(part)
    return kept, len(parts) - len(kept)


def _failure(v: Verdict) -> str:
    """What is wrong, where, and how to see it again."""
    where = f" · `{v.where}`" if v.where else ""
    rows = sorted(v.failures, key=badness)
    shown = [f"- **{_cell(r.check)}** {_cell(_words(r))}\n" for r in rows[:_FAILURES]]
    more = f"- and {len(rows) - _FAILURES} more checks\n" if len(rows) > _FAILURES else ""
    again = f"\n```\n{v.rerun}\n```\n" if v.rerun else ""
    return f"\n### {_cell(v.name)} failed{where}\n\n{''.join(shown)}{more}{again}"


_FAILURES = 5


def _line(v: Verdict) -> str:
    decided = [r for r in v.rows if r.status in ("passed", "failed")]
    worst = max(decided, key=used, default=None)
    error, tolerance = (f"{n:.1e}" if n is not None else "" for n in _numbers(worst))
    return f"| {_cell(v.name)} | {v.status} | {len(decided)} | {error} | {tolerance} |\n"


def _numbers(row: Row | None) -> tuple[float | None, float | None]:
    return (None, None) if row is None else (row.error, row.tolerance)


_MARKS = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " "})


def _cell(text: str) -> str:
    """Text that Markdown shows as it is."""
    return text.translate(_MARKS)
