"""The checker checked: mutants of every catalogue entry, and how many of those not equivalent are killed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Row

if TYPE_CHECKING:
    from derive.verify.mutation import Report

#: Mutants of each operator in an entry, processes, the minutes of processor time allowed, and the seconds an entry has.
LIMIT, WORKERS, MINUTES, SECONDS = 1, 2, 10.0, 60.0
#: The table by operator and every finding, beside the rows.
DETAILS = Path(__file__).resolve().parent / "results" / "mutants"


def rows() -> list[Row]:
    """The kill rate over the whole catalogue and of every operator (100 % is the bar), and the minutes it took."""
    from derive.language import catalogue_index
    from derive.verify.mutation import mutate_all

    return told(mutate_all(list(catalogue_index()), WORKERS, limit=LIMIT, seconds=SECONDS))


def told(reports: list[Report]) -> list[Row]:
    """The rows; the reports themselves are written beside them."""
    from derive.reports import mutations

    DETAILS.parent.mkdir(parents=True, exist_ok=True)
    DETAILS.with_suffix(".txt").write_text(mutations.to_table(reports), encoding="utf-8")
    DETAILS.with_suffix(".json").write_text(mutations.to_json(reports), encoding="utf-8")
    found = [_alive(name, found) for name, found in mutations.by_operator(reports).items()]
    everything = _alive(f"the catalogue, {len(reports)} entries", [f for r in reports for f in r.findings])
    minutes = sum(r.seconds for r in reports) / 60
    timed = Row("processor minutes", minutes, MINUTES, "allowed", 1.0, unit="min")
    return [everything, timed, *(row for row in found if row.ours or row.note)]


def _alive(what: str, found: list) -> Row:
    """Mutants that live although they are not equivalent, of 1 allowed none: the ratio is what is left of the rate."""
    count = {
        status: sum(f.status == status for f in found)
        for status in ("killed", "equivalent", "survived", "unsound", "cut")
    }
    decided = count["killed"] + count["survived"]
    note = f"{count['killed']} of {decided} killed, {count['equivalent']} equivalent" if decided else ""
    if count["unsound"]:
        note += f", {count['unsound']} not run: the original fails"
    if count["cut"]:
        note += f", {count['cut']} not run for want of time"
    return Row(
        what,
        count["survived"] + count["unsound"] + count["cut"],
        max(decided, 1),
        "mutants",
        0.0,
        unit="alive",
        note=note,
    )
