"""Settings: attention of several heads, the layers of transformers, axes put in, a linear map under cross entropy."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "multi_head_attention": (
        {"num_heads": 2, "bias_k": None, "bias_v": None, "keep": None},
        {"num_heads": 2, "more": 2, "keep": None, "need_weights": True},
        {"num_heads": 1, "more": 1, "bias_k": None, "bias_v": None, "dropout_p": 0.3, "mask": None,
         "need_weights": True, "average_attn_weights": False, "q_proj_bias": None, "k_proj_bias": None,
         "v_proj_bias": None, "out_proj_bias": None},
    ),
    "packed_attention": ({"num_heads": 2}, {"num_heads": 1, "mask": None, "in_proj_bias": None, "out_proj_bias": None}),
    "feed_forward": ({}, {"activation": "gelu", "linear1_bias": None, "linear2_bias": None}),
    "transformer_encoder_layer": (
        {"nhead": 2, "padding": None},
        {"nhead": 1, "mask": None, "norm_first": True, "batch_first": True, "activation": "gelu", "in_proj_bias": None,
         "out_proj_bias": None, "linear1_bias": None, "linear2_bias": None, "norm1_bias": None, "norm2_bias": None},
    ),
    "transformer_decoder_layer": (
        {"nhead": 1, "tgt_padding": None, "memory_mask": None},
        {"nhead": 2, "tgt_mask": None, "memory_padding": None, "norm_first": True, "batch_first": True,
         "activation": "gelu", "linear1_bias": None, "linear2_bias": None, "norm3_bias": None},
    ),
    "transformer_encoder": (
        {"nhead": 2, "num_layers": 2, "norm_weight": None, "norm_bias": None, "padding": None},
    ),
    "transformer_decoder": ({"nhead": 2, "tgt_padding": None, "memory_padding": None},),
    "flatten": ({}, {"start_dim": 0, "end_dim": 1}, {"start_dim": -2}),
    "unflatten": ({"sizes": (2, 3)}, {"sizes": (3, 1), "dim": -1}),
    "spread_front": ({"n": 3},),
    "spread_axis": ({"n": 3, "axis": 1}, {"n": 2, "axis": 0}),
    "linear_cross_entropy": ({}, {"weight": None, "linear_bias": None, "label_smoothing": 0.2, "reduction": "sum"}),
    "soft_linear_cross_entropy": ({"label_smoothing": 0.1}, {"weight": None, "linear_bias": None, "reduction": "none"}),
}  # fmt: skip
