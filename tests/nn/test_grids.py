"""Resampling, sampling at places and bags under torch's names: numbers and gradients as torch's, at every option."""

import itertools

import pytest
import torch
import torch.nn.functional as F

import derive.nn.functional as D


def agree(name, inputs, *args, **options):
    """The same numbers, and the same gradients for a random cotangent."""
    torch.manual_seed(0)
    ours, theirs = (getattr(space, name)(*inputs, *args, **options) for space in (D, F))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    leaves, cotangent = [t for t in inputs if t.requires_grad], torch.randn_like(theirs)
    for ours_d, theirs_d in zip(
        torch.autograd.grad(ours, leaves, cotangent), torch.autograd.grad(theirs, leaves, cotangent), strict=True
    ):
        torch.testing.assert_close(ours_d, theirs_d, rtol=1e-10, atol=1e-10)


def real(*shape, scale=1.0):
    torch.manual_seed(1)
    return (scale * torch.randn(*shape, dtype=torch.float64)).requires_grad_()


SIZES = (
    {"size": (7, 3)}, {"scale_factor": (1.7, 0.6)}, {"scale_factor": 2.3},
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", ("nearest", "nearest-exact", "area", "bilinear", "bicubic"))
def test_interpolate(mode, size):
    agree("interpolate", [real(2, 3, 5, 6)], mode=mode, **size)
    if mode in ("bilinear", "bicubic"):
        agree("interpolate", [real(2, 3, 5, 6)], mode=mode, align_corners=True, **size)
        agree("interpolate", [real(2, 3, 5, 6)], mode=mode, antialias=True, **size)


def test_interpolate_along_one_and_three_axes():
    agree("interpolate", [real(2, 3, 5)], mode="linear", scale_factor=1.7)
    agree("interpolate", [real(2, 1, 4, 5, 3)], mode="trilinear", size=(3, 6, 5), align_corners=True)
    agree("interpolate", [real(2, 1, 4, 5, 3)], mode="nearest", size=(3, 6, 5))
    agree("interpolate", [real(2, 3, 5, 6)], mode="lanczos", size=(3, 9), antialias=True)


def test_nearest_has_the_gradient_of_what_it_computes():
    """Along one axis torch's forward follows the scale, its backward the lengths where these agree."""
    x = real(1, 1, 4)
    for space, wanted in ((D, [2, 1, 1, 0]), (F, [1, 1, 1, 1])):
        y = space.interpolate(x, scale_factor=1.2, mode="nearest")
        assert torch.equal(y[0, 0], x[0, 0, [0, 0, 1, 2]])
        (dx,) = torch.autograd.grad(y.sum(), x)
        assert dx.flatten().tolist() == wanted


@pytest.mark.parametrize("corners", (False, True))
@pytest.mark.parametrize("padding", ("zeros", "border", "reflection"))
@pytest.mark.parametrize("mode", ("bilinear", "nearest", "bicubic"))
def test_grid_sample(mode, padding, corners):
    """Places far outside too, and an axis of one point."""
    agree("grid_sample", [real(2, 3, 5, 6), real(2, 4, 3, 2, scale=1.7)], mode, padding, corners)
    agree("grid_sample", [real(2, 3, 1, 2), real(2, 4, 3, 2, scale=1.7)], mode, padding, corners)
    if mode != "bicubic":
        agree("grid_sample", [real(2, 3, 4, 5, 6), real(2, 4, 3, 2, 3, scale=1.7)], mode, padding, corners)


@pytest.mark.parametrize("corners", (False, True))
def test_affine_grid(corners):
    agree("affine_grid", [real(2, 2, 3)], [2, 3, 4, 5], corners)
    agree("affine_grid", [real(2, 3, 4)], [2, 3, 4, 5, 2], corners)


@pytest.mark.parametrize("padding", (None, 4, -2))
@pytest.mark.parametrize("mode", ("sum", "mean", "max"))
def test_embedding_bag(mode, padding):
    token, weight = torch.tensor([1, 2, 4, 5, 4, 3]), real(6, 3)
    agree("embedding_bag", [token.reshape(2, 3), weight], mode=mode, padding_idx=padding)
    for offsets, last in itertools.product(([0, 2, 2, 5], [0, 0, 6]), (False, True)):
        ends = [*offsets[:-1], 6] if last else offsets
        agree("embedding_bag", [token, weight], torch.tensor(ends), mode=mode, padding_idx=padding,
              include_last_offset=last)  # fmt: skip


def test_weighted_bags():
    token, weight, each = torch.tensor([1, 2, 4, 5, 4, 3]), real(6, 3), real(6)
    bags = [space.embedding_bag(token, weight, torch.tensor([0, 1, 4]), mode="sum", per_sample_weights=each)
            for space in (D, F)]  # fmt: skip
    (ours, theirs) = (torch.autograd.grad(y.square().sum(), (weight, each)) for y in bags)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_bags_begin_at_the_first_token():
    with pytest.raises(ValueError, match="the first bag begins at 0"):
        D.embedding_bag(torch.tensor([1, 2]), real(6, 3), torch.tensor([1]))


def test_a_wrong_definition_is_seen(monkeypatch):
    """Half a step aside is another resampling."""
    monkeypatch.setattr(D, "interpolate", lambda x, **_: F.interpolate(x, size=(7, 3), mode="bilinear"))
    with pytest.raises(AssertionError):
        agree("interpolate", [real(2, 3, 5, 6)], size=(7, 3), mode="bilinear", align_corners=True)
