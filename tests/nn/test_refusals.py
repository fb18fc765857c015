"""What is wrong is refused, class by class: no tensor in torch's words, a wrong length by its axis."""

import copy
import re
import warnings

import pytest
import torch

import derive.nn as nn
from derive.errors import DeriveError
from derive.verify import modules as bed


def built(namespace, name, sample):
    args, kwargs = copy.deepcopy((sample.constructor_input.args, sample.constructor_input.kwargs))
    return getattr(namespace, name)(*args, **kwargs).double()


def answer(namespace, name, sample, first):
    """What a module says to other data; None where it takes them."""
    rest = sample.forward_input.args[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            built(namespace, name, sample)(first, *rest, **sample.forward_input.kwargs)
        except Exception as error:  # whatever it is, it is looked at
            return error
    return None


def sample_of(name):
    return bed.samples(name)[-1]


@pytest.mark.parametrize("name", sorted(bed.names()))
def test_no_tensor_is_refused_as_torch_refuses_it(name):
    sample = sample_of(name)
    theirs, ours = (answer(n, name, sample, "data") for n in (torch.nn, nn))
    assert (theirs is None) == (ours is None)
    assert isinstance(ours, (DeriveError, TypeError, AttributeError, type(theirs)))
    assert not isinstance(ours, AttributeError) or isinstance(theirs, AttributeError)


@pytest.mark.parametrize("name", sorted(bed.names()))
def test_a_longer_axis_is_refused_where_torch_refuses_it(name):
    """By the axis's letter and both sizes, or in torch's own words."""
    data = sample_of(name).forward_input.args[0]
    if not isinstance(data, torch.Tensor) or not data.numel() or not data.is_floating_point():
        return
    data = data.detach()
    for axis in range(min(2, data.ndim)):
        longer = torch.cat([data, data.narrow(-1 - axis, 0, 1)], -1 - axis)
        theirs = answer(torch.nn, name, sample_of(name), longer)
        if theirs is not None:
            ours = answer(nn, name, sample_of(name), longer)
            assert ours is not None, f"axis {-1 - axis}: {theirs}"
            named = len(set(re.findall(r"\d+", str(ours)))) >= 2
            assert named or str(ours) == str(theirs), str(ours)


@pytest.mark.parametrize(
    ("make", "data", "words"),
    [
        (lambda: nn.Linear(3, 4), (2, 5), ["axis I", "3", "5"]),
        (lambda: nn.Conv2d(3, 4, 3), (1, 2, 5, 5), ["C", "3", "2"]),
        (lambda: nn.ConvTranspose1d(3, 4, 3), (1, 2, 5), ["C", "3", "2"]),
        (lambda: nn.BatchNorm2d(3), (2, 4, 5, 5), ["C", "3", "4"]),
        (lambda: nn.LayerNorm(3), (2, 4), ["3", "4"]),
        (lambda: nn.GroupNorm(3, 6), (2, 4, 5), ["4"]),
        (lambda: nn.Bilinear(3, 4, 2), ((2, 5), (2, 4)), ["axis", "3", "5"]),
        (lambda: nn.BCELoss(), ((2, 3), (3,)), ["[2, 3]", "[3]"]),
        (lambda: nn.GaussianNLLLoss(), ((2, 3), (2, 3), (3,)), ["[2, 3]", "[3]"]),
        (lambda: nn.LSTM(3, 4), (5, 2, 6), ["3", "6"]),
    ],
)
def test_the_message_names_what_is_wrong(make, data, words):
    shapes = data if isinstance(data[0], tuple) else (data,)
    with pytest.raises((DeriveError, ValueError, RuntimeError)) as told:
        make()(*(torch.rand(shape) for shape in shapes))
    assert [w for w in words if w not in str(told.value)] == []


def test_whole_numbers_are_moved_or_refused():
    pixels = torch.arange(4).reshape(1, 1, 2, 2)
    assert nn.ZeroPad2d(1)(pixels).dtype == torch.int64 and nn.ReLU()(pixels).dtype == torch.int64
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        nn.GELU()(pixels)


def test_sizes_that_would_be_spread_in_silence_are_refused():
    for kind in (nn.BCELoss, nn.BCEWithLogitsLoss):
        with pytest.raises(ValueError, match=r"target has shape \[3\], the input \[2, 3\]"):
            kind()(torch.rand(2, 3), torch.rand(3))
