"""torch's own operation: convolution."""

from __future__ import annotations

import torch.nn.functional as F

from derive.verify.references.form import Reference, of

REFERENCES: dict[str, Reference] = {
    "conv1d": of(F.conv1d, "x", "weight", "bias"),
    "conv2d": of(F.conv2d, "x", "weight", "bias"),
    "conv_transpose2d": of(F.conv_transpose2d, "x", "weight", "bias"),
}
