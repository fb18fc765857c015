"""The README tells the truth: what it shows a command print is what the command prints; its Python runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n\$ (derive [^\n]*)\n(.*?)```", re.S)
PYTHON = re.compile(r"```python\n(import derive.*?)```", re.S)


def printed(command: str) -> str:
    """Standard output and messages of a ``derive`` command, as a terminal shows them."""
    words = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "derive", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


@pytest.mark.parametrize("command", [c for c, _ in CONSOLE.findall(README.read_text(encoding="utf-8"))])
def test_golden_console_block(command: str, request: pytest.FixtureRequest):
    text = README.read_text(encoding="utf-8")
    now = printed(command)
    (shown,) = [body for c, body in CONSOLE.findall(text) if c == command]
    if request.config.getoption("--update-golden"):
        block = f"```console\n$ {command}\n"
        README.write_text(text.replace(f"{block}{shown}```", f"{block}{now}```"), encoding="utf-8")
        return
    assert shown == now


def test_the_python_runs():
    blocks = PYTHON.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) >= 2
    for code in blocks:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_definitions_shown_are_the_files():
    """The catalogue's softmax and examples/quiet.py stand in the README letter for letter."""
    text = README.read_text(encoding="utf-8")
    for file in ("derive/catalogue/activation.py", "examples/quiet.py"):
        source = (ROOT / file).read_text(encoding="utf-8")
        shown = [
            b for b in re.findall(r"```python\n(?:# quiet.py\n)?(@layer.*?)```", text, re.S) if b.strip() in source
        ]
        assert shown, f"no definition of {file} is shown as it is"
