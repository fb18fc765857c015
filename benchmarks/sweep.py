"""``derive check --all --workers 2``: CPU seconds by entry, the dearest, the total, and the wall time of it all."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

from benchmarks.measure import Row

WORKERS = 2
WALL = 300.0
#: What two quiet cores have to give in that time, less what starting takes.
CPU = 520.0
DEAREST = 10


def rows() -> list[Row]:
    """The whole command, once; an entry's CPU is its share of the workers' by its own time."""
    command = [sys.executable, "-m", "derive", "check", "--all", "--workers", str(WORKERS), "--json"]
    before, began = _spent(), time.perf_counter()
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, check=False)
    wall, cpu = time.perf_counter() - began, _spent() - before
    seconds = {v["name"]: float(v["seconds"]) for v in json.loads(done.stdout)["verdicts"]}
    share = cpu / sum(seconds.values())
    by_entry = sorted(((share * s, name) for name, s in seconds.items()), reverse=True)
    print("\n".join(f"  {s:7.2f} s  {name}" for s, name in by_entry))
    dearest = ", ".join(f"{name} {s:.1f}" for s, name in by_entry[:DEAREST])
    note = f"{len(seconds)} entries, exit code {done.returncode}"
    return [
        Row("wall, two workers", wall, WALL, "five minutes", 1.0, "s", note=note),
        Row("CPU, every entry", cpu, CPU, "allowed", 1.0, "s", note=f"dearest: {dearest}"),
    ]


def _spent() -> float:
    """CPU seconds of the children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
