"""Bugs that once shipped, each as a small operation with a right backward and the wrong one: data of the tests.

``BUGS``: name -> (issue, forward, right backward, wrong backward, inputs, where it must show).  A backward takes the
context (what is asked for), the cotangent and the inputs, and gives a gradient for each input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch.autograd import Function

GENERATOR = torch.Generator().manual_seed(0)


def randn(*shape):
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def operation(name, forward, backward):
    """An ``autograd.Function`` of these two."""

    def ahead(ctx, *xs):
        ctx.save_for_backward(*xs)
        return forward(*xs)

    def back(ctx, dy):
        found = backward(ctx, dy, *ctx.saved_tensors)
        return found if isinstance(found, tuple) else (found,)

    return type(name, (Function,), {"forward": staticmethod(ahead), "backward": staticmethod(back)})


def flat_memory(t):
    """What code that never asks for strides reads: the memory from its first element on, in rows."""
    if 0 in t.stride() or t.numel() <= 1:
        return t
    return torch.as_strided(t, t.shape, torch.empty(t.shape).stride())


# ------------------------------------------------------------------------------ attention, embedding, sequences


def attend(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2), -1) @ v


def attend_back(ctx, dy, q, k, v):
    p = torch.softmax(q @ k.transpose(-1, -2), -1)
    dp = dy @ v.transpose(-1, -2)
    ds = p * (dp - (dp * p).sum(-1, keepdim=True))
    return ds @ k, ds.transpose(-1, -2) @ q, p.transpose(-1, -2) @ dy


def attend_back_turned(ctx, dy, q, k, v):
    """K and V exchange heads and sequence twice: right only if read so; shapes agree where heads = sequence."""
    dq, dk, dv = attend_back(ctx, dy, q, k, v)
    return dq, dk.transpose(0, 1) if dk.shape[0] == dk.shape[1] else dk, dv


def causal(a, v):
    return torch.tril(a) @ v


def bag(weight):
    """The sum of the rows of a bag of tokens, token 0 being padding."""
    return weight[TOKENS].mul((TOKENS != 0)[..., None]).sum(1)


TOKENS = torch.tensor([[1, 0, 3], [2, 2, 0], [3, 1, 1]])


def bag_back(ctx, dy, weight, keep=True):
    spread = dy[:, None, :].expand(*TOKENS.shape, dy.shape[-1])
    spread = spread * (TOKENS != 0)[..., None] if keep else spread
    return torch.zeros_like(weight).index_add(0, TOKENS.reshape(-1), spread.reshape(-1, dy.shape[-1]))


LENGTH = torch.tensor([2, 4, 3])


def path_score(x):
    """log Σ exp over labels, added up to each sequence's length: the shape of CTC's loss."""
    seen = torch.arange(x.shape[0])[:, None] < LENGTH
    return (torch.logsumexp(x, -1) * seen).sum(0)


def path_back(ctx, dy, x, past=False, cotangent=True):
    seen = (torch.arange(x.shape[0])[:, None] < LENGTH)[..., None].to(x.dtype)
    scale = dy[:, None] if cotangent else torch.ones_like(dy)[:, None]
    return torch.softmax(x, -1) * scale * (torch.ones_like(seen) if past else seen)


MASKS = (torch.rand(4, 2, 3, generator=GENERATOR) < 0.6).to(torch.float64)


def masked_steps(x, w):
    """h_t = tanh(w·h_{t−1}·mask_t + x_t), from 0."""
    h, steps = torch.zeros_like(x[0]), []
    for t in range(len(x)):
        h = torch.tanh((h * MASKS[t]) @ w + x[t])
        steps.append(h)
    return torch.stack(steps)


def masked_back(ctx, dy, x, w, first=False):
    h = masked_steps(x, w)
    carried, dx, dw = torch.zeros_like(x[0]), [None] * len(x), torch.zeros_like(w)
    for t in reversed(range(len(x))):
        da = (dy[t] + carried) * (1 - h[t] ** 2)
        before = h[t - 1] if t else torch.zeros_like(h[0])
        mask = MASKS[0 if first else t]
        dw = dw + (before * mask).T @ da
        carried = (da @ w.T) * mask
        dx[t] = da
    return torch.stack(dx), dw


def lost_last(ctx, dy, x):
    return torch.flip(torch.cumsum(torch.flip(torch.cat([dy[:-1], torch.zeros_like(dy[:1])]), (0,)), 0), (0,))


# ------------------------------------------------------------------------------ convolution, pooling, normalization


def dilated(x, w):
    return F.conv2d(x, w, dilation=(2, 1))


def dilated_back(ctx, dy, x, w, dilation=(2, 1)):
    dx = torch.zeros_like(x)
    dw = torch.zeros_like(w)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            a, b = i * dilation[0], min(j * dilation[1], x.shape[3] - dy.shape[3])
            piece = (slice(None), slice(None), slice(a, a + dy.shape[2]), slice(b, b + dy.shape[3]))
            dx[piece] = dx[piece] + torch.einsum("nfpq,fc->ncpq", dy, w[:, :, i, j])
            dw[:, :, i, j] = torch.einsum("nfpq,ncpq->fc", dy, x[piece])
    return dx, dw


def grouped(x, w):
    return F.conv1d(x, w, groups=2)


def grouped_back(ctx, dy, x, w, group=lambda g: g):
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    ins, outs = x.shape[1] // 2, w.shape[0] // 2
    for g in range(2):
        mine, made = slice(ins * g, ins * (g + 1)), slice(outs * g, outs * (g + 1))
        taken = slice(ins * group(g), ins * (group(g) + 1))
        for k in range(w.shape[2]):
            along = slice(k, k + dy.shape[2])
            dx[:, mine, along] += torch.einsum("nfp,fc->ncp", dy[:, made], w[made, :, k])
            dw[made, :, k] = torch.einsum("nfp,ncp->fc", dy[:, made], x[:, taken, along])
    return dx, dw


def prelu_back(axis):
    def back(ctx, dy, x, w):
        negative = (x < 0).to(x.dtype)
        return dy * (1 - negative + negative * w), (dy * x * negative).sum(axis)

    return back


def pool(x):
    return x.unfold(-1, 3, 1).amax(-1)


def pool_back(ctx, dy, x, add=True):
    windows = x.unfold(-1, 3, 1)
    dx = torch.zeros_like(x)
    best = windows.argmax(-1)
    for p in range(dy.shape[-1]):
        at = (best[..., p] + p)[..., None]
        value = dy[..., p][..., None]
        dx = dx.scatter_add(-1, at, value) if add else dx.scatter(-1, at, value)
    return dx


def normalize(x):
    """Two groups of channels, over everything else."""
    return F.group_norm(x, 2)


def normalize_back(ctx, dy, x, axes=(2, 3, 4)):
    n, c = x.shape[:2]
    grouped_x = x.reshape(n, 2, c // 2, *x.shape[2:])
    up = dy.reshape(grouped_x.shape)
    mean = grouped_x.mean((2, 3, 4), keepdim=True)
    r = (grouped_x.var((2, 3, 4), unbiased=False, keepdim=True) + 1e-5).rsqrt()
    xhat = (grouped_x - mean) * r
    dx = r * (up - up.mean(axes, keepdim=True) - xhat * (up * xhat).mean(axes, keepdim=True))
    return dx.reshape(x.shape)


RUNNING = randn(3), torch.rand(3, generator=GENERATOR, dtype=torch.float64) + 0.5


def evaluated(x):
    mean, var = RUNNING
    return (x - mean) / torch.sqrt(var + 1e-5)


def evaluated_back(ctx, dy, x, statistics=False):
    r = (RUNNING[1] + 1e-5).rsqrt()
    if not statistics:
        return dy * r
    xhat = (x - RUNNING[0]) * r
    return r * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))


def rms(x):
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def rms_back(ctx, dy, x, read=lambda t: t):
    x = read(x)
    r = (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    return r * dy - x * r**3 * (dy * x).mean(-1, keepdim=True)


# ------------------------------------------------------------------------------ losses, products, scalars


def bce(x, t):
    return -(t * torch.log(x) + (1 - t) * torch.log(1 - x)).sum()


def bce_back(ctx, dy, x, t, cut=lambda v: v):
    return dy * (cut(x) - t) / (x * (1 - x)), dy * (torch.log(1 - x) - torch.log(x))


def product_back(ctx, dy, x):
    others = torch.stack([torch.cat([x[..., :k], x[..., k + 1 :]], -1).prod(-1) for k in range(x.shape[-1])], -1)
    return dy[..., None] * others


def product_by_division(ctx, dy, x):
    return torch.nan_to_num((dy * x.prod(-1))[..., None] / x)


def linear_back(ctx, dy, x, w):
    return dy @ w, dy.T @ x


def weight_needs_input(ctx, dy, x, w):
    return dy @ w, dy.T @ x if ctx.needs_input_grad[0] else dy.T @ torch.zeros_like(x)


def added(x):
    """One input used twice."""
    return torch.sin(x) + x**2


X, W, PROB = randn(4, 5), randn(3, 5), torch.rand(4, 3, generator=GENERATOR, dtype=torch.float64) * 0.8 + 0.1
WITH_ZERO = X.clone()
WITH_ZERO[1, 2] = 0.0


def sine_back(ctx, dy, x):
    return dy * torch.cos(x)


def scaled_rows(x):
    return 3 * x


BUGS = {
    "gradient strides": (
        "pytorch#194719",
        torch.sin,
        sine_back,
        lambda c, dy, x: flat_memory(dy) * torch.cos(x),
        (X,),
        "strided cotangent",
    ),
    "dout not contiguous": (
        "flash-attention#355",
        attend,
        attend_back,
        lambda c, dy, *x: attend_back(c, flat_memory(dy), *x),
        (randn(2, 3, 4), randn(2, 5, 4), randn(2, 5, 4)),
        "cotangent",
    ),
    "input strides": (
        "FlagGems#1084",
        rms,
        rms_back,
        lambda c, dy, x: rms_back(c, dy, x, flat_memory),
        (X,),
        "strided inputs",
    ),
    "transposed twice": (
        "diffusers#14341",
        attend,
        attend_back,
        attend_back_turned,
        (randn(3, 3, 4), randn(3, 3, 4), randn(3, 3, 4)),
        "probes",
    ),
    "cotangent ignored": (
        "pytorch#21961",
        path_score,
        path_back,
        lambda c, dy, x: path_back(c, dy, x, cotangent=False),
        (randn(4, 3, 5),),
        "linear",
    ),
    "padding row": (
        "pytorch#28716",
        bag,
        bag_back,
        lambda c, dy, w: bag_back(c, dy, w, False),
        (randn(4, 3),),
        "probes",
    ),
    "past the length": (
        "tensorflow#41280",
        path_score,
        path_back,
        lambda c, dy, x: path_back(c, dy, x, past=True),
        (randn(4, 3, 5),),
        "probes",
    ),
    "causal mask": (
        "triton#4541",
        causal,
        lambda c, dy, a, v: (torch.tril(dy @ v.T), torch.tril(a).T @ dy),
        lambda c, dy, a, v: (dy @ v.T, torch.tril(a).T @ dy),
        (randn(4, 4), X),
        "probes",
    ),
    "prelu axis": ("FlagGems#4992", F.prelu, prelu_back(0), prelu_back(1), (randn(4, 4), randn(4)), "probes"),
    "dilation[0] twice": (
        "burn#4466",
        dilated,
        dilated_back,
        lambda c, dy, x, w: dilated_back(c, dy, x, w, (2, 2)),
        (randn(2, 2, 7, 6), randn(2, 2, 3, 2)),
        "probes",
    ),
    "grouped weight": (
        "pytorch#51430",
        grouped,
        grouped_back,
        lambda c, dy, x, w: grouped_back(c, dy, x, w, lambda g: 0),
        (randn(2, 4, 5), randn(4, 2, 3)),
        "probes",
    ),
    "rows to row 0": (
        "Triton-distributed#180",
        scaled_rows,
        lambda c, dy, x: 3 * dy,
        lambda c, dy, x: torch.cat([3 * dy.sum(0, keepdim=True), torch.zeros_like(dy[1:])]),
        (X,),
        "probes",
    ),
    "mask of step 0": (
        "haste#43",
        masked_steps,
        masked_back,
        lambda c, dy, x, w: masked_back(c, dy, x, w, True),
        (randn(4, 2, 3), randn(3, 3)),
        "probes",
    ),
    "group norm of rank 4": (
        "Liger-Kernel#1375",
        normalize,
        normalize_back,
        lambda c, dy, x: normalize_back(c, dy, x, (2, 3)),
        (randn(2, 4, 3, 2),),
        "probes",
    ),
    "overwrite for add": (
        "mxnet#18499",
        added,
        lambda c, dy, x: dy * (torch.cos(x) + 2 * x),
        lambda c, dy, x: dy * 2 * x,
        (X,),
        "probes",
    ),
    "overlapping pool": ("Flux.jl#1197", pool, pool_back, lambda c, dy, x: pool_back(c, dy, x, False), (X,), "probes"),
    "last cell lost": (
        "deeplearning4j#8838",
        lambda x: torch.cumsum(x, 0),
        lambda c, dy, x: torch.flip(torch.cumsum(torch.flip(dy, (0,)), 0), (0,)),
        lost_last,
        (X,),
        "probes",
    ),
    "weight needs input": ("pytorch#183825", lambda x, w: x @ w.T, linear_back, weight_needs_input, (X, W), "alone"),
    "statistics in evaluation": (
        "xla#913",
        evaluated,
        evaluated_back,
        lambda c, dy, x: evaluated_back(c, dy, x, True),
        (randn(4, 3),),
        "probes",
    ),
    "product by division": (
        "tensorflow#3862",
        lambda x: x.prod(-1),
        product_back,
        product_by_division,
        (WITH_ZERO,),
        "probes",
    ),
    "double backward": (
        "pytorch#59477",
        bce,
        bce_back,
        lambda c, dy, x, t: bce_back(c, dy, x, t, torch.detach),
        (PROB, PROB.flip(0)),
        "order 2",
    ),
    "sign": (
        "HIPS/autograd#412",
        torch.cos,
        lambda c, dy, x: -dy * torch.sin(x),
        lambda c, dy, x: dy * torch.sin(x),
        (X,),
        "probes",
    ),
    "cotangent written": (
        "in place",
        lambda x: 2 * x,
        lambda c, dy, x: 2 * dy,
        lambda c, dy, x: dy.mul_(2),
        (X,),
        "changed",
    ),
    "not linear": (
        "dy + dy²",
        lambda x: x.clone(),
        lambda c, dy, x: dy,
        lambda c, dy, x: dy + 1e-6 * dy**2,
        (X,),
        "linear",
    ),
    "off by 1e-4": (
        "a scale",
        torch.tanh,
        lambda c, dy, x: dy * (1 - torch.tanh(x) ** 2),
        lambda c, dy, x: dy * (1 - torch.tanh(x) ** 2) * (1 + 1e-4),
        (X,),
        "probes",
    ),
}
