"""The path an optimizer takes: torch's own, or a rule written out from its paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.references.form import Reference
from derive.verify.references.update_rules import RULES, path

Hypers = dict[str, Any]

#: optimizer name -> torch's class.
TORCHS: dict[str, Callable] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "rprop": torch.optim.Rprop,
    "asgd": torch.optim.ASGD,
    "adafactor": torch.optim.Adafactor,
    "adafactor_vector": torch.optim.Adafactor,
    "sparse_adam": torch.optim.SparseAdam,
}

#: Every optimizer with a path to compare with.
OPTIMIZERS: dict[str, Callable] = {**TORCHS, **RULES}

#: The parameter's shape where a definition wants axes; three numbers otherwise.
SHAPES: dict[str, tuple[int, ...]] = {"adafactor": (2, 3, 4), "muon": (3, 2), "shampoo": (3, 2)}

#: Inputs of a step beside the gradient, as the path computes them from the gradients of all steps.
BESIDE: dict[str, dict[str, Callable]] = {
    "sparse_adam": {"here": lambda grads: grads != 0},
    "sophia": {"hess": lambda grads: grads**2},
}


def gradients(shape: tuple[int, ...], seed: int, steps: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """A start, and gradients from 1e-3 to 1 with a spike, a step of exact zeros, single zeros and changes of sign."""
    rng = np.random.default_rng([seed, 13])
    grads = rng.normal(size=(steps, *shape)) * 10.0 ** rng.uniform(-3, 0, size=(steps, *shape))
    grads[4 % steps] *= 1e3
    grads[7 % steps] = 0.0
    grads[2 % steps].reshape(-1)[0] = 0.0
    return rng.normal(size=shape), grads


def given(name: str, grads: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of a step that are neither theta nor the gradient."""
    return {what: of(grads) for what, of in BESIDE.get(name, {}).items()}


def trajectory(name: str, theta: Array, grads: Array, hypers: Hypers) -> Array:
    """theta after each step, the t-th with gradient ``grads[t]``."""
    if name in RULES:
        return torch.from_numpy(path(name, theta.numpy(), grads.numpy(), hypers))
    default = torch.get_default_dtype()
    torch.set_default_dtype(theta.dtype)  # torch keeps scalar state in the default precision
    try:
        return _torchs(name, theta, grads, hypers)
    finally:
        torch.set_default_dtype(default)


def _torchs(name: str, theta: Array, grads: Array, hypers: Hypers) -> Array:
    parameter = theta.detach().clone().requires_grad_()
    optimizer = TORCHS[name]([parameter], **hypers)
    steps = []
    for grad in grads:
        parameter.grad = grad.to_sparse() if name == "sparse_adam" else grad.clone()
        optimizer.step()
        steps.append(parameter.detach().clone())
    return torch.stack(steps)


def _lbfgs(theta: Array, grad: Array, steps: Array, turns: Array, length: Array | float = 1.0) -> tuple[Array, Array]:
    """Nocedal's two loops over lists of vectors, oldest first, as torch.optim.LBFGS runs them."""
    olds, news = list(turns.flip(0)), list(steps.flip(0))
    rho = [1.0 / y.dot(s) for y, s in zip(olds, news, strict=True)]
    q, al = -grad, [grad.new_zeros(())] * len(olds)
    for i in reversed(range(len(olds))):
        al[i] = news[i].dot(q) * rho[i]
        q = q - al[i] * olds[i]
    d = q * (olds[-1].dot(news[-1]) / olds[-1].dot(olds[-1]))
    for i in range(len(olds)):
        d = d + news[i] * (al[i] - olds[i].dot(d) * rho[i])
    return theta + length * d, d


REFERENCES: dict[str, Reference] = {
    "root": lambda inputs, hypers: (torch.where(inputs["x"] > 0, inputs["x"].clamp(min=1e-300).sqrt(), 0.0),),
    "lbfgs": lambda inputs, hypers: _lbfgs(**inputs),
}
