"""``python -m benchmarks [NAME …]``: take the numbers, print the table, keep the results."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Row, machine

RESULTS = Path(__file__).resolve().parent / "results"

#: Every benchmark: its module, which has ``rows() -> list[Row]``.
BENCHMARKS: dict[str, str] = {
    "startup": "fresh processes of the command line against importing SymPy",
    "derivation": "deriving each catalogue entry, and the whole catalogue, in process",
    "strided": "strided convolution's gradient of x against torch",
    "determinism": "bytes of formulas and files under twenty hash seeds",
    "printed": "lines of the printed formulas, deltas and Piecewise left",
    "gradcheck": "faults found, false alarms and milliseconds beside torch.autograd.gradcheck, fast and slow",
    "layers": "generated forward + backward against torch.nn, HIPS autograd and plain NumPy",
    "catalogue": "derive.nn forward + backward against torch.nn, a row a module and their geometric mean",
    "numpy_catalogue": "generated NumPy forward + backward against HIPS autograd and plain NumPy, float32 and float64",
    "optim": "a step of derive.optim against torch's fused and foreach forms, under pooled malloc",
    "sweep": "the whole catalogue checked by two workers, CPU seconds by entry",
    "mutation": "mutants of the whole catalogue, and those of them that no check finds",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the named benchmarks (all by default); 1 if a number misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all by default")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args(arguments)
    held = True
    for name in options.names or BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name]} …", file=sys.stderr, flush=True)
        start = time.perf_counter()
        rows = import_module(f"benchmarks.{name}").rows()
        text = table(name, rows)
        print(text, flush=True)
        keep(options.output, name, rows, text, time.perf_counter() - start)
        held = held and all(row.holds for row in rows)
    return 0 if held else 1


def table(name: str, rows: Sequence[Row]) -> str:
    """One line a number: ours, the peer's, their ratio, the bar, the error."""
    head = ("what", "ours", "peer", "ratio", "bar", "error", "")
    body = [_cells(row) for row in rows]
    widths = [max(len(line[k]) for line in (head, *body)) for k in range(len(head))]
    lines = [f"{name}: {BENCHMARKS[name]}"]
    for line in (head, *body):
        cells = (c.ljust(w) if k in (0, 6) else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
        lines.append("  " + "  ".join(cells).rstrip())
    missed = [row.what for row in rows if not row.holds]
    lines.append(
        f"  {len(rows) - len(missed)} of {len(rows)} hold" + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    error = "" if row.error is None else f"{row.error:.1e}"
    peer = f"{row.peer:.4g} {row.unit} {row.peer_name}"
    verdict = "" if row.holds else "MISSED"
    note = f"{verdict} {row.note}".strip()
    return row.what, f"{row.ours:.4g} {row.unit}", peer, f"{row.ratio:.2f}", f"{row.bar:g}", error, note


def keep(folder: Path, name: str, rows: Sequence[Row], text: str, seconds: float) -> None:
    """``NAME.json`` and ``NAME.txt``: the rows, the machine and the versions."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"benchmark": name, "seconds": seconds, "machine": machine(), "rows": [row.record() for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    facts = "\n".join(f"  {key}: {value}" for key, value in record["machine"].items())  # type: ignore[attr-defined]
    (folder / f"{name}.txt").write_text(f"{text}\n{facts}\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
