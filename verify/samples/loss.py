"""Settings: loss."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "cross_entropy": (
        {},
        {"weight": None},
        {"reduction": "sum", "label_smoothing": 0.2},
        {"reduction": "none", "weight": None, "label_smoothing": 0.1},
        {"label_smoothing": 0.3},
        {"ignore_index": 1},
        {"ignore_index": 0, "label_smoothing": 0.1, "reduction": "none"},
    ),
    "binary_cross_entropy_with_logits": (
        {},
        {"reduction": "sum", "weight": None},
        {"reduction": "none", "pos_weight": None},
    ),
}
