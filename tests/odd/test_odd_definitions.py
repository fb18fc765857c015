"""Odd but legal definitions equal what a person writes in torch: values, gradients, and gradients of gradients."""

from __future__ import annotations

import pytest
import torch

import derive
from tests.odd.definitions import ODD, Odd


def inputs(row: Odd) -> list[torch.Tensor]:
    """The tensors of a row; real ones want gradients."""
    generator = torch.Generator().manual_seed(3)
    made = []
    for shape in row.shapes:
        if isinstance(shape, torch.Tensor):
            made.append(shape.clone().requires_grad_(shape.is_floating_point()))
        else:
            size = shape if isinstance(shape, tuple) else (shape,)
            made.append(torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_())
    return made


def derivatives(y: torch.Tensor, moving: list[torch.Tensor]) -> list[torch.Tensor]:
    """First and second order, each against random weights."""
    generator = torch.Generator().manual_seed(5)
    weights = torch.randn(y.shape, generator=generator, dtype=y.dtype)
    first = torch.autograd.grad(y, moving, weights, create_graph=True, materialize_grads=True)
    scalar = sum((g * torch.randn(g.shape, generator=generator, dtype=g.dtype)).sum() for g in first)
    if not scalar.requires_grad:
        return [*first, *map(torch.zeros_like, moving)]
    second = torch.autograd.grad(scalar, moving, materialize_grads=True)
    return [*first, *second]


@pytest.mark.parametrize("name", ODD)
def test_values_and_derivatives_of_two_orders(name: str) -> None:
    row = ODD[name]
    function = derive.function(row.text)
    ours, theirs = inputs(row), inputs(row)
    found, expected = function(*row.grouped(ours), **row.hypers), row.by_hand(*theirs)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    moving = [[t for t in tensors if t.requires_grad] for tensors in (ours, theirs)]
    pairs = zip(derivatives(found, moving[0]), derivatives(expected, moving[1]), strict=True)
    for k, (a, b) in enumerate(pairs):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10, msg=lambda m, k=k: f"derivative {k}: {m}")


@pytest.mark.parametrize("name", ODD)
def test_numpy_code_gives_the_same_values_and_gradients(name: str) -> None:
    row = ODD[name]
    program = derive.load(row.text, **row.hypers)
    if program.role == "optimizer":
        pytest.skip("an optimizer's file is one step")
    module = derive.generate(program, "numpy").module()
    given = inputs(row)
    expected = row.by_hand(*given)
    found, saved = module.f_forward(*(t.detach().numpy() for t in given))
    torch.testing.assert_close(torch.as_tensor(found), expected.detach(), rtol=1e-12, atol=1e-12)
    moving = [t for t in given if t.requires_grad]
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    gradients = module.f_backward(saved, weights.numpy())
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    true = torch.autograd.grad(expected, moving, weights, materialize_grads=True)
    for a, b in zip(gradients, true, strict=True):
        torch.testing.assert_close(torch.as_tensor(a), b, rtol=1e-10, atol=1e-10)
