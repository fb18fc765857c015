"""Operations as a project writes them: right ones raise no alarm; what is said of a wrong one names its cause."""

import torch
import torch.nn.functional as F
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from derive.verify import check


def randn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


class Rotary(Function):
    """Pairs of the last axis turned; an odd one broadcasts in the forward, and has no backward."""

    @staticmethod
    def forward(ctx, x):
        angle = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * 0.3 ** torch.arange((x.shape[-1] + 1) // 2)
        ctx.save_for_backward(angle.cos(), angle.sin())
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1).flatten(-2)

    @staticmethod
    def backward(ctx, dy):
        cos, sin = ctx.saved_tensors
        a, b = dy[..., 0::2], dy[..., 1::2]
        return torch.stack([a * cos + b * sin, b * cos - a * sin], -1).flatten(-2)


class CrossEntropy(Function):
    """Mean over the targets that are kept; ``gather`` would take more rows of logits than there are targets."""

    @staticmethod
    def forward(ctx, logits, target, ignore_index=-100):
        logp = logits.log_softmax(-1)
        keep, safe = target != ignore_index, target.clamp(min=0)
        ctx.save_for_backward(logp, safe, keep)
        return -(logp.gather(1, safe[:, None])[:, 0] * keep).sum() / keep.sum().clamp(min=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        logp, safe, keep = ctx.saved_tensors
        d = logp.exp() - F.one_hot(safe, logp.shape[1])
        return dy * d * keep[:, None] / keep.sum().clamp(min=1), None, None


class CountsAll(CrossEntropy):
    @staticmethod
    def backward(ctx, dy):
        dx, *rest = CrossEntropy.backward(ctx, dy)
        kept, keep = ctx.saved_tensors[2].sum().clamp(min=1), ctx.saved_tensors[2]
        return dx * kept / len(keep), *rest


class TwoResults(Function):
    """sinh and cosh; the cotangent of the second never arrives."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sinh(x), torch.cosh(x)

    @staticmethod
    def backward(ctx, du, dv):
        (x,) = ctx.saved_tensors
        return du * torch.cosh(x)


class Kept(Function):
    """The forward's own result is saved: right, but a constant to whoever differentiates the backward."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.kept = y
        return y.clone()

    @staticmethod
    def backward(ctx, dy):
        return dy * (1 - ctx.kept**2)


class Ignored(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, dy):
        return torch.cos(ctx.saved_tensors[0])


TARGET = torch.tensor([0, 3, -100, 2, 1])


def _said(thing, *inputs):
    return {row.check: row.detail for row in check(thing, *inputs).failures if row.case == "as given"}


def test_sizes_that_the_backward_refuses_are_a_question():
    for thing, inputs in ((Rotary, (randn(2, 5, 4),)), (CrossEntropy, (randn(5, 4), TARGET))):
        verdict = check(thing, *inputs)
        assert verdict.passed, verdict.failures
        asked = [row for row in verdict.rows if "the forward accepts them, but the backward raises" in row.reason]
        assert [row.status for row in asked] == ["inconclusive"]
        assert any(row.case.startswith("odd batch") and row.status == "passed" for row in verdict.rows)


def test_count_of_what_is_kept():
    said = _said(CountsAll, randn(5, 4), TARGET)["probes"]
    assert "4/5 of what it should be: divided by 5" in said


def test_cotangent_of_one_output_is_ignored():
    assert "the cotangent of output 1 is ignored" in _said(TwoResults, randn(2, 3))["probes"]


def test_saved_results_are_constants_of_the_second_order():
    said = _said(Kept, randn(2, 3))
    assert list(said) == ["probes of order 2"]
    assert "mark the backward once_differentiable" in said["probes of order 2"]


def test_no_second_order_of_a_wrong_gradient():
    verdict = check(Ignored, randn(2, 3))
    assert not any("order 2" in row.check for row in verdict.failures)
    assert any(row.reason == "the gradient itself is wrong here" for row in verdict.rows)


def test_a_broken_promise_is_said_once_and_where():
    said = _said(Ignored, randn(2, 3))["contract, zero cotangent"]
    assert said.startswith("x[") and ", " in said.split("]")[0] and "mask" not in said
    assert said.endswith("a gradient without a cotangent: the cotangent is ignored")


def test_random_numbers_fall_by_the_layout_of_the_input():
    assert check(lambda x: x * torch.rand_like(x), randn(3, 4)).passed
