"""The same bytes under every PYTHONHASHSEED: formulas and generated files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

from benchmarks.measure import Row

SEEDS = tuple(range(20))

_CODE = """
import hashlib, json, sys
import derive
from derive import reports
from benchmarks.derivation import REQUIRED
digests = {}
for name in sys.argv[1:]:
    p = derive.load(name, **REQUIRED.get(name, {}))
    made = {"formulas": lambda: reports.render(reports.derivative(derive.vjp(p), p)) if p.role != "optimizer"
            else reports.render(reports.forward(p)),
            "numpy": lambda: derive.generate(p, target="numpy").text,
            "torch": lambda: derive.generate(p, target="torch").text}
    for what, text in made.items():
        digests[f"{name} {what}"] = hashlib.sha256(text().encode()).hexdigest()
print(json.dumps(digests, sort_keys=True))
"""


def rows() -> list[Row]:
    """Distinct outputs over the seeds, for the whole catalogue (1 each is the bar)."""
    from derive.language import catalogue_index

    names = list(catalogue_index())
    seen = {digest(names, seed) for seed in SEEDS}
    return [Row(f"distinct results over {len(SEEDS)} hash seeds", len(seen), 1, "wanted", 1.0, unit="")]


def digest(names: list[str], seed: int) -> str:
    """One hash of every formula and file made in a fresh process."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *names], env=environment, capture_output=True, text=True, check=True
    )
    return hashlib.sha256(done.stdout.encode()).hexdigest()
