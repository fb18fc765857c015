"""Bad input at the Python doors: one paragraph with what was given and the mend, never a wrong number."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import derive
from derive.cli import run
from derive.errors import DeriveError

X = torch.ones(2, 4, 5, 5, dtype=torch.float64)
W = torch.ones(6, 4, 3, 3, dtype=torch.float64)
TABLE = torch.arange(10.0).reshape(5, 2)
LOGITS = torch.zeros(3, 4)
STATES = (
    "@layer\ndef f(x: Real[N], w: Real[N][count], *, count: Int = 2):\n    y[n] = x[n]*w[0][n]*w[1][n]\n    return y"
)
SCALED = "def f(x: Real[N], *, a: Real = 2.0):\n    y[n] = a*x[n]\n    return y"


def called(name: str, *args: Any, **hypers: Any) -> Callable[[], Any]:
    return lambda: derive.function(name)(*args, **hypers)


#: what is tried → (the call, words of the message or the mend)
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "load a number": (lambda: derive.load(3), "not int"),
    "load bytes": (lambda: derive.load(b"conv2d"), "not bytes"),
    "vjp of a number": (lambda: derive.vjp(5), "not int"),
    "jvp of a number": (lambda: derive.jvp(5), "not int"),
    "generate of nothing": (lambda: derive.generate(None), "not NoneType"),
    "wrt misspelt": (lambda: derive.vjp("conv2d", wrt=["wieght"]), "did you mean 'weight'?"),
    "wrt an index": (lambda: derive.vjp("embedding", wrt=["token"]), "no differentiable input 'token'"),
    "wrt nothing": (lambda: derive.vjp("conv2d", wrt=[]), "names no input"),
    "wrt a number": (lambda: derive.jvp("conv2d", wrt=[0]), "names no input"),
    "wrt of a file": (lambda: derive.generate("conv2d", wrt="x1"), "no differentiable input 'x1'"),
    "target unknown": (lambda: derive.generate("conv2d", target="jax"), "numpy, torch"),
    "function unknown": (lambda: derive.function("conv2dd"), "did you mean conv2d"),
    "choice unknown": (lambda: derive.function("conv2d", strid=2), "did you mean stride"),
    "choice unknown to a program": (lambda: derive.function(derive.load("conv2d"), strid=2), "did you mean stride"),
    "nothing given": (called("conv2d"), "input x of conv2d is missing"),
    "too many": (called("conv2d", X, W, W, W), "3 inputs"),
    "twice": (called("conv2d", X, W, x=X), "given twice"),
    "unknown by name": (called("conv2d", X, W, foo=1), "no input or hyperparameter foo"),
    "rank": (called("conv2d", X[0], W), "x has 3 axes (4, 5, 5), expected 4"),
    "axis": (called("conv2d", X, W[:, :3]), "axis C of weight is 3, but x gave C = 4"),
    "bias": (called("conv2d", X, W, torch.ones(5).double()), "axis F of bias is 5, but weight gave F = 6"),
    "groups that do not divide": (called("conv2d", X, W, groups=3), "axis [3, C] of x is 4, expected 3 * C"),
    "no groups": (called("conv2d", X, W, groups=0), "groups > 0"),
    "groups that are a float": (called("conv2d", X, W, groups=2.0), "groups is an integer, not 2.0"),
    "groups that are a dict": (called("conv2d", X, W, groups={}), "groups is an integer, not {}"),
    "stride of 0": (called("conv2d", X, W, stride=0), "requires 0 < stride[0]"),
    "stride backwards": (called("conv2d", X, W, stride=-1), "requires 0 < stride[0]"),
    "stride of three": (called("conv2d", X, W, stride=(1, 2, 3)), "expected 2 numbers"),
    "stride in words": (called("conv2d", X, W, stride="a"), "expected an integer"),
    "stride of nothing": (called("conv2d", X, W, stride=None), "stride of conv2d is missing"),
    "window of nothing": (called("max_pool2d", X, kernel_size=0), "requires 0 < kernel_size[0]"),
    "window too large": (called("conv2d", X[:, :, :0], W), "OH = -2 is negative"),
    "extent below nothing": (called("adaptive_avg_pool2d", X, output_size=-1), "negative"),
    "axis below nothing": (called("pixel_shuffle", X, upscale_factor=-1), "negative"),
    "probability of 2": (called("dropout", X, p=2.0), "requires"),
    "integers": (called("conv2d", X.long(), W), "expected a floating-point one"),
    "complex numbers": (called("conv2d", X + 0j, W), "expected a floating-point one"),
    "two precisions": (called("conv2d", X.float(), W), "in one dtype"),
    "two devices": (called("embedding", torch.tensor([0]), TABLE.to("meta")), "on one device"),
    "sparse": (called("conv2d", X.to_sparse(), W), "to_dense"),
    "words": (called("conv2d", "abc", W), "x is not a tensor"),
    "an object": (called("conv2d", object(), W), "x is not a tensor"),
    "real tokens": (called("embedding", torch.tensor([0.0]), TABLE), "token has dtype float64, expected integers"),
    "tokens that want gradients": (
        called("embedding", torch.tensor([0.0], requires_grad=True), TABLE), "expected integers",
    ),
    "truth values as tokens": (called("embedding", torch.tensor([True]), TABLE), "expected integers"),
    "token too large": (called("embedding", torch.tensor([0, 5]), TABLE), "token holds 0 to 5"),
    "token below 0": (called("embedding", torch.tensor([0, -1]), TABLE), "token holds -1 to 0"),
    "token of an empty table": (called("embedding", torch.tensor([0]), TABLE[:0]), "token holds 0 to 0"),
    "class too large": (called("cross_entropy", LOGITS, torch.tensor([0, 1, 4])), "target holds 0 to 4"),
    "class below 0": (called("cross_entropy", LOGITS, torch.tensor([0, 1, -1])), "target holds -1 to 1"),
    "classes that are scores": (called("cross_entropy", LOGITS, LOGITS), "expected integers"),
    "mask of numbers": (called("dropout", LOGITS, LOGITS), "expected booleans"),
    "buffer that is a list": (
        called("batch_norm", LOGITS, running_mean=[0.0] * 4, running_var=torch.ones(4)), "written back",
    ),
    "one beta": (called("adam", TABLE, TABLE[None], betas=(0.9,)), "expected 2 numbers"),
    "steps forgotten": (called("adam", TABLE, TABLE), "grad has 2 axes"),
    "family of the wrong size": (called(STATES, X[0, 0, 0], [X[0, 0, 0]]), "a family of 2 tensors, not 1"),
    "family that is a tensor": (called(STATES, X[0, 0, 0], X[0, 0]), "a family of 2 tensors, not Tensor"),
    "no broadcasting": (called("mse_loss", LOGITS, LOGITS[:1]), "axes ... of target are (1, 4), but x gave (3, 4)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_door_says_what_is_wrong(name: str) -> None:
    call, words = CALLS[name]
    with pytest.raises(DeriveError) as caught:
        call()
    text = str(caught.value)
    assert words in text and len(text.splitlines()) <= 4, text


def test_a_choice_that_was_right_before_is_still_judged() -> None:
    function = derive.function("conv2d")
    function(X, W[:, :2], groups=2)
    with pytest.raises(DeriveError, match=r"groups is an integer, not 2\.0"):
        function(X, W[:, :2], groups=2.0)


def test_what_is_forgiving_is_right() -> None:
    """Paths, single names, NumPy arrays, lists and short integers do what was meant."""
    np.testing.assert_array_equal(derive.function("embedding")(np.array([1, 0]), TABLE), TABLE[[1, 0]])
    for kind in (torch.uint8, torch.int16, torch.int32):
        assert torch.equal(derive.function("embedding")(torch.tensor([1, 0], dtype=kind), TABLE), TABLE[[1, 0]])
    assert torch.equal(derive.function("conv2d")(X.tolist(), W), derive.function("conv2d")(X, W))
    assert derive.vjp("linear", wrt="weight").outputs == ("dweight",)
    x = torch.arange(5.0)
    assert torch.equal(derive.function(STATES)(x, [x, x]), x**3)


def test_a_path_is_a_target(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(SCALED)
    assert derive.load(path) == derive.load(str(path)) and derive.vjp(path).outputs == ("dx",)


@pytest.mark.parametrize("shape", [(0, 4, 5, 5), (2, 0, 5, 5)])
def test_empty_inputs_are_no_mistake(shape: tuple[int, ...]) -> None:
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    y = derive.function("conv2d")(x, W[:, : shape[1]])
    assert y.shape == (shape[0], 6, 3, 3) and not y.any()  # sums of nothing; torch drops the channels of y too
    y.sum().backward()
    assert x.grad is not None and x.grad.shape == x.shape


# ------------------------------------------------------------------------------ files


def test_nothing_but_a_file_is_overwritten(tmp_path: Path) -> None:
    code = derive.generate(SCALED)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "file").write_text("mine")
    for path, force in ((pipe, True), (tmp_path / "file" / "x.py", True), (tmp_path / "no" / "x.py", True),
                        (tmp_path / "file", False), (Path("/proc/x.py"), False)):  # fmt: skip
        with pytest.raises(DeriveError):
            code.save(path, force=force)
    assert pipe.is_fifo() and (tmp_path / "file").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "pipe"]


# ------------------------------------------------------------------------------ what is no definition file


@pytest.mark.parametrize("command", ["layer", "generate", "check"])
@pytest.mark.parametrize("target", ["/dev/zero", "/dev/full", "pipe.py", "broken.py", "circle.py"])
def test_a_file_without_an_end_is_refused(
    command: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Devices and pipes are not read; links that lead nowhere say so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "cache"))
    os.mkfifo("pipe.py")
    os.symlink("nowhere.py", "broken.py")
    os.symlink("circle.py", "circle.py")
    assert run([command, target, *(["-o", "out"] if command == "generate" else [])]) == 2
    captured = capsys.readouterr()
    assert target in captured.err and len(captured.err.splitlines()) == 2 and not captured.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_code_goes_into_a_folder_only(target: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for folder in ("/proc/derive", "/dev/null", "/dev/null/code"):
        assert run(["generate", "relu", "--target", target, "-o", folder]) == 2
        assert "folder" in capsys.readouterr().err


NONSENSE = [
    "stride=-1", "stride=0", "stride=abc", "stride=1,2,3", "stride=,", "stride=None", "stride=1e400",
    "groups=0", "groups=-2", "dilation=0", "foo=1", "x=1", "x=None", "bias=3", "weight=None", "stride", "=2",
    "stride==2", "padding=same",
]  # fmt: skip


@pytest.mark.parametrize("choice", NONSENSE)
def test_nonsense_of_a_hyperparameter_is_refused(choice: str, capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", "conv2d", choice, "--no-cache"]) == 2
    captured = capsys.readouterr()
    assert not captured.out and 2 <= len(captured.err.splitlines()) <= 4 and "internal" not in captured.err


@pytest.mark.parametrize(
    ("layer", "choice"),
    [("max_pool2d", "kernel_size=0"), ("max_pool2d", "kernel_size=-3"), ("avg_pool2d", "kernel_size=0,0"),
     ("group_norm", "num_groups=0"), ("group_norm", "num_groups=-1"), ("pixel_shuffle", "upscale_factor=-1"),
     ("dropout", "p=2"), ("dropout", "p=-1"), ("batch_norm", "training=maybe"), ("gelu", "approximate=tan"),
     ("embedding", "padding_idx=1.5"), ("cross_entropy", "reduction=nope"), ("layer_norm", "eps=nan")],
)  # fmt: skip
def test_values_that_make_no_layer_are_refused(layer: str, choice: str, capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", layer, choice, "--no-cache"]) == 2
    assert not capsys.readouterr().out
