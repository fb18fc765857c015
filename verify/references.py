"""torch's own operation for each catalogue entry: the oracle of the forward, and nothing else.

A reference takes the inputs as tensors by name (absent ones missing) and every hyperparameter by name, and
returns the outputs in order, then what a module writes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor as Array

Inputs = dict[str, Array]
Hypers = dict[str, Any]
Reference = Callable[[Inputs, Hypers], "tuple[Array, ...]"]


def _of(function: Callable, *names: str, **renamed: str) -> Reference:
    """A function of torch whose arguments are those inputs in order; hyperparameters by keyword."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        values = {renamed.get(k, k): v for k, v in hypers.items()}
        return (function(*(inputs.get(name) for name in names), **values),)

    return call


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


def _dropout(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch draws the mask itself, so the reference is the sentence of its documentation."""
    if not hypers["training"]:
        return (F.dropout(inputs["x"], hypers["p"], training=False),)
    return (inputs["x"] * inputs["keep"] / (1 - hypers["p"]),)


def _embedding(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.embedding(inputs["token"], inputs["weight"], padding_idx=hypers["padding_idx"]),)


def _softmax(function: Callable) -> Reference:
    return lambda inputs, hypers: (function(inputs["x"], dim=-1),)


def _recurrent(operation: Callable[[Hypers], Callable], *states: str) -> Reference:
    """One layer of torch's recurrent operation over these initial states."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        zero = torch.zeros(inputs["weight_ih"].shape[0], dtype=inputs["x"].dtype)
        weights = [inputs["weight_ih"], inputs["weight_hh"], inputs.get("bias_ih", zero), inputs.get("bias_hh", zero)]
        first = [inputs[name][None] for name in states]
        y, *last = operation(hypers)(
            inputs["x"], first if len(first) > 1 else first[0], weights, True, 1, 0.0, False, False, False
        )
        return (y, *(s[0] for s in last))

    return call


def _attention(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch takes one mask: additive, boolean or causal; several at once are one additive mask."""
    query, key, value = (inputs[name] for name in ("query", "key", "value"))
    mask, keep = inputs.get("attn_mask"), inputs.get("keep")
    causal = hypers["is_causal"]
    if mask is None and (keep is None or not causal):
        given = {"attn_mask": keep, "is_causal": causal}
    else:
        seen = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool)
        seen = seen.tril() if causal else seen
        seen = seen if keep is None else seen & keep
        added = torch.zeros((), dtype=query.dtype) if mask is None else mask
        given = {"attn_mask": added.masked_fill(~seen, -torch.inf)}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return (F.scaled_dot_product_attention(query, key, value, scale=hypers["scale"], **given),)


def _mlp(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    h = F.relu(F.linear(inputs["x"], inputs["w1"], inputs["b1"]))
    return (F.linear(h, inputs["w2"], inputs["b2"]),)


def _cnn(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    h = inputs["x"]
    for i in ("1", "2"):
        h = F.max_pool2d(F.relu(F.conv2d(h, inputs["w" + i], inputs["b" + i], padding=1)), 2)
    return (F.linear(h.flatten(1), inputs["w3"], inputs["b3"]),)


def _with_loss(model: Reference) -> Reference:
    return lambda inputs, hypers: (F.cross_entropy(model(inputs, hypers)[0], inputs["target"]),)


#: catalogue name -> torch's operation.
REFERENCES: dict[str, Reference] = {
    "linear": _of(F.linear, "x", "weight", "bias"),
    "bilinear": _of(F.bilinear, "x1", "x2", "weight", "bias"),
    "conv1d": _of(F.conv1d, "x", "weight", "bias"),
    "conv2d": _of(F.conv2d, "x", "weight", "bias"),
    "conv_transpose2d": _of(F.conv_transpose2d, "x", "weight", "bias"),
    "max_pool2d": _of(F.max_pool2d, "x"),
    "avg_pool2d": _of(F.avg_pool2d, "x"),
    "adaptive_avg_pool2d": _of(F.adaptive_avg_pool2d, "x"),
    "pixel_shuffle": _of(F.pixel_shuffle, "x"),
    "relu": _of(F.relu, "x"),
    "leaky_relu": _of(F.leaky_relu, "x"),
    "sigmoid": _of(torch.sigmoid, "x"),
    "tanh": _of(torch.tanh, "x"),
    "gelu": _of(F.gelu, "x"),
    "silu": _of(F.silu, "x"),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
    "dropout": _dropout,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "embedding": _embedding,
    "rnn": _recurrent(lambda hypers: getattr(torch, "rnn_" + hypers["nonlinearity"]), "h0"),
    "lstm": _recurrent(lambda hypers: torch.lstm, "h0", "c0"),
    "gru": _recurrent(lambda hypers: torch.gru, "h0"),
    "scaled_dot_product_attention": _attention,
    "mse_loss": _of(F.mse_loss, "x", "target"),
    "cross_entropy": _of(F.cross_entropy, "logits", "target", "weight"),
    "binary_cross_entropy_with_logits": lambda inputs, hypers: (
        F.binary_cross_entropy_with_logits(
            inputs["x"], inputs["target"], inputs.get("weight"), pos_weight=inputs.get("pos_weight"), **hypers
        ),
    ),
    "mlp": _mlp,
    "mlp_loss": _with_loss(_mlp),
    "cnn": _cnn,
    "cnn_loss": _with_loss(_cnn),
}

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
