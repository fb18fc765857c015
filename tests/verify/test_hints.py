"""Every rule of the table: a fault planted, the sentence read."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from derive.verify import forward_mode, hints, orders, probing
from derive.verify.bound import Bound
from derive.verify.contract import Contract
from derive.verify.contract import rows as contract_rows
from tests.verify.real_bugs import operation, randn

RNG = np.random.default_rng(4)
TRUE = RNG.normal(size=(4, 4))
MASK = np.tril(np.ones((4, 4)))
ROW = np.arange(4) == 3
LARGEST = np.isin(TRUE, TRUE.max())


def _shift(x):
    return np.concatenate([np.zeros_like(x[:1]), x[:-1]])


#: rule -> (claimed, true, words of the sentence)
ARRAYS = {
    "nothing arrives": (0 * TRUE, TRUE, "no gradient arrives at x"),
    "sign": (-TRUE, TRUE, "the sign"),
    "counted twice": (2 * TRUE, TRUE, "counted twice"),
    "half": (0.5 * TRUE, TRUE, "half is missing"),
    "sum for mean": (7 * TRUE, TRUE, "7 times too large: a sum over N where a mean is meant"),
    "mean for sum": (TRUE / 7, TRUE, "an extra 1/7: a mean over N"),
    "constant": (1.001 * TRUE, TRUE, "1.001 times what it should be"),
    "transposed": (TRUE.T, TRUE, "transposed: axes in the order 1, 0"),
    "flipped": (TRUE[:, ::-1], TRUE, "flipped along axis 1"),
    "shifted": (_shift(TRUE), TRUE, "shifted by +1 along axis 0: an index, or the padding, is off by one"),
    "rows to one": (np.where(ROW[::-1, None], TRUE.sum(0), 0), TRUE, "every row's gradient lands in row 0 of axis 0"),
    "mask inverted": (TRUE * (1 - MASK), TRUE * MASK, "a mask is inverted"),
    "mask missing": (TRUE, TRUE * MASK, "a mask is missing in the backward"),
    "last lost": (np.where(ROW[:, None], 0, TRUE), TRUE, "the last one along axis 0 gets no gradient"),
    "first lost": (np.where(ROW[None, ::-1], 0, TRUE), TRUE, "the first one along axis 1 gets no gradient"),
    "path dropped": (TRUE * (np.arange(4) % 2), TRUE, "a path is dropped: no gradient at 8 of 16 entries"),
    "overwritten": (
        TRUE,
        TRUE * [1, 2, 3, 1],
        "overwritten where contributions should add: off by whole factors from 1",
    ),
    "counted often": (TRUE * [1, 2, 3, 1], TRUE, "counted more than once: off by whole factors from 1 to 3"),
    "common term": (TRUE + TRUE.sum(1, keepdims=True), TRUE, "off by the same amount all along axis 1"),
    "rearranged": (TRUE[[2, 0, 3, 1]][:, [1, 3, 0, 2]], TRUE, "the right values in the wrong places"),
    "few": (TRUE + 0.3 * LARGEST, TRUE, "only 1 of 16 entries"),
    "not a number": (np.where(ROW, np.nan, TRUE), TRUE, "not a finite number at 4 of 16 entries (first [0, 3])"),
}


@pytest.mark.parametrize("fault", ARRAYS)
def test_the_sentence_of_a_fault(fault):
    claimed, true, words = ARRAYS[fault]
    assert words in hints.of_arrays("x", claimed, true, {"N": 7})


def test_every_rule_speaks_somewhere():
    spoken = set()
    for claimed, true, _ in ARRAYS.values():
        picture = hints.Picture("x", claimed, true, {"N": 7})
        if np.isfinite(claimed).all():
            spoken.add(next(rule for rule in hints.RULES if rule(picture)))
    assert spoken | {hints.not_a_number} == set(hints.RULES)


def test_a_right_gradient_suggests_nothing():
    assert hints.of_arrays("x", TRUE + 1e-12, TRUE, {"N": 4}) == ""


def test_noise_suggests_nothing():
    assert hints.of_arrays("x", RNG.normal(size=(4, 4)), TRUE, {"N": 7}) == ""


# ------------------------------------------------------------------------------ windows


def _convolution(stride, dilation, padding=(0, 0)):
    return lambda x, w: F.conv2d(x, w, stride=stride, dilation=dilation, padding=padding)


def _backward_of(function):
    """The right backward of another function, asked for through autograd: what a wrong index computes."""

    def back(ctx, dy, x, w):
        given = [t.detach().requires_grad_() for t in (x, w)]
        with torch.enable_grad():
            y = function(*given)
            padded = F.pad(dy, (0, y.shape[3] - dy.shape[3], 0, y.shape[2] - dy.shape[2]))
        return torch.autograd.grad(y, given, padded)

    return back


WINDOWS = {
    "stride for dilation": (((1, 2), (1, 1)), ((1, 1), (1, 2)), "stride read as dilation along axis 3"),
    "height for width": (((2, 1), (1, 1)), ((1, 2), (1, 1)), "the stride of one is used for the other"),
    "stride": (((1, 1), (1, 1)), ((1, 2), (1, 1)), "the window moves by 2, in the forward by 1: the stride"),
    "dilation": (((1, 1), (1, 1)), ((1, 1), (1, 2)), "taps lie 2 apart, in the forward 1: the dilation"),
    "padding": (((1, 1), (1, 1)), ((1, 1), (1, 1), (0, 1)), "the padding, is off by one"),
}


@pytest.mark.parametrize("fault", WINDOWS)
def test_windows_name_the_index_that_is_wrong(fault):
    right, wrong, words = WINDOWS[fault]
    op = operation("Conv", _convolution(*right), _backward_of(_convolution(*wrong)))
    (row,) = probing.rows(Bound(op.apply, {"x": randn(1, 2, 7, 8), "w": randn(2, 2, 2, 3)}, ("x",)), "")
    assert row.status == "failed" and words in row.detail, row.detail


def test_a_flipped_kernel_is_named():
    def back(ctx, dy, x, w):
        return F.conv_transpose2d(dy, w.flip(2, 3)), None

    op = operation("Conv", F.conv2d, back)
    (row,) = probing.rows(Bound(op.apply, {"x": randn(1, 2, 6, 6), "w": randn(2, 2, 3, 3)}, ("x",)), "")
    assert "a kernel flipped along axes 2, 3" in row.detail


# ------------------------------------------------------------------------------ rows


def test_a_failed_probe_tells_entry_values_cause_and_tolerance():
    op = operation("Mean", lambda x: x.mean(0), lambda ctx, dy, x: dy.expand(x.shape))
    (row,) = probing.rows(Bound(op.apply, {"x": randn(7, 3)}, ("x",)), "")
    for words in ("dx[", "analytic", "numeric", "ratio 7", "7 times too large", "tolerance", "rounding"):
        assert words in row.detail


def test_an_ignored_cotangent_is_named():
    op = operation("Loss", lambda x: (x**2).sum(), lambda ctx, dy, x: 2 * x)
    (row,) = probing.rows(Bound(op.apply, {"x": randn(3)}, ("x",)), "")
    assert "the cotangent is ignored" in row.detail


def test_both_wrong_together_is_said():
    assert "wrong together" in hints.together(True, True)
    assert not hints.together(False, True) and not hints.together(True, False)


def test_every_promise_has_a_meaning():
    pair = operation("Pair", lambda x, w: x * w, lambda ctx, dy, x, w: (dy * w, dy * x))
    bound = Contract(lambda x, w: (pair.apply(x, w), x + w), {"x": randn(3), "w": randn(3)}, ("x", "w"), own=True)
    rows = list(contract_rows(bound, "", transforms=True))
    assert all(r.status in ("passed", "not applicable") for r in rows)
    assert all(any(r.check.endswith(name) for name in hints.BREACHES) for r in rows)


def _saved_by_the_latest():
    kept = {}

    def back(ctx, dy, x):
        return 2 * dy * kept["x"]

    def ahead(x):
        kept["x"] = x.detach().clone()
        return x**2

    return operation("Latest", ahead, back)


def _depends_on_calls():
    calls = []

    def back(ctx, dy, x):
        calls.append(1)
        return dy * len(calls)

    return operation("Counts", lambda x: x.clone(), back)


BREACHES = {
    "calls between each other": (_saved_by_the_latest(), "what a later call saved is used"),
    "second call": (_depends_on_calls(), "something is kept between calls"),
    "zero cotangent": (operation("Constant", lambda x: x.clone(), lambda ctx, dy, x: dy + 1), "without a cotangent"),
    "outputs are not inputs": (operation("Same", lambda x: x.view(3), lambda ctx, dy, x: dy), "shares memory"),
}


@pytest.mark.parametrize("promise", BREACHES)
def test_a_broken_promise_is_explained(promise):
    op, words = BREACHES[promise]
    rows = contract_rows(Contract(op.apply, {"x": randn(3)}, ("x",), own=True), "")
    (row,) = [r for r in rows if r.check == f"contract, {promise}"]
    assert row.status == "failed" and words in row.detail, row


def test_an_output_without_a_cotangent_contributes_nothing():
    class Leaks(torch.autograd.Function):
        """Counts one output's share twice when the other one is not asked for."""

        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x.clone(), 2 * x

        @staticmethod
        def backward(ctx, a, b):
            if a is None or b is None:
                return (a if b is None else b) * 3
            return a + 2 * b

    rows = contract_rows(Contract(Leaks.apply, {"x": randn(3)}, ("x",)), "")
    (row,) = [r for r in rows if r.check.endswith("outputs alone")]
    assert row.status == "failed" and "None" in row.detail


# ------------------------------------------------------------------------------ forward mode and higher orders


class Silent(torch.autograd.Function):
    """A tangent of 0, as a custom operation without a jvp gives."""

    @staticmethod
    def forward(x):
        return x**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, dy):
        return 2 * dy * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx, v):
        return torch.zeros_like(v)


def test_a_silent_zero_under_jvp_fails():
    (row,) = forward_mode.rows(Bound(Silent.apply, {"x": randn(3)}, ("x",)), "")
    assert row.status == "failed" and "0 in silence" in row.detail


def test_no_forward_mode_is_not_applicable_and_says_so():
    op = operation("Plain", lambda x: x**2, lambda ctx, dy, x: 2 * dy * x)
    (row,) = forward_mode.rows(Bound(op.apply, {"x": randn(3)}, ("x",)), "")
    assert row.status == "not applicable" and "no forward mode" in row.reason
    (row,) = forward_mode.rows(Bound(torch.tanh, {"x": randn(3)}, ("x",)), "")
    assert row.status == "passed"


@pytest.mark.parametrize("order", (2, 3))
def test_higher_orders_of_right_functions_pass(order):
    (row,) = orders.rows(
        Bound(lambda x, w: torch.tanh(x @ w), {"x": randn(2, 3), "w": randn(3)}, ("x", "w")), "", (order,)
    )
    assert row.status == "passed" and row.check == f"probes of order {order}"


def test_a_wrong_third_derivative_is_found():
    """torch's own layer_norm: its third derivative is wrong."""
    bound = Bound(lambda x: F.layer_norm(x, (4,)), {"x": randn(3, 4)}, ("x",))
    found = {row.check: row.status for row in orders.rows(bound, "", (2, 3))}
    assert found == {"probes of order 2": "passed", "probes of order 3": "failed"}


def test_a_detached_double_backward_is_found():
    op = operation("Cube", lambda x: x**3, lambda ctx, dy, x: 3 * dy * x.detach() * x)
    (row,) = orders.rows(Bound(op.apply, {"x": randn(3)}, ("x",)), "", (2,))
    assert row.status == "failed"
