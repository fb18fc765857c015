"""Settings: convolution."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "conv1d": (
        {},
        {"stride": 3, "padding": 2, "dilation": 2},
        {"groups": 2, "stride": 2, "padding": 1, "bias": None},
        {"padding": 2, "stride": 2, "padding_mode": "circular"},
        {"same": True, "dilation": 2, "padding_mode": "reflect"},
    ),
    "conv2d": (
        {},
        {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1)},
        {"stride": (3, 2), "padding": (0, 1), "dilation": (1, 2), "groups": 3, "bias": None},
        {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
        {"same": True, "dilation": (1, 2), "padding_mode": "reflect"},
        {"padding": (1, 0), "stride": (1, 2), "padding_mode": "replicate"},
    ),
    "conv3d": (
        {"stride": (2, 1, 3), "padding": (1, 2, 0), "dilation": (1, 2, 1)},
        {"groups": 2, "bias": None, "same": True, "padding_mode": "replicate"},
    ),
    "conv_transpose1d": (
        {},
        {"stride": 3, "padding": 1, "output_padding": 2, "dilation": 2},
        {"groups": 2, "stride": 2, "bias": None},
    ),
    "conv_transpose3d": (
        {"stride": (2, 1, 3), "padding": (1, 0, 1), "output_padding": (1, 0, 2), "dilation": (1, 2, 1)},
        {"groups": 2, "bias": None},
    ),
    "conv_transpose2d": (
        {},
        {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2), "dilation": (1, 2)},
        {"stride": (3, 2), "padding": (0, 1), "output_padding": (0, 1), "groups": 2, "dilation": (2, 1), "bias": None},
    ),
}
