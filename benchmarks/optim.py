"""One step of 16.8 million parameters by derive.optim, against torch's fused and foreach forms, under pooled malloc."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Row, interleaved, process_seconds, relative_error

SIZE = 4096 * 4096
ROUNDS = 9
#: Freed memory is kept: torch's own temporaries do not wait for the system.
POOLED = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "200000000000",
    "MALLOC_TOP_PAD_": "1073741824",
    "OMP_NUM_THREADS": "2",
}
#: Class, options, the form of torch's it is held against, and the bar.
CASES: tuple[tuple[str, dict[str, Any], str, float], ...] = (
    ("Adam", {}, "fused", 1.1),
    ("AdamW", {"amsgrad": True}, "fused", 1.1),
    ("SGD", {"momentum": 0.9}, "fused", 1.1),
    ("Adagrad", {}, "fused", 1.1),
    ("Adamax", {}, "foreach", 0.5),
    ("NAdam", {}, "foreach", 0.5),
    ("RAdam", {}, "foreach", 0.5),
    ("Adadelta", {}, "foreach", 0.5),
    ("RMSprop", {"centered": True, "momentum": 0.9}, "foreach", 0.5),
    ("Rprop", {}, "foreach", 0.5),
    ("ASGD", {}, "foreach", 0.5),
)


def rows() -> list[Row]:
    """Each case in a process of its own, then the command line."""
    found = [_row(case) for case in CASES]
    command = {
        "derive": [sys.executable, "-m", "derive", "optimizer", "adam", "--no-cache"],
        "sympy": [sys.executable, "-c", "import sympy"],
    }
    took = process_seconds(command, 7)
    return [
        *found,
        Row("derive optimizer adam", took["derive"] * 1e3, took["sympy"] * 1e3, "import sympy", 1.5, "ms"),
    ]


def _row(case: tuple[str, dict[str, Any], str, float]) -> Row:
    name, options, form, bar = case
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.optim", name], env={**os.environ, **POOLED}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    title = " ".join([name, *options])
    return Row(title, measured["ours"], measured["torch"], f"torch {form}", bar, "ms", measured["error"], 1e-6)


def measure(name: str) -> dict[str, float]:
    """Milliseconds of a step of ours and of torch's, and how far the parameters are apart after a few."""
    import torch

    import derive.optim

    _, options, form, _ = next(case for case in CASES if case[0] == name)
    mine, theirs = (
        _stepping(getattr(derive.optim, name), options),
        _stepping(getattr(torch.optim, name), {**options, form: True}),
    )
    steps: dict[str, Callable[[], Any]] = {"ours": mine.step, "torch": theirs.step}
    for step in (*steps.values(),) * 3:
        step()
    error = relative_error(*(o.param_groups[0]["params"][0].detach().numpy() for o in (mine, theirs)))
    took = interleaved(steps, ROUNDS, warm=0)
    return {**{who: seconds * 1e3 for who, seconds in took.items()}, "error": error}


def _stepping(kind: Any, options: dict[str, Any]) -> Any:
    import torch

    generator = torch.Generator().manual_seed(3)
    parameter = torch.nn.Parameter(torch.randn(SIZE, generator=generator))
    parameter.grad = torch.randn(SIZE, generator=generator)
    return kind([parameter], **options)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
