"""How a number is taken: error first, interleaved rounds, medians, ratios."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any


@dataclass(frozen=True)
class Row:
    """One number: ours against a peer, in the same unit, and the bar their ratio is held to."""

    what: str
    ours: float
    peer: float
    peer_name: str
    bar: float
    unit: str = "ms"
    error: float | None = None
    error_bar: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.peer if self.peer else float("inf")

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bar, and the error, where there is one, within its own."""
        right = self.error is None or self.error_bar is None or self.error <= self.error_bar
        return bool(right and self.ratio <= self.bar)

    def record(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}


def interleaved(candidates: Mapping[str, Callable[[], Any]], rounds: int = 15, warm: int = 2) -> dict[str, float]:
    """Median seconds of each candidate, all of them run once in every round."""
    for _ in range(warm):
        for run in candidates.values():
            run()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seen) for name, seen in times.items()}


def process_seconds(
    commands: Mapping[str, Sequence[str]], rounds: int = 9, env: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, float]:
    """Median wall seconds of fresh processes, interleaved; a command that fails is our own mistake."""

    def runner(name: str, command: Sequence[str]) -> Callable[[], None]:
        changed = {**os.environ, **(env or {}).get(name, {})}

        def run() -> None:
            done = subprocess.run(command, env=changed, capture_output=True, text=True)
            assert done.returncode == 0, f"{' '.join(command)} failed: {done.stderr}"

        return run

    return interleaved({name: runner(name, c) for name, c in commands.items()}, rounds, warm=1)


def relative_error(got: Any, truth: Any) -> float:
    """‖got − truth‖ / ‖truth‖ in float64; NaN anywhere, or a wrong shape, is infinite."""
    import numpy as np

    a, b = np.asarray(got, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    norm = float(np.linalg.norm(b.ravel()))
    return float(np.linalg.norm((a - b).ravel())) / (norm if norm else 1.0)


def machine() -> dict[str, Any]:
    """What the numbers were taken on, and with."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {name: _version(name) for name in ("derive-grad", "sympy", "numpy", "torch", "autograd")},
        "malloc": os.environ.get("MALLOC_TOP_PAD_", "default"),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    except OSError:
        return platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
