"""torch's own operation: linear."""

from __future__ import annotations

import torch.nn.functional as F

from derive.verify.references.form import Reference, of

REFERENCES: dict[str, Reference] = {
    "linear": of(F.linear, "x", "weight", "bias"),
    "bilinear": of(F.bilinear, "x1", "x2", "weight", "bias"),
}
