"""Everything in the catalogue, printed: goldens, 80 columns, no machine's notation, the same under every hash seed."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import derive
from derive import reports
from derive.language.find import catalogue_index
from derive.reports.document import Document
from derive.reports.text import WIDTH

ROOT = Path(__file__).resolve().parents[2]
NAMES = list(catalogue_index())
SEEDED = ("conv2d", "layer_norm", "lstm", "max_pool2d", "embedding", "adam")


@functools.cache
def document(name: str) -> Document:
    """The forward and the gradients."""
    program = derive.load(name)
    return reports.merged(reports.forward(program), reports.derivative(derive.vjp(program), program))


@pytest.mark.parametrize("name", NAMES)
def test_golden_formulas(name: str, golden) -> None:
    golden(f"formulas/{name}.txt", reports.render(document(name)))


@pytest.mark.parametrize("name", NAMES)
def test_text_fits_and_is_a_readers(name: str) -> None:
    text = reports.render(document(name))
    assert [row for row in text.splitlines() if len(row) > WIDTH or row != row.rstrip()] == []
    assert not re.search(r"Kronecker|Delta|Piecewise|Where|Reduce|Read\(|Bind|Compare|Logic|Truth|FloorDiv", text)
    ascii = reports.render(document(name), "ascii")
    assert ascii.isascii() and max(map(len, ascii.splitlines())) <= WIDTH


@pytest.mark.parametrize("name", NAMES)
def test_brackets_balance_in_every_format(name: str) -> None:
    for format in ("text", "ascii"):
        assert _balanced(reports.render(document(name), format))
    latex = reports.render(document(name), "latex")
    assert latex.count(r"\left") == latex.count(r"\right") + latex.count(r"\leftarrow")
    assert latex.count("{") == latex.count("}") and latex.count(r"\[") == latex.count(r"\]")
    assert latex.count(r"\begin{aligned}") == latex.count(r"\end{aligned}")
    assert reports.render(document(name), "markdown").count("```") % 2 == 0
    ElementTree.fromstring(f"<html>{reports.render(document(name), 'mathml')}</html>")


def _balanced(text: str) -> bool:
    stack, pairs = [], {")": "(", "]": "[", "⌋": "⌊"}
    for sign in text:
        if sign in pairs.values():
            stack.append(sign)
        elif sign in pairs and (not stack or stack.pop() != pairs[sign]):
            return False
    return not stack


def test_balance_sees_a_lost_bracket() -> None:
    assert not _balanced("(a + b]") and not _balanced("a)") and not _balanced("⌊a")


@pytest.mark.parametrize("seed", ["1", "2", "12345"])
def test_the_same_under_every_hash_seed(seed: str) -> None:
    code = (
        "import sys, derive; from derive import reports\n"
        "for name in sys.argv[1:]:\n"
        "    p = derive.load(name)\n"
        "    d = reports.merged(reports.forward(p), reports.derivative(derive.vjp(p), p))\n"
        "    for format in reports.FORMATS: sys.stdout.write(reports.render(d, format))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code, *SEEDED], cwd=ROOT, env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    expected = "".join(reports.render(document(n), f) for n in SEEDED for f in reports.FORMATS)
    assert done.stdout.decode() == expected
