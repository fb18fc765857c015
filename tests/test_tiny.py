"""The whole product in seconds: one layer through every room (``make tiny``)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import derive
from derive.interpreter import run
from derive.reports import derivative, render
from derive.verify import check

pytestmark = pytest.mark.tiny

SOFTMAX = """
@layer
def mine(x: Real[..., K]):
    m[...] = max[k](x[..., k])
    e[..., k] = exp(x[..., k] - m[...])
    y[..., k] = e[..., k]/sum[j](e[..., j])
    return y
"""
X = np.random.default_rng(0).normal(size=(2, 3, 4))
DY = np.random.default_rng(1).normal(size=X.shape)


def expected() -> tuple[np.ndarray, np.ndarray]:
    """y and dx, by torch."""
    x = torch.tensor(X, requires_grad=True)
    y = torch.softmax(x, -1)
    (dx,) = torch.autograd.grad(y, x, torch.tensor(DY))
    return y.detach().numpy(), dx.numpy()


def test_interpreter():
    y, dx = expected()
    p = derive.load(SOFTMAX)
    np.testing.assert_allclose(run(p, {"x": X})["y"], y, atol=1e-14)
    np.testing.assert_allclose(run(derive.vjp(p), {"x": X, "dy": DY})["dx"], dx, atol=1e-14)


def test_formula():
    p = derive.load(SOFTMAX)
    text = render(derivative(derive.vjp(p), p), "text")
    assert "dx[…,k] = y[…,k] · (dy[…,k] − Σ j  dy[…,j] · y[…,j])" in text


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_generated_code(target: str):
    module = derive.generate(derive.load(SOFTMAX), target=target).module()
    array = np.asarray if target == "numpy" else torch.tensor
    y, saved = module.mine_forward(array(X))
    dx = module.mine_backward(saved, array(DY))
    for got, wanted in zip((y, dx), expected(), strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, atol=1e-14)


def test_function_to_second_order():
    f = derive.function(SOFTMAX)
    x = torch.tensor(X, requires_grad=True)
    assert torch.autograd.gradgradcheck(f, (x,))


def test_check():
    verdict = check(SOFTMAX)
    assert verdict.status == "passed", verdict
