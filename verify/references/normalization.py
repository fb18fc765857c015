"""torch's own operation: normalization."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _layer_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x = inputs["x"]
    return (F.layer_norm(x, x.shape[-1:], inputs.get("weight"), inputs.get("bias"), **hypers),)


def _rms_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x = inputs["x"]
    return (F.rms_norm(x, x.shape[-1:], inputs.get("weight"), **hypers),)


def _batch_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    mean, var = inputs["running_mean"].detach().clone(), inputs["running_var"].detach().clone()
    y = F.batch_norm(inputs["x"], mean, var, inputs.get("weight"), inputs.get("bias"), **hypers)
    return (y, mean, var) if hypers["training"] else (y,)


def _group_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    groups = hypers["num_groups"]
    return (F.group_norm(inputs["x"], groups, inputs.get("weight"), inputs.get("bias"), eps=hypers["eps"]),)


REFERENCES: dict[str, Reference] = {
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
}
