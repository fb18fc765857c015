"""Settings: attention of several heads, axes put in, a linear map under cross entropy."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "multi_head_attention": (
        {"num_heads": 2, "bias_k": None, "bias_v": None, "keep": None},
        {"num_heads": 2, "more": 2, "keep": None, "need_weights": True},
        {"num_heads": 1, "more": 1, "bias_k": None, "bias_v": None, "dropout_p": 0.3, "mask": None,
         "need_weights": True, "average_attn_weights": False},
    ),
    "spread_front": ({"n": 3},),
    "spread_axis": ({"n": 3, "axis": 1}, {"n": 2, "axis": 0}),
    "linear_cross_entropy": ({}, {"weight": None, "linear_bias": None, "label_smoothing": 0.2, "reduction": "none"}),
    "soft_linear_cross_entropy": ({"label_smoothing": 0.1}, {"weight": None, "reduction": "sum"}),
}  # fmt: skip
