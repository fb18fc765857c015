"""Generated files alone: a wrong shape or value is a ValueError or an IndexError that names the axis, both targets."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import derive

TARGETS = ("numpy", "torch")
_MODULES: dict[tuple[str, str], ModuleType] = {}


def module(name: str, target: str) -> ModuleType:
    if (name, target) not in _MODULES:
        _MODULES[name, target] = derive.generate(name, target).module()
    return _MODULES[name, target]


def arrays(target: str, *given: Any) -> list[Any]:
    made = [np.ones(g) if isinstance(g, tuple) else np.asarray(g) for g in given]
    return [torch.from_numpy(a) for a in made] if target == "torch" else made


#: name → (definition, shapes or data of its inputs, hyperparameters, words)
CALLS: dict[str, tuple[str, tuple, dict, str]] = {
    "rank": ("conv2d", ((2, 4, 4), (3, 2, 2, 2)), {}, r"x has shape .*2, 4, 4.*expected axes \[N, C, H, W\]"),
    "axis": ("conv2d", ((1, 2, 4, 4), (3, 1, 2, 2)), {}, "weight axis C has size 1; expected 2"),
    "optional": ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2), (2,)), {}, "bias axis F has size 2; expected 3"),
    "pack": ("mse_loss", ((3, 4), (3, 5)), {}, "target .*5.*expected"),
    "stride of 0": ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2)), {"stride": 0}, r"conv2d needs 0 < stride\[0\]"),
    "stride backwards": ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2)), {"stride": -1}, r"conv2d needs 0 < stride\[0\]"),
    "stride of three": ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2)), {"stride": (1, 2, 3)}, "expected 2 numbers"),
    "window of nothing": ("max_pool2d", ((1, 4, 4),), {"kernel_size": 0}, r"needs 0 < kernel_size\[0\]"),
    "groups that do not divide": ("group_norm", ((2, 5, 3),), {"num_groups": 2}, "5"),
    "token too large": ("embedding", ([0, 5], (5, 2)), {}, "5"),
    "token below 0": ("embedding", ([0, -1], (5, 2)), {}, "index"),
    "class too large": ("cross_entropy", ((3, 4), [0, 1, 4]), {}, "4"),
    "class below 0": ("cross_entropy", ((3, 4), [0, 1, -1]), {}, "index"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_input_is_refused(name: str, target: str) -> None:
    definition, given, hypers, words = CALLS[name]
    with pytest.raises((ValueError, IndexError), match=words):
        getattr(module(definition, target), definition)(*arrays(target, *given), **hypers)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("definition", "given", "cotangent", "words"),
    [
        ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2)), (1, 3, 2, 3), "dy axis OH has size 2; expected 3"),
        ("conv2d", ((1, 2, 4, 4), (3, 2, 2, 2)), (1, 3, 3), "dy has shape"),
        ("linear", ((2, 3), (4, 3)), (2, 5), "dy axis .* has size 5; expected 4"),
        ("avg_pool2d", ((1, 4, 4),), (1, 3, 2), "OH"),
        ("max_pool2d", ((1, 4, 4),), (1, 3, 2), "OH"),
    ],
)
def test_a_wrong_cotangent_is_refused(
    definition: str, given: tuple, cotangent: tuple[int, ...], words: str, target: str
) -> None:
    m = module(definition, target)
    hypers = {"kernel_size": 2} if "pool" in definition else {}
    saved = getattr(m, f"{definition}_forward")(*arrays(target, *given), **hypers)[-1]
    with pytest.raises(ValueError, match=words):
        getattr(m, f"{definition}_backward")(saved, *arrays(target, cotangent))


#: A scatter leaves out what falls outside, since that is no point of the sum.
SCATTER = "def f(idx: Index[N], x: Real[N], b: Real[V]):\n    h[v] = sum[n, idx[n] == v](x[n]*b[v])\n    return h"
#: A guard decides which rows are used; those that are, must be there.
GUARDED = "def f(idx: Index[N], x: Real[M], m: Bool[N, K]):\n    y[n] = sum[k, m[n, k]](x[idx[n]])\n    return y"


@pytest.mark.parametrize("target", TARGETS)
def test_a_scatter_leaves_out_what_falls_outside(target: str) -> None:
    m = derive.generate(SCATTER, target).module()
    for idx in ([0, -1, 1], [0, 7, 1]):
        found = m.f(*arrays(target, idx, (3,), (4,)))
        np.testing.assert_array_equal(np.asarray(found), [1, 1, 0, 0])


@pytest.mark.parametrize("target", TARGETS)
def test_rows_under_a_guard_of_more_letters(target: str) -> None:
    m = derive.generate(GUARDED, target).module()
    mask = [[True, False], [False, False], [True, True]]
    found = m.f(*arrays(target, [0, -1, 1], (3,), mask))
    np.testing.assert_array_equal(np.asarray(found), [1, 0, 2])
    with pytest.raises(IndexError):
        m.f(*arrays(target, [0, 1, 7], (3,), mask))
