"""Settings at which catalogue entries are checked, beside their defaults: data only.

An entry without a row here is varied by what its parameters say: both truths, every allowed word, with and
without each optional input, whole numbers a little above their defaults.
"""

from __future__ import annotations

from derive.verify.samples import (
    activation,
    attention,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
    grid,
    loss,
    normalization,
    optimizer,
    padding,
    pooling,
    recurrent,
    transformer,
    upsampling,
)
from derive.verify.samples.form import Settings

_FAMILIES = (
    activation,
    transformer,
    attention,
    convolution,
    distance,
    dropout,
    embedding,
    functional,
    grid,
    loss,
    normalization,
    optimizer,
    padding,
    pooling,
    recurrent,
    upsampling,
)

#: catalogue name -> its settings.
SETTINGS: Settings = {name: rows for family in _FAMILIES for name, rows in family.SETTINGS.items()}
