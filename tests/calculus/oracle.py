"""Derived programs against torch.autograd, and against one another."""

from __future__ import annotations

import numpy as np
import torch

from derive.calculus.adjoint import adjoint
from derive.interpreter import run
from derive.program import Program


def as_torch(inputs: dict[str, np.ndarray], wanted: list[str]) -> dict[str, torch.Tensor]:
    return {k: torch.tensor(v, requires_grad=k in wanted) for k, v in inputs.items()}


def gradients(y: torch.Tensor, dy: torch.Tensor, leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    """torch's gradients, 0 where there are none."""
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in leaves]
    found = torch.autograd.grad(y, leaves, dy, create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]


def real_inputs(program: Program) -> list[str]:
    return [t.name for t in program.inputs if t.differentiable]


def errors_of(program: Program, inputs: dict, reference, hypers: dict, orders: int) -> list[float]:
    """Differences from torch of every output at order 0, 1, … of reverse mode applied again and again.

    Compare each with ``error < tolerance``: ``max`` forgets a NaN.
    """
    random = np.random.default_rng(3)
    names = real_inputs(program)
    values = as_torch(inputs, names)
    outputs = [reference(**values)]
    feed, errors = dict(inputs), []
    for order in range(orders + 1):
        found = run(program, feed, hypers)
        errors += [_error(found[n], y) for n, y in zip(program.outputs, outputs, strict=True)]
        if order == orders:
            break
        leaves = [values[n] for n in real_inputs(program)]
        derived = adjoint(program)
        new = [t.name for t in derived.inputs[len(program.inputs) :]]
        cotangents = [torch.tensor(random.normal(size=y.shape), requires_grad=True) for y in outputs]
        total = sum((y * d).sum() for y, d in zip(outputs, cotangents, strict=True))
        outputs = gradients(total, torch.ones_like(total), leaves)
        values.update(zip(new, cotangents, strict=True))
        feed.update((n, d.detach().numpy()) for n, d in zip(new, cotangents, strict=True))
        program = derived
    return errors


def _error(found: np.ndarray, expected: torch.Tensor) -> float:
    reference = expected.detach().numpy()
    assert found.shape == reference.shape
    return float(np.max(np.abs(found - reference) / (1 + np.abs(reference)), initial=0.0))
