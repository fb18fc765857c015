"""Kernels of planes equal the interpreter: windows, pads, tables, pushed sums, kept places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import derive
from derive import interpreter
from derive.lower.kernels import planes
from derive.lower.residuals import returned, split
from derive.targets.kernels import choice, native
from derive.targets.kernels import function as kernels
from derive.targets.kernels.native import Native
from derive.verify.hyperparameters import is_symbolic
from derive.verify.inputs import make
from tests.lower.running import distance

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")

CASES = (
    ("max_pool2d", {}),
    ("max_pool2d", {"return_indices": True, "ceil_mode": True}),
    ("avg_pool2d", {"ceil_mode": True}),
    ("avg_pool2d", {"count_include_pad": False}),
    ("avg_pool3d", {"divisor_override": 3}),
    ("lp_pool2d", {"norm_type": 2, "kernel_size": (2, 3), "stride": (2, 1)}),
    ("adaptive_avg_pool2d", {}),
    ("adaptive_max_pool2d", {}),
    ("reflection_pad2d", {}),
    ("circular_pad2d", {}),
    ("fold", {}),
    ("unfold", {}),
    ("grid_sample", {}),
    ("upsample_bilinear2d", {}),
    ("upsample_nearest2d", {}),
    ("max_unpool2d", {}),
    ("pixel_shuffle", {}),
    ("local_response_norm", {}),
)


def told(program):
    """Whether a kernel of planes computes some of the program."""
    return any(True for _ in planes.runs(program, ()))


def worst(program, given, hypers):
    """The largest distance of the kernels' results to the interpreter's."""
    with np.errstate(all="ignore"):
        wanted = interpreter.run(program, given, hypers)
    tensors = [torch.as_tensor(np.array(given[t.name])) for t in program.inputs if t.name in given]
    found = kernels.kernel_function(program).run(*tensors, **hypers)
    return max(distance(y.numpy(), wanted[n]) for n, y in zip(returned(program), found, strict=True))


def cut(program):
    """Forward with what it keeps, and the backward that reads it."""
    s = split(program, derive.vjp(program))
    return s.forward, s.backward


def inputs_of(backward, case, kept):
    """The inputs, what the forward kept, and cotangents."""
    rng = np.random.default_rng(0)
    known = {**kept, **case.inputs}
    return {
        t.name: known[t.name] if t.name in known else rng.standard_normal(np.shape(known[t.name[1:]]))
        for t in backward.inputs
    }


@pytest.mark.parametrize(("name", "setting"), CASES, ids=[f"{n}-{k}" for k, (n, _) in enumerate(CASES)])
def test_planes_and_the_interpreter_agree(name, setting):
    case = make(derive.load(name, **setting), "asymmetric")
    hypers = {p.name: case.hyper(p) for p in case.program.parameters if is_symbolic(p)}
    forward, backward = cut(case.program)
    assert told(forward) or told(backward)
    assert worst(forward, case.inputs, hypers) < 1e-12
    given = inputs_of(backward, case, interpreter.run(forward, case.inputs, hypers))
    assert worst(backward, given, hypers) < 1e-12


def test_the_first_of_equals_wins_and_the_first_nan():
    x = np.full((1, 4, 7), -np.inf)
    x[0, 1] = [1, 1, np.nan, 2, np.nan, np.inf, np.inf]
    x[0, 2, :3] = 1
    hypers = {"kernel_size": (2, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 2)}
    forward, backward = cut(derive.load("max_pool2d"))
    assert worst(forward, {"x": x}, hypers) == 0
    kept = {**interpreter.run(forward, {"x": x}, hypers), "x": x}
    given = {t.name: kept.get(t.name, np.cos(np.arange(5 * 5.0)).reshape(1, 5, 5)) for t in backward.inputs}
    assert worst(backward, given, hypers) < 1e-15


@pytest.mark.parametrize("fault", [("at_q_ < at_q_to", "at_q_ + 1 < at_q_to"), ("i_from(0,", "i_from(1,")])
def test_a_bound_off_by_one_is_seen(fault):
    program = derive.load("max_pool2d")
    hypers = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1)}
    x = torch.sin(torch.arange(49.0).double()).reshape(1, 7, 7)
    plan, sources = kernels.fused_plan(program)
    (general,) = (s.general for s in sources.values())
    (fused,) = (s for b in plan.blocks for s in b.steps if hasattr(s, "kernel"))
    numbers = {"H": 7, "W": 7, "OH": 4, "OW": 4, "...": 1}
    numbers |= {f"{n}[{k}]": v[k] for n, v in hypers.items() for k in (0, 1)}
    wrong = replace(general, text=general.text.replace(*fault))
    shapes = [[int(numbers.get(f"{e}", 1)) for e in shape] for shape in fused.shapes]
    values = [numbers[str(s)] for s in fused.integers]
    right, other = (Native(s)([x], shapes, fused.kinds, values, ())[0] for s in (general, wrong))
    wanted = interpreter.run(program, {"x": x.numpy()}, hypers)["y"]
    assert wrong.text != general.text
    assert distance(right.numpy(), wanted) == 0 < distance(other.numpy(), wanted)


def test_a_guard_outside_a_sum_is_a_guard_of_its_reads():
    program = derive.load("""
@layer
def g(x: Real[N, H]):
    y: Real[N, H]
    y[n, h] = where(h > 1, sum[j < 2](x[n, h - j]), 7*x[n, h])
    return y
""")
    x = np.sin(np.arange(10.0)).reshape(2, 5)
    assert told(program)
    assert worst(program, {"x": x}, {}) < 1e-15


def test_contractions_are_left_to_libraries():
    assert not any(told(derive.load(n)) for n in ("conv2d", "linear", "conv_transpose2d", "embedding", "cross_entropy"))


@pytest.mark.parametrize("variants", [0, 16])
def test_small_numbers_are_compiled_for_and_large_ones_given(monkeypatch, variants):
    monkeypatch.setattr(choice, "ENTRIES", 0)
    monkeypatch.setattr(native, "VARIANTS", variants)
    pool = derive.function("avg_pool2d")
    x = torch.randn(3, 20, 22, dtype=torch.float64).transpose(1, 2)
    for size, stride in ((2, 2), (3, 1), (18, 2)):
        wanted = torch.nn.functional.avg_pool2d(x, size, stride)
        assert torch.allclose(pool(x, kernel_size=(size, size), stride=(stride, stride)), wanted, 1e-12, 1e-12)


def test_the_text_is_the_same_on_every_run():
    texts = {str(kernels.fused_plan(derive.load("grid_sample"))[1]) for _ in range(2)}
    assert len(texts) == 1
