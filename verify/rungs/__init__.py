"""The rungs of the ladder, from cheap to strict: each asks one question of a program at one case."""

from __future__ import annotations

from derive.verify.rungs.base import CODES, Options, Rung
from derive.verify.rungs.differences import complex_steps, probed
from derive.verify.rungs.exactness import exact_identity
from derive.verify.rungs.forward import forward, torchs_gradient, trajectories
from derive.verify.rungs.gradients import gradients, tangents
from derive.verify.rungs.low_precision import low_precision
from derive.verify.rungs.promises import promises

__all__ = ["CODES", "RUNGS", "Options", "Rung"]

RUNGS: tuple[tuple[str, Rung], ...] = (
    ("forward", forward),
    ("gradient of torch's operation", torchs_gradient),
    ("trajectory", trajectories),
    ("gradient", gradients),
    ("tangent", tangents),
    ("contract", promises),
    ("complex step", complex_steps),
    ("probes", probed),
    ("low precision", low_precision),
    ("exact identity", exact_identity),
)
