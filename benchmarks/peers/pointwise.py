"""Activations, and what works along one axis."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.cases import gelu_by_hand, hips_gelu, hips_softmax, softmax_by_hand
from benchmarks.peers.peer import FLAT, IMAGE, Peer, truths

SELU, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def sigmoid(np_, x):
    """1/(1 + exp(−x))."""
    return 1 / (1 + np_.exp(-x))


def softplus(np_, x):
    """log(1 + exp(x)), without overflow."""
    return np_.maximum(x, 0) + np_.log1p(np_.exp(-np_.abs(x)))


def erf(x):
    """SciPy's: NumPy has none."""
    import scipy.special

    return scipy.special.erf(x)


def plain_erf(np_, x):
    """SciPy's, and HIPS autograd's SciPy's."""
    if np_ is np:
        return erf(x)
    import autograd.scipy.special

    return autograd.scipy.special.erf(x)


def relu(x, dy):
    return np.maximum(x, 0), dy * (x > 0)


def leaky_relu(x, dy):
    slope = np.where(x > 0, x.dtype.type(1), x.dtype.type(0.01))
    return x * slope, dy * slope


def by_sigmoid(x, dy):
    y = 1 / (1 + np.exp(-x))
    return y, dy * y * (1 - y)


def by_tanh(x, dy):
    y = np.tanh(x)
    return y, dy * (1 - y * y)


def gelu(x, dy):
    phi = (1 + erf(x / math.sqrt(2))) / 2
    return x * phi, dy * (phi + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def silu(x, dy):
    s = 1 / (1 + np.exp(-x))
    y = x * s
    return y, dy * (s + y * (1 - s))


def softmin(x, dy):
    y, dx = softmax_by_hand(-x, dy)
    return y, -dx


def log_softmax(x, dy):
    y = x - x.max(axis=-1, keepdims=True)
    y = y - np.log(np.exp(y).sum(axis=-1, keepdims=True))
    return y, dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)


def glu(x, dy):
    a, b = np.split(x, 2, axis=-1)
    s = 1 / (1 + np.exp(-b))
    y = a * s
    return y, np.concatenate([dy * s, dy * y * (1 - s)], axis=-1)


def relu6(x, dy):
    return np.clip(x, 0, 6), dy * ((x > 0) & (x < 6))


def hardtanh(x, dy):
    return np.clip(x, -1, 1), dy * ((x > -1) & (x < 1))


def hardsigmoid(x, dy):
    return np.clip(x / 6 + 0.5, 0, 1), dy * ((x > -3) & (x < 3)) / 6


def hardswish(x, dy):
    y = x * np.clip(x + 3, 0, 6) / 6
    return y, dy * np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)).astype(x.dtype)


def hardshrink(x, dy):
    far = np.abs(x) > 0.5
    return x * far, dy * far


def softshrink(x, dy):
    return x - np.clip(x, -0.5, 0.5), dy * (np.abs(x) > 0.5)


def tanhshrink(x, dy):
    t = np.tanh(x)
    return x - t, dy * t * t


def threshold(x, dy):
    above = x > 0.1
    return np.where(above, x, x.dtype.type(0.5)), dy * above


def elu(x, dy):
    e = np.expm1(np.minimum(x, 0))
    return np.where(x > 0, x, e), dy * (e + 1)


def selu(x, dy):
    e = SELU * SELU_ALPHA * np.expm1(np.minimum(x, 0))
    return np.where(x > 0, SELU * x, e), dy * np.where(x > 0, x.dtype.type(SELU), e + SELU * SELU_ALPHA)


def prelu(x, weight, dy):
    w = weight[:, None, None]
    return np.where(x > 0, x, w * x), np.where(x > 0, dy, w * dy), (dy * np.minimum(x, 0)).sum(axis=(0, 2, 3))


def softplus_by_hand(x, dy):
    e = np.exp(-np.abs(x))
    return np.maximum(x, 0) + np.log1p(e), dy / (1 + np.exp(-x))


def softsign(x, dy):
    s = 1 / (1 + np.abs(x))
    return x * s, dy * s * s


def logsigmoid(x, dy):
    e = np.exp(-np.abs(x))
    return np.minimum(x, 0) - np.log1p(e), dy / (1 + np.exp(x))


def mish(x, dy):
    t = np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))
    return x * t, dy * (t + x * (1 - t * t) / (1 + np.exp(-x)))


def dropout(x, keep, dy):
    scale = keep * x.dtype.type(2)
    return x * scale, dy * scale


def logsumexp(x, dy):
    m = x.max(axis=-1, keepdims=True)
    e = np.exp(x - m)
    s = e.sum(axis=-1, keepdims=True)
    return (m + np.log(s))[:, 0], e / s * dy[:, None]


def cumsum(x, dy):
    return x.cumsum(axis=-1), dy[:, ::-1].cumsum(axis=-1)[:, ::-1]


def cumprod(x, dy):
    y = x.cumprod(axis=-1)
    return y, (dy * y)[:, ::-1].cumsum(axis=-1)[:, ::-1] / x


def prod_along(x, dy):
    y = x.prod(axis=-1)
    return y, (dy * y)[:, None] / x


def _glu(np_, x):
    n = x.shape[-1] // 2
    return x[:, :n] * sigmoid(np_, x[:, n:])


def _log_softmax(np_, x):
    z = x - np_.max(x, axis=-1, keepdims=True)
    return z - np_.log(np_.sum(np_.exp(z), axis=-1, keepdims=True))


def _logsumexp(np_, x):
    m = np_.max(x, axis=-1, keepdims=True)
    return (m + np_.log(np_.sum(np_.exp(x - m), axis=-1, keepdims=True)))[:, 0]


POINTWISE: tuple[Peer, ...] = (
    Peer("relu", (FLAT,), relu, lambda n, x: n.maximum(x, 0)),
    Peer("leaky_relu", (FLAT,), leaky_relu, lambda n, x: n.where(x > 0, x, 0.01 * x)),
    Peer("sigmoid", (FLAT,), by_sigmoid, sigmoid),
    Peer("tanh", (FLAT,), by_tanh, lambda n, x: n.tanh(x)),
    Peer("gelu", (FLAT,), gelu, lambda n, x: x / 2 * (1 + plain_erf(n, x / math.sqrt(2)))),
    Peer("gelu", (FLAT,), gelu_by_hand, hips_gelu, {"approximate": "tanh"}),
    Peer("silu", (FLAT,), silu, lambda n, x: x * sigmoid(n, x)),
    Peer("softmax", (FLAT,), softmax_by_hand, hips_softmax),
    Peer("softmin", (FLAT,), softmin, lambda n, x: hips_softmax(n, -x)),
    Peer("log_softmax", (FLAT,), log_softmax, _log_softmax),
    Peer("glu", (FLAT,), glu, _glu),
    Peer("relu6", (FLAT,), relu6, lambda n, x: n.clip(x, 0, 6)),
    Peer("hardtanh", (FLAT,), hardtanh, lambda n, x: n.clip(x, -1, 1)),
    Peer("hardsigmoid", (FLAT,), hardsigmoid, lambda n, x: n.clip(x / 6 + 0.5, 0, 1)),
    Peer("hardswish", (FLAT,), hardswish, lambda n, x: x * n.clip(x + 3, 0, 6) / 6),
    Peer("hardshrink", (FLAT,), hardshrink, lambda n, x: x * (n.abs(x) > 0.5)),
    Peer("softshrink", (FLAT,), softshrink, lambda n, x: x - n.clip(x, -0.5, 0.5)),
    Peer("tanhshrink", (FLAT,), tanhshrink, lambda n, x: x - n.tanh(x)),
    Peer("threshold", (FLAT,), threshold, lambda n, x: n.where(x > 0.1, x, 0.5),
         keywords={"threshold": 0.1, "value": 0.5}),
    Peer("elu", (FLAT,), elu, lambda n, x: n.where(x > 0, x, n.expm1(n.minimum(x, 0)))),
    Peer("celu", (FLAT,), elu, lambda n, x: n.where(x > 0, x, n.expm1(n.minimum(x, 0)))),
    Peer("selu", (FLAT,), selu,
         lambda n, x: SELU * n.where(x > 0, x, SELU_ALPHA * n.expm1(n.minimum(x, 0)))),
    Peer("prelu", (IMAGE, (32,)), prelu, lambda n, x, w: n.where(x > 0, x, w[:, None, None] * x),
         {"num_parameters": 32}),
    Peer("softplus", (FLAT,), softplus_by_hand, softplus),
    Peer("softsign", (FLAT,), softsign, lambda n, x: x / (1 + n.abs(x))),
    Peer("logsigmoid", (FLAT,), logsigmoid, lambda n, x: -softplus(n, -x)),
    Peer("mish", (FLAT,), mish, lambda n, x: x * n.tanh(softplus(n, x))),
    Peer("dropout", (FLAT, truths(*FLAT)), dropout, lambda n, x, keep: x * keep * 2),
    Peer("logsumexp", (FLAT,), logsumexp, _logsumexp),
    Peer("cumsum", (FLAT,), cumsum, lambda n, x: n.cumsum(x, axis=-1)),
    Peer("cumprod", ((65536, 8),), cumprod, None),
    Peer("prod_along", ((65536, 8),), prod_along, lambda n, x: n.prod(x, axis=-1)),
)  # fmt: skip
