"""torch's own operation: a linear map under cross entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _loss(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    weight, bias = inputs["linear_weight"], inputs.get("linear_bias")
    logits = F.linear(inputs["x"], weight.reshape(-1, weight.shape[-1]), None if bias is None else bias.flatten())
    return (
        F.cross_entropy(logits.unflatten(1, weight.shape[:-1]), inputs["target"], inputs.get("weight"), **hypers),
    )  # fmt: skip


REFERENCES: dict[str, Reference] = {"linear_cross_entropy": _loss, "soft_linear_cross_entropy": _loss}
