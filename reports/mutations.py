"""Mutation reports -> kill rates by operator, worst first, what killed the mutants, and every survivor; or JSON."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.verify.mutation.records import Finding, Report

SCHEMA = "derive.mutations/1"
WIDTH = 80
KILLED, EQUIVALENT, SURVIVED, UNSOUND = "killed", "equivalent", "survived", "unsound"
NOT_APPLICABLE, CUT = "not applicable", "cut"
_COUNTED = (KILLED, EQUIVALENT, SURVIVED, UNSOUND, NOT_APPLICABLE, CUT)
_SHOWN = 20


def kill_rate(findings: Iterable[Finding]) -> float | None:
    """Killed of those not shown equivalent; None if there are none."""
    count = Counter(f.status for f in findings)
    alive = count[KILLED] + count[SURVIVED]
    return count[KILLED] / alive if alive else None


def by_operator(reports: Sequence[Report]) -> dict[str, list[Finding]]:
    """The findings of each operator, the lowest kill rate first, then in the operators' own order."""
    groups: dict[str, list[Finding]] = {}
    for report in reports:
        for f in report.findings:
            groups.setdefault(f.operator, []).append(f)
    order = list(groups)
    rates = {name: kill_rate(found) for name, found in groups.items()}
    worst = sorted(order, key=lambda n: (2.0 if rates[n] is None else rates[n], order.index(n)))
    return {name: groups[name] for name in worst}


def to_table(reports: Sequence[Report]) -> str:
    """A line an operator, the worst kill rate first; every survivor in full; what the kills are owed to."""
    groups = by_operator(reports)
    width = max((len(name) for name in (*groups, "operator")), default=8)
    lines = [f"{'operator':<{width}}  {'rate':>5}  killed  equiv.  survived  no place"]
    for name, found in groups.items():
        lines.append(_line(name, found, width))
    for f in _survivors(reports)[:_SHOWN]:
        lines += _survivor(f)
    more = len(_survivors(reports)) - _SHOWN
    lines += [f"  … and {more} more survived (--json lists them)"] if more > 0 else []
    lines += _unsound(reports) + _cut(reports) + _noted(reports) + _owed(reports)
    return "\n".join([*lines, *_total(reports)]) + "\n"


def _line(name: str, found: Sequence[Finding], width: int) -> str:
    count = Counter(f.status for f in found)
    rate = kill_rate(found)
    said = "    –" if rate is None else f"{_percent(rate):>5}"
    cells = f"{count[KILLED]:>6}  {count[EQUIVALENT]:>6}  {count[SURVIVED]:>8}  {count[NOT_APPLICABLE]:>8}"
    return f"{name:<{width}}  {said}  {cells}"


def _percent(rate: float) -> str:
    """100% only if it is: a single survivor among thousands shows."""
    return f"{100 * rate:.0f}%" if rate in (0.0, 1.0) else f"{min(100 * rate, 99.9):.1f}%"


def _survivors(reports: Sequence[Report]) -> list[Finding]:
    return [f for report in reports for f in report.survivors]


def _survivor(f: Finding) -> list[str]:
    where = f"{f.target}{f' ({f.setting})' if f.setting else ''}"
    parts = [f"survived  {f.operator} in {where}, {f.level} {f.statement}: {f.change}", f"it differs: {f.proof}"]
    return [
        line for part in parts for line in textwrap.wrap(part, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def _unsound(reports: Sequence[Report]) -> list[str]:
    """Originals that do not pass themselves, once each, with what fails them."""
    first: dict[tuple[str, str, str], list[Finding]] = {}
    for f in (f for report in reports for f in report.of(UNSOUND)):
        first.setdefault((f.target, f.setting, f.level), []).append(f)
    lines = []
    for (target, setting, level), found in first.items():
        where = f"{target}{f' ({setting})' if setting else ''}"
        f = found[0]
        text = f"the original {level} of {where} fails itself, so its {len(found)} mutants say nothing: {f.check} at "
        lines += textwrap.wrap(f"{text}{f.kind}: {f.detail}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _cut(reports: Sequence[Report]) -> list[str]:
    """Operators that a target had no time for."""
    lines = []
    for report in reports:
        late = report.of(CUT)
        if late:
            text = f"cut: {report.target}, {len(late)} operators from {late[0].operator!r} on; {late[0].proof}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _noted(reports: Sequence[Report]) -> list[str]:
    """Checks that the originals fail by torch's own conventions."""
    notes = list(dict.fromkeys(n for report in reports for n in report.notes))
    lines = [
        line for n in notes[:_SHOWN] for line in textwrap.wrap(n, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]
    more = len(notes) - _SHOWN
    return [*lines, *([f"  … and {more} more of the kind (--json lists them)"] if more > 0 else [])]


def _owed(reports: Sequence[Report]) -> list[str]:
    """Which check at which kind of input was the first to fail, most first."""
    killed = [f for report in reports for f in report.of(KILLED)]
    lines = []
    for title, counted in (
        ("killed by", Counter(f.rung for f in killed)),
        ("at inputs", Counter(f.kind for f in killed)),
    ):
        said = ", ".join(f"{name} {n}" for name, n in sorted(counted.items(), key=lambda item: (-item[1], item[0])))
        if said:
            lines += textwrap.wrap(f"{title}: {said}", WIDTH, subsequent_indent=" " * (len(title) + 2))
    return lines


def _total(reports: Sequence[Report]) -> list[str]:
    findings = [f for report in reports for f in report.findings]
    count, rate = Counter(f.status for f in findings), kill_rate(findings)
    mutants = sum(report.mutants for report in reports)
    if not mutants and count[UNSOUND]:
        return ["nothing follows: no original passed"]
    if not mutants:
        return ["nothing was mutated: no operator has a place here"]
    rated = "every mutant is equivalent" if rate is None else f"{_percent(rate)} of those not equivalent were killed"
    of = f" of {len(reports)} targets" if len(reports) > 1 else f" of {reports[0].target}"
    parts = [f"{mutants} mutants{of}: {count[KILLED]} killed, {count[EQUIVALENT]} shown equivalent, "
             f"{count[SURVIVED]} survived; {rated}"]  # fmt: skip
    return [line for part in parts for line in textwrap.wrap(part, WIDTH, subsequent_indent="  ")]


def to_json(reports: Sequence[Report]) -> str:
    """One object; ``schema`` names its version; each mutant in full, operators without a place as a number."""
    findings = [f for report in reports for f in report.findings]
    data = {
        "schema": SCHEMA,
        "passed": bool(findings) and not any(r.survivors for r in reports) and any(r.mutants for r in reports),
        "kill_rate": kill_rate(findings),
        "operators": [
            {"operator": name, "kill_rate": kill_rate(found), **_counts(found)}
            for name, found in by_operator(reports).items()
        ],
        "targets": [_target(report) for report in reports],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _counts(found: Iterable[Finding]) -> dict[str, int]:
    count = Counter(f.status for f in found)
    return {status.replace(" ", "_"): count[status] for status in _COUNTED}


def _said(f: Finding) -> dict[str, str]:
    """What there is to say of a finding; what is empty is left out."""
    return {name: value for name, value in vars(f).items() if value and name != "target"}


def _target(report: Report) -> dict[str, object]:
    return {
        "target": report.target,
        "seed": report.seed,
        "limit": report.limit,
        "seconds": round(report.seconds, 3),
        "kill_rate": report.kill_rate,
        **_counts(report.findings),
        "notes": list(report.notes),
        "findings": [_said(f) for f in report.findings if f.status != NOT_APPLICABLE],
    }
