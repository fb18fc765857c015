"""Settings: attention."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "scaled_dot_product_attention": (
        {"keep": None, "attn_mask": None},
        {"keep": None},
        {"attn_mask": None, "scale": 0.3},
        {"keep": None, "attn_mask": None, "dropout_p": 0.4},
        {"keep": None, "attn_mask": None, "is_causal": True},
        {"is_causal": True, "scale": 0.7},
    ),
    "grouped_query_attention": (
        {"keep": None, "attn_mask": None},
        {"is_causal": True, "scale": 0.7, "attn_mask": None, "dropout_p": 0.4},
    ),
}
