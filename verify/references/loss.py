"""torch's own operation: loss."""

from __future__ import annotations

import torch.nn.functional as F

from derive.verify.references.form import Reference, of

REFERENCES: dict[str, Reference] = {
    "mse_loss": of(F.mse_loss, "x", "target"),
    "cross_entropy": of(F.cross_entropy, "logits", "target", "weight"),
    "binary_cross_entropy_with_logits": lambda inputs, hypers: (
        F.binary_cross_entropy_with_logits(
            inputs["x"], inputs["target"], inputs.get("weight"), pos_weight=inputs.get("pos_weight"), **hypers
        ),
    ),
}
