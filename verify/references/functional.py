"""torch's own operation: functions along one axis."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _gather(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.gather(inputs["x"], hypers["dim"], inputs["index"]),)


def _along(function: Callable) -> Reference:
    """A reduction over ``axes`` axes from ``dim`` on, as one over those flattened."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x, dim, axes = inputs["x"], hypers["dim"], hypers["axes"]
        first = dim % x.ndim
        more = {n: v for n, v in hypers.items() if n not in ("dim", "axes")}
        return (function(x.flatten(first, first + axes - 1), dim=first, **more),)

    return call


def _gumbel_softmax(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    g, dim = (inputs["logits"] + inputs["noise"]) / hypers["tau"], hypers["dim"]
    soft = torch.softmax(g, dim)
    if not hypers["hard"]:
        return (soft,)
    best = torch.zeros_like(soft).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
    return (best - soft.detach() + soft,)


def _grouped_mm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """Row by row, so that offsets need not rise."""
    a, b, ends = inputs["mat_a"], inputs["mat_b"], inputs["offs"]
    group = (ends[None, :] <= torch.arange(len(a))[:, None]).sum(1).tolist()
    rows = [row @ b[g] if g < len(b) else b.new_zeros(b.shape[2]) for row, g in zip(a, group, strict=True)]
    return (torch.stack(rows),)


def _scatter_add(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.scatter_add(inputs["x"], hypers["dim"], inputs["index"], inputs["source"]),)


REFERENCES: dict[str, Reference] = {
    "cumsum": of(torch.cumsum, "x"),
    "cumprod": of(torch.cumprod, "x"),
    "logsumexp": _along(torch.logsumexp),
    "prod_along": _along(torch.prod),
    "gumbel_softmax": _gumbel_softmax,
    "grouped_mm": _grouped_mm,
    "gather": _gather,
    "scatter_add": _scatter_add,
}
