"""Learning rates as torch.optim.lr_scheduler's closed forms have them, on tensors of steps; and clipping."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _constant(lr: Array, t: Array, h: Hypers) -> Array:
    return torch.where(t < h["total_iters"], lr * h["factor"], lr)


def _linear(lr: Array, t: Array, h: Hypers) -> Array:
    part = torch.clamp(t, max=h["total_iters"]) / h["total_iters"]
    return lr * (h["start_factor"] * (1 - part) + h["end_factor"] * part)


def _polynomial(lr: Array, t: Array, h: Hypers) -> Array:
    return lr * (1.0 - torch.clamp(t, max=h["total_iters"]) / h["total_iters"]) ** h["power"]


def _half_cosine(lr: Array, low: float, part: Array) -> Array:
    return low + (lr - low) * (1 + torch.cos(math.pi * part)) / 2


def _restarts(lr: Array, t: Array, h: Hypers) -> Array:
    first, times = h["T_0"], h["T_mult"]
    if times == 1:
        return _half_cosine(lr, h["eta_min"], torch.remainder(t, first) / first)
    turn = torch.floor(torch.log(t / first * (times - 1) + 1) / math.log(times))
    since = t - first * (times**turn - 1) / (times - 1)
    return _half_cosine(lr, h["eta_min"], since / (first * times**turn))


def _cyclic(lr: Array, t: Array, h: Hypers) -> Array:
    whole = h["step_size_up"] + h["step_size_down"]
    cycle, ratio = torch.floor(1 + t / whole), h["step_size_up"] / whole
    x = 1.0 + t / whole - cycle
    height = (h["max_lr"] - lr) * torch.where(x <= ratio, x / ratio, (x - 1) / (ratio - 1))
    scale = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": h["gamma"] ** t}[h["mode"]]
    return lr + height * scale


def _one_cycle(high: Array, t: Array, h: Hypers) -> Array:
    start, top = high / h["div_factor"], h["pct_start"] * h["total_steps"] - 1
    end = start / h["final_div_factor"]

    def between(a: Array, b: Array, part: Array) -> Array:
        if h["anneal_strategy"] == "linear":
            return a + (b - a) * part
        return b + (a - b) / 2 * (1 + torch.cos(math.pi * part))

    rest = h["total_steps"] - 1 - top
    return torch.where(t <= top, between(start, high, t / top), between(high, end, (t - top) / rest))


def _inverse_sqrt(lr: Array, t: Array, h: Hypers) -> Array:
    s = torch.clamp(t, min=1)
    return lr * h["warmup"] ** 0.5 * torch.minimum(s**-0.5, s * h["warmup"] ** -1.5)


SCHEDULES: dict[str, Callable[[Array, Array, Hypers], Array]] = {
    "constant_lr": _constant,
    "linear_lr": _linear,
    "exponential_lr": lambda lr, t, h: lr * h["gamma"] ** t,
    "step_lr": lambda lr, t, h: lr * h["gamma"] ** torch.div(t, h["step_size"], rounding_mode="floor"),
    "polynomial_lr": _polynomial,
    "cosine_annealing_lr": lambda lr, t, h: _half_cosine(lr, h["eta_min"], t / h["T_max"]),
    "cosine_annealing_warm_restarts": _restarts,
    "cyclic_lr": _cyclic,
    "one_cycle_lr": _one_cycle,
    "inverse_sqrt_lr": _inverse_sqrt,
}


def _schedule(name: str) -> Reference:
    def rate(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        lr, t = inputs.values()
        return (SCHEDULES[name](lr, t, hypers),)

    return rate


def _multi_step(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    passed = torch.bucketize(inputs["t"], inputs["milestones"].sort().values.contiguous(), right=True)
    return (inputs["lr"] * hypers["gamma"] ** passed.to(inputs["lr"].dtype),)


def _by_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    grad = inputs["grad"]
    norm = torch.linalg.vector_norm(grad, float(hypers["norm_type"]))
    return grad * torch.clamp(hypers["max_norm"] / (norm + 1e-6), max=1.0), norm


REFERENCES: dict[str, Reference] = {
    **{name: _schedule(name) for name in SCHEDULES},
    "multi_step_lr": _multi_step,
    "clip_grad_value": lambda inputs, hypers: (inputs["grad"].clamp(-hypers["clip_value"], hypers["clip_value"]),),
    "clip_grad_norm": _by_norm,
}
