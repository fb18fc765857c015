"""torch's own operation for each catalogue entry: the oracle of the forward, and nothing else.

A reference takes the inputs as tensors by name (absent ones missing) and every hyperparameter by name, and
returns the outputs in order, then what a module writes back.
"""

from __future__ import annotations

from derive.verify.references import (
    activation,
    attention,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
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
from derive.verify.references.form import Hypers, Inputs, Reference
from derive.verify.references.optimizer import OPTIMIZERS, trajectory

__all__ = ("OPTIMIZERS", "REFERENCES", "Hypers", "Inputs", "Reference", "trajectory")

_FAMILIES = (
    activation,
    attention,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
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
