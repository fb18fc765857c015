"""Correct code is not called wrong: what was once reported by mistake, and random runs of many functions."""

import pytest
import torch
import torch.nn.functional as F

from benchmarks.gradcheck import RIGHT, bound
from derive.verify import check, precision, probing
from derive.verify.contract import rows as contract_rows

X, W = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)), torch.randn(3, 5)
WITH_ZERO = X.clone()
WITH_ZERO[1, 2] = 0

CASES = {
    "relu at 0": (F.relu, (torch.tensor([-1.0, 0.0, 2.0]),)),
    "max-pool with ties": (lambda x: F.max_pool2d(x, 2), (torch.ones(1, 2, 4, 4),)),
    "float32 inputs": (lambda x, w: torch.tanh(x @ w.T), (X.float(), W.float())),
    "abs at 0": (torch.abs, (torch.tensor([0.0, 1.0]),)),
    "pytorch#11662, a loss of small numbers": (lambda x: F.mse_loss(x, torch.zeros_like(x)) * 1e-6, (X,)),
    "pytorch#107007, an argument without influence": (lambda x, w: x * 2 + 0 * w.sum(), (X, W)),
    "large inputs": (lambda x: (1e6 * x).sin().sum() * 1e-6, (X,)),
    "layer norm": (lambda x: F.layer_norm(x, (5,)), (X,)),
    "convolution": (
        lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=1), (torch.randn(2, 3, 5, 4), torch.randn(2, 3, 3, 2))
    ),
    "product with a zero": (lambda x: x.prod(-1), (WITH_ZERO,)),
    "cross entropy": (lambda x: F.cross_entropy(x, torch.tensor([0, 1, 4, 2])), (X,)),
    "a constant": (lambda x: torch.ones(3) + 0 * x.sum(), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_right_code_is_not_flagged(name):
    function, inputs = CASES[name]
    verdict = check(function, *inputs)
    assert not verdict.failures, verdict.failures
    assert verdict.checked


@pytest.mark.parametrize("name", RIGHT)
def test_random_runs_of_right_functions_pass(name):
    """A smaller version of ``benchmarks.gradcheck``'s two thousand, the seeds fixed."""
    for seed in range(12):
        made = bound(RIGHT[name], 1000 + seed)
        for row in (*probing.rows(made, ""), *contract_rows(made, "", seed=seed)):
            assert row.status != "failed", (seed, row)


SHORT = ("float32", "bfloat16")
#: These add a large number to their input, and what that rounds away is lost: they are told so.
LOSSY = ("offset", "layer_norm of near constants")


@pytest.mark.parametrize("name", RIGHT)
def test_short_formats_of_right_functions_pass(name):
    for seed in range(4):
        found = [row.status for row in precision.rows(bound(RIGHT[name], seed), "", SHORT)]
        assert ("failed" in found) == (name in LOSSY), (seed, found)
