"""torch's own operation for each catalogue entry: the oracle of the forward, and nothing else.

A reference takes the inputs as tensors by name (absent ones missing) and every hyperparameter by name, and
returns the outputs in order, then what a module writes back.
"""

from __future__ import annotations

from derive.verify.references import (
    activation,
    attention,
    cells,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
    grid,
    linear,
    linear_loss,
    loss,
    model,
    normalization,
    optimizer,
    padding,
    pooling,
    recurrent,
    schedule,
    shape,
    transformer,
    upsampling,
)
from derive.verify.references.form import Hypers, Inputs, Reference
from derive.verify.references.named import named
from derive.verify.references.optimizer import OPTIMIZERS, trajectory

__all__ = ("OPTIMIZERS", "REFERENCES", "Hypers", "Inputs", "Reference", "named", "trajectory")

_FAMILIES = (
    activation,
    transformer,
    shape,
    linear_loss,
    cells,
    attention,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
    grid,
    linear,
    loss,
    model,
    normalization,
    optimizer,
    padding,
    pooling,
    recurrent,
    schedule,
    upsampling,
)

#: catalogue name -> torch's operation.
REFERENCES: dict[str, Reference] = {name: call for family in _FAMILIES for name, call in family.REFERENCES.items()}
