"""Bugs that once shipped, each as a small wrong function that the checker must flag; and correct code it must not."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import Function

from derive.verify import check

torch.manual_seed(0)
X, W = torch.randn(4, 5), torch.randn(3, 5)


class AssumesContiguousCotangent(Function):
    """pytorch#194719, flash-attention#355: the cotangent's memory is read as if it were contiguous."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        step = (
            dy
            if dy.numel() <= 1 or 0 in dy.stride()
            else torch.as_strided(dy, dy.shape, torch.empty(dy.shape).stride())
        )
        return step * torch.cos(x)


class AssumesContiguousInput(Function):
    """FlagGems#1084: rms_norm read its input by the wrong strides."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return 2 * dy * torch.as_strided(x, x.shape, torch.empty(x.shape).stride())


class IgnoresCotangent(Function):
    """pytorch#21961: CTC's gradient did not use the cotangent."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x**2).sum()

    @staticmethod
    def backward(ctx, dy):
        return 2 * ctx.saved_tensors[0]


class ChangesCotangent(Function):
    """A backward that scales its cotangent in place."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, dy):
        return dy.mul_(2)


class NotLinear(Function):
    """A backward that is not linear in the cotangent."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        return dy + 1e-6 * dy**2


class WeightNeedsInput(Function):
    """pytorch#183825: the weight's gradient is wrong when x needs none."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T

    @staticmethod
    def backward(ctx, dy):
        x, w = ctx.saved_tensors
        return dy @ w, dy.T @ x if ctx.needs_input_grad[0] else dy.T @ torch.zeros_like(x)


class TransposedTwice(Function):
    """diffusers#14341: a matrix transposed once too often, hidden where it is square."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T

    @staticmethod
    def backward(ctx, dy):
        x, w = ctx.saved_tensors
        return dy @ w.T if w.shape[0] == w.shape[1] else dy @ w, dy.T @ x


class ProductByDivision(Function):
    """tensorflow#3862 and seven others: the product's gradient as y/x, at a zero."""

    @staticmethod
    def forward(ctx, x):
        y = x.prod(-1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, y = ctx.saved_tensors
        return torch.nan_to_num((dy * y)[..., None] / x)


class OverlapsOverwrite(Function):
    """Flux.jl#1197, mxnet#18499: overlapping windows overwrite where they should add."""

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.unfold(-1, 3, 1).sum(-1)

    @staticmethod
    def backward(ctx, dy):
        dx = torch.zeros(ctx.shape, dtype=dy.dtype)
        for k in range(3):
            dx[..., k : k + dy.shape[-1]] = dy
        return dx


class RowsToRowZero(Function):
    """Triton-distributed#180: every row's gradient lands in row 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.rows = x.shape[0]
        return 3 * x

    @staticmethod
    def backward(ctx, dy):
        dx = torch.zeros_like(dy)
        dx[0] = 3 * dy.sum(0)
        return dx


class MaskMissing(Function):
    """triton#4541: the causal mask is missing in the backward."""

    @staticmethod
    def forward(ctx, a, v):
        ctx.save_for_backward(a, v)
        return torch.tril(a) @ v

    @staticmethod
    def backward(ctx, dy):
        a, v = ctx.saved_tensors
        return dy @ v.T, torch.tril(a).T @ dy


class LastStepLost(Function):
    """deeplearning4j#8838: the last cell's gradient is lost."""

    @staticmethod
    def forward(ctx, x):
        return torch.cumsum(x, 0)

    @staticmethod
    def backward(ctx, dy):
        return torch.flip(torch.cumsum(torch.flip(torch.cat([dy[:-1], torch.zeros_like(dy[:1])]), (0,)), 0), (0,))


class WrongSign(Function):
    """HIPS/autograd#412: a sign."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.cos(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * torch.sin(ctx.saved_tensors[0])


class WrongTogether(Function):
    """FastNN#4: forward and backward wrong together."""

    @staticmethod
    def forward(ctx, x):
        return 0.5 * x

    @staticmethod
    def backward(ctx, dy):
        return 0.5 * dy


class SecondWrong(Function):
    """pytorch#59477: the first gradient is right, its own gradient is not."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        return 3 * dy * ctx.saved_tensors[0].detach() * ctx.saved_tensors[0]


class ScaledSlightly(Function):
    """A relative error of 1e-4: invisible to gradcheck."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * (1 - torch.tanh(ctx.saved_tensors[0]) ** 2) * (1 + 1e-4)


WITH_ZERO = X.clone()
WITH_ZERO[1, 2] = 0

BUGS = {
    AssumesContiguousCotangent: ((X,), None, "strided cotangent"),
    AssumesContiguousInput: ((X,), None, "strided inputs"),
    IgnoresCotangent: ((X,), None, "linear"),
    ChangesCotangent: ((X,), None, "changed"),
    NotLinear: ((X,), None, "linear"),
    WeightNeedsInput: ((X, W), None, "alone"),
    TransposedTwice: ((X[:, :3], torch.randn(3, 3)), None, "probes"),
    ProductByDivision: ((WITH_ZERO,), None, "probes"),
    OverlapsOverwrite: ((X,), None, "probes"),
    RowsToRowZero: ((X,), None, "probes"),
    MaskMissing: ((torch.randn(4, 4), X), None, "probes"),
    LastStepLost: ((X,), None, "probes"),
    WrongSign: ((X,), None, "probes"),
    WrongTogether: ((X,), lambda x: 2 * x, "forward"),
    SecondWrong: ((X,), None, "order 2"),
    ScaledSlightly: ((X,), None, "probes"),
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: b.__name__)
def test_bug_is_flagged(bug):
    inputs, reference, where = BUGS[bug]
    verdict = check(bug, *inputs, reference=reference)
    assert any(where in row.check for row in verdict.failures), verdict.rows


RIGHT = {
    "relu at 0": (F.relu, (torch.tensor([-1.0, 0.0, 2.0]),)),
    "max-pool with ties": (lambda x: F.max_pool2d(x, 2), (torch.ones(1, 2, 4, 4),)),
    "float32 inputs": (lambda x, w: torch.tanh(x @ w.T), (X.float(), W.float())),
    "layer norm": (lambda x: F.layer_norm(x, (5,)), (X,)),
    "convolution": (
        lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=1),
        (torch.randn(2, 3, 5, 4), torch.randn(2, 3, 3, 2)),
    ),
    "product with a zero": (lambda x: x.prod(-1), (WITH_ZERO,)),
    "cross entropy": (lambda x: F.cross_entropy(x, torch.tensor([0, 1, 4, 2])), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_is_not_flagged(name):
    function, inputs = RIGHT[name]
    verdict = check(function, *inputs)
    assert not verdict.failures and verdict.checked
