"""Fresh processes: the command line against importing SymPy."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from benchmarks.measure import Row, process_seconds

PYTHON = sys.executable
DERIVE = (PYTHON, "-m", "derive")
LIGHT_BAR_MS = 150.0

#: What the light commands must not have loaded when they are done.
HEAVY = ("sympy", "torch")


def rows() -> list[Row]:
    """``derive layer conv2d`` cold and warm over ``import sympy``; ``--help`` and ``list`` over 150 ms."""
    with tempfile.TemporaryDirectory() as folder:
        cached = {"XDG_CACHE_HOME": folder}
        commands = {
            "sympy": (PYTHON, "-c", "import sympy"),
            "cold": (*DERIVE, "layer", "conv2d", "--no-cache"),
            "warm": (*DERIVE, "layer", "conv2d"),
            "help": (*DERIVE, "--help"),
            "list": (*DERIVE, "list"),
        }
        took = process_seconds(commands, env={"warm": cached})
    peer = took["sympy"] * 1e3
    found = [
        Row("derive layer conv2d, cold", took["cold"] * 1e3, peer, "import sympy", 1.3),
        Row("derive layer conv2d, warm cache", took["warm"] * 1e3, peer, "import sympy", 0.5),
    ]
    for name, arguments in (("derive --help", ["--help"]), ("derive list", ["list"])):
        loaded = heavy_modules(arguments)
        ours = took[name.split()[-1].strip("-")] * 1e3
        note = f"loads {', '.join(loaded)}" if loaded else "neither sympy nor torch loaded"
        found.append(Row(name, ours, LIGHT_BAR_MS, "allowed", 1.0 if not loaded else 0.0, note=note))
    return found


def heavy_modules(arguments: list[str]) -> list[str]:
    """Which of the heavy libraries a command has loaded when it ends."""
    code = (
        f"import sys\nfrom derive.cli import run\nrun({arguments!r})\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    last = done.stderr.strip().splitlines()[-1]
    return [name for name in HEAVY if f"'{name}'" in last]
