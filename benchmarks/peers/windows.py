"""Convolutions, pools, pads, upsampling and what moves pixels."""

from __future__ import annotations

import itertools
import math

import numpy as np

from benchmarks.cases import conv_by_hand
from benchmarks.peers.peer import IMAGE, SIGNAL, VOLUME, Peer, scaled

view = np.lib.stride_tricks.sliding_window_view


def surrounded(x, pad, rank):
    """x with zeros around its last axes."""
    return np.pad(x, [(0, 0)] * (x.ndim - rank) + [(pad, pad)] * rank) if pad else x


def windows(x, size, stride, rank):
    """Every window of the last axes, as further last axes."""
    axes = tuple(range(-rank, 0))
    return view(x, (size,) * rank, axes)[(..., *[slice(None, None, stride)] * rank, *[slice(None)] * rank)]


def conv(x, weight, bias, dy, stride=1, pad=0):
    """A convolution of any rank by windows and matrix products; its input's gradient tap by tap."""
    rank = x.ndim - 2
    wide = surrounded(x, pad, rank)
    seen = windows(wide, weight.shape[-1], stride, rank)
    places, taps = tuple(range(2, 2 + rank)), tuple(range(2 + rank, 2 + 2 * rank))
    y = np.tensordot(seen, weight, ((1, *taps), (1, *places)))
    y = np.moveaxis(y, -1, 1) + bias.reshape(-1, *[1] * rank)
    dweight = np.tensordot(dy, seen, ((0, *places), (0, *places)))
    return y, spread(dy, weight, wide.shape, stride, pad), dweight, dy.sum(axis=(0, *places))


def spread(dy, weight, shape, stride, pad):
    """Each output's share added to the inputs under it, tap by tap."""
    rank, out = dy.ndim - 2, np.zeros(shape, dy.dtype)
    for tap in itertools.product(range(weight.shape[-1]), repeat=rank):
        here = tuple(slice(i, i + n * stride, stride) for i, n in zip(tap, dy.shape[2:], strict=True))
        out[(..., *here)] += np.moveaxis(np.tensordot(dy, weight[(..., *tap)], (1, 0)), -1, 1)
    return out[(..., *[slice(pad, n - pad) for n in shape[2:]])]


def conv_transpose(x, weight, bias, dy, stride=1):
    """The adjoint of ``conv``."""
    rank = x.ndim - 2
    shape = (len(x), weight.shape[1], *dy.shape[2:])
    y = spread(x, weight, shape, stride, 0) + bias.reshape(-1, *[1] * rank)
    seen = windows(dy, weight.shape[-1], stride, rank)
    places, taps = tuple(range(2, 2 + rank)), tuple(range(2 + rank, 2 + 2 * rank))
    dx = np.moveaxis(np.tensordot(seen, weight, ((1, *taps), (1, *places))), -1, 1)
    return y, dx, np.tensordot(x, seen, ((0, *places), (0, *places))), dy.sum(axis=(0, *places))


def depthwise(x, weight, bias, dy):
    """A 3×3 convolution of each channel alone, tap by tap."""
    wide, (h, w) = surrounded(x, 1, 2), x.shape[2:]
    y, dx, dweight = np.zeros_like(x), np.zeros_like(wide), np.empty_like(weight)
    for i, j in itertools.product(range(3), repeat=2):
        k, seen = weight[:, 0, i, j][:, None, None], wide[:, :, i : i + h, j : j + w]
        y += k * seen
        dx[:, :, i : i + h, j : j + w] += k * dy
        dweight[:, 0, i, j] = (dy * seen).sum(axis=(0, 2, 3))
    return y + bias[:, None, None], dx[:, :, 1:-1, 1:-1], dweight, dy.sum(axis=(0, 2, 3))


def split(x, rank, k=2):
    """The last axes in pieces of k."""
    return x.reshape(*x.shape[:-rank], *[m for n in x.shape[-rank:] for m in (n // k, k)])


def wide_like(y, rank):
    """y with an axis after each of its last axes."""
    return y[(..., *[i for _ in range(rank) for i in (slice(None), None)])]


def max_pool(x, dy, rank):
    parts, inner = split(x, rank), tuple(range(1 - 2 * rank, 0, 2))
    y = parts.max(axis=inner)
    return y, ((parts == wide_like(y, rank)) * wide_like(dy, rank)).reshape(x.shape)


def avg_pool(x, dy, rank):
    parts, inner = split(x, rank), tuple(range(1 - 2 * rank, 0, 2))
    share = np.broadcast_to(wide_like(dy / 2**rank, rank), parts.shape)
    return parts.mean(axis=inner), share.reshape(x.shape)


def lp_pool(x, dy):
    parts = split(x, 2)
    y = np.sqrt((parts * parts).sum(axis=(-3, -1)))
    return y, (parts * wide_like(dy / y, 2)).reshape(x.shape)


def adaptive_avg(x, dy):
    parts = split(x, 2, 8)
    return parts.mean(axis=(-3, -1)), np.broadcast_to(wide_like(dy / 64, 2), parts.shape).reshape(x.shape)


def adaptive_max(x, dy):
    parts = split(x, 2, 8)
    y = parts.max(axis=(-3, -1))
    return y, ((parts == wide_like(y, 2)) * wide_like(dy, 2)).reshape(x.shape)


def max_pool_3(x, dy):
    """Overlapping windows: the largest and its place, then a scatter."""
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    seen = windows(wide, 3, 2, 2)
    flat = seen.reshape(*seen.shape[:4], 9)
    place = flat.argmax(axis=-1)
    y = np.take_along_axis(flat, place[..., None], -1)[..., 0]
    dx = np.zeros_like(wide)
    for i, j in itertools.product(range(3), repeat=2):
        here = dx[:, :, i : i + 2 * y.shape[2] : 2, j : j + 2 * y.shape[3] : 2]
        here += dy * (place == 3 * i + j)
    return y, dx[:, :, 1:-1, 1:-1]


def zero_pad(x, dy):
    return np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))), dy[:, :, 2:-2, 2:-2].copy()


def mirrored_back(dy, axis):
    d = np.moveaxis(dy, axis, 0)
    dx = d[2:-2].copy()
    dx[1:3] += d[1::-1]
    dx[-3:-1] += d[:-3:-1]
    return np.moveaxis(dx, 0, axis)


def reflection_pad(x, dy):
    y = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    return y, mirrored_back(mirrored_back(dy, 2), 3)


def repeated_back(dy, axis):
    d = np.moveaxis(dy, axis, 0)
    dx = d[2:-2].copy()
    dx[0] += d[0] + d[1]
    dx[-1] += d[-1] + d[-2]
    return np.moveaxis(dx, 0, axis)


def replication_pad(x, dy):
    return np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge"), repeated_back(repeated_back(dy, 2), 3)


def wrapped_back(dy, axis):
    d = np.moveaxis(dy, axis, 0)
    dx = d[2:-2].copy()
    dx[-2:] += d[:2]
    dx[:2] += d[-2:]
    return np.moveaxis(dx, 0, axis)


def circular_pad(x, dy):
    return np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="wrap"), wrapped_back(wrapped_back(dy, 2), 3)


def nearest(x, dy):
    n, c, h, w = x.shape
    return x.repeat(2, axis=2).repeat(2, axis=3), dy.reshape(n, c, h, 2, w, 2).sum(axis=(3, 5))


def bilinear_matrix(n, dtype):
    """Twice as many points on straight lines between n."""
    at = np.maximum((np.arange(2 * n) + 0.5) / 2 - 0.5, 0)
    low = at.astype(int)
    part = at - low
    m = np.zeros((2 * n, n), dtype)
    m[np.arange(2 * n), low] += 1 - part
    m[np.arange(2 * n), np.minimum(low + 1, n - 1)] += part
    return m


def bilinear_up(x, dy):
    a, b = bilinear_matrix(x.shape[2], x.dtype), bilinear_matrix(x.shape[3], x.dtype)
    return a @ x @ b.T, a.T @ dy @ b


def pixel_shuffle(x, dy):
    n, c, h, w = x.shape
    y = x.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)
    return y, dy.reshape(n, c // 4, h, 2, w, 2).transpose(0, 1, 3, 5, 2, 4).reshape(x.shape)


def pixel_unshuffle(x, dy):
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h // 2, w // 2)
    return y, dy.reshape(n, c, 2, 2, h // 2, w // 2).transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)


def channel_shuffle(x, dy):
    n, c, h, w = x.shape
    y = x.reshape(n, 4, c // 4, h, w).swapaxes(1, 2).reshape(x.shape)
    return y, dy.reshape(n, c // 4, 4, h, w).swapaxes(1, 2).reshape(x.shape)


def columns(x, k):
    """Every k×k window as a column."""
    seen = windows(x, k, 1, 2)
    return np.ascontiguousarray(seen.transpose(0, 1, 4, 5, 2, 3)).reshape(len(x), x.shape[1] * k * k, -1)


def summed(x, channels, h, w, k):
    """Columns added up where their windows lie."""
    parts = x.reshape(len(x), channels, k, k, h - k + 1, w - k + 1)
    out = np.zeros((len(x), channels, h, w), x.dtype)
    for i, j in itertools.product(range(k), repeat=2):
        out[:, :, i : i + h - k + 1, j : j + w - k + 1] += parts[:, :, i, j]
    return out


def unfold(x, dy):
    return columns(x, 3), summed(dy, x.shape[1], *x.shape[2:], 3)


def fold(x, dy):
    return summed(x, 32, 56, 56, 2), columns(dy, 2)


# ------------------------------------------------------------------------------ forwards for HIPS autograd


def _conv(n, x, weight, bias, stride=1, pad=0):
    """Σ over taps of matrix products."""
    rank = x.ndim - 2
    x = n.pad(x, [(0, 0), (0, 0), *[(pad, pad)] * rank], "constant") if pad else x
    counts = [(m - weight.shape[-1]) // stride + 1 for m in x.shape[2:]]
    total = 0
    for tap in itertools.product(range(weight.shape[-1]), repeat=rank):
        here = tuple(slice(i, i + (c - 1) * stride + 1, stride) for i, c in zip(tap, counts, strict=True))
        total = total + n.tensordot(x[(slice(None), slice(None), *here)], weight[(slice(None), slice(None), *tap)],
                                    axes=((1,), (1,)))  # fmt: skip
    return n.moveaxis(total, -1, 1) + n.reshape(bias, (-1, *[1] * rank))


def _split(n, x, rank, k=2):
    return n.reshape(x, (*x.shape[:-rank], *[m for e in x.shape[-rank:] for m in (e // k, k)]))


def _pool(which, rank, k=2):
    inner = tuple(range(1 - 2 * rank, 0, 2))
    return lambda n, x: getattr(n, which)(_split(n, x, rank, k), axis=tuple(i + x.ndim + rank for i in inner))


def _concatenated(n, x, parts):
    for axis in (2, 3):
        pieces = [x[(slice(None),) * axis + (p,)] for p in parts]
        x = n.concatenate(pieces, axis=axis)
    return x


def _pad_with(*parts):
    return lambda n, x: _concatenated(n, x, parts)


_ALL = slice(None)
_REFLECT = _pad_with(slice(2, 0, -1), _ALL, slice(-2, -4, -1))
_REPLICATE = _pad_with(slice(0, 1), slice(0, 1), _ALL, slice(-1, None), slice(-1, None))
_CIRCULAR = _pad_with(slice(-2, None), _ALL, slice(0, 2))


def _unfold(n, x):
    h, w = x.shape[2] - 2, x.shape[3] - 2
    taps = [x[:, :, i : i + h, j : j + w] for i, j in itertools.product(range(3), repeat=2)]
    return n.reshape(n.stack(taps, axis=2), (x.shape[0], x.shape[1] * 9, h * w))


def _shuffle(n, x):
    b, c, h, w = x.shape
    y = n.transpose(n.reshape(x, (b, c // 4, 2, 2, h, w)), (0, 1, 4, 2, 5, 3))
    return n.reshape(y, (b, c // 4, 2 * h, 2 * w))


def _unshuffle(n, x):
    b, c, h, w = x.shape
    y = n.transpose(n.reshape(x, (b, c, h // 2, 2, w // 2, 2)), (0, 1, 3, 5, 2, 4))
    return n.reshape(y, (b, 4 * c, h // 2, w // 2))


def _channel_shuffle(n, x):
    b, c, h, w = x.shape
    return n.reshape(n.swapaxes(n.reshape(x, (b, 4, c // 4, h, w)), 1, 2), x.shape)


def _bilinear_up(n, x):
    a, b = bilinear_matrix(x.shape[2], float), bilinear_matrix(x.shape[3], float)
    dtype = np.asarray(getattr(x, "_value", x)).dtype
    return n.matmul(n.matmul(a.astype(dtype), x), b.T.astype(dtype))


def _weights(*shape):
    return scaled(1 / math.sqrt(math.prod(shape[1:])), *shape)


_PAD = {"padding": (2, 2, 2, 2)}
_TWICE = {"output_size": (112, 112)}

WINDOWS: tuple[Peer, ...] = (
    Peer("conv1d", (SIGNAL, _weights(64, 32, 3), (64,)), conv, _conv),
    Peer("conv2d", (IMAGE, _weights(64, 32, 3, 3), (64,)), conv_by_hand, lambda n, *a: _conv(n, *a, pad=1),
         {"padding": 1}),
    Peer("conv2d", (IMAGE, _weights(64, 32, 3, 3), (64,)), lambda *a: conv(*a, stride=2, pad=1),
         lambda n, *a: _conv(n, *a, stride=2, pad=1), {"stride": 2, "padding": 1}),
    Peer("conv2d", (IMAGE, _weights(64, 32, 1, 1), (64,)), conv, _conv),
    Peer("conv2d", (IMAGE, _weights(32, 1, 3, 3), (32,)), depthwise, None, {"padding": 1, "groups": 32}),
    Peer("conv3d", (VOLUME, _weights(16, 8, 3, 3, 3), (16,)), conv, _conv),
    Peer("conv_transpose1d", (SIGNAL, _weights(32, 32, 3), (32,)), conv_transpose, None),
    Peer("conv_transpose2d", (IMAGE, _weights(32, 32, 3, 3), (32,)), lambda *a: conv_transpose(*a, stride=2), None,
         {"stride": 2}),
    *(Peer(f"max_pool{r}d", (s,), lambda x, dy, r=r: max_pool(x, dy, r), _pool("max", r), {"kernel_size": 2})
      for r, s in ((1, SIGNAL), (2, IMAGE), (3, VOLUME))),
    Peer("max_pool2d", (IMAGE,), max_pool_3, None, {"kernel_size": 3, "stride": 2, "padding": 1}),
    *(Peer(f"avg_pool{r}d", (s,), lambda x, dy, r=r: avg_pool(x, dy, r), _pool("mean", r), {"kernel_size": 2})
      for r, s in ((1, SIGNAL), (2, IMAGE), (3, VOLUME))),
    Peer("lp_pool2d", (IMAGE,), lp_pool, lambda n, x: n.sqrt(n.sum(_split(n, x, 2) ** 2, axis=(3, 5))),
         {"kernel_size": 2, "norm_type": 2}),
    Peer("adaptive_avg_pool2d", (IMAGE,), adaptive_avg, _pool("mean", 2, 8), {"output_size": (7, 7)}),
    Peer("adaptive_max_pool2d", (IMAGE,), adaptive_max, _pool("max", 2, 8), {"output_size": (7, 7)}),
    Peer("constant_pad2d", (IMAGE,), zero_pad,
         lambda n, x: n.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), "constant"), _PAD),
    Peer("reflection_pad2d", (IMAGE,), reflection_pad, _REFLECT, _PAD),
    Peer("replication_pad2d", (IMAGE,), replication_pad, _REPLICATE, _PAD),
    Peer("circular_pad2d", (IMAGE,), circular_pad, _CIRCULAR, _PAD),
    Peer("upsample_nearest2d", (IMAGE,), nearest,
         lambda n, x: n.repeat(n.repeat(x, 2, axis=2), 2, axis=3), _TWICE),
    Peer("upsample_bilinear2d", (IMAGE,), bilinear_up, _bilinear_up, _TWICE),
    Peer("pixel_shuffle", (IMAGE,), pixel_shuffle, _shuffle, {"upscale_factor": 2}),
    Peer("pixel_unshuffle", (IMAGE,), pixel_unshuffle, _unshuffle, {"downscale_factor": 2}),
    Peer("channel_shuffle", (IMAGE,), channel_shuffle, _channel_shuffle, {"groups": 4}),
    Peer("unfold", (IMAGE,), unfold, _unfold, {"kernel_size": 3}),
    Peer("fold", ((8, 128, 3025),), fold, None, {"output_size": (56, 56), "kernel_size": 2}),
)  # fmt: skip
