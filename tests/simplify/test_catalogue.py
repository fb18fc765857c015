"""Over the whole catalogue: equal to the mechanical derivative, at every pass, in both modes, twice over."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys

import pytest

import derive
from derive.fields import FLOAT
from derive.interpreter import Evaluator
from derive.language import catalogue_index
from derive.simplify import simplify
from derive.simplify.gate import draw_sample
from tests.simplify.equations import CHOICES, MODES, same

NAMES = list(catalogue_index())
#: Without what is made of many entries: those are taken twice by themselves.
SMALL = [n for n in NAMES if not n.startswith(("cnn", "transformer_"))]


def load(name: str):
    return derive.load(name, **CHOICES.get(name, {}))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_equal_after_each_pass(name, mode):
    primal = load(name)
    simplify(MODES[mode](primal), primal, gate="each")


@pytest.mark.parametrize("name", SMALL)
def test_equal_everywhere_in_floats(name):
    """Independent of the gate: every point of every output, in float64, on other data."""
    primal = load(name)
    mechanical = MODES["vjp"](primal)
    done = simplify(mechanical, primal)
    sample = draw_sample(mechanical, random.Random(5), positive=name in ("adam",))
    assert sample is not None
    first, second = (Evaluator(p, sample.bound, FLOAT) for p in (mechanical, done))
    for output in done.outputs:
        for point in itertools.product(*(range(lo, hi) for lo, hi in first.range_of(output))):
            a, b = first.value(output, point), second.value(output, point)
            same = a == b or (a != a and b != b)  # the same infinity, or nothing at both
            assert same or abs(a - b) <= 1e-10 * (1 + abs(a)), (output, point, a, b)


@pytest.mark.parametrize("name", SMALL)
def test_twice(name):
    """The derivative of a simplified derivative simplifies too, and does not grow."""
    from derive.simplify.draft import length

    primal = load(name)
    first = simplify(MODES["vjp"](primal), primal)
    mechanical = MODES["vjp"](first)
    second = simplify(mechanical, first)
    size = sum(map(length, mechanical.statements)) + sum(map(length, first.statements))
    assert sum(map(length, second.statements)) <= 1.3 * size


@pytest.mark.parametrize("name", ["layer_norm", "batch_norm", "softmax"])
def test_three_times(name):
    program = load(name)
    for _ in range(3):
        program = simplify(MODES["vjp"](program), program)
    assert program.outputs


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "scaled_dot_product_attention"])
def test_simplifying_again_changes_nothing(name):
    primal = load(name)
    once = simplify(MODES["vjp"](primal), primal)
    again = simplify(once, primal)
    for a, b in zip(once.statements, again.statements, strict=True):
        assert all(same(p.rhs, q.rhs) for p, q in zip(a.pieces, b.pieces, strict=True)), a.name


def test_a_definition_is_left_as_it_is_written():
    primal = load("layer_norm")
    assert simplify(primal).statements == primal.statements
    assert simplify(primal).laws


SCRIPT = """
import derive
from derive.calculus.adjoint import adjoint
from derive.simplify import simplify
for name in ("softmax", "layer_norm", "lstm", "gru", "scaled_dot_product_attention", "cross_entropy"):
    p = derive.load(name)
    print(simplify(adjoint(p), p, gate="never"))
"""


def test_the_same_under_every_hash_seed():
    texts = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert texts[0] and len(dict.fromkeys(texts)) == 1


@pytest.mark.parametrize("name", ["layer_norm", "lstm", "scaled_dot_product_attention", "cross_entropy", "gru", "gelu"])
@pytest.mark.parametrize("budget", [1, 3, 8])
def test_what_grows_too_large_stays_as_written(name, budget, monkeypatch):
    """Any statement may be left alone, and what it reads is then there."""
    monkeypatch.setattr("derive.simplify.algebra.BUDGET", budget)
    primal = load(name)
    simplify(MODES["vjp"](primal), primal, gate="each")
