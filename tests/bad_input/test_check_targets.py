"""Targets that cannot be checked, or not as they are: each a clear verdict, no exception, none green in silence."""

import textwrap

import pytest
import torch

from derive.errors import InputError
from derive.verify import check, run
from derive.verify.request import Request
from derive.verify.verdict import FAILED, NOT_APPLICABLE

MODULE = """
    import numpy as np
    import torch

    inputs = torch.randn(3, 4),
    arrays = np.random.randn(3, 4),
    two = torch.randn(3, 4), torch.randn(3, 4)
    number = 7

    def fine(x):
        return x.sin()

    def no_examples(x):
        return x

    def raises(x):
        raise RuntimeError("out of luck")

    def none(x):
        return None

    def a_list(x):
        return [1.0, 2.0]

    def a_string(x):
        return "done"

    def random(x):
        import time
        return x * (1 + time.perf_counter_ns() % 1000)

    def noisy(x):
        return x + torch.rand_like(x)

    def whole(x):
        return (x > 0).int()

    def detached(x):
        return x.detach() * 2

    def without_grad(x):
        with torch.no_grad():
            return x * 2

    def nan(x):
        return x / 0 - x / 0

    def on_gpu(x):
        return x.cuda()

    def writes(x):
        with torch.no_grad():
            x += 1
        return x * 2

    def writes_in_secret(x):
        x.data.mul_(2)
        return x.sin()

    def complex_(x):
        return torch.view_as_complex(torch.stack((x, x * x), -1)).abs()

    def no_inputs():
        raise ValueError("nothing to give")

    class BackwardRaises(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            raise NotImplementedError("later")

    class NoBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class TooMany(BackwardRaises):
        @staticmethod
        def backward(ctx, dy):
            return dy, dy

    class Shapeless(BackwardRaises):
        @staticmethod
        def backward(ctx, dy):
            return dy.sum(0, keepdim=True)

    class Nothing(BackwardRaises):
        @staticmethod
        def backward(ctx, dy):
            return None

    class Nan(BackwardRaises):
        @staticmethod
        def backward(ctx, dy):
            return dy * float("nan")

    class NeedsArguments(torch.nn.Module):
        def __init__(self, width):
            super().__init__()

    def pair_forward(x):
        return 2 * x

    def back_none(dy, x):
        return None

    def back_list(dy, x):
        return [1.0, 2.0]

    def back_dict(dy, x):
        return {"x": 2 * dy}

    def back_shape(dy, x):
        return (2 * dy).sum(0)

    def back_many(dy, x):
        return 2 * dy, dy, dy

    def back_raises(dy, x):
        return 2 * dy @ dy

    def back_text(dy, x):
        return "dy"
"""

#: target and options → status of the deciding row, and words that it holds.
CASES = {
    "raises": ({}, FAILED, "RuntimeError: out of luck (bad_project.py:"),
    "none": ({}, FAILED, "returns None"),
    "a_list": ({}, FAILED, "returns a list of float"),
    "a_string": ({}, FAILED, "returns a value of type str"),
    "random": ({}, NOT_APPLICABLE, "pass it a seed"),
    "whole": ({}, NOT_APPLICABLE, "returns int32 only: not differentiable"),
    "detached": ({}, NOT_APPLICABLE, "not differentiable"),
    "without_grad": ({}, NOT_APPLICABLE, "no_grad"),
    "nan": ({}, NOT_APPLICABLE, "the forward is nan at the example inputs"),
    "on_gpu": ({}, NOT_APPLICABLE, "needs a device that is not there"),
    "writes": ({}, FAILED, "the call changes x[0, 0] from"),
    "writes_in_secret": ({}, FAILED, "the call changes x[0, 0] from"),
    "BackwardRaises": ({}, FAILED, "the backward raises NotImplementedError: later (bad_project.py:"),
    "NoBackward": ({}, FAILED, "the backward raises"),
    "TooMany": ({}, FAILED, "incorrect number of gradients"),
    "Shapeless": ({}, FAILED, "invalid gradient"),
    "Nothing": ({}, FAILED, "a path is dropped"),
    "Nan": ({}, FAILED, "is nan where the forward is smooth"),
    "NeedsArguments": ({}, FAILED, "cannot be made without arguments"),
    "number": ({}, FAILED, "is a int: nothing to check"),
    "no_examples": ({"inputs": ""}, NOT_APPLICABLE, "no example inputs: give --inputs"),
    "fine": ({"inputs": "bad_project:no_inputs"}, FAILED, "no_inputs() raises ValueError: nothing to give"),
    "pair_forward, none": ({"backward": "bad_project:back_none"}, FAILED, "a path is dropped"),
    "pair_forward, list": ({"backward": "bad_project:back_list"}, FAILED, "backward returns 2 gradients for 1 input"),
    "pair_forward, dict": ({"backward": "bad_project:back_dict"}, FAILED, "backward returns a dict"),
    "pair_forward, shape": ({"backward": "bad_project:back_shape"}, FAILED, "gradient 0 is of shape (4,)"),
    "pair_forward, many": ({"backward": "bad_project:back_many"}, FAILED, "3 gradients for 1 input"),
    "pair_forward, raises": ({"backward": "bad_project:back_raises"}, FAILED, "the backward raises ValueError"),
    "pair_forward, text": ({"backward": "bad_project:back_text"}, FAILED, "gradient 0 is a str"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad_project.py").write_text(textwrap.dedent(MODULE))
    (folder / "bad_import.py").write_text("import torch\n\nraise RuntimeError('at import')\n")
    (folder / "bad_syntax.py").write_text("def f(:\n")
    (folder / "bad_exit.py").write_text("import sys\nsys.exit(3)\n")
    (folder / "bad_needs.py").write_text("import not_there_at_all\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.mark.parametrize("name", CASES)
def test_told_in_words(project, name):
    options, status, words = CASES[name]
    pair = {"inputs": "bad_project:arrays"} if "backward" in options else {"inputs": "bad_project:inputs"}
    verdict = run(Request("bad_project:" + name.split(",")[0], **{**pair, **options}))
    said = [f"{row.detail} {row.reason}" for row in verdict.rows if row.status == status]
    assert any(words in one for one in said), said
    assert verdict.exit_code == (1 if status == FAILED else 5)
    assert "Traceback" not in " ".join(said)


def test_random_numbers_are_tamed(project):
    """A function that draws from a global generator is checked under the same draws."""
    verdict = run(Request("bad_project:noisy", inputs="bad_project:inputs"))
    assert verdict.passed and any("seeded" in row.reason for row in verdict.rows)


@pytest.mark.parametrize(
    ("target", "words"),
    {
        "not_there:f": "no module named 'not_there'",
        "bad_project:fin": "did you mean bad_project:fine?",
        "bad_project:fine.deeper.still": "has no attribute 'deeper'",
        "bad_import:f": "importing bad_import raises RuntimeError: at import (bad_import.py:3)",
        "bad_syntax:f": "SyntaxError",
        "bad_exit:f": "SystemExit: 3",
        "bad_needs:f": "install not_there_at_all",
        "bad_project:torch.ops.no_such_space.no_such_name": "no attribute",
        "torch.ops.no_such_space.no_such_name": "no operation no_such_space::no_such_name",
    }.items(),
)
def test_what_cannot_be_loaded(project, target, words):
    verdict = run(Request(target, inputs="bad_project:inputs"))
    assert [row.check for row in verdict.rows] == ["load"] and words in verdict.rows[0].detail, verdict.rows


def test_inputs_that_cannot_be_loaded(project):
    for inputs in ("bad_project:input_s", "not_there:f", "no colon"):
        verdict = run(Request("bad_project:fine", inputs=inputs))
        assert [row.check for row in verdict.rows] == ["load"] and verdict.rows[0].detail


def test_complex_inputs_and_outputs_are_checked():
    class Wrong(torch.autograd.Function):
        """Without the conjugate."""

        @staticmethod
        def forward(ctx, z, w):
            ctx.save_for_backward(z, w)
            return z * w

        @staticmethod
        def backward(ctx, dy):
            z, w = ctx.saved_tensors
            return dy * w, dy * z

    z, w = (torch.randn(3, 4, dtype=torch.complex64) for _ in range(2))
    assert check(lambda z, w: z * w, z, w).passed
    assert check(Wrong, z, w).failures


def test_odd_example_inputs():
    with pytest.raises(InputError, match="layout"):
        check(torch.sin, torch.eye(3).to_sparse())
    with pytest.raises(InputError, match="no example inputs"):
        check(torch.sin)
    assert check(torch.sin, torch.arange(3)).exit_code == 5
    assert check(torch.sin, torch.empty(3, device="meta")).exit_code == 5
    assert check(torch.sin, torch.zeros(0, 3)).checked
    assert check(torch.sin, torch.tensor(0.5)).passed
    assert check(torch.sin, torch.tensor([float("inf")])).exit_code == 5


def test_in_place_by_design_is_no_failure():
    verdict = check(torch.nn.ReLU(inplace=True), torch.randn(3, 4))
    assert verdict.passed and any("works in place" in row.reason for row in verdict.rows)
