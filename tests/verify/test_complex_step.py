"""Complex steps through generated code: exact where the code continues f, declared where it does not."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer, Rational

import derive
from derive.program import with_statements
from derive.verify import check, complex_step
from derive.verify.probes import Claim

X = np.random.default_rng(1).normal(size=(3, 4))
DY = np.random.default_rng(2).normal(size=(3, 4))


def _claim(gradient):
    return Claim(lambda i: {"y": np.tanh(i["x"]) ** 2}, None, {"x": X}, {"y": DY}, {"x": gradient})


def _pairs(gradient, forward=None):
    claim = _claim(gradient)
    return complex_step.pairs(forward or claim.forward, claim, 0)


def _true():
    return 2 * DY * np.tanh(X) * (1 - np.tanh(X) ** 2)


def test_the_step_is_exact_to_rounding():
    analytic, stepped, scale = _pairs(_true())
    assert all(abs(analytic[n] - stepped[n]) <= 1e-14 * scale for n in analytic)


def test_a_relative_error_of_1e_11_is_seen():
    analytic, stepped, scale = _pairs(_true() * (1 + 1e-11))
    assert any(abs(analytic[n] - stepped[n]) > complex_step.TOLERANCE * scale for n in analytic)


def test_code_for_real_numbers_says_so():
    assert "real numbers" in _pairs(_true(), lambda i: {"y": np.asarray(np.tanh(i["x"]) ** 2, dtype=float)})
    assert "real numbers" in _pairs(_true(), lambda i: {"y": np.floor(i["x"])})


def test_code_that_does_not_continue_the_forward_says_so():
    assert "continuation" in _pairs(_true(), lambda i: {"y": np.tanh(i["x"])})


@pytest.mark.parametrize("name, words", [("abs(x[n])", "abs is not analytic"), ("constant(x[n])*x[n]", "constant")])
def test_a_program_that_is_not_analytic_says_why(name, words):
    program = derive.load(f"@layer\ndef f(x: Real[N]):\n    y[n] = {name}\n    return y\n")
    assert words in complex_step.not_analytic(program)
    rows = [r for r in check(program, rungs=("complex step",)).rows if r.check == complex_step.CHECK]
    assert rows and all(r.status == "not applicable" and words in r.reason for r in rows)


def _scaled(program, factor):
    """The program with every output times a factor."""

    def changed(s):
        if s.name not in program.outputs:
            return s
        return replace(s, pieces=tuple(replace(p, rhs=p.rhs * factor) for p in s.pieces))

    return with_statements(program, map(changed, program.statements))


@pytest.mark.parametrize("factor", (-1, 0, 1 + Rational(1, 10**6), 1 + Rational(1, 10**10)))
def test_faults_in_a_gradient_are_red(factor):
    program = derive.load("layer_norm")
    verdict = check(
        program, vjp=_scaled(derive.vjp(program), Integer(1) * factor), kinds=("plain",), rungs=("complex step",)
    )
    assert verdict.failures


@pytest.mark.parametrize("name", ("softmax", "conv2d", "lstm", "layer_norm"))
def test_catalogue_entries_take_the_step(name):
    verdict = check(derive.load(name), kinds=("plain",), rungs=("complex step",))
    assert [r.status for r in verdict.rows] == ["passed"]
