"""The bound of low precision: never exceeded by right code, exceeded by code that loses what it need not."""

import numpy as np
import pytest
import torch

import derive
from derive import interpreter
from derive.verify import autograd, check
from derive.verify.compare import compare
from derive.verify.inputs import make
from derive.verify.rounding import MOST, within
from derive.verify.running_error import Carried, RunningError, Undecided

U = 2.0**-11
FIELD = RunningError(U)


def _pair(*terms):
    return [Carried(float(t)) for t in terms]


def test_a_sum_is_off_by_its_terms_not_by_its_value():
    total = FIELD.total(_pair(1e6, 1.0, -1e6))
    assert total.value == 1.0 and total.error > 1e6


def test_products_and_quotients_carry_relative_errors():
    a, b = Carried(3.0, 2.0), Carried(4.0, 1.0)
    assert (a * b).error == pytest.approx(3 * 1 + 4 * 2 + 12)
    assert FIELD.divide(a, b).error == pytest.approx(2 / 4 + 0.75 * 1 / 4 + 0.75)
    assert FIELD.functions["exp"](Carried(1.0, 2.0)).error == pytest.approx(np.e * 2 + 2 * np.e, rel=1e-5)


def test_a_number_less_itself_is_0_whatever_it_is_off_by():
    """The scores of a softmax less their largest: the largest is one of them, and two equal numbers are not."""
    a, b = Carried(1e6, 1e6), Carried(1e6, 1e6)
    for zero in (a - a, FIELD.total([a, FIELD.product([Carried(-1.0), a])]), a + -a):
        assert zero.value == 0 and zero.error == 0
    for doubt in (a - b, FIELD.total([a, b, -a, -b])):
        assert doubt.value == 0 and doubt.error >= 2e6


def test_a_comparison_that_rounding_could_turn_is_undecided():
    with pytest.raises(Undecided):
        FIELD.less(Carried(1.0, 1.0), Carried(1.0 + U, 1.0))
    assert FIELD.less(Carried(1.0), Carried(1.0 + U))
    assert FIELD.less(Carried(1.0, 1.0), Carried(2.0, 1.0))


@pytest.mark.parametrize("name", ("softmax", "layer_norm", "linear", "lstm", "gelu"))
@pytest.mark.parametrize("seed", range(3))
def test_right_code_keeps_within_the_bound(name, seed):
    verdict = check(derive.load(name), kinds=("plain",), rungs=("low precision",), seed=seed)
    assert len(verdict.rows) == 2 and not verdict.failures, verdict.rows


def test_the_bound_is_of_the_size_of_the_error():
    """Not so wide that anything passes: within a factor of some hundred of what float32 really loses."""
    p = derive.load("softmax")
    case = make(p, "plain")
    bounds = interpreter.run(p, case.inputs, case.hypers, RunningError(2.0**-24))["y"]
    worst = max(b.error / abs(b.value) for b in bounds.flat)
    assert 2 < worst < 300


def test_a_cancellation_that_the_formula_has_not_is_found():
    """A variance as E[x²] − E[x]², where the formula subtracts first."""
    text = (
        "@layer\ndef f(x: Real[N, K]):\n    mu[n] = mean[k](x[n, k])\n"
        "    y[n] = mean[k]((x[n, k] - mu[n])**2)\n    return y\n"
    )
    p = derive.load(text)
    x = 100 + np.random.default_rng(0).normal(size=(2, 8))
    x = torch.from_numpy(x).float().double().numpy()
    bounds = interpreter.run(p, {"x": x}, {}, RunningError(2.0**-24))["y"]
    short = torch.from_numpy(x).float()
    good = (short - short.mean(1, keepdim=True)).square().mean(1).double().numpy()
    bad = (short.square().mean(1) - short.mean(1).square()).double().numpy()
    for found, passes in ((good, True), (bad, False)):
        within = [
            abs(f - b.value) <= 4 * 2.0**-24 * (b.error + abs(b.value)) for f, b in zip(found, bounds, strict=True)
        ]
        assert all(within) == passes


SCORES = """
@layer
def attended(x: Real[K], v: Real[K]):
    a[k] = 1000000*x[k]
    m = max[k](a[k])
    p[k] = exp(a[k] - m)/sum[j](exp(a[j] - m))
    y = sum[k](p[k]*v[k])
    return y
"""


@pytest.mark.parametrize("fault", (0.0, 1e-7, 1e-4))
def test_a_difference_is_excused_by_the_rounding_of_its_formula_and_by_no_more(fault):
    """The tangent of saturated scores cancels: ten digits are left, and a fault in the fifth is seen."""
    p = derive.load(SCORES)
    case = make(p, "large")
    along = [np.ones_like(case.inputs[n]) * (k + 1) / 3 for k, n in enumerate(case.differentiable)]
    jvp = derive.jvp(p)
    given = {**case.inputs, **{t.name: v for t, v in zip(jvp.inputs[2:], along, strict=True)}}
    expected = dict(zip(jvp.outputs, autograd.pushed(case, along), strict=True))
    found = {n: np.asarray(x) * (1 + fault) for n, x in interpreter.run(jvp, given, case.hypers).items()}
    row = compare("tangent", "large", found, expected, 1e-17)
    assert row.status == "failed"
    held = within(row, jvp, case, given, found, expected)
    assert held.status == ("failed" if fault else "passed")
    assert fault or row.error < held.tolerance < MOST


DROWNED = """
@layer
def drowned(x: Real[K]):
    b[k] = x[k] + 4*10**10
    y[k] = b[k] - 4*10**10 + {fault}
    return y
"""


@pytest.mark.parametrize(("fault", "status"), [("0", "passed"), ("1/1000000", "failed")])
def test_where_rounding_excuses_much_the_formula_itself_is_worked_out_in_digits(fault, status):
    """Ten digits drown in a large number; a formula that is off by less than they are worth is still seen."""
    p = derive.load(DROWNED.format(fault=fault))
    case = make(p, "plain")
    expected = {"y": np.asarray(case.inputs["x"])}
    found = interpreter.run(p, case.inputs, case.hypers)
    row = compare("forward", "plain", found, expected, 1e-12)
    held = within(row, p, case, case.inputs, found, expected)
    assert row.status == "failed" and held.status == status
    assert status == "failed" or held.tolerance > MOST
