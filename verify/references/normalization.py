"""torch's own operation: normalizations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _layer_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x = inputs["x"]
    shape = x.shape[x.ndim - hypers["axes"] :]
    return (F.layer_norm(x, shape, inputs.get("weight"), inputs.get("bias"), hypers["eps"]),)


def _rms_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x = inputs["x"]
    return (F.rms_norm(x, x.shape[x.ndim - hypers["axes"] :], inputs.get("weight"), hypers["eps"]),)


def _batch_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """Running statistics that are not given are not written back."""
    running = [inputs[n].detach().clone() if n in inputs else None for n in ("running_mean", "running_var")]
    y = F.batch_norm(inputs["x"], *running, inputs.get("weight"), inputs.get("bias"), **hypers)  # type: ignore[call-arg,arg-type]
    return (y, *(r for r in running if r is not None)) if hypers["training"] else (y,)


def _instance_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    running = [inputs[n].detach().clone() if n in inputs else None for n in ("running_mean", "running_var")]
    y = F.instance_norm(inputs["x"], *running, inputs.get("weight"), inputs.get("bias"), **hypers)  # type: ignore[call-arg,arg-type]
    return (y, *(r for r in running if r is not None)) if hypers["use_input_stats"] else (y,)


def _group_norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    groups = hypers["num_groups"]
    return (F.group_norm(inputs["x"], groups, inputs.get("weight"), inputs.get("bias"), eps=hypers["eps"]),)


def _cross_map(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's own window forgets to drop a channel, so this is the formula, from a window of odd size."""
    x, size, k = inputs["x"], hypers["size"], hypers["k"]
    half = (size - 1) // 2
    squares = F.pad(x**2, (0, 0, 0, 0, half, half)).unfold(1, 2 * half + 1, 1).sum(-1)
    return (x / (k + hypers["alpha"] / size * squares) ** hypers["beta"],)


def _local(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch wants an axis beside the channels; one more or less is the same."""
    x = inputs["x"]
    return (
        F.local_response_norm(x[..., None], **hypers)[..., 0] if x.ndim < 3 else F.local_response_norm(x, **hypers),
    )


def _normalize(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    norm = torch.linalg.vector_norm(inputs["x"], hypers["p"], hypers["dim"], keepdim=True)
    if bool((norm.detach() == 0).any()):
        raise ValueError("its gradient at 0 is divided by eps")
    return (F.normalize(inputs["x"], **hypers),)


REFERENCES: dict[str, Reference] = {
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
    "local_response_norm": _local,
    "cross_map_lrn2d": _cross_map,
    "normalize": _normalize,
}
