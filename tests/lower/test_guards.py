"""Generated code beside the interpreter where a factor is infinite, a range varies, an axis is empty."""

import numpy as np
import pytest

import derive
from derive import interpreter
from derive.targets.files import callable_of

#: A factor that is infinite where no point is left: ∞·0 must not be taken.
HOISTED = """
def f(x: Real[N, K], s: Real[N]):
    y[n] = sum[k, 0 < s[n], x[n, k] != 0](x[n, k]**2*x[n, k]/s[n])
    return y
"""
#: The place of a winner counts among the range's own lengths, not among the box that holds them all.
VARYING = """
def f(x: Real[N, N]):
    place: Index[N]
    place[m] = argmax[i < 2, j < m + 1](x[i, j])
    return place
"""
#: A read at a number is not there of an empty axis.
EMPTY = """
def f(x: Real[T, N], d: Real[N]):
    y[n] = where(0 < T, x[0, n]*d[n], 0) + d[n]
    return y
"""


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("text", "arrays"),
    [
        (HOISTED, {"x": np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]]), "s": np.array([2.0, 0.0, 0.0])}),
        (VARYING, {"x": np.random.default_rng(0).normal(size=(4, 4))}),
        (EMPTY, {"x": np.zeros((0, 3)), "d": np.ones(3)}),
        (EMPTY, {"x": np.full((2, 3), 2.0), "d": np.ones(3)}),
    ],
    ids=["infinite factor", "varying range", "empty axis", "full axis"],
)
def test_code_is_the_interpreter(text, arrays, target):
    program = derive.load(text)
    expected = interpreter.run(program, arrays, {})[program.outputs[0]]
    given = list(arrays.values())
    if target == "torch":
        import torch

        given = [torch.from_numpy(a) for a in given]
    with np.errstate(all="ignore"):
        found = np.asarray(callable_of(program, target)(*given)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
