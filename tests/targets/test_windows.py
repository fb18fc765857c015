"""Correlations, spreads, windows and scatters of the support files, against plain loops."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.targets import support_numpy as in_numpy
from derive.targets import support_torch, support_torch_windows
from derive.targets import support_torch_windows as in_torch

support_torch.torch = support_torch_windows.torch = torch  # generated files import it themselves
AXIS = st.tuples(st.integers(-3, 3), st.integers(1, 4), *[st.integers(1, 3)] * 3, st.integers(1, 6))
SETUPS = st.tuples(st.lists(AXIS, min_size=1, max_size=2), st.integers(1, 2), st.integers(1, 2))
BIAS = np.array([0.5, -1.0, 2.0, 3.0, -0.25, 0.0])


def problem(setup):
    axes, groups, samples = setup
    starts, counts, strides, dilations, taps, sizes = (tuple(v) for v in zip(*axes, strict=True))
    random = np.random.default_rng(0)
    x = random.standard_normal((samples, groups, 3, *sizes))
    w = random.standard_normal((groups, 2, 3, *taps))
    y = random.standard_normal((samples, groups, 2, *counts))
    return starts, counts, strides, dilations, taps, sizes, x, w, y


def places(starts, counts, strides, dilations, taps, sizes):
    """(position, tap, point) where the point is inside."""
    for p in itertools.product(*map(range, counts)):
        for i in itertools.product(*map(range, taps)):
            at = tuple(b + u * s + v * d for b, u, s, v, d in zip(starts, p, strides, i, dilations, strict=True))
            if all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                yield p, i, at


def both(which, arrays, *rest):
    """NumPy's and Torch's in double precision, then Torch's in single; a third array is the bias, which comes last."""
    yield getattr(in_numpy, which)(*arrays[:2], *rest, *arrays[2:])
    for dtype in (torch.float64, torch.float32):
        tensors = [torch.tensor(a, dtype=dtype) for a in arrays]
        yield getattr(in_torch, which)(*tensors[:2], *rest, *tensors[2:]).numpy()


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-4 if got.dtype == np.float32 else 1e-12)


@settings(max_examples=60, deadline=None)
@given(SETUPS)
def test_correlate_and_spread_are_what_they_say(setup):
    starts, counts, strides, dilations, taps, sizes, x, w, y = problem(setup)
    forward = np.zeros((*x.shape[:2], w.shape[1], *counts))
    back = np.zeros_like(x)
    for p, i, at in places(starts, counts, strides, dilations, taps, sizes):
        forward[(..., *p)] += np.einsum("gfc,bgc->bgf", w[(..., *i)], x[(..., *at)])
        back[(..., *at)] += np.einsum("gfc,bgf->bgc", w[(..., *i)], y[(..., *p)])
    for got in both("_correlate", (x, w), starts, counts, strides, dilations):
        close(got, forward)
    for got in both("_spread", (y, w), starts, sizes, strides, dilations):
        close(got, back)
    more = BIAS[: w.shape[0] * w.shape[1]], BIAS[: w.shape[0] * w.shape[2]]
    ones = [1] * len(starts)
    for got, back_again in zip(
        both("_correlate", (x, w, *more[:1]), starts, counts, strides, dilations),
        both("_spread", (y, w, *more[1:]), starts, sizes, strides, dilations),
        strict=True,
    ):
        close(got, forward + more[0].reshape(*w.shape[:2], *ones))
        close(back_again, back + more[1].reshape(w.shape[0], w.shape[2], *ones))


@settings(max_examples=60, deadline=None)
@given(SETUPS)
def test_windows_and_folds_are_adjoint(setup):
    starts, counts, strides, dilations, taps, sizes, x, _, _ = problem(setup)
    v = np.random.default_rng(1).standard_normal((2, *counts, *taps))
    back = np.zeros((2, *sizes))
    for p, i, at in places(starts, counts, strides, dilations, taps, sizes):
        back[(..., *at)] += v[(..., *p, *i)]
    for folded in both("_fold", (v,), starts, sizes, strides, dilations):
        close(folded, back)
    for seen in both("_window", (x,), 3, starts[0], (counts[0], taps[0]), (strides[0], dilations[0])):
        v = np.random.default_rng(1).standard_normal(seen.shape)
        turned = np.moveaxis(v, (3, 4), (-2, -1))
        for folded in both("_fold", (turned,), starts[:1], sizes[:1], strides[:1], dilations[:1]):
            single = np.float32 in (seen.dtype, folded.dtype)
            across = np.vdot(np.moveaxis(x, 3, -1), folded)
            assert np.vdot(seen, v) == pytest.approx(across, abs=1e-4 if single else 1e-10)


@settings(max_examples=60, deadline=None)
@given(SETUPS, st.booleans())
def test_sliding_winners(setup, ties):
    starts, counts, strides, dilations, taps, sizes, x, _, _ = problem(setup)
    x = np.round(x) if ties else x
    wanted = np.full((*x.shape[:3], *counts), -1)
    best = np.full(wanted.shape, -np.inf)
    for p, i, at in places(starts, counts, strides, dilations, taps, sizes):
        won = (wanted[(..., *p)] < 0) | (x[(..., *at)] > best[(..., *p)])
        wanted[(..., *p)] = np.where(won, np.ravel_multi_index(i, taps), wanted[(..., *p)])
        best[(..., *p)] = np.where(won, x[(..., *at)], best[(..., *p)])
    for got in both("_slide_place", (x,), "argmax", starts, counts, strides, taps, dilations):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("step", [-2, -1, 0, 1, 2])
def test_windows_backwards_and_standing(step):
    x = np.arange(7.0)
    wanted = [[x[2 + p * step + i] if 0 <= 2 + p * step + i < 7 else -1 for i in range(3)] for p in range(4)]
    for got in both("_window", (x,), 0, 2, (4, 3), (step, 1), -1):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("width", [2, 6])
def test_scatter_leaves_out_what_is_outside(width):
    at, values = np.array([0, 2, -1, 5, 2]), np.arange(5.0 * width).reshape(5, width)
    wanted = np.zeros((4, width))
    wanted[0], wanted[2] = values[0], values[1] + values[4]
    np.testing.assert_array_equal(in_numpy._scatter_add((4, width), (at,), values), wanted)
    got = support_torch._scatter_add((4, width), (torch.tensor(at),), torch.tensor(values))
    np.testing.assert_array_equal(got.numpy(), wanted)
