"""Scalar functions that NumPy lacks.  Generated files carry the ones they use; nothing here is imported by them."""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np


def _sigmoid(x):
    """1/(1 + exp(−x))."""
    y = np.negative(x, out=np.empty_like(x))
    np.exp(y, out=y)
    y += 1
    return np.divide(1, y, out=y)


def _softplus(x):
    """log(1 + exp(x)), without overflow."""
    y = np.abs(x, out=np.empty_like(x))
    np.negative(y, out=y)
    np.log1p(np.exp(y, out=y), out=y)
    y += np.clip(x, 0, np.inf)
    return y


def _logsigmoid(x):
    """log(1/(1 + exp(−x))), without overflow."""
    y = np.abs(x, out=np.empty_like(x))
    np.negative(y, out=y)
    np.log1p(np.exp(y, out=y), out=y)
    return np.subtract(np.clip(x, -np.inf, 0), y, out=y)


def _by_blocks(f, x):
    """f of x, a cache's worth of entries at a time."""
    x = np.asarray(x)
    flat = np.ascontiguousarray(x).reshape(-1)
    y = np.empty_like(flat)
    for k in range(0, flat.size, 8192):
        y[k : k + 8192] = f(flat[k : k + 8192])
    return y.reshape(x.shape)


def _rational(x, above, below):
    """A quotient of polynomials, highest power first."""
    top, bottom = np.full_like(x, above[0]), np.full_like(x, below[0])
    for value, coefficients in ((top, above), (bottom, below)):
        for a in coefficients[1:]:
            value *= x
            value += a
    top /= bottom
    return top


def _erf_small(x):
    """erf(x) for |x| ≤ 0.46875 (Cody, 1969)."""
    above = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
             3.20937758913846947e3)  # fmt: skip
    below = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
    return x * _rational(x * x, above, below)


def _erfc_large(y):
    """erfc(y) for y > 0.46875 (Cody, 1969)."""
    above = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)  # fmt: skip
    below = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
    far_above = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
                 1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
    far_below = (1.0, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2,
                 2.33520497626869185e-3)  # fmt: skip
    near = np.minimum(y, 4)
    value = _rational(near, above, below)
    if (y > 4).any():
        z = 1 / np.square(np.maximum(y, 4))
        value = np.where(y > 4, (1 / math.sqrt(math.pi) - z * _rational(z, far_above, far_below)) / y, value)
    coarse = np.floor(y * 16) / 16
    return np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse)) * value


def _erf_single(x):
    """erf(x) to single precision: an odd rational function on [−4, 4]."""
    above = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
             -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02)  # fmt: skip
    below = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
             -1.42647390514189e-02)  # fmt: skip
    x = np.clip(x, -4, 4)
    return x * _rational(x * x, above, below)


def _erf(x):
    """The error function."""

    def block(x):
        y = np.abs(x)
        large = np.sign(x) * (1 - _erfc_large(np.minimum(np.maximum(y, 0.25), 26)))
        return np.where(y <= 0.46875, _erf_small(np.clip(x, -0.5, 0.5)), large)

    return _by_blocks(_erf_single if np.asarray(x).dtype == np.float32 else block, x)


def _erfc(x):
    """1 − erf(x)."""

    def block(x):
        y = np.abs(x)
        large = _erfc_large(np.minimum(np.maximum(y, 0.25), 27))
        return np.where(y <= 0.46875, 1 - _erf_small(np.clip(x, -0.5, 0.5)), np.where(x < 0, 2 - large, large))

    return _by_blocks(block, x)


def _lgamma(x):
    """log|Γ(x)|: shifted up to 16, then Stirling's series."""
    x = np.asarray(x)
    y = np.where(x < 0.5, 1 - x, x)
    shift, z = np.ones_like(y), y
    for _ in range(16):
        low = z < 16
        shift, z = np.where(low, shift * z, shift), np.where(low, z + 1, z)
    w = 1 / (z * z)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z
    value = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series - np.log(shift)
    return np.where(x < 0.5, math.log(math.pi) - np.log(np.abs(np.sin(math.pi * x))) - value, value)


def _digamma(x):
    """The derivative of lgamma: shifted up to 16, then its asymptotic series."""
    x = np.asarray(x)
    y = np.where(x < 0.5, 1 - x, x)
    shift, z = np.zeros_like(y), y
    for _ in range(16):
        low = z < 16
        shift, z = np.where(low, shift + 1 / z, shift), np.where(low, z + 1, z)
    w = 1 / (z * z)
    value = np.log(z) - 0.5 / z - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132)))) - shift
    return np.where(x < 0.5, value - math.pi / np.tan(math.pi * x), value)


def _polygamma(n, x):
    """The n-th derivative of digamma for x > 0: shifted up to 24, then its asymptotic series."""
    n = int(n)
    z = np.asarray(x)
    shift = np.zeros_like(z)
    for _ in range(24):
        low = z < 24
        shift, z = np.where(low, shift + z ** (-n - 1.0), shift), np.where(low, z + 1, z)
    even = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # Bernoulli's numbers
    tail = sum(
        b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * z ** (-2.0 * k - n) for k, b in enumerate(even, 1)
    )
    value = math.factorial(n - 1) * z ** -float(n) + math.factorial(n) / 2 * z ** (-n - 1.0) + tail
    return (-1) ** (n + 1) * (value + math.factorial(n) * shift)
