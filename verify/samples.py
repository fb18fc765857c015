"""Settings at which catalogue entries are checked, beside their defaults: data only.

An entry without a row here is varied by what its parameters say: both truths, every allowed word, with and
without each optional input, whole numbers a little above their defaults.
"""

from __future__ import annotations

#: name -> the settings; ``None`` for an input means that it is absent.
SETTINGS: dict[str, tuple[dict[str, object], ...]] = {
    "conv1d": (
        {},
        {"stride": 3, "padding": 2, "dilation": 2},
        {"groups": 2, "stride": 2, "padding": 1, "bias": None},
    ),
    "conv2d": (
        {},
        {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1)},
        {"stride": (3, 2), "padding": (0, 1), "dilation": (1, 2), "groups": 3, "bias": None},
        {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
    ),
    "conv_transpose2d": (
        {},
        {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2), "dilation": (1, 2)},
        {"stride": (3, 2), "padding": (0, 1), "output_padding": (0, 1), "groups": 2, "dilation": (2, 1), "bias": None},
    ),
    "max_pool2d": (
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
        {"kernel_size": (2, 4), "stride": (1, 3), "padding": (1, 2), "dilation": (2, 1)},
        {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True},
    ),
    "avg_pool2d": (
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)},
        {"kernel_size": (2, 4), "stride": (1, 3), "padding": (1, 2), "count_include_pad": False},
        {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True},
        {"kernel_size": (3, 2), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True, "count_include_pad": False},
    ),
    "adaptive_avg_pool2d": ({"output_size": 2}, {"output_size": (3, 2)}, {"output_size": (1, 4)}),
    "pixel_shuffle": ({"upscale_factor": 2}, {"upscale_factor": 3}),
    "gelu": ({}, {"approximate": "tanh"}),
    "dropout": ({}, {"p": 0.3}, {"training": False}),
    "batch_norm": ({}, {"momentum": 0.3}, {"training": False}, {"weight": None, "bias": None}),
    "group_norm": ({"num_groups": 2}, {"num_groups": 3}, {"num_groups": 1, "weight": None, "bias": None}),
    "embedding": ({}, {"padding_idx": 1}),
    "rnn": ({}, {"nonlinearity": "relu"}, {"bias_ih": None, "bias_hh": None}),
    "scaled_dot_product_attention": (
        {"keep": None, "attn_mask": None},
        {"keep": None},
        {"attn_mask": None, "scale": 0.3},
        {"keep": None, "attn_mask": None, "is_causal": True},
        {"is_causal": True, "scale": 0.7},
    ),
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
    "sgd": (
        {},
        {"momentum": 0.9},
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        {"momentum": 0.7, "nesterov": True, "weight_decay": 0.05},
        {"momentum": 0.6, "dampening": 0.5, "maximize": True},
        {"weight_decay": 0.2, "maximize": True},
    ),
    "adam": (
        {},
        {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1},
        {"amsgrad": True, "lr": 0.1, "betas": (0.5, 0.6)},
        {"maximize": True, "weight_decay": 0.3, "amsgrad": True, "eps": 0.1},
    ),
}
