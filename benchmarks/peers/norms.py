"""Normalizations, linear maps, attention, recurrences and tables."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import attention_by_hand, hips_attention, hips_layer_norm, layer_norm_by_hand
from benchmarks.peers.peer import FLAT, IMAGE, SIGNAL, Peer, classes, scaled


def rms_norm(x, weight, dy):
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6)
    xhat = x * r
    g = dy * weight
    return weight * xhat, r * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), (dy * xhat).sum(axis=0)


def normalized(x, axes):
    """The normalized x and the reciprocal deviation over some axes."""
    mu = x.mean(axis=axes, keepdims=True)
    centred = x - mu
    v = (centred * centred).mean(axis=axes, keepdims=True)
    r = 1 / np.sqrt(v + 1e-5)
    return centred * r, r, mu, v


def back(g, xhat, r, axes):
    """The gradient through ``normalized``."""
    return r * (g - g.mean(axis=axes, keepdims=True) - xhat * (g * xhat).mean(axis=axes, keepdims=True))


def batch_norm(x, running_mean, running_var, weight, bias, dy, *_):
    axes = (0, *range(2, x.ndim))
    shape = (-1, *[1] * (x.ndim - 2))
    xhat, r, mu, v = normalized(x, axes)
    w = weight.reshape(shape)
    n = x.size // x.shape[1]
    means = 0.9 * running_mean + 0.1 * mu.reshape(-1)
    variances = 0.9 * running_var + 0.1 * v.reshape(-1) * n / (n - 1)
    dweight, dbias = (dy * xhat).sum(axis=axes), dy.sum(axis=axes)
    dx = w * r * (dy - (dbias.reshape(shape) + xhat * dweight.reshape(shape)) / n)
    return w * xhat + bias.reshape(shape), means, variances, dx, dweight, dbias


def instance_norm(x, running_mean, running_var, weight, bias, dy, *_):
    w = weight[:, None, None]
    xhat, r, mu, v = normalized(x, (2, 3))
    n = x.shape[2] * x.shape[3]
    means = 0.9 * running_mean + 0.1 * mu.mean(axis=0).reshape(-1)
    variances = 0.9 * running_var + 0.1 * v.mean(axis=0).reshape(-1) * n / (n - 1)
    dx = back(w * dy, xhat, r, (2, 3))
    y = w * xhat + bias[:, None, None]
    return y, means, variances, dx, (dy * xhat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def group_norm(x, weight, bias, dy):
    shape = (x.shape[0], 8, -1)
    w = weight[:, None, None]
    xhat, r, _, _ = normalized(x.reshape(shape), (2,))
    dx = back((w * dy).reshape(shape), xhat, r, (2,)).reshape(x.shape)
    xhat = xhat.reshape(x.shape)
    return w * xhat + bias[:, None, None], dx, (dy * xhat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def neighbours(a):
    """Σ of five neighbouring channels."""
    wide = np.pad(a, ((0, 0), (2, 2), (0, 0), (0, 0)))
    return sum(wide[:, i : i + a.shape[1]] for i in range(5))


def local_response_norm(x, dy):
    s = 1 + 1e-4 / 5 * neighbours(x * x)
    p = s**-0.75
    y = x * p
    return y, dy * p - 2 * 0.75 * 1e-4 / 5 * x * neighbours(dy * y / s)


def normalize(x, dy):
    n = np.sqrt((x * x).sum(axis=1, keepdims=True))
    y = x / n
    return y, (dy - y * (dy * y).sum(axis=1, keepdims=True)) / n


def linear(x, weight, bias, dy):
    return x @ weight.T + bias, dy @ weight, dy.T @ x, dy.sum(axis=0)


def bilinear(a, b, weight, bias, dy):
    t = np.tensordot(b, weight, axes=(1, 2))  # n o i
    y = (t * a[:, None]).sum(axis=2) + bias
    db = np.tensordot((dy[:, :, None] * a[:, None]).reshape(len(a), -1), weight.reshape(-1, b.shape[1]), axes=1)
    dweight = np.tensordot(dy[:, :, None] * a[:, None], b, axes=(0, 0))
    return y, (t * dy[:, :, None]).sum(axis=1), db, dweight, dy.sum(axis=0)


def embedding(token, weight, dy):
    dweight = np.zeros_like(weight)
    np.add.at(dweight, token, dy)
    return weight[token], dweight


def embedding_bag(token, weight, dy):
    y = weight[token].mean(axis=1)
    dweight = np.zeros_like(weight)
    np.add.at(dweight, token, np.repeat(dy[:, None] / token.shape[1], token.shape[1], axis=1))
    return y, dweight


def gather(x, index, dy):
    dx = np.zeros_like(x)
    np.add.at(dx, (np.arange(len(x))[:, None], index), dy)
    return np.take_along_axis(x, index, axis=1), dx


def scatter_add(x, index, source, dy):
    y = x.copy()
    np.add.at(y, (np.arange(len(x))[:, None], index), source)
    return y, dy.copy(), np.take_along_axis(dy, index, axis=1)


def rnn(x, h0, w, u, b, c, dh, dlast):
    h = np.empty((len(x) + 1, *h0.shape), x.dtype)
    h[0] = h0
    known = x @ w.T + (b + c)
    for t in range(len(x)):
        h[t + 1] = np.tanh(known[t] + h[t] @ u.T)
    da, grad = np.empty_like(known), dlast
    for t in reversed(range(len(x))):
        da[t] = (grad + dh[t]) * (1 - h[t + 1] ** 2)
        grad = da[t] @ u
    flat = da.reshape(-1, da.shape[-1])
    dw, du = flat.T @ x.reshape(len(flat), -1), flat.T @ h[:-1].reshape(len(flat), -1)
    db = flat.sum(axis=0)
    return h[1:], h[-1], da @ w, grad, dw, du, db, db


def lstm(x, h0, c0, w, u, b, e, dh, dlast_h, dlast_c):
    n, k = len(x), h0.shape[1]
    h, c = np.empty((n + 1, *h0.shape), x.dtype), np.empty((n + 1, *h0.shape), x.dtype)
    h[0], c[0] = h0, c0
    gates, tanhs = x @ w.T + (b + e), np.empty((n, *h0.shape), x.dtype)
    for t in range(n):
        a = gates[t] + h[t] @ u.T
        a[:, : 2 * k] = 1 / (1 + np.exp(-a[:, : 2 * k]))
        a[:, 2 * k : 3 * k] = np.tanh(a[:, 2 * k : 3 * k])
        a[:, 3 * k :] = 1 / (1 + np.exp(-a[:, 3 * k :]))
        gates[t] = a
        i, f, g, o = np.split(a, 4, axis=1)
        c[t + 1] = f * c[t] + i * g
        tanhs[t] = np.tanh(c[t + 1])
        h[t + 1] = o * tanhs[t]
    da, gh, gc = np.empty_like(gates), dlast_h, dlast_c
    for t in reversed(range(n)):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        gh = gh + dh[t]
        gc = gc + gh * o * (1 - tanhs[t] ** 2)
        da[t, :, :k] = gc * g * i * (1 - i)
        da[t, :, k : 2 * k] = gc * c[t] * f * (1 - f)
        da[t, :, 2 * k : 3 * k] = gc * i * (1 - g * g)
        da[t, :, 3 * k :] = gh * tanhs[t] * o * (1 - o)
        gc, gh = gc * f, da[t] @ u
    flat = da.reshape(-1, 4 * k)
    dw, du, db = flat.T @ x.reshape(len(flat), -1), flat.T @ h[:-1].reshape(len(flat), -1), flat.sum(axis=0)
    return h[1:], h[-1], c[-1], da @ w, gh, gc, dw, du, db, db


def gru(x, h0, w, u, b, e, dh, dlast):
    n, k = len(x), h0.shape[1]
    h, known = np.empty((n + 1, *h0.shape), x.dtype), x @ w.T + b
    h[0] = h0
    rz, news, hidden = np.empty((n, len(h0), 2 * k), x.dtype), np.empty((n, *h0.shape), x.dtype), np.empty_like(known)
    for t in range(n):
        hidden[t] = h[t] @ u.T + e
        rz[t] = 1 / (1 + np.exp(-(known[t, :, : 2 * k] + hidden[t, :, : 2 * k])))
        news[t] = np.tanh(known[t, :, 2 * k :] + rz[t, :, :k] * hidden[t, :, 2 * k :])
        z = rz[t, :, k:]
        h[t + 1] = (1 - z) * news[t] + z * h[t]
    da, db, grad = np.empty_like(known), np.empty_like(known), dlast
    for t in reversed(range(n)):
        grad = grad + dh[t]
        r, z, new = rz[t, :, :k], rz[t, :, k:], news[t]
        dnew = grad * (1 - z) * (1 - new * new)
        da[t, :, 2 * k :] = dnew
        da[t, :, :k] = dnew * hidden[t, :, 2 * k :] * r * (1 - r)
        da[t, :, k : 2 * k] = grad * (h[t] - new) * z * (1 - z)
        db[t, :, : 2 * k], db[t, :, 2 * k :] = da[t, :, : 2 * k], dnew * r
        grad = grad * z + db[t] @ u
    flat, inner = da.reshape(-1, 3 * k), db.reshape(-1, 3 * k)
    dw, du = flat.T @ x.reshape(len(flat), -1), inner.T @ h[:-1].reshape(len(flat), -1)
    return h[1:], h[-1], da @ w, grad, dw, du, flat.sum(axis=0), inner.sum(axis=0)


def _moments(n, x, axes):
    centred = x - n.mean(x, axis=axes, keepdims=True)
    return centred / n.sqrt(n.mean(centred**2, axis=axes, keepdims=True) + 1e-5)


def _rms_norm(n, x, w):
    return w * x / n.sqrt(n.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def _group_norm(n, x, w, b):
    return (
        w[:, None, None] * n.reshape(_moments(n, n.reshape(x, (x.shape[0], 8, -1)), (2,)), x.shape) + b[:, None, None]
    )


def _statistics(n, x, axes):
    mu = n.mean(x, axis=axes, keepdims=True)
    return mu, n.mean((x - mu) ** 2, axis=axes, keepdims=True)


def _batch_norm(n, x, m, v, w, b):
    axes, shape = (0, *range(2, len(x.shape))), (-1, *[1] * (len(x.shape) - 2))
    mu, var = _statistics(n, x, axes)
    count = x.size // x.shape[1]
    y = n.reshape(w, shape) * ((x - mu) / n.sqrt(var + 1e-5)) + n.reshape(b, shape)
    return y, 0.9 * m + 0.1 * n.reshape(mu, (-1,)), 0.9 * v + 0.1 * count / (count - 1) * n.reshape(var, (-1,))


def _instance_norm(n, x, m, v, w, b):
    mu, var = _statistics(n, x, (2, 3))
    count = x.shape[2] * x.shape[3]
    y = w[:, None, None] * ((x - mu) / n.sqrt(var + 1e-5)) + b[:, None, None]
    mean, variance = n.reshape(n.mean(mu, axis=0), (-1,)), n.reshape(n.mean(var, axis=0), (-1,))
    return y, 0.9 * m + 0.1 * mean, 0.9 * v + 0.1 * count / (count - 1) * variance


def _local_response_norm(n, x):
    wide = n.pad(x * x, ((0, 0), (2, 2), (0, 0), (0, 0)), "constant")
    return x / (1 + 1e-4 / 5 * sum(wide[:, i : i + x.shape[1]] for i in range(5))) ** 0.75


def _bilinear(n, a, b, w, bias):
    return n.sum(n.tensordot(b, w, axes=((1,), (2,))) * a[:, None], axis=2) + bias


def _rnn(n, x, h, w, u, b, c):
    hs = []
    for t in range(len(x)):
        h = n.tanh(n.dot(x[t], w.T) + b + n.dot(h, u.T) + c)
        hs.append(h)
    return n.stack(hs), h


def _lstm(n, x, h, c, w, u, b, e):
    hs, k = [], h.shape[1]
    for t in range(len(x)):
        a = n.dot(x[t], w.T) + b + n.dot(h, u.T) + e
        i, f, o = (1 / (1 + n.exp(-a[:, s * k : (s + 1) * k])) for s in (0, 1, 3))
        c = f * c + i * n.tanh(a[:, 2 * k : 3 * k])
        h = o * n.tanh(c)
        hs.append(h)
    return n.stack(hs), h, c


def _gru(n, x, h, w, u, b, e):
    hs, k = [], h.shape[1]
    for t in range(len(x)):
        a, g = n.dot(x[t], w.T) + b, n.dot(h, u.T) + e
        r, z = (1 / (1 + n.exp(-(a[:, s * k : (s + 1) * k] + g[:, s * k : (s + 1) * k]))) for s in (0, 1))
        h = (1 - z) * n.tanh(a[:, 2 * k :] + r * g[:, 2 * k :]) + z * h
        hs.append(h)
    return n.stack(hs), h


_STATS = ((32,), lambda random: random.uniform(0.5, 1, 32), (32,), (32,))
_STATE = (64, 128)


def _recurrent(gates: int, states: int) -> tuple:
    return ((32, 64, 128), *[_STATE] * states, scaled(0.1, gates * 128, 128), scaled(0.1, gates * 128, 128),
            (gates * 128,), (gates * 128,))  # fmt: skip


NORMS: tuple[Peer, ...] = (
    Peer("layer_norm", (FLAT, (1024,), (1024,)), layer_norm_by_hand, hips_layer_norm),
    Peer("rms_norm", (FLAT, (1024,)), rms_norm, _rms_norm),
    Peer("batch_norm", ((4096, 256), (256,), lambda random: random.uniform(0.5, 1, 256), (256,), (256,)), batch_norm,
         _batch_norm, wrt=(0, 3, 4)),
    Peer("batch_norm", (SIGNAL, *_STATS), batch_norm, _batch_norm, wrt=(0, 3, 4)),
    Peer("batch_norm", (IMAGE, *_STATS), batch_norm, _batch_norm, wrt=(0, 3, 4)),
    Peer("instance_norm", (IMAGE, *_STATS), instance_norm, _instance_norm, wrt=(0, 3, 4)),
    Peer("group_norm", (IMAGE, (32,), (32,)), group_norm, _group_norm, {"num_groups": 8}),
    Peer("local_response_norm", (IMAGE,), local_response_norm, _local_response_norm, {"size": 5}),
    Peer("normalize", (FLAT,), normalize, lambda n, x: x / n.sqrt(n.sum(x * x, axis=1, keepdims=True))),
)  # fmt: skip

SEQUENCES: tuple[Peer, ...] = (
    Peer("linear", (FLAT, scaled(0.03, 512, 1024), (512,)), linear, lambda n, x, w, b: n.dot(x, w.T) + b),
    Peer("bilinear", ((1024, 64), (1024, 64), (32, 64, 64), (32,)), bilinear, _bilinear),
    Peer("embedding", (classes(4096, 2048), (4096, 256)), embedding, lambda n, t, w: w[t]),
    Peer("embedding_bag", (classes(4096, 512, 8), (4096, 128)), embedding_bag,
         lambda n, t, w: n.mean(w[t], axis=1), {"per_sample_weights": None}),
    Peer("gather", (FLAT, classes(1024, 512, 512)), gather, lambda n, x, i: x[n.arange(len(x))[:, None], i]),
    Peer("scatter_add", (FLAT, classes(1024, 512, 512), (512, 512)), scatter_add, None),
    Peer("scaled_dot_product_attention", ((8, 8, 128, 64),) * 3, attention_by_hand, hips_attention,
         {"attn_mask": None, "keep": None}),
    Peer("rnn", _recurrent(1, 1), rnn, _rnn),
    Peer("lstm", _recurrent(4, 2), lstm, _lstm),
    Peer("gru", _recurrent(3, 1), gru, _gru),
)  # fmt: skip
