"""torch's own operation: functions along one axis."""

from __future__ import annotations

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _gather(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.gather(inputs["x"], hypers["dim"], inputs["index"]),)


def _scatter_add(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.scatter_add(inputs["x"], hypers["dim"], inputs["index"], inputs["source"]),)


REFERENCES: dict[str, Reference] = {
    "cumsum": of(torch.cumsum, "x"),
    "cumprod": of(torch.cumprod, "x"),
    "logsumexp": of(torch.logsumexp, "x"),
    "prod_along": of(torch.prod, "x"),
    "gather": _gather,
    "scatter_add": _scatter_add,
}
