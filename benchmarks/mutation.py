"""The checker checked: mutants of every catalogue entry, and how many of those not equivalent are killed."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import Row

if TYPE_CHECKING:
    from derive.verify.mutation import Report

LIMIT, WORKERS, MINUTES = 1, 2, 5.0
#: The table by operator and every finding, beside the rows.
DETAILS = Path(__file__).resolve().parent / "results" / "mutants"


def rows() -> list[Row]:
    """The kill rate over the whole catalogue and of every operator (100 % is the bar), and the minutes it took."""
    from derive.language import catalogue_index
    from derive.reports import mutations

    start = perf_counter()
    reports = mutated(list(catalogue_index()), LIMIT)
    minutes = (perf_counter() - start) / 60
    DETAILS.parent.mkdir(parents=True, exist_ok=True)
    DETAILS.with_suffix(".txt").write_text(mutations.to_table(reports), encoding="utf-8")
    DETAILS.with_suffix(".json").write_text(mutations.to_json(reports), encoding="utf-8")
    found = [_alive(name, found) for name, found in mutations.by_operator(reports).items()]
    everything = _alive("the whole catalogue", [f for r in reports for f in r.findings])
    timed = Row(f"minutes on {WORKERS} cores", minutes, MINUTES, "allowed", 1.0, unit="min")
    return [everything, timed, *(row for row in found if row.ours or row.note)]


def mutated(names: list[str], limit: int | None) -> list[Report]:
    """The reports, by several processes, in the order of the names."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        return list(pool.map(_one, names, [limit] * len(names)))


def _one(name: str, limit: int | None) -> Report:
    from derive.verify.mutation import mutate

    return mutate(name, limit=limit)


def _alive(what: str, found: list) -> Row:
    """Mutants that live although they are not equivalent, of 1 allowed none: the ratio is what is left of the rate."""
    count = {
        status: sum(f.status == status for f in found) for status in ("killed", "equivalent", "survived", "unsound")
    }
    decided = count["killed"] + count["survived"]
    note = f"{count['killed']} of {decided} killed, {count['equivalent']} equivalent" if decided else ""
    if count["unsound"]:
        note += f", {count['unsound']} not run: the original fails"
    return Row(what, count["survived"] + count["unsound"], max(decided, 1), "mutants", 0.0, unit="alive", note=note)
