"""Texts with words swapped, doubled or dropped: a program or an error that teaches, never anything else."""

from __future__ import annotations

import random
import re

import pytest

from derive.errors import DeriveError
from derive.language import catalogue_index, load_definition, parse_text, specialise

WORD = re.compile(r"[A-Za-z_]\w*|\d+|//|\*\*|<=|>=|==|[-+*/<>,()\[\].=:]")


def _text(name: str) -> str:
    definition = load_definition(name)
    first, last = definition.node.lineno - 1, definition.node.end_lineno
    return "\n".join(definition.source.lines[first:last])


def _mutated(text: str, dice: random.Random) -> str:
    for _ in range(dice.choice((1, 1, 2, 3))):
        spans = [m.span() for m in WORD.finditer(text)]
        (a, b), (c, d) = dice.choice(spans), dice.choice(spans)
        text = text[:a] + dice.choice((text[c:d], text[c:d], "", "0", "-1", "...", "None", "n")) + text[b:]
    return text


@pytest.mark.parametrize("name", catalogue_index())
def test_a_mutated_text_is_read_or_refused(name: str):
    dice, text = random.Random(name), _text(name)
    read = refused = 0
    for _ in range(25):
        try:
            for definition in parse_text(_mutated(text, dice)):
                specialise(definition)
            read += 1
        except DeriveError as error:
            refused += 1
            assert error.mend, str(error)
    assert read + refused == 25


DOUBLING = "def g(x: Real[...]):\n    a0[...] = x[...]\n" + "".join(
    f"    a{i + 1}[...] = sin(a{i}[...])*cos(a{i}[...])\n" for i in range(60)
)


@pytest.mark.parametrize(
    "text",
    [
        DOUBLING + "    return a60\ndef f(x: Real[N]):\n    y[n] = g(x[n])\n    return y",
        "def f(x: Real[N]):\n"
        + "".join(f"    {'    ' * i}for i{i} in range(200):\n" for i in range(6))
        + f"    {'    ' * 6}y[n] = x[n]\n    return x",
        "def a0(x: Real[N]):\n    y = relu(x)\n    return y\n"
        + "".join(f"def a{i + 1}(x: Real[N]):\n    z = a{i}(x)\n    y = a{i}(z)\n    return y\n" for i in range(14)),
    ],
    ids=["doubling", "loops", "calls"],
)
def test_what_unfolds_without_end_is_refused(text: str):
    with pytest.raises(DeriveError):
        for definition in parse_text(text)[-1:]:
            specialise(definition)


def test_large_powers_of_sums_are_not_multiplied_out():
    text = "def f(x: Real[N, M, K]):\n    y = x[(N + M + K)**200, (N + M)**200 - N, 0]\n    return y"
    assert specialise(parse_text(text)[0]).requirements
