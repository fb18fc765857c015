"""Kernels of rows: what their loops leave as it is, which axes they run along, and single precision's own functions."""

from __future__ import annotations

import re

import pytest
import torch

import derive
from derive.calculus.step import step
from derive.lower.residuals import split
from derive.targets.files import required, without_fixed
from derive.targets.kernels import function as kernels
from derive.targets.kernels import native
from tests.targets.test_kernels import agree, both, hypers_of

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")

X = (torch.arange(2.0 * 3 * 4 * 6, dtype=torch.float64).sin() * 3).reshape(2, 3, 4, 6)
W = X[0, 0, 0]
LOUD = torch.tensor([1e3, -1e3, 0.0, -0.0, float("nan"), float("inf"), -float("inf"), 3.5]).double()

#: name, choices, inputs: rows inside an array's axes, axes run as one, short axes, slow axes, branches.
CASES = (
    ("batch_norm", {"training": True}, (X, *(X[0, :, 0, k] ** 2 for k in range(4)))),
    ("batch_norm", {"training": True}, (X[0, 0], *(X[0, 1, k] ** 2 for k in range(4)))),
    ("instance_norm", {"use_input_stats": True}, (X, *(X[0, :, 0, k] ** 2 for k in range(4)))),
    ("layer_norm", {"axes": 2}, (X.reshape(2, 3, 24), X[0].reshape(3, 24), X[1].reshape(3, 24))),
    ("glu", {}, (X,)),
    ("softmax", {"dim": 0}, (X,)),
    ("prelu", {}, (torch.stack([LOUD, LOUD.flip(0)]), W[:1])),
    ("prelu", {"num_parameters": 3}, (X, X[0, :, 0, 0])),
    ("cosine_similarity", {}, (X[0, 0], X[0, 1])),
)


def gradient_of(name, **choices):
    """The backward of forward and backward apart."""
    program = derive.load(name, **choices)
    return split(program, derive.vjp(program)).backward


def texts(program):
    """Every kernel's C."""
    return [(s.narrow or s.general).text for s in kernels.fused_plan(program)[1].values()]


@pytest.mark.parametrize(("name", "choices", "inputs"), CASES, ids=[f"{n}-{k}" for k, (n, _, _) in enumerate(CASES)])
def test_gradients_agree_with_array_code(name, choices, inputs):
    program = derive.load(name, **choices)
    hypers = hypers_of(program, choices)
    found, expected = both(program, inputs, **hypers)
    assert agree(found, expected)
    gradient = derive.vjp(program)
    cotangents = [torch.cos(y) for y, _ in zip(expected, program.outputs, strict=False)]
    assert agree(*both(gradient, (*inputs, *cotangents), **hypers))


def test_a_row_s_values_are_worked_out_before_its_loop():
    (text,) = texts(gradient_of("cosine_similarity"))
    inner = "".join(re.findall(r"simd.*?\n\s*}", text, re.DOTALL))
    assert "r_sqrt" in text and "r_sqrt" not in inner and " / " not in inner


def test_a_channel_s_sums_and_its_entries_are_one_pass_over_channels():
    (text,) = texts(gradient_of("batch_norm", training=True))
    assert text.count("#pragma omp parallel") == 2  # x of two axes: sums over samples, then the entries
    general = next(iter(kernels.fused_plan(gradient_of("batch_norm", training=True))[1].values())).general.text
    assert general.count("#pragma omp parallel") == 1 and "% " not in general


def test_a_choice_between_values_is_no_branch():
    assert "if (" not in "".join(texts(gradient_of("prelu")))


@pytest.mark.parametrize(("name", "most"), [("gelu", 4), ("softplus", 4), ("logsigmoid", 4)])
def test_single_precision_is_within_a_few_units_in_the_last_place(name, most):
    x = torch.cat([torch.linspace(-20, 20, 1 << 16), LOUD.float(), torch.tensor([1e-30, -1e-30, 1e30, -1e30])])
    program = derive.load(name)
    hypers = hypers_of(program, {})
    (found,) = kernels.kernel_function(program).run(x, **hypers)
    exact = getattr(torch.nn.functional, name)(x.double())
    scale = x.double().abs().clamp(min=1) if name == "gelu" else exact.abs().clamp(min=1e-37)  # 1 + erf loses digits
    same = (found.double() == exact) | (found.isnan() & exact.isnan())
    assert bool((same | ((found - exact).abs() <= most * 2**-23 * scale)).all())


def test_long_sums_are_added_in_blocks():
    x = torch.full((1, 1 << 20), 0.1)
    program = derive.load("layer_norm")
    mu = kernels.kernel_function(split(program, derive.vjp(program)).forward).run
    found = mu(x, x[0] * 0 + 1, x[0] * 0, **hypers_of(program, {}))
    assert abs(float(found[1].squeeze()) - 0.1) < 1e-6


def test_a_number_that_changes_at_every_call_is_not_compiled_in():
    """betas[0]**t is worked out once a call; an entry to the power p is a product once p is known."""
    (adam,) = kernels.fused_plan(required(without_fixed(step(derive.load("adam")))))[1].values()
    (margin, *_) = kernels.fused_plan(required(without_fixed(derive.load("multi_margin_loss"))))[1].values()
    assert not adam.general.fixed and margin.general.fixed
