"""Update rules that torch.optim has not, written out in NumPy from their papers; nothing of derive is used.

A rule takes theta_0, the gradients of all steps and every hyperparameter by name, and gives theta after each step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray
Rule = Callable[..., Iterator[Array]]


def sign_sgd(theta: Array, grads: Array, *, lr, momentum, weight_decay, maximize) -> Iterator[Array]:
    """Bernstein et al., signSGD (arXiv:1802.04434), algorithm 2, Signum; decay apart from the sign."""
    m = np.zeros_like(theta)
    for grad in grads:
        g = -grad if maximize else grad
        m = momentum * m + (1 - momentum) * g
        theta = theta - lr * (np.sign(m) + weight_decay * theta)
        yield theta


def lion(theta: Array, grads: Array, *, lr, betas, weight_decay, maximize) -> Iterator[Array]:
    """Chen et al., Symbolic discovery of optimization algorithms (arXiv:2302.06675), algorithm 2."""
    m = np.zeros_like(theta)
    for grad in grads:
        g = -grad if maximize else grad
        update = np.sign(betas[0] * m + (1 - betas[0]) * g)
        theta = theta - lr * (update + weight_decay * theta)
        m = betas[1] * m + (1 - betas[1]) * g
        yield theta


def adabelief(
    theta: Array, grads: Array, *, lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay
) -> Iterator[Array]:
    """Zhuang et al., AdaBelief (arXiv:2010.07468), algorithm 2: eps is added to s at every step, and to its root."""
    m, s, most = (np.zeros_like(theta) for _ in range(3))
    for t, grad in enumerate(grads, 1):
        g = -grad if maximize else grad
        if decoupled_weight_decay:
            theta = theta * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * theta
        m = betas[0] * m + (1 - betas[0]) * g
        s = betas[1] * s + (1 - betas[1]) * (g - m) ** 2 + eps
        most = np.maximum(most, s)
        s_hat = (most if amsgrad else s) / (1 - betas[1] ** t)
        theta = theta - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(s_hat) + eps)
        yield theta


def yogi(theta: Array, grads: Array, *, lr, betas, eps, initial_accumulator, weight_decay, maximize) -> Iterator[Array]:
    """Zaheer et al., Adaptive methods for nonconvex optimization (NeurIPS 2018), algorithm 2, bias corrected."""
    m, v = np.full_like(theta, initial_accumulator), np.full_like(theta, initial_accumulator)
    for t, grad in enumerate(grads, 1):
        g = (-grad if maximize else grad) + weight_decay * theta
        m = betas[0] * m + (1 - betas[0]) * g
        v = v - (1 - betas[1]) * np.sign(v - g * g) * g * g
        theta = theta - lr / (1 - betas[0] ** t) * m / (np.sqrt(v) / math.sqrt(1 - betas[1] ** t) + eps)
        yield theta


def adan(theta: Array, grads: Array, *, lr, betas, eps, weight_decay, no_prox, maximize) -> Iterator[Array]:
    """Xie et al., Adan (arXiv:2208.06677), algorithm 1, betas as in the authors' code (1 − the paper's)."""
    m, v, n, before = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta), None
    for t, grad in enumerate(grads, 1):
        g = -grad if maximize else grad
        diff = np.zeros_like(g) if before is None else g - before
        before = g
        m += (1 - betas[0]) * (g - m)
        v += (1 - betas[1]) * (diff - v)
        n += (1 - betas[2]) * ((g + betas[1] * diff) ** 2 - n)
        rate = lr / (np.sqrt(n / (1 - betas[2] ** t)) + eps)
        step = rate * (m / (1 - betas[0] ** t) + betas[1] * v / (1 - betas[1] ** t))
        theta = theta * (1 - lr * weight_decay) - step if no_prox else (theta - step) / (1 + lr * weight_decay)
        yield theta


def sophia(theta: Array, grads: Array, *, lr, betas, rho, eps, weight_decay, update_every, maximize) -> Iterator[Array]:
    """Liu et al., Sophia (arXiv:2305.14342), algorithm 3; the estimate of the Hessian's diagonal is grad² here."""
    m, h = np.zeros_like(theta), np.zeros_like(theta)
    for t, grad in enumerate(grads, 1):
        g = -grad if maximize else grad
        m = betas[0] * m + (1 - betas[0]) * g
        if t % update_every == 1 or update_every == 1:
            h = betas[1] * h + (1 - betas[1]) * grad * grad
        theta = theta - lr * weight_decay * theta
        theta = theta - lr * np.clip(m / np.maximum(rho * h, eps), -1, 1)
        yield theta


def lars(
    theta: Array, grads: Array, *, lr, momentum, weight_decay, trust_coefficient, eps, maximize
) -> Iterator[Array]:
    """You, Gitman, Ginsburg, Large batch training of convolutional networks (arXiv:1708.03888), algorithm 1."""
    v = np.zeros_like(theta)
    for grad in grads:
        w, g = float(np.linalg.norm(theta)), float(np.linalg.norm(grad))
        local = trust_coefficient * w / (g + weight_decay * w + eps) if w > 0 and g > 0 else 1.0
        v = momentum * v + lr * local * ((-grad if maximize else grad) + weight_decay * theta)
        theta = theta - v
        yield theta


def lamb(theta: Array, grads: Array, *, lr, betas, eps, weight_decay, maximize) -> Iterator[Array]:
    """You et al., Large batch optimization for deep learning (arXiv:1904.00962), algorithm 2, φ the identity."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, grad in enumerate(grads, 1):
        g = -grad if maximize else grad
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        r = (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps) + weight_decay * theta
        w, length = float(np.linalg.norm(theta)), float(np.linalg.norm(r))
        theta = theta - lr * (w / length if w > 0 and length > 0 else 1.0) * r
        yield theta


def _free(lr: float, warmup_steps: float, r: float, power: float, steps: int) -> Iterator[tuple[float, float]]:
    """(rate, weight of z in the average) of each step."""
    top = total = 0.0
    for t in range(1, steps + 1):
        rate = lr * min(1.0, t / warmup_steps) if warmup_steps else lr
        top = max(top, rate)
        weight = t**r * top**power
        total += weight
        yield rate, weight / total if total else 0.0


def schedule_free_sgd(
    theta: Array, grads: Array, *, lr, momentum, weight_decay, warmup_steps, r, weight_lr_power, maximize
) -> Iterator[Array]:
    """Defazio et al., The road less scheduled (arXiv:2405.15682), equations 3 to 5, decay at y."""
    x = z = y = theta
    for grad, (rate, c) in zip(grads, _free(lr, warmup_steps, r, weight_lr_power, len(grads)), strict=True):
        z = z - rate * ((-grad if maximize else grad) + weight_decay * y)
        x = (1 - c) * x + c * z
        y = (1 - momentum) * z + momentum * x
        yield y


def schedule_free_adamw(
    theta: Array, grads: Array, *, lr, betas, eps, weight_decay, warmup_steps, r, weight_lr_power, maximize
) -> Iterator[Array]:
    """Defazio et al., The road less scheduled (arXiv:2405.15682), algorithm 1, the bias corrected in v."""
    x = z = y = theta
    v = np.zeros_like(theta)
    rates = _free(lr, warmup_steps, r, weight_lr_power, len(grads))
    for t, (grad, (rate, c)) in enumerate(zip(grads, rates, strict=True), 1):
        g = -grad if maximize else grad
        v = betas[1] * v + (1 - betas[1]) * g * g
        z = z - rate * (g / (np.sqrt(v / (1 - betas[1] ** t)) + eps) + weight_decay * y)
        x = (1 - c) * x + c * z
        y = (1 - betas[0]) * z + betas[0] * x
        yield y


def muon(
    theta: Array, grads: Array, *, lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn
) -> Iterator[Array]:
    """Jordan, Muon (kellerjordan.github.io/posts/muon), in the parameter's own precision; torch rounds to bfloat16."""
    a, b, c = ns_coefficients
    buffer = np.zeros_like(theta)
    rows, columns = theta.shape
    ratio = math.sqrt(max(1, rows / columns)) if adjust_lr_fn == "original" else 0.2 * math.sqrt(max(rows, columns))
    for grad in grads:
        buffer = buffer + (1 - momentum) * (grad - buffer)
        x = grad + momentum * (buffer - grad) if nesterov else buffer
        wide = x if rows <= columns else x.T
        wide = wide / max(float(np.linalg.norm(wide)), eps)
        for _ in range(ns_steps):
            gram = wide @ wide.T
            wide = a * wide + (b * gram + c * gram @ gram) @ wide
        theta = theta * (1 - lr * weight_decay) - lr * ratio * (wide if rows <= columns else wide.T)
        yield theta


def _root(a: Array) -> Array:
    """a^(−1/4) by eigenvalues."""
    values, vectors = np.linalg.eigh(a)
    return (vectors * values**-0.25) @ vectors.T


def shampoo(theta: Array, grads: Array, *, lr, momentum, weight_decay, eps, maximize, root_steps) -> Iterator[Array]:
    """Gupta, Koren, Singer, Shampoo (arXiv:1802.09568), algorithm 1, momentum and decay added; roots by eigenvalues."""
    left, right, b = eps * np.eye(len(theta)), eps * np.eye(theta.shape[1]), np.zeros_like(theta)
    for grad in grads:
        g = -grad if maximize else grad
        left, right = left + g @ g.T, right + g.T @ g
        b = momentum * b + _root(left) @ g @ _root(right)
        theta = theta - lr * (weight_decay * theta + b)
        yield theta


def ema(theta: Array, points: Array, *, decay) -> Iterator[Array]:
    """Polyak, Juditsky, Acceleration of stochastic approximation by averaging (1992), weights waning by decay."""
    for point in points:
        theta = decay * theta + (1 - decay) * point
        yield theta


def swa(theta: Array, points: Array) -> Iterator[Array]:
    """Izmailov et al., Averaging weights leads to wider optima (arXiv:1803.05407): the plain mean so far."""
    for n in range(1, len(points) + 1):
        yield np.mean(np.concatenate([theta[None], points[:n]]), axis=0)


#: catalogue name -> the rule.
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        sign_sgd, lion, adabelief, yogi, adan, sophia, lars, lamb, schedule_free_sgd, schedule_free_adamw, muon,
        shampoo, ema, swa,
    )
}  # fmt: skip


def path(name: str, theta: Array, grads: Array, hypers: dict[str, Any]) -> Array:
    """theta after each step."""
    return np.stack(list(RULES[name](theta, grads, **hypers)))
