"""Samples beside ``module_db``'s: classes it leaves out, and sizes, strides and options all different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Make = Callable[[torch.Generator], Any]


@dataclass(frozen=True)
class Arguments:
    """What a constructor or a forward is given."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """As ``module_db`` has them."""

    constructor_input: Arguments
    forward_input: Arguments


def real(*shape: int) -> Make:
    return lambda g: torch.randn(shape, generator=g, dtype=torch.float64).requires_grad_()


def constant(*shape: int) -> Make:
    return lambda g: torch.rand(shape, generator=g, dtype=torch.float64)


def whole(below: int, *shape: int) -> Make:
    return lambda g: torch.randint(below, shape, generator=g)


def exact(make: Callable[[], Any]) -> Make:
    return lambda _: make()


def positions(size: tuple[int, ...], stride: int, *shape: int) -> Make:
    """Indices into a plane as max pooling without overlap gives them: each used once."""

    def make(_: torch.Generator) -> torch.Tensor:
        plane = torch.arange(int(torch.tensor(size).prod())).reshape(size)
        corners = plane[tuple(slice(0, s * stride, stride) for s in shape[-len(size) :])]
        return corners.expand(shape).clone()

    return make


#: class → (constructor's arguments, its keywords, makers of forward's arguments)
Rows = dict[str, tuple[tuple[tuple[Any, ...], dict[str, Any], tuple[Make, ...]], ...]]

LEFT_OUT: Rows = {
    "AdaptiveLogSoftmaxWithLoss": (
        ((8, 12, [3, 5, 9]), {"div_value": 2.0}, (real(6, 8), exact(lambda: torch.tensor([0, 2, 11, 4, 9, 3])))),
        ((8, 12, [4]), {"head_bias": True}, (real(3, 8), exact(lambda: torch.tensor([0, 3, 1])))),
        ((8, 12, [3, 5]), {}, (real(8), exact(lambda: torch.tensor(10)))),
    ),
    "ChannelShuffle": (((3,), {}, (real(2, 6, 3, 4),)),),
    "CosineSimilarity": (((), {}, (real(3, 4), real(3, 4))), ((2, 1e-6), {}, (real(2, 3, 4), real(2, 3, 4)))),
    "PairwiseDistance": (((), {}, (real(3, 4), real(3, 4))), ((1.5,), {"keepdim": True}, (real(3, 4), real(3, 4)))),
    "Dropout": (((0.3,), {}, (real(4, 5),)), ((0.0,), {}, (real(4, 5),)), ((1.0,), {}, (real(4, 5),))),
    "Dropout1d": (((0.3,), {}, (real(4, 5, 3),)), ((0.3,), {}, (real(5, 3),))),
    "Dropout2d": (((0.3,), {}, (real(4, 5, 3, 2),)),),
    "Dropout3d": (((0.3,), {}, (real(4, 5, 3, 2, 2),)),),
    "AlphaDropout": (((0.3,), {}, (real(4, 5),)),),
    "FeatureAlphaDropout": (((0.3,), {}, (real(4, 5, 3),)),),
    "Hardsigmoid": (((), {}, (real(3, 4),)), ((), {"inplace": True}, (real(3, 4),))),
    "RReLU": (((0.1, 0.4), {}, (real(3, 4),)),),
    "Fold": ((((5, 6), (2, 3)), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}, (real(2, 12, 10),)),),
    "Unfold": ((((2, 3),), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}, (real(2, 3, 5, 6),)),),
    "PixelShuffle": (((3,), {}, (real(2, 18, 2, 3),)),),
    "PixelUnshuffle": (((2,), {}, (real(2, 3, 4, 6),)),),
    "MaxUnpool1d": (((2,), {}, (real(2, 3, 4), positions((8,), 2, 2, 3, 4))),),
    "MaxUnpool2d": (((2,), {}, (real(2, 3, 2, 4), positions((4, 8), 2, 2, 3, 2, 4))),),
    "MaxUnpool3d": (((2,), {}, (real(2, 2, 2, 3, 2), positions((4, 6, 4), 2, 2, 2, 2, 3, 2))),),
    "LazyLinear": (((4,), {}, (real(2, 3),)),),
    "LazyBatchNorm1d": (((), {}, (real(4, 3, 2),)),),
    "LazyBatchNorm2d": (((), {}, (real(4, 3, 2, 5),)),),
    "LazyBatchNorm3d": (((), {}, (real(4, 3, 2, 5, 2),)),),
    "LazyInstanceNorm1d": (((), {"affine": True}, (real(4, 3, 5),)),),
    "LazyInstanceNorm2d": (((), {"affine": True}, (real(4, 3, 2, 5),)),),
    "LazyInstanceNorm3d": (((), {"affine": True}, (real(4, 3, 2, 5, 2),)),),
    "NLLLoss2d": (((), {}, (real(2, 5, 3, 4), whole(5, 2, 3, 4))),),
    "TripletMarginLoss": (
        ((), {}, (real(4, 3), real(4, 3), real(4, 3))),
        ((), {"p": 3.0, "swap": True, "reduction": "sum", "margin": 2.0}, (real(4, 3), real(4, 3), real(4, 3))),
    ),
    "TripletMarginWithDistanceLoss": (((), {}, (real(4, 3), real(4, 3), real(4, 3))),),
    "EmbeddingBag": (
        ((6, 3), {}, (whole(6, 4, 5),)),
        ((6, 3), {"mode": "sum"}, (whole(6, 7), exact(lambda: torch.tensor([0, 2, 2, 5])))),
        ((6, 3), {"mode": "max", "padding_idx": 2}, (whole(6, 4, 5),)),
        ((6, 3), {"mode": "sum", "include_last_offset": True},
         (whole(6, 7), exact(lambda: torch.tensor([0, 2, 5, 7])), real(7))),
    ),
    "Upsample": (
        ((), {"scale_factor": 2.0}, (real(2, 3, 4),)),
        ((), {"scale_factor": (1.5, 2.3)}, (real(2, 3, 4, 5),)),
        (((5, 3),), {}, (real(2, 3, 4, 5),)),
        ((), {"scale_factor": 1.7, "mode": "linear"}, (real(2, 3, 4),)),
        (((7, 3),), {"mode": "bilinear", "align_corners": True}, (real(2, 3, 4, 5),)),
        ((), {"scale_factor": (1.5, 2.3), "mode": "bilinear"}, (real(2, 3, 4, 5),)),
        ((), {"scale_factor": 1.5, "mode": "bilinear", "recompute_scale_factor": True}, (real(2, 3, 4, 5),)),
        (((7, 3),), {"mode": "bicubic"}, (real(2, 3, 4, 5),)),
        (((7, 3),), {"mode": "bicubic", "align_corners": True}, (real(2, 3, 4, 5),)),
        (((3, 5, 4),), {"mode": "trilinear"}, (real(2, 2, 2, 3, 4),)),
        (((7,),), {"mode": "nearest-exact"}, (real(2, 3, 4),)),
        (((2, 3),), {"mode": "area"}, (real(2, 3, 4, 5),)),
    ),
    "UpsamplingNearest2d": (((), {"scale_factor": 2}, (real(2, 3, 4, 5),)),),
    "UpsamplingBilinear2d": (((), {"size": (5, 7)}, (real(2, 3, 4, 5),)),),
    "CrossMapLRN2d": (((3,), {"alpha": 0.1, "beta": 0.7, "k": 1.5}, (real(2, 5, 3, 4),)),),
    "Flatten": (((), {}, (real(2, 3, 4),)),),
    "Unflatten": (((1, (2, 3)), {}, (real(2, 6),)),),
    "Identity": (((), {}, (real(2, 3),)),),
}  # fmt: skip

#: Sizes all different, batch 2 or more, every option off its default.
ASYMMETRIC: Rows = {
    "Conv1d": (((4, 6, 3), {"stride": 2, "padding": 3, "dilation": 2, "groups": 2}, (real(3, 4, 11),)),
               ((4, 2, 2), {"padding": 2, "padding_mode": "circular", "bias": False}, (real(3, 4, 5),))),
    "Conv2d": (
        ((4, 6, (3, 2)), {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1), "groups": 2}, (real(3, 4, 9, 8),)),
        ((2, 3, (2, 4)), {"padding": "same", "dilation": (3, 1)}, (real(3, 2, 7, 5),)),
        ((2, 3, (3, 2)), {"padding": (2, 1), "padding_mode": "reflect"}, (real(3, 2, 7, 5),)),
    ),
    "Conv3d": (((2, 4, (2, 1, 3)), {"stride": (2, 1, 3), "padding": (1, 0, 2), "groups": 2}, (real(2, 2, 5, 3, 7),)),),
    "ConvTranspose1d": (((4, 6, 3), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}, (real(2, 4, 5),)),),
    "ConvTranspose2d": (
        ((4, 6, (3, 2)),
         {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2), "groups": 2, "dilation": (1, 2)},
         (real(2, 4, 3, 5),)),
    ),
    "MaxPool2d": ((((3, 2),), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "ceil_mode": True},
                   (real(2, 3, 8, 7),)),),
    "AvgPool2d": ((((3, 2),), {"stride": (2, 1), "padding": (1, 0), "ceil_mode": True, "count_include_pad": False},
                   (real(2, 3, 8, 7),)),),
    "BatchNorm2d": (((3,), {"momentum": None}, (real(4, 3, 2, 5),)), ((3,), {"affine": False}, (real(1, 3, 2, 5),))),
    "LayerNorm": ((((3, 4),), {"bias": False}, (real(2, 5, 3, 4),)), ((4,), {"elementwise_affine": False}, (real(4),))),
    "Linear": (((3, 4), {}, (real(0, 3),)), ((1, 1), {}, (real(2, 5, 1),)), ((3, 4), {"bias": False}, (real(3),))),
    "Embedding": (((6, 3), {"padding_idx": -2}, (whole(6, 4, 5),)), ((6, 3), {"max_norm": 1.0}, (whole(6, 4),))),
    "Bilinear": (((3, 4, 2), {}, (real(2, 5, 3), real(2, 5, 4))),),
    "Softmax": (((0,), {}, (real(3, 4),)), ((-2,), {}, (real(2, 3, 4),)), ((1,), {}, (real(2, 1, 4),))),
    "MultiheadAttention": (
        ((6, 2), {"kdim": 5, "vdim": 3, "add_bias_kv": True, "add_zero_attn": True},
         (real(4, 2, 6), real(3, 2, 5), real(3, 2, 3))),
        ((6, 3), {"dropout": 0.4, "batch_first": True}, (real(2, 4, 6), real(2, 3, 6), real(2, 3, 6))),
    ),
    "LSTM": (((3, 4), {"num_layers": 2, "bidirectional": True, "proj_size": 2, "dropout": 0.3}, (real(5, 2, 3),)),),
    "GRU": (((3, 4), {"num_layers": 2, "dropout": 0.3, "bias": False}, (real(5, 2, 3),)),),
    "TransformerEncoderLayer": (((4, 2, 6), {"dropout": 0.3, "batch_first": True}, (real(2, 5, 4),)),),
}  # fmt: skip


def samples(rows: Rows, name: str) -> list[Sample]:
    """The samples of a class, drawn from a seed of their own."""
    generator = torch.Generator().manual_seed(13)
    return [
        Sample(Arguments(args, kwargs), Arguments(tuple(make(generator) for make in makers), {}))
        for args, kwargs, makers in rows.get(name, ())
    ]
