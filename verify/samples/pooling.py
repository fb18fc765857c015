"""Settings: pooling."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
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
}
