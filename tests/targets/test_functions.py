"""Scalar functions on arrays: every one of the language, on both targets, against high precision."""

import mpmath
import numpy as np
import pytest
import torch

import derive
from derive.functions import FUNCTIONS
from derive.targets import support_numpy_scalar, to_numpy, to_torch
from tests.lower.running import compiled

X = np.array([-7.3, -2.0, -0.46, -1e-3, 0.0, 1e-9, 0.3, 0.47, 1.0, 2.5, 3.99, 4.2, 9.0, 40.0])
DOMAIN = {"log": X > 0, "sqrt": X >= 0, "log1p": X > -1, "asin": abs(X) <= 1, "acos": abs(X) <= 1,
          "lgamma": X > 0, "digamma": X > 0}  # fmt: skip
EXACT = {
    "abs": abs, "sign": mpmath.sign, "floor": mpmath.floor, "ceil": mpmath.ceil, "round": mpmath.nint,
    "relu": lambda x: max(x, 0), "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)), "logsigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "lgamma": mpmath.loggamma,
}  # fmt: skip


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row.arity == 1])
def test_function_of_one_argument(name, target):
    f = compiled(derive.load(f"@layer\ndef f(x: Real[N]):\n    y[n] = {name}(x[n])\n    return y"), target)
    x = X[DOMAIN.get(name, X == X)]
    with mpmath.workdps(40):
        exact = EXACT.get(name) or getattr(mpmath, name)
        wanted = np.array([float(exact(mpmath.mpf(v))) for v in x])
    got = np.asarray(f(x if target == "numpy" else torch.tensor(x)))
    scale = np.maximum(np.abs(wanted), 1.0 if "gamma" in name else 1e-2)
    assert np.all(np.abs(got - wanted) <= 2e-14 * scale)


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("call", "exact"),
    [
        ("max(x[n], z[n])", np.maximum), ("min(x[n], z[n])", np.minimum), ("atan2(x[n], z[n])", np.arctan2),
        ("max(x[n], 1/3)", lambda x, z: np.maximum(x, 1 / 3)), ("min(2, z[n])", lambda x, z: np.minimum(2, z)),
        ("clamp(x[n], -1, 1)", lambda x, z: np.clip(x, -1, 1)),
        ("clamp(x[n], z[n], 1)", lambda x, z: np.clip(x, z, 1)),
        ("atan2(1, z[n])", lambda x, z: np.arctan2(1, z)), ("x[n]**z[n]", lambda x, z: x**z),
        ("2**z[n]", lambda x, z: 2**z), ("x[n]**3", lambda x, z: x**3), ("x[n]**(-2)", lambda x, z: 1 / x**2),
        ("where(n < 2, x[n], z[n])", lambda x, z: np.where(np.arange(3) < 2, x, z)),
        ("where(x[n] < 1, 1/3, 0)*z[n]", lambda x, z: np.where(x < 1, 1 / 3, 0) * z),
        ("x[n]*n/N", lambda x, z: x * np.arange(3) / 3),
        ("x[n]*(n//2) + n % 2", lambda x, z: x * [0, 0, 1] + [0, 1, 0]),
    ],
)  # fmt: skip
def test_function_of_several_arguments(call, exact, target):
    f = compiled(derive.load(f"@layer\ndef f(x: Real[N], z: Real[N]):\n    y[n] = {call}\n    return y"), target)
    x, z = np.array([0.5, 1.0, 2.0]), np.array([-0.3, 1.0, 0.9])
    convert = (lambda a: a) if target == "numpy" else torch.tensor
    np.testing.assert_allclose(np.asarray(f(convert(x), convert(z))), exact(x, z), rtol=1e-15, atol=1e-15)
    single = np.asarray(f(convert(x.astype(np.float32)), convert(z.astype(np.float32))))
    assert single.dtype == np.float32


def test_tables_are_full():
    numpy = {*to_numpy.FUNCTIONS, *to_numpy.SUPPORTED, "relu"}
    assert set(FUNCTIONS) == numpy == {*to_torch.FUNCTIONS, "softplus"}
    assert all(hasattr(support_numpy_scalar, f"_{name}") for name in to_numpy.SUPPORTED)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_polygamma(n):
    x = np.array([0.1, 0.9, 2.0, 7.5, 33.0])
    wanted = [float(mpmath.polygamma(n, v)) for v in x]
    np.testing.assert_allclose(support_numpy_scalar._polygamma(n, x), wanted, rtol=1e-13)


def test_erf_in_single_precision():
    x = np.linspace(-6, 6, 4001).astype(np.float32)
    wanted = support_numpy_scalar._erf(x.astype(float))
    got = support_numpy_scalar._erf(x)
    assert got.dtype == np.float32 and np.max(np.abs(got - wanted) / np.maximum(np.abs(wanted), 1e-30)) < 5e-7
