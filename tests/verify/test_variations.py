"""Examples varied: which axes move together, values that keep to what the example shows, refusals in words."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import Function

from derive.verify import check
from derive.verify.targets import axes, forms
from derive.verify.variations import ALIKE, draw, variations


def target(function, *inputs):
    (made,) = forms.targets(function, inputs, {})
    return made


def found_classes(function, *inputs):
    made = target(function, *inputs)
    list(variations(made, 0))

    def refusal(shapes):
        try:
            made.call(*(torch.zeros(s, dtype=x.dtype) for s, x in zip(shapes.values(), inputs, strict=True)))
        except Exception as error:
            return str(error)
        return ""

    shapes = {n: tuple(x.shape) for n, x in made.inputs.items()}
    return {c.words() for c in axes.classes(shapes, axes.Trial(refusal))}


def test_axes_that_move_together():
    assert found_classes(lambda x, w, b: F.linear(x, w, b), torch.zeros(4, 4), torch.zeros(4, 4), torch.zeros(4)) == {
        "x axis 0",
        "x axis 1 and w axis 1",
        "w axis 0 and b axis 0",
    }


def test_axes_of_multiples():
    """Four gates in one weight: 4H beside H."""

    def cell(x, h, w, u):
        i, f, g, o = (x @ w.T + h @ u.T).chunk(4, -1)
        return torch.sigmoid(o) * torch.tanh(torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * h)

    got = found_classes(cell, torch.zeros(2, 3), torch.zeros(2, 5), torch.zeros(20, 3), torch.zeros(20, 5))
    assert "h axis 1, w axis 0 (×4) and u axis 0 (×4), 1" in got or any("×4" in one for one in got), got
    assert {"x axis 0 and h axis 0", "x axis 1 and w axis 1"} <= got


def cases(function, *inputs, seed=0):
    return {v.case.split(",")[0]: v for v in variations(target(function, *inputs), seed)}


def test_every_kind_is_made():
    made = cases(lambda x, w: torch.tanh(x @ w.T), torch.randn(4, 5), torch.randn(3, 5))
    expected = {
        "as given",
        "plain",
        "some zeros",
        "ties",
        "large",
        "asymmetric",
        "equal",
        "size 1",
        "empty",
        "odd batch",
    }
    assert set(made) == expected and not any(v.refused for v in made.values())
    sizes = [s for x in made["asymmetric"].inputs.values() for s in x.shape]
    assert len(set(sizes)) == 3
    assert {s for x in made["equal"].inputs.values() for s in x.shape} == {ALIKE[0]}
    assert {s for x in made["size 1"].inputs.values() for s in x.shape} == {1}
    assert made["empty"].inputs["x"].shape[0] == 0 and made["odd batch"].inputs["x"].shape[0] == 67
    assert (made["some zeros"].inputs["x"] == 0).any() and made["large"].inputs["x"].abs().max() > 100


def test_large_examples_are_varied_small():
    made = cases(lambda x, w: F.conv2d(x, w, padding=1), torch.randn(2, 8, 16, 16), torch.randn(8, 8, 3, 3))
    assert all(sum(x.numel() for x in v.inputs.values()) < 3000 for k, v in made.items() if k != "as given"), made


def test_a_refused_size_is_said_and_is_no_failure():
    verdict = check(lambda x: x.reshape(3, 4).sin(), torch.randn(12))
    reasons = [row.reason for row in verdict.of("not applicable") if row.case == "other sizes"]
    assert verdict.passed and len(reasons) == 1 and "shape '[3, 4]' is invalid" in reasons[0]


@pytest.mark.parametrize("seed", range(20))
def test_values_keep_to_the_example(seed):
    rng = np.random.default_rng(seed)
    for kind in ("plain", "ties", "large", "zeros"):
        assert (draw(rng, torch.rand(5) + 0.1, (7, 3), kind) >= 0).all()
        assert (draw(rng, -torch.rand(5) - 0.1, (7,), kind) <= 0).all()
    whole = torch.tensor([2, 5, 3])
    assert set(draw(rng, whole, (9,)).tolist()) <= {2, 3, 4, 5}
    assert sorted(draw(rng, whole, (3,)).tolist()) == [2, 3, 5]
    assert (draw(rng, torch.tensor([0, 0, 2, 5, 5]), (8,)).diff() >= 0).all()
    assert draw(rng, torch.tensor([True, False]), (4,)).dtype == torch.bool


def test_a_domain_is_kept_to():
    """log of the example's positive values: no alarm, and no answer where it is not defined."""
    verdict = check(lambda x: x.log(), torch.rand(3, 4) + 0.5)
    assert verdict.passed
    assert any(row.case == "either sign" and "not finite" in row.reason for row in verdict.rows)
    near = check(lambda x: torch.log(x - 100), torch.full((3, 4), 100.5))
    assert near.passed and any(row.case == "near the example" and row.status == "passed" for row in near.rows)


class RightAbove(Function):
    """|x| with the gradient of x."""

    @staticmethod
    def forward(ctx, x):
        return x.abs()

    @staticmethod
    def backward(ctx, dy):
        return dy


def test_wrong_where_the_example_gives_no_warrant_is_a_question():
    asked = check(RightAbove, torch.rand(3, 4) + 0.5)
    row = next(row for row in asked.rows if row.case == "either sign" and row.check == "probes")
    assert asked.passed and row.status == "inconclusive" and "one sign only" in row.reason
    assert check(RightAbove, torch.randn(3, 4)).failures


class AllTies(Function):
    """The largest of a row, every tie given the whole gradient."""

    @staticmethod
    def forward(ctx, x):
        y = x.amax(-1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, y = ctx.saved_tensors
        return dy[..., None] * (x == y[..., None])


class TwoAtZero(Function):
    """relu with the slope 2 at 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * ((x > 0).double() + 2 * (x == 0).double())


class SquareOnly(Function):
    """A backward that is right for square matrices alone."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T

    @staticmethod
    def backward(ctx, dy):
        x, w = ctx.saved_tensors
        return dy @ w, (dy.T @ x).T.reshape(w.shape)


class BlocksOfFour(Function):
    """The rows after the last whole block of four are forgotten."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        dx = dy * x.cos()
        if x.shape[0] > 8:
            dx[x.shape[0] // 4 * 4 :] = 0
        return dx


class EmptyIsOne(Function):
    """Gives a row for no rows."""

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.sum(0)

    @staticmethod
    def backward(ctx, dy):
        return dy.expand(max(ctx.shape[0], 1), *ctx.shape[1:]).clone()


class NegativesLost(Function):
    """Right on large values only through luck: exp overflows in the backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sigmoid(x)

    @staticmethod
    def backward(ctx, dy):
        e = ctx.saved_tensors[0].neg().exp() ** 2
        return dy * e.sqrt() / (1 + e.sqrt()) ** 2


class MaskedAll(Function):
    """A mean over what is kept, 0 where nothing is; its gradient divides by 0 there."""

    @staticmethod
    def forward(ctx, x, keep):
        ctx.save_for_backward(x, keep)
        return (x * keep).sum(-1) / keep.sum(-1).clamp(min=1)

    @staticmethod
    def backward(ctx, dy):
        _, keep = ctx.saved_tensors
        return (dy / keep.sum(-1))[..., None] * keep, None


torch.manual_seed(0)
X = torch.randn(4, 4)
KEPT = torch.tensor([[True, False, True, True]] * 4)


@pytest.mark.parametrize(
    ("wrong", "inputs", "case"),
    [
        (AllTies, (X,), "ties"),
        (TwoAtZero, (X,), "some zeros"),
        (SquareOnly, (X, X), "asymmetric"),
        (BlocksOfFour, (X,), "odd batch"),
        (EmptyIsOne, (X,), "empty"),
        (NegativesLost, (X,), "large"),
        (MaskedAll, (X, KEPT), "masks all false"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_fault_that_the_example_hides(wrong, inputs, case):
    verdict = check(wrong, *inputs)
    failing = {row.case.split(",")[0] for row in verdict.failures}
    assert case in failing, (failing, [r for r in verdict.rows if r.case.startswith(case)])
    assert wrong in (SquareOnly,) or "as given" not in failing


RIGHT = {
    "relu": (torch.relu, (X,)),
    "max": (lambda x: x.amax(-1), (X,)),
    "max pool": (lambda x: F.max_pool2d(x, 2), (torch.randn(2, 3, 4, 4),)),
    "sqrt": (torch.sqrt, (X.abs(),)),
    "norm": (lambda x: x.norm(dim=-1), (X,)),
    "std": (lambda x: x.std(-1), (X,)),
    "floor": (lambda x: x.floor() * x, (X,)),
    "sort": (lambda x: x.sort(-1).values, (X,)),
    "layer norm": (lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b), (X, X[0], X[1])),
    "embedding": (lambda i, w: F.embedding(i, w), (torch.tensor([1, 0, 2]), X)),
    "cross entropy": (F.cross_entropy, (X, torch.tensor([1, 0, 2, 3]))),
    "masked softmax": (lambda x, m: torch.where(m, x, -1e30).softmax(-1), (X, X > 0)),
    "probabilities": (F.binary_cross_entropy, (X.sigmoid(), X.T.sigmoid())),
    "clamp": (lambda x: x.clamp(-1, 1), (X,)),
    "hard shrink": (F.hardshrink, (X,)),
    "cdist": (torch.cdist, (X, X.T)),
    "float32 inside": (lambda x: torch.relu(x.float()).to(x.dtype), (X,)),
    "float32 only": (lambda x: torch.tanh(x @ X), (X,)),
    "inverse": (torch.linalg.inv, (X + 5 * torch.eye(4),)),
    "attention": (F.scaled_dot_product_attention, tuple(torch.randn(2, 3, 4) for _ in range(3))),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_is_not_flagged(name):
    function, inputs = RIGHT[name]
    verdict = check(function, *inputs)
    assert verdict.passed, verdict.failures


class Short(Function):
    """Computes in float32; the gradient is off by a twentieth."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.float().exp().to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        return 1.05 * dy * ctx.saved_tensors[0].exp()


def test_what_short_precision_can_see_is_seen():
    verdict = check(Short, X)
    assert verdict.failures and any("float32" in row.reason for row in verdict.rows)


def test_native_code_that_crashes_on_other_sizes_is_refused_and_the_check_goes_on():
    import ctypes

    def native(x):
        if x.shape != (3, 4):
            ctypes.string_at(0)
        return x.sin()

    verdict = check(native, torch.randn(3, 4))
    assert verdict.passed and any("crashes the process (signal 11)" in row.reason for row in verdict.rows)


def test_no_axis_is_cut_below_the_indices_that_point_into_it():
    def gathered(x, index):
        assert x.shape[0] > 5, "would read past the end"
        return x[index]

    made = cases(gathered, torch.randn(6, 3), torch.tensor([5, 0, 2, 2]))
    assert any("reaches up to 5" in v.refused for v in made.values()) or all(
        v.inputs["x"].shape[0] > 5 for v in made.values() if v.inputs
    )
