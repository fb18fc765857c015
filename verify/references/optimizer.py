"""torch's own optimizers, and the path they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor as Array

Hypers = dict[str, Any]

#: optimizer name -> torch's class.
OPTIMIZERS: dict[str, Callable] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def trajectory(name: str, theta: Array, grads: Array, hypers: Hypers) -> Array:
    """theta after each step of torch's optimizer, the t-th with gradient ``grads[t]``."""
    parameter = theta.detach().clone().requires_grad_()
    optimizer = OPTIMIZERS[name]([parameter], **hypers)
    steps = []
    for grad in grads:
        parameter.grad = grad.clone()
        optimizer.step()
        steps.append(parameter.detach().clone())
    return torch.stack(steps)
