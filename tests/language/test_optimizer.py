"""Optimizers read as recurrences over steps."""

from __future__ import annotations

import pytest

from derive.language import load_definition, specialise
from derive.program import Part, Size

MOMENTUM = """@optimizer
def momentum(theta{kind}, grad{kind}, *, lr: Real = 0.1):
    m[t{dots}] = 0.9*m[t - 1{dots}] + grad[t{dots}]
    theta[t{dots}] = theta[t - 1{dots}] - lr*m[t{dots}]
"""
TYPED = MOMENTUM.format(kind=": Real[...]", dots=", ...")


def test_inputs_are_the_start_and_one_gradient_a_step(load):
    program = load(TYPED)
    assert [t.name for t in program.inputs] == ["theta_0", "grad"]
    assert program.inputs[1].axes[0] == (Part(Size("T"), 1, 0),)
    assert program.role == "optimizer" and program.outputs == ("theta",)


def test_state_has_a_halo_at_step_zero(load):
    assert all(s.tensor.parts[0] == Part(Size("T"), 1, 1) for s in load(TYPED).statements)


def test_state_at_zero_is_zero(value):
    assert value(TYPED, theta_0=[1.0], grad=[[1.0], [1.0]])[1] == pytest.approx([0.9 - 0.19])


def test_untyped_parameters_mean_the_pack(value):
    text = MOMENTUM.format(kind="", dots="")
    given = {"theta_0": [[1.0, 2.0]], "grad": [[[1.0, 0.0]], [[1.0, 0.0]]]}
    assert value(text, **given) == value(TYPED, **given)


def test_stated_start(value):
    text = TYPED.replace("    m[t,", "    m[0, ...] = 5\n    m[t,", 1)
    assert value(text, theta_0=[0.0], grad=[[0.0]]) == [[pytest.approx(-0.45)]]


def test_first_step_by_a_literal(value):
    text = TYPED.replace("    m[t,", "    m[1, ...] = 7*grad[1, ...]\n    m[t,", 1)
    assert value(text, theta_0=[0.0], grad=[[1.0], [0.0]]) == [[pytest.approx(-0.7)], [pytest.approx(-1.33)]]


def test_the_step_is_a_number(value):
    text = "@optimizer\ndef f(theta: Real[...], grad: Real[...]):\n"
    text += "    theta[t, ...] = theta[t - 1, ...] + t*grad[t, ...]\n"
    assert value(text, theta_0=[0.0], grad=[[1.0], [1.0]]) == [[1], [3]]


def test_scalar_state(value):
    text = """@optimizer
def f(theta: Real[...], grad: Real[...]):
    p[0] = 1
    p[t] = 2*p[t - 1]
    theta[t, ...] = theta[t - 1, ...] + p[t]*grad[t, ...]
"""
    assert value(text, theta_0=[0.0], grad=[[1.0], [1.0]]) == [[2], [6]]


def test_unused_state_is_not_made():
    names = [s.name for s in specialise(load_definition("sgd")).statements]
    assert "b" not in names
    assert "b" in [s.name for s in specialise(load_definition("sgd"), momentum=0.9).statements]
