"""Settings: embedding."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "embedding": ({}, {"padding_idx": 1}, {"padding_idx": 0, "scale_grad_by_freq": True}),
    "embedding_bag": (
        {"per_sample_weights": None},
        {"mode": "sum", "padding_idx": 1},
        {"mode": "sum", "per_sample_weights": None},
        {"mode": "max", "padding_idx": 0, "per_sample_weights": None},
        {"mode": "sum", "scale_grad_by_freq": True},
    ),
    "embedding_bag_offsets": (
        {"longest": 3, "per_sample_weights": None},
        {"longest": 3, "mode": "sum", "padding_idx": 1},
        {"longest": 4, "mode": "sum", "include_last_offset": True},
        {"longest": 3, "mode": "max", "padding_idx": 0, "per_sample_weights": None},
        {"longest": 3, "per_sample_weights": None, "scale_grad_by_freq": True},
    ),
}
