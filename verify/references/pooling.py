"""torch's own operation: pooling."""

from __future__ import annotations

import torch.nn.functional as F

from derive.verify.references.form import Reference, of

REFERENCES: dict[str, Reference] = {
    "max_pool2d": of(F.max_pool2d, "x"),
    "avg_pool2d": of(F.avg_pool2d, "x"),
    "adaptive_avg_pool2d": of(F.adaptive_avg_pool2d, "x"),
    "pixel_shuffle": of(F.pixel_shuffle, "x"),
}
