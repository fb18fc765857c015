"""What is timed: each layer's inputs, torch's own form, HIPS autograd's form and a hand-vectorised NumPy backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Case:
    """One layer at one size.  ``inputs(random)`` gives its arrays; the others are functions of them (and of dy)."""

    title: str
    name: str
    inputs: Callable[[np.random.Generator], Arrays]
    torch: Callable[..., Any]
    hand: Callable[..., Arrays] | None = None
    hips: Callable[..., Any] | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    wrt: tuple[str, ...] | None = None


def normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Arrays]:
    """float32 arrays of standard normals."""
    return lambda random: tuple(random.standard_normal(shape, dtype=np.float32) for shape in shapes)


# ------------------------------------------------------------------------------ hand-vectorised NumPy


def softmax_by_hand(x, dy):
    """(y, dx) of softmax."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def layer_norm_by_hand(x, weight, bias, dy):
    """(y, dx, dweight, dbias) of layer norm."""
    mu = x.mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt(((x - mu) ** 2).mean(axis=-1, keepdims=True) + 1e-5)
    xhat = (x - mu) * r
    g = dy * weight
    dx = r * (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True))
    return weight * xhat + bias, dx, (dy * xhat).sum(axis=0), dy.sum(axis=0)


def gelu_by_hand(x, dy):
    """(y, dx) of tanh GELU."""
    c = 0.7978845608028654
    t = np.tanh(c * (x + 0.044715 * x * x * x))
    slope = (1 + t) / 2 + x / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)
    return x / 2 * (1 + t), dy * slope


def cross_entropy_by_hand(logits, target, dy):
    """(loss, dlogits) of mean cross entropy."""
    rows = np.arange(len(target))
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, target]).mean()
    p[rows, target] -= 1
    return loss, p * (dy / len(target))


def attention_by_hand(q, k, v, dy):
    """(y, dq, dk, dv) of attention."""
    scale = float(1 / np.sqrt(q.shape[-1]))
    a = scale * (q @ k.swapaxes(-1, -2))
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    dp = dy @ v.swapaxes(-1, -2)
    da = scale * p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return p @ v, da @ k, da.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def conv_by_hand(x, weight, bias, dy):
    """(y, dx, dweight, dbias) of a 3×3 convolution with padding 1, by windows and matrix products."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    y = np.tensordot(windows, weight, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + bias[:, None, None]
    dweight = np.tensordot(dy, windows, ((0, 2, 3), (0, 2, 3)))
    back = np.lib.stride_tricks.sliding_window_view(np.pad(dy, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    dx = np.tensordot(back, weight[:, :, ::-1, ::-1], ((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)
    return y, dx, dweight, dy.sum(axis=(0, 2, 3))


# ------------------------------------------------------------------------------ HIPS autograd


def hips_softmax(np_, x):
    """Softmax in HIPS autograd's NumPy."""
    e = np_.exp(x - np_.max(x, axis=-1, keepdims=True))
    return e / np_.sum(e, axis=-1, keepdims=True)


def hips_layer_norm(np_, x, weight, bias):
    """Layer norm in HIPS autograd's NumPy."""
    centred = x - np_.mean(x, axis=-1, keepdims=True)
    v = np_.mean(centred**2, axis=-1, keepdims=True)
    return weight * (centred / np_.sqrt(v + 1e-5)) + bias


def hips_gelu(np_, x):
    """tanh GELU in HIPS autograd's NumPy."""
    return x / 2 * (1 + np_.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def hips_attention(np_, q, k, v):
    """Attention in HIPS autograd's NumPy."""
    a = np_.matmul(q, np_.swapaxes(k, -1, -2)) * float(1 / np.sqrt(q.shape[-1]))
    return np_.matmul(hips_softmax(np_, a), v)


# ------------------------------------------------------------------------------ the list


def _functional(name: str, **options: Any) -> Callable[..., Any]:
    def run(*arrays):
        import torch

        return getattr(torch.nn.functional, name)(*arrays, **options)

    return run


def _torch_layer_norm(x, weight, bias):
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias)


def _torch_lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh):
    import torch

    out, h, c = torch.lstm(x, (h0[None], c0[None]), [w_ih, w_hh, b_ih, b_hh], True, 1, 0.0, True, False, False)
    return out, h[0], c[0]


def _logits(random: np.random.Generator) -> Arrays:
    return random.standard_normal((2048, 32768), dtype=np.float32), random.integers(0, 32768, 2048)


_HEADS = ((8, 8, 512, 64),) * 3

CASES: tuple[Case, ...] = (
    Case("softmax 4096²", "softmax", normal((4096, 4096)), _functional("softmax", dim=-1), softmax_by_hand,
         hips_softmax),
    Case("layer norm 4096²", "layer_norm", normal((4096, 4096), (4096,), (4096,)), _torch_layer_norm,
         layer_norm_by_hand, hips_layer_norm),
    Case("GELU tanh 4096²", "gelu", normal((4096, 4096)), _functional("gelu", approximate="tanh"), gelu_by_hand,
         hips_gelu, {"approximate": "tanh"}),
    Case("cross entropy 2048×32k", "cross_entropy", _logits, _functional("cross_entropy"), cross_entropy_by_hand),
    Case("conv 3×3, 8×64×56²", "conv2d", normal((8, 64, 56, 56), (64, 64, 3, 3), (64,)),
         _functional("conv2d", padding=1), conv_by_hand, None, {"padding": 1}),
    Case("attention 8×8×512×64", "scaled_dot_product_attention", normal(*_HEADS),
         _functional("scaled_dot_product_attention"), attention_by_hand, hips_attention,
         {"attn_mask": None, "keep": None}),
    Case("LSTM cell 64×512", "lstm", normal((1, 64, 512), (64, 512), (64, 512), (2048, 512), (2048, 512), (2048,),
         (2048,)), _torch_lstm),
)  # fmt: skip
