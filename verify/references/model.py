"""torch's own operation: model."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


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


REFERENCES: dict[str, Reference] = {
    "mlp": _mlp,
    "mlp_loss": _with_loss(_mlp),
    "cnn": _cnn,
    "cnn_loss": _with_loss(_cnn),
}
