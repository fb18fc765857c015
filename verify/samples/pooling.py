"""Settings: pools, and values moved."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "max_pool1d": (
        {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "return_indices": True},
        {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    ),
    "max_pool2d": (
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "return_indices": True},
        {"kernel_size": (2, 4), "stride": (1, 3), "padding": (1, 2), "dilation": (2, 1)},
        {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True},
    ),
    "max_pool3d": (
        {"kernel_size": (2, 1, 3), "stride": (1, 2, 1), "padding": (1, 0, 1), "return_indices": True},
        {"kernel_size": (1, 2, 2), "dilation": (1, 2, 1), "ceil_mode": True},
    ),
    "avg_pool1d": (
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    ),
    "avg_pool2d": (
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)},
        {"kernel_size": (2, 4), "stride": (1, 3), "padding": (1, 2), "count_include_pad": False},
        {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True},
        {"kernel_size": (3, 2), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True, "count_include_pad": False},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "divisor_override": 4},
    ),
    "avg_pool3d": (
        {"kernel_size": (2, 1, 3), "stride": (1, 2, 1), "padding": (1, 0, 1), "ceil_mode": True},
        {"kernel_size": (1, 2, 2), "count_include_pad": False, "divisor_override": 3},
    ),
    "lp_pool1d": (
        {"norm_type": 2, "kernel_size": 2},
        {"norm_type": 3, "kernel_size": 3, "stride": 2, "ceil_mode": True},
    ),
    "lp_pool2d": (
        {"norm_type": 2, "kernel_size": (2, 3), "stride": (2, 1)},
        {"norm_type": 1.5, "kernel_size": 2, "ceil_mode": True},
    ),
    "lp_pool3d": ({"norm_type": 2, "kernel_size": (1, 2, 2), "stride": (1, 1, 2), "ceil_mode": True},),
    "adaptive_avg_pool1d": ({"output_size": 3},),
    "adaptive_avg_pool2d": ({"output_size": 2}, {"output_size": (3, 2)}, {"output_size": (1, 4)}),
    "adaptive_avg_pool3d": ({"output_size": (2, 3, 1)},),
    "adaptive_max_pool1d": ({"output_size": 3, "return_indices": True},),
    "adaptive_max_pool2d": ({"output_size": (3, 2)}, {"output_size": (2, 3), "return_indices": True}),
    "adaptive_max_pool3d": ({"output_size": (2, 3, 1), "return_indices": True},),
    "fractional_max_pool2d": (
        {"kernel_size": (2, 1), "output_size": (4, 4), "return_indices": True},
        {"kernel_size": 2, "output_size": (1, 2)},
    ),
    "fractional_max_pool3d": (
        {"kernel_size": (2, 1, 2), "output_size": (1, 2, 2), "return_indices": True},
        {"kernel_size": (2, 1, 2), "output_size": 1},
    ),
    "max_unpool1d": ({"output_size": 6},),
    "max_unpool2d": ({"output_size": (4, 5)},),
    "max_unpool3d": ({"output_size": (2, 3, 4)},),
    "pixel_shuffle": ({"upscale_factor": 2}, {"upscale_factor": 3}),
    "pixel_unshuffle": ({"downscale_factor": 2},),
    "channel_shuffle": ({"groups": 2}, {"groups": 3}),
    "unfold": (
        {"kernel_size": 2},
        {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)},
    ),
    "fold": (
        {"output_size": (4, 5), "kernel_size": 2},
        {"output_size": (5, 4), "kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)},
    ),
}
