"""torch's autograd of a program in torch primitives: independent derivatives of every order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor as Array

from derive.closures import Compiler
from derive.fields import FLOAT
from derive.program import Program
from derive.verify.inputs import Case, user_shape
from derive.verify.primitives import Run

Arrays = dict[str, np.ndarray]


def tensors(inputs: Arrays, differentiable: tuple[str, ...] = ()) -> dict[str, Array]:
    """Arrays as torch tensors; those named require a gradient."""
    made = {n: torch.from_numpy(np.array(x)) for n, x in inputs.items()}
    for name in differentiable:
        made[name].requires_grad_()
    return made


def forward(case: Case) -> Arrays:
    """Every output by the program in torch primitives; several rungs ask for the same ones."""
    known = case.kept.get("forward")
    if known is None or known[0] is not case.inputs:
        run = Run(case.program, case.numbers, kept=case.kept)
        with torch.no_grad():
            found = {n: y.reshape(-1).numpy() for n, y in run.outputs(tensors(case.inputs)).items()}
        known = case.kept["forward"] = case.inputs, found
    return dict(known[1])


def shapes(case: Case) -> dict[str, tuple[int, ...]]:
    """The shape of every output, as a caller sees it."""
    program = case.program
    names = (*program.outputs, *(new for _, new in program.updates))
    extent = Compiler(FLOAT, case.numbers).index
    return {n: user_shape(program.tensor(n).axes, lambda e: extent(e)({}), case.packs) for n in names}


def near(case: Case) -> Callable[[Arrays], Arrays]:
    """The program as a function of its inputs, with every ``constant(…)`` held at its value in the case.

    That is the function whose derivative the gradient is: what is constant by decree must not move.
    """
    first = Run(case.program, case.numbers, kept=case.kept)
    with torch.no_grad():
        first.outputs(tensors(case.inputs))

    def run(inputs: Arrays) -> Arrays:
        again = Run(case.program, case.numbers, kept=case.kept, replayed=iter(first.held))
        with torch.no_grad():
            return {n: y.reshape(-1).numpy() for n, y in again.outputs(tensors(inputs)).items()}

    return run


def real_outputs(program: Program) -> tuple[str, ...]:
    """Outputs that carry gradient."""
    return tuple(n for n in program.outputs if program.tensor(n).kind == "real")


def towers(case: Case, weights: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """Gradients of order 1, 2, …: the k-th list is ∂⟨(k−1)-th list, weights[k]⟩/∂(everything before).

    Order 1: inputs.  Order 2: inputs, then the first weights.  Order 3: inputs, first and second weights; just as
    the vjp of a vjp of a vjp has them.
    """
    given = tensors(case.inputs, case.differentiable)
    y = Run(case.program, case.numbers, kept=case.kept).outputs(given)
    leaves = [given[n] for n in case.differentiable]
    current = [y[n] for n in real_outputs(case.program)]
    found = []
    for order, ws in enumerate(weights, 1):
        cotangents = [torch.from_numpy(np.array(w)).reshape(c.shape) for c, w in zip(current, ws, strict=True)]
        if order < len(weights):
            cotangents = [c.requires_grad_() for c in cotangents]
        total = sum((torch.sum(c * w) for c, w in zip(current, cotangents, strict=True)), torch.zeros(()))
        current = gradients(total, leaves, order < len(weights))
        found.append([c.detach().numpy() for c in current])
        leaves = leaves + cotangents
    return found


def gradients(total: Array, leaves: list[Array], again: bool) -> list[Array]:
    """∂total/∂leaves; 0 where it does not depend on them."""
    if not total.requires_grad:
        return [torch.zeros_like(x) for x in leaves]
    found = torch.autograd.grad(total, leaves, create_graph=again, allow_unused=True, materialize_grads=False)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]


def pulled_back(outputs: tuple[Array, ...], weights: list[np.ndarray], leaves: list[Array]) -> list[np.ndarray]:
    """The gradient of ⟨outputs, weights⟩ by these leaves."""
    total = sum((torch.sum(y * torch.from_numpy(w)) for y, w in zip(outputs, weights, strict=True)), torch.zeros(()))
    return [g.detach().numpy() for g in gradients(total, leaves, False)]


def pushed(case: Case, tangents: list[np.ndarray]) -> list[np.ndarray]:
    """J·v for each output, by differentiating ⟨u, y⟩ twice (the vjp is linear in u)."""
    given = tensors(case.inputs, case.differentiable)
    y = Run(case.program, case.numbers, kept=case.kept).outputs(given)
    out = [y[n] for n in real_outputs(case.program)]
    leaves = [given[n] for n in case.differentiable]
    us = [torch.zeros_like(c).requires_grad_() for c in out]
    total = sum((torch.sum(c * u) for c, u in zip(out, us, strict=True)), torch.zeros(()))
    back = gradients(total, leaves, True)
    along = [torch.from_numpy(np.array(v)) for v in tangents]
    paired = sum((torch.sum(g * v) for g, v in zip(back, along, strict=True)), torch.zeros(()))
    return [g.detach().numpy() for g in gradients(paired, us, False)]
