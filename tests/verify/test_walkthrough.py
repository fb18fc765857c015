"""Walks through derivations: every entry's steps are true, and a planted fault in any of them is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer

from derive.calculus.trace import Trace, trace
from derive.doors import load, vjp
from derive.errors import InputError
from derive.language.find import catalogue_index
from derive.program import Program, Statement
from derive.verify.example import example, frozen
from derive.verify.stepwise import StepError, check_steps
from derive.verify.walkthrough import einsum, walkthrough
from derive.verify.written import check_written

CHOICES = {"max_pool2d": {"kernel_size": 2}, "avg_pool2d": {"kernel_size": 2}}
#: Programs that take seconds are walked through in the slow lane.
LARGE = ("cnn", "cnn_loss")
NAMES = tuple(n for n in catalogue_index() if n not in LARGE)


@pytest.mark.parametrize("name", (*NAMES, "cnn"))
def test_every_step_of_every_entry_holds(name):
    assert check_steps(trace(load(name, **CHOICES.get(name, {})))) > 0


@pytest.mark.parametrize("name", ["linear", "conv1d", "layer_norm", "cross_entropy", "embedding", "rnn"])
def test_the_example_agrees_with_finite_differences(name):
    walk = walkthrough(load(name))
    assert walk.example is not None
    assert len(walk.example.gradients) == len(walk.trace.wrt)
    for g in walk.example.gradients:
        np.testing.assert_allclose(g.derived, g.measured, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------ planted faults


def planted(found: Trace, tensor: str, **changes) -> Trace:
    """The trace with one use changed."""
    first, *rest = found.uses[tensor]
    return replace(found, uses={**found.uses, tensor: (replace(first, **changes), *rest)})


def test_a_wrong_local_derivative_is_found():
    found = trace(load("tanh"))
    use = found.uses["x"][0]
    wrong = replace(use.occurrence, factor=2 * use.occurrence.factor)
    with pytest.raises(StepError, match="derivative of y by x"):
        check_steps(planted(found, "x", occurrence=wrong))


def test_a_wrong_elimination_is_found():
    found = trace(load("conv2d"), ["x"])
    use = found.uses["x"][0]
    with pytest.raises(StepError, match="use 1 of x in y, step"):
        check_steps(planted(found, "x", term=use.term * 2))
    with pytest.raises(StepError, match="use 1 of x in y, step 3"):
        moves = (*use.moves[:-1], replace(use.moves[-1], body=use.moves[-1].body + 1))
        check_steps(planted(found, "x", moves=moves))


def test_a_forgotten_use_is_found():
    found = trace(load("layer_norm"), ["x"])
    one = {name: uses[:1] for name, uses in found.uses.items()}
    whole = check_steps(found)
    assert whole > check_steps(replace(found, uses=one))  # other equations' uses are theirs
    softmax = trace(load("softmax"))
    with pytest.raises(StepError, match="derivative of y by e"):
        check_steps(replace(softmax, uses={**softmax.uses, "e": softmax.uses["e"][:1]}))


def test_a_wrong_closed_form_is_found():
    primal = load("linear")
    derived = vjp(primal)

    def spoiled(s: Statement) -> Statement:
        return replace(s, pieces=tuple(replace(p, rhs=p.rhs + Integer(1)) for p in s.pieces))

    wrong: Program = replace(derived, statements=tuple(map(spoiled, derived.statements)))
    assert example(trace(primal), derived) is not None
    with pytest.raises(StepError, match="the finite difference is"):
        example(trace(primal), wrong)


# ------------------------------------------------------------------------------ the rest


def test_constant_is_held_in_finite_differences():
    text = "@layer\ndef f(x: Real[N]):\n    y[n] = constant(x[n]**2)*x[n]\n    return y\n"
    walk = walkthrough(load(text))
    assert walk.example is not None and walk.cases == (("case stop", "x"),)
    assert frozen(load("relu")) == load("relu")


@pytest.mark.parametrize(("name", "wrt"), [("leaky_relu", "negative_slope"), ("adam", "betas[1]")])
def test_a_hyperparameter_is_measured_too(name, wrt):
    (gradient,) = walkthrough(load(name), [wrt]).example.gradients
    assert abs(gradient.derived[0][0] - gradient.measured[0][0]) < 1e-6


def test_a_definition_without_a_real_input_is_refused():
    with pytest.raises(InputError, match="no differentiable input"):
        walkthrough(load("@layer\ndef f(t: Index[N]):\n    y[n] = t[n] + 1\n    return y\n"))


def test_einsum_is_the_contraction():
    assert einsum(vjp(load("bilinear")).definitions["dx1"]) == ("po,pj,oij->pi", ("dy", "x2", "weight"))
    assert einsum(vjp(load("conv2d")).definitions["dx"]) is None
    assert einsum(vjp(load("tanh")).definitions["dx"]) is None


def test_what_is_written_beside_is_run():
    walk = walkthrough(load("linear"))
    assert walk.example is not None
    given = (walk.trace, walk.derived, walk.example)
    assert check_written(*given, walk.matrices, walk.einsums) == walk.ran
    assert [kind for kind, _ in walk.ran] == ["matrix"] * 3 + ["contraction"] * 2 + ["code"] * 3
    turned = {**walk.matrices, "dbias": walk.matrices["dx"]}
    with pytest.raises((StepError, ValueError)):
        check_written(*given, turned, {})
    with pytest.raises(StepError, match="contraction of dx"):
        check_written(*given, {}, {"dx": ("po,io->pi", ("dy", "weight"))})
    wrong = replace(walk.derived, outputs=walk.derived.outputs)
    spoiled = tuple(
        replace(s, pieces=tuple(replace(p, rhs=p.rhs * 2) for p in s.pieces)) for s in walk.derived.statements
    )
    with pytest.raises(StepError, match="code of dx"):
        check_written(walk.trace, replace(wrong, statements=spoiled), walk.example, {}, {})


@pytest.mark.parametrize(
    ("name", "key"),
    [("softmax", "first"), ("relu", "kink"), ("embedding", "gather"), ("lstm", "recurrence"), ("conv2d", "empty")],
)
def test_special_cases_are_found(name, key):
    assert f"case {key}" in dict(walkthrough(load(name)).cases)
