"""Verdicts -> a table, worst first, or JSON.  A verdict is said in the words of the check that gave it."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from derive.errors import InputError

if TYPE_CHECKING:
    from derive.verify.verdict import Row, Verdict

SCHEMA = "derive.verdicts/1"
WIDTH = 80  # the terminal's, as in derive.reports.text, whose formulas need SymPy

#: Worst first.
STATUSES = ("failed", "inconclusive", "passed", "not applicable")


def badness(row: Row) -> tuple[int, float]:
    """Rows sort by status, then by how much of the tolerance the error uses; an error that is no number is worst."""
    return STATUSES.index(row.status), -used(row)


def used(row: Row) -> float:
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
        lines += _undone(v)
        lines += _by_check(v) if full else []
        lines += _again(v)
    return "\n".join([*lines, counted(verdicts)]) + "\n"


def to_words(v: Verdict) -> str:
    """Why a verdict is no pass, as the message of an error."""
    decided = len(v.rows) - len(v.of("not applicable"))
    head = f"{v.name}: {len(v.failures)} of {decided} checks failed" if v.failures else f"{v.name}: nothing was checked"
    reasons = [] if v.failures else [_row(row)[0] for row in v.of("not applicable")]
    return "\n".join([head, *_undone(v), *reasons, *_again(v)])


def _again(v: Verdict) -> list[str]:
    """Where what failed is written, and the command that fails again."""
    if not v.failures:
        return []
    return [f"    {what}: {said}" for what, said in (("at", v.where), ("again", v.rerun)) if said]


def to_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """A line a verdict, worst first."""
    width = max((len(v.name) for v in verdicts), default=0)
    return [_line(v, width) for v in worst_first(verdicts)]


def _undone(v: Verdict) -> list[str]:
    """What failed or was not decided: the worst case of each check in full, and how many more there are."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sorted((r for r in v.rows if r.status in ("failed", "inconclusive")), key=badness):
        groups.setdefault((row.status, row.check), []).append(row)
    lines: list[str] = []
    for rows in groups.values():
        lines += _row(rows[0])
        if len(rows) > 1:
            lines += _wrapped(f"and {len(rows) - 1} more: " + "; ".join(r.case for r in rows[1:]), " " * 17)
    return lines


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
            line = f"  {check:<{width}}  {len(rows):>3} passed  {size}".rstrip()
            lines.append(f"{line}  {worst.case}" if len(line) + 2 + len(worst.case) <= WIDTH else line)
        else:
            case = f"{worst.case}, " if worst.case else ""
            lines += _folded(f"  {check:<{width}}    – not applicable: {case}{worst.reason}", width + 8)
    return lines


def _line(v: Verdict, width: int) -> str:
    decided = [r for r in v.rows if r.status in ("passed", "failed")]
    worst = max(decided, key=used, default=None)
    line = f"{v.name:<{width}}  {v.status:<8}  {len(decided):>3} check{'s' if len(decided) != 1 else ' '}"
    if worst is not None and worst.error is not None:
        line += f"   worst {_number(worst.error)} of {_number(worst.tolerance)} ({worst.check})"
    return line.rstrip()


def _row(row: Row) -> list[str]:
    size = f"{_number(row.error)} of {_number(row.tolerance)}" if row.error is not None else ""
    parts = [row.check, row.case, size, row.reason, row.detail]
    text = f"  {row.status:<14} " + "   ".join(p for p in parts if p)
    return _wrapped(text, "")


def _folded(line: str, indent: int) -> list[str]:
    """A line of columns, whose last goes on below itself where it is too long."""
    line = line.rstrip()
    if len(line) <= WIDTH:
        return [line]
    head, rest = line[:indent], line[indent:]
    folded = textwrap.wrap(rest, max(WIDTH - indent, 20), break_on_hyphens=False)
    return [head + folded[0], *(" " * (indent + 1) + part for part in folded[1:])]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * 17, break_on_hyphens=False)


def _number(value: float | None) -> str:
    return "—" if value is None else "0" if value == 0 else f"{value:.1e}"


def counted(verdicts: Sequence[Verdict]) -> str:
    """How many targets, checks and failures."""
    decided = sum(1 for v in verdicts for r in v.rows if r.status in ("passed", "failed"))
    failed = [v for v in verdicts if v.failures]
    undecided = [v for v in verdicts if not v.checked]
    parts = [f"{len(verdicts)} checked" if len(verdicts) != 1 else "", f"{decided} check{'s' if decided != 1 else ''}"]
    parts.append(f"{len(failed)} failed" if failed else "none failed" if decided else "nothing was checked")
    if undecided and len(verdicts) > 1:
        parts.append(f"{len(undecided)} not decided")
    return ", ".join(p for p in parts if p)


def to_json(verdicts: Sequence[Verdict], asked: Sequence[str] | None = None, shard: str = "") -> str:
    """One object; ``schema`` names its version, ``targets`` all that was asked for, of which a shard is a part."""
    data = {
        "schema": SCHEMA,
        "passed": bool(verdicts) and all(v.passed for v in verdicts),
        "shard": shard or None,
        "targets": list(asked if asked is not None else (v.target for v in verdicts)),
        "verdicts": [_verdict(v) for v in worst_first(verdicts)],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _verdict(v: Verdict) -> dict[str, object]:
    rows = [{"rule": row.rule, **row.to_dict()} for row in sorted(v.rows, key=badness)]
    data = {"name": v.name, "status": v.status, **v.to_dict(), "rows": rows}
    return data if v.evidence else {name: value for name, value in data.items() if name != "evidence"}


def read_json(text: str, name: str) -> tuple[list[str], list[Verdict]]:
    """What was asked for and the verdicts of a report that ``--json`` wrote."""
    from derive.verify.verdict import Verdict

    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}")
        return list(data["targets"]), [Verdict.from_dict(v) for v in data["verdicts"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"nothing of it is called {error}" if isinstance(error, KeyError) else str(error)
        message = f"{name} is no report of derive check: {said}"
        raise InputError(message, mend="merge files written by derive check … --json > FILE") from error
