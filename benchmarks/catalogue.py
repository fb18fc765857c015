"""derive.nn forward + backward against torch.nn with autograd: float32, two threads, more than 1e5 elements each.

A row a module and one for the geometric mean, which is what the bar is for; the ten worst are named.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.layers import MALLOC
from benchmarks.measure import Row, interleaved, relative_error

FLAT, IMAGE, SIGNAL, VOLUME = (512, 1024), (8, 32, 56, 56), (16, 32, 1024), (4, 8, 16, 32, 32)


@dataclass(frozen=True)
class Timed:
    """A module's class and arguments, and its inputs: shapes of normals, or what makes them.

    ``after``: what of torch's stands before either module, where its gradient is one only after that (CTC's, which
    torch gives by decree as that of scores).
    """

    cls: str
    arguments: tuple[Any, ...] = ()
    inputs: tuple[Any, ...] = (FLAT,)
    keywords: tuple[tuple[str, Any], ...] = ()
    after: str = ""

    def module(self, torch: Any, namespace: Any) -> Any:
        """The module of torch.nn, or of derive.nn."""
        told = {n: v(torch) if callable(v) else v for n, v in self.keywords}
        return getattr(namespace, self.cls)(*self.arguments, **told)


def classes(n: int, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Class indices."""
    return lambda torch: torch.randint(0, n, shape)


def within(lo: float, hi: float, shape: tuple[int, ...] = FLAT) -> Callable[[Any], Any]:
    """Uniform numbers."""
    return lambda torch: lo + (hi - lo) * torch.rand(shape)


def signs(shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Ones and minus ones."""
    return lambda torch: torch.randint(0, 2, shape).float() * 2 - 1


def full(shape: tuple[int, ...], value: int) -> Callable[[Any], Any]:
    """One whole number, everywhere."""
    return lambda torch: torch.full(shape, value)


def halves(torch: Any) -> Any:
    """Samples of a fractional pool."""
    return torch.full((8, 32, 2), 0.5)


def letters(torch: Any) -> Any:
    """Targets of a transcription: anything but the blank, 0."""
    return torch.randint(1, 64, (16, 20))


def few_labels(torch: Any) -> Any:
    """Four labels a row, the rest −1."""
    target = torch.full((1024, 128), -1)
    target[:, :4] = torch.randint(0, 128, (1024, 4))
    return target


def corners(torch: Any) -> Any:
    """The first place of each window of 2×2."""
    n = torch.arange(56)
    return (2 * n[:, None] * 112 + 2 * n).expand(IMAGE).contiguous()


_POINTWISE = (
    "ReLU", "ReLU6", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "Softsign",
    "Tanhshrink", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "LeakyReLU", "LogSigmoid",
)  # fmt: skip
_PAIRS = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "SoftMarginLoss", "PoissonNLLLoss")

TIMED: tuple[Timed, ...] = (
    *(Timed(name) for name in _POINTWISE),
    *(Timed(name, (), (FLAT, signs(FLAT) if name == "SoftMarginLoss" else FLAT)) for name in _PAIRS),
    Timed("Threshold", (0.1, 0.5)),
    Timed("PReLU", (32,), (IMAGE,)),
    Timed("GLU"),
    Timed("Softmax", (-1,)),
    Timed("Softmin", (-1,)),
    Timed("LogSoftmax", (-1,)),
    Timed("Softmax2d", (), (IMAGE,)),
    Timed("BCELoss", (), (within(0.01, 0.99), within(0, 1))),
    Timed("BCEWithLogitsLoss", (), (FLAT, within(0, 1))),
    Timed("KLDivLoss", (), (FLAT, within(0.01, 1)), (("reduction", "batchmean"),)),
    Timed("CrossEntropyLoss", (), (FLAT, classes(1024, (512,)))),
    Timed("NLLLoss", (), (FLAT, classes(1024, (512,)))),
    Timed("HingeEmbeddingLoss", (), (FLAT, signs(FLAT))),
    Timed("CosineEmbeddingLoss", (), (FLAT, FLAT, signs((512,)))),
    Timed("MarginRankingLoss", (), ((524288,), (524288,), signs((524288,)))),
    Timed("TripletMarginLoss", (), (FLAT, FLAT, FLAT)),
    Timed("GaussianNLLLoss", (), (FLAT, FLAT, within(0.1, 2))),
    Timed("MultiLabelSoftMarginLoss", (), (FLAT, within(0, 1))),
    Timed("CosineSimilarity", (), (FLAT, FLAT)),
    Timed("PairwiseDistance", (), (FLAT, FLAT)),
    Timed("LayerNorm", (1024,)),
    Timed("RMSNorm", (1024,)),
    Timed("BatchNorm1d", (32,), (SIGNAL,)),
    Timed("BatchNorm2d", (32,), (IMAGE,)),
    Timed("BatchNorm3d", (8,), (VOLUME,)),
    Timed("InstanceNorm2d", (32,), (IMAGE,)),
    Timed("GroupNorm", (8, 32), (IMAGE,)),
    Timed("LocalResponseNorm", (5,), (IMAGE,)),
    Timed("Linear", (1024, 512)),
    Timed("Bilinear", (64, 64, 32), ((1024, 64), (1024, 64))),
    Timed("Embedding", (4096, 256), (classes(4096, (2048,)),)),
    Timed("Conv1d", (32, 64, 3), (SIGNAL,)),
    Timed("Conv2d", (32, 64, 3), (IMAGE,), (("padding", 1),)),
    Timed("Conv2d", (32, 64, 3), (IMAGE,), (("stride", 2), ("padding", 1))),
    Timed("Conv3d", (8, 16, 3), (VOLUME,)),
    Timed("ConvTranspose1d", (32, 32, 3), (SIGNAL,)),
    Timed("ConvTranspose2d", (32, 32, 3), (IMAGE,), (("stride", 2),)),
    Timed("MaxPool1d", (2,), (SIGNAL,)),
    Timed("MaxPool2d", (2,), (IMAGE,)),
    Timed("MaxPool3d", (2,), (VOLUME,)),
    Timed("AvgPool1d", (2,), (SIGNAL,)),
    Timed("AvgPool2d", (2,), (IMAGE,)),
    Timed("AvgPool3d", (2,), (VOLUME,)),
    Timed("LPPool2d", (2, 2), (IMAGE,)),
    Timed("AdaptiveAvgPool2d", (7,), (IMAGE,)),
    Timed("AdaptiveMaxPool2d", (7,), (IMAGE,)),
    Timed("ZeroPad2d", (2,), (IMAGE,)),
    Timed("ReflectionPad2d", (2,), (IMAGE,)),
    Timed("ReplicationPad2d", (2,), (IMAGE,)),
    Timed("CircularPad2d", (2,), (IMAGE,)),
    Timed("PixelShuffle", (2,), (IMAGE,)),
    Timed("PixelUnshuffle", (2,), (IMAGE,)),
    Timed("Unfold", (3,), (IMAGE,)),
    Timed("Fold", ((56, 56), 2), ((8, 128, 3025),)),
    Timed("Upsample", (), (IMAGE,), (("scale_factor", 2.0), ("mode", "nearest"))),
    Timed("Upsample", (), (IMAGE,), (("scale_factor", 2.0), ("mode", "bilinear"))),
    Timed("Dropout", (0.3,)),
    Timed("Dropout2d", (0.3,), (IMAGE,)),
    Timed("AlphaDropout", (0.3,)),
    Timed("FeatureAlphaDropout", (0.3,), (IMAGE,)),
    Timed("RReLU"),
    Timed("MultiMarginLoss", (), (FLAT, classes(1024, (512,)))),
    Timed("MultiLabelMarginLoss", (), ((1024, 128), few_labels)),
    Timed("CTCLoss", (), ((128, 16, 64), letters, full((16,), 128), full((16,), 20)), after="log_softmax"),
    Timed("TripletMarginWithDistanceLoss", (), (FLAT, FLAT, FLAT)),
    Timed("InstanceNorm1d", (32,), (SIGNAL,)),
    Timed("InstanceNorm3d", (8,), (VOLUME,)),
    Timed("CrossMapLRN2d", (5,), (IMAGE,)),
    Timed("EmbeddingBag", (4096, 256), (classes(4096, (256, 8)),)),
    Timed("ConvTranspose3d", (8, 8, 3), (VOLUME,)),
    Timed("LPPool1d", (2, 2), (SIGNAL,)),
    Timed("LPPool3d", (2, 2), (VOLUME,)),
    Timed("FractionalMaxPool2d", (2,), (IMAGE,), (("output_ratio", 0.5), ("_random_samples", halves))),
    Timed("MaxUnpool2d", (2,), (IMAGE, corners)),
    Timed("AdaptiveAvgPool1d", (100,), (SIGNAL,)),
    Timed("AdaptiveAvgPool3d", (5,), (VOLUME,)),
    Timed("AdaptiveMaxPool1d", (100,), (SIGNAL,)),
    Timed("AdaptiveMaxPool3d", (5,), (VOLUME,)),
    Timed("ConstantPad1d", (2, 0.5), (SIGNAL,)),
    Timed("ReflectionPad1d", (2,), (SIGNAL,)),
    Timed("ReplicationPad3d", (1,), (VOLUME,)),
    Timed("ChannelShuffle", (4,), (IMAGE,)),
    Timed("Flatten", (), (IMAGE,)),
    Timed("Identity"),
    Timed("Upsample", (), (SIGNAL,), (("scale_factor", 2.0), ("mode", "linear"))),
    Timed("Upsample", (), (IMAGE,), (("scale_factor", 2.0), ("mode", "bicubic"))),
    Timed("Upsample", (), (VOLUME,), (("scale_factor", 2.0), ("mode", "trilinear"))),
    Timed("RNNCell", (256, 256), ((512, 256),)),
    Timed("LSTMCell", (256, 256), ((512, 256),)),
    Timed("GRUCell", (256, 256), ((512, 256),)),
    Timed("MultiheadAttention", (128, 4), ((64, 16, 128), (64, 16, 128), (64, 16, 128))),
    Timed("TransformerDecoderLayer", (128, 4, 256), ((64, 16, 128), (64, 16, 128)), (("dropout", 0.0),)),
    Timed("RNN", (128, 128), ((32, 32, 128),)),
    Timed("LSTM", (128, 128), ((32, 32, 128),)),
    Timed("GRU", (128, 128), ((32, 32, 128),)),
    Timed("TransformerEncoderLayer", (128, 4, 256), ((64, 16, 128),), (("dropout", 0.0),)),
)


def rows() -> list[Row]:
    """Every module under pooled malloc (the default one slows torch's own allocations), in a process of its own."""
    environment = {**os.environ, **MALLOC["pooled malloc"], "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "benchmarks.catalogue"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return _with_mean([Row(**fields) for fields in json.loads(done.stdout)])


def _with_mean(found: list[Row]) -> list[Row]:
    mean = math.exp(statistics.fmean(math.log(row.ratio) for row in found if row.ratio < math.inf))
    worst = sorted(found, key=lambda row: -row.ratio)[:10]
    note = "ten worst: " + ", ".join(f"{row.what} {row.ratio:.1f}" for row in worst)
    return [*found, Row("geometric mean", mean, 1.0, "torch.nn", 1.0, "×", note=note)]


def here(chosen: tuple[str, ...] = ()) -> list[Row]:
    """Every module in this process; one that cannot be run is said on stderr and counts as missed."""
    import torch

    torch.set_num_threads(2)
    found = []
    for timed in TIMED:
        if chosen and timed.cls not in chosen:
            continue
        print(f"  {timed.cls} …", file=sys.stderr, flush=True)
        try:
            found.append(_row(timed))
            print(f"    {found[-1].ratio:.2f}", file=sys.stderr, flush=True)
        except Exception as error:
            print(f"    {type(error).__name__}: {error}", file=sys.stderr)
            found.append(Row(timed.cls, math.inf, 1.0, "torch.nn", math.inf, note=f"{type(error).__name__}: {error}"))
    return found


def _row(timed: Timed) -> Row:
    import torch

    import derive.nn

    torch.manual_seed(0)
    inputs = [x(torch) if callable(x) else torch.randn(x) for x in timed.inputs]
    reference, ours = timed.module(torch, torch.nn), timed.module(torch, derive.nn)
    ours.load_state_dict(reference.state_dict())
    leaves = [x.requires_grad_() if k == 0 and x.is_floating_point() else x for k, x in enumerate(inputs)]
    with torch.no_grad():
        cotangent = torch.randn_like(_first(reference(*leaves)))

    def run(module: Any, seed: int | None = None) -> list[Any]:
        if seed is not None:
            torch.manual_seed(seed)
        wanted = [x for x in (*leaves, *module.parameters()) if x.requires_grad]
        data = getattr(torch, timed.after)(leaves[0], -1) if timed.after else leaves[0]
        y = _first(module(data, *leaves[1:]))
        return [y, *torch.autograd.grad(y, wanted, cotangent)]

    with torch.random.fork_rng():
        pairs = zip(run(ours, 1), run(reference, 1), strict=True)
        error = max(relative_error(a.detach(), b.detach()) for a, b in pairs)
    took = interleaved({"ours": lambda: run(ours), "torch": lambda: run(reference)}, 15)
    told = ", ".join(f"{k}={v}" for k, v in timed.keywords if not callable(v))
    title = f"{timed.cls} {told}".rstrip()
    return Row(title, took["ours"] * 1e3, took["torch"] * 1e3, "torch.nn", math.inf, "ms", error, 1e-4)


def _first(y: Any) -> Any:
    return y[0] if isinstance(y, tuple) else y


if __name__ == "__main__":
    print(json.dumps([dict(vars(row)) for row in here(tuple(sys.argv[1:]))]))
