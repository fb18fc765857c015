"""Bugs that once shipped, each as a small operation with a right backward and the wrong one: data of the tests.

``BUGS``: name -> (issue, forward, right backward, wrong backward, inputs, where it must show).  A backward takes the
context (what is asked for), the cotangent and the inputs, and gives a gradient for each input.
"""

from __future__ import annotations

import math

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

    def back(ctx, *dys):
        found = backward(ctx, *dys, *ctx.saved_tensors)
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


def attend_heads(q, k, v):
    """Of [B, S, H, D], turned to [B, H, S, D] for the kernel and back."""
    return attend(*(t.transpose(1, 2) for t in (q, k, v))).transpose(1, 2)


def attend_heads_back(ctx, dy, q, k, v, twice=False):
    """What was saved is turned already; where heads = sequence it can be turned again, and nothing raises."""
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    k, v = (t.transpose(1, 2) if twice else t for t in (k, v))
    return tuple(g.transpose(1, 2) for g in attend_back(ctx, dy.transpose(1, 2), q, k, v))


def attend_back_causal(ctx, dy, q, k, v):
    """The backward of attention with a causal mask, whatever was asked for."""
    seen = torch.tril(torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool))
    p = torch.softmax(torch.where(seen, q @ k.transpose(-1, -2), -torch.inf), -1)
    dp = dy @ v.transpose(-1, -2)
    ds = p * (dp - (dp * p).sum(-1, keepdim=True))
    return ds @ k, ds.transpose(-1, -2) @ q, p.transpose(-1, -2) @ dy


#: The tokens that one launch of the kernel reads: it was 768, and the mask of the padding was that of the first launch.
LAUNCH = 8


def bag(weight, tokens):
    """The sum of the rows of each bag of tokens, token 0 being padding."""
    return weight[tokens].mul((tokens != 0)[..., None]).sum(1)


def bag_back(ctx, dy, weight, tokens, launch=None):
    keep = (tokens != 0).reshape(-1)
    keep = keep if launch is None else torch.where(torch.arange(keep.numel()) < launch, keep, True)
    spread = dy[:, None, :].expand(*tokens.shape, dy.shape[-1]).reshape(-1, dy.shape[-1]) * keep[:, None]
    return torch.zeros_like(weight).index_add(0, tokens.reshape(-1), spread), None


LABELS, LENGTHS = torch.tensor([[1, 2], [3, 3], [2, 4]]), torch.tensor([4, 6, 5])


def ctc(x, labels, lengths):
    """The loss of each sequence, of which the frames past its length are no part."""
    return F.ctc_loss(x.log_softmax(-1), labels, lengths, torch.full_like(lengths, 2), reduction="none")


def ctc_back(ctx, dy, x, labels, lengths, past=False, cotangent=True):
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        loss = ctc(leaf, labels, lengths)
        dx = torch.autograd.grad(loss, leaf, dy if cotangent else torch.ones_like(dy))[0]
    outside = (torch.arange(x.shape[0])[:, None] >= lengths)[..., None]
    return dx + outside * torch.softmax(x, -1) * dy[:, None] if past else dx, None, None


MASKS = (torch.rand(4, 2, 3, generator=GENERATOR) < 0.6).to(torch.float64)


def zoned_steps(x, u):
    """h_t = h_{t−1} + mask_t·(tanh(x_t + u·h_{t−1}) − h_{t−1}), from 0: an independent RNN with zoneout."""
    h, steps = torch.zeros_like(x[0]), []
    for t in range(len(x)):
        h = h + MASKS[t] * (torch.tanh(x[t] + u * h) - h)
        steps.append(h)
    return torch.stack(steps)


def zoned_back(ctx, dy, x, u, first=False):
    h = zoned_steps(x, u)
    carried, dx, du = torch.zeros_like(x[0]), [None] * len(x), torch.zeros_like(u)
    for t in reversed(range(len(x))):
        before = h[t - 1] if t else torch.zeros_like(h[0])
        mask, dh = MASKS[0 if first else t], dy[t] + carried
        da = dh * mask * (1 - torch.tanh(x[t] + u * before) ** 2)
        dx[t], du = da, du + (da * before).sum(0)
        carried = dh * (1 - mask) + da * u
    return torch.stack(dx), du


def cells(x, w, h, c):
    """A sequence through an LSTM without biases: every h, and the last c."""
    steps = []
    for t in range(len(x)):
        i, f, g, o = (torch.cat([x[t], h], -1) @ w).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        steps.append(h)
    return torch.stack(steps), c


def cells_back(ctx, dy, dc, *inputs, last=True):
    with torch.enable_grad():
        leaves = [v.detach().requires_grad_() for v in inputs]
        return torch.autograd.grad(cells(*leaves), leaves, (dy, dc if last else torch.zeros_like(dc)))


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


def grouped_back_repeated(ctx, dy, x, w):
    """``torch.nn.grad.conv1d_weight`` of 1.7: the cotangent repeated by channels of a group, not by groups."""
    groups, batch = 2, x.shape[0]
    repeated = dy.repeat(1, x.shape[1] // groups, 1)
    repeated = repeated.reshape(repeated.shape[0] * repeated.shape[1], 1, -1)
    dw = F.conv1d(x.reshape(1, batch * x.shape[1], -1), repeated, groups=x.shape[1] * batch)
    dw = dw.reshape(batch, dw.shape[1] // batch, -1).sum(0)
    dw = dw.reshape(x.shape[1] // groups, dy.shape[1], -1).transpose(0, 1)[..., : w.shape[2]]
    return grouped_back(ctx, dy, x, w)[0], dw


def prelu_back(ctx, dy, x, w, last=False):
    """The weight belongs to axis 1; the kernel read and summed it along the last axis, which may be as long."""
    negative = (x < 0).to(x.dtype)
    along = w if last else w.reshape(-1, *[1] * (x.ndim - 2))
    others = [a for a in range(x.ndim) if a != (x.ndim - 1 if last else 1)]
    return dy * (1 - negative + negative * along), (dy * x * negative).sum(others)


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


def normalize_back(ctx, dy, x, late=False):
    """The length of a channel is measured before the gradient is flattened: right for three axes only."""
    n, c = x.shape[:2]
    length = dy.shape[-1] if late else math.prod(dy.shape[2:])
    rows, up = (v.reshape(n, 2, c // 2, math.prod(dy.shape[2:]))[..., :length] for v in (x, dy))
    mean = rows.mean((2, 3), keepdim=True)
    r = (rows.var((2, 3), unbiased=False, keepdim=True) + 1e-5).rsqrt()
    xhat = (rows - mean) * r
    dx = r * (up - up.mean((2, 3), keepdim=True) - xhat * (up * xhat).mean((2, 3), keepdim=True))
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


def layer_norm(x, weight, bias):
    return F.layer_norm(x, x.shape[-1:], weight, bias)


def layer_norm_back(ctx, dy, x, weight, bias, skip=False):
    """Parameters get theirs from the kernel of dx, which does not run where x wants none."""
    r = (x.var(-1, unbiased=False, keepdim=True) + 1e-5).rsqrt()
    xhat, g = (x - x.mean(-1, keepdim=True)) * r, dy * weight
    dx = r * (g - g.mean(-1, keepdim=True) - xhat * (g * xhat).mean(-1, keepdim=True))
    if skip and not ctx.needs_input_grad[0]:
        return dx, torch.zeros_like(weight), torch.zeros_like(bias)
    return dx, (dy * xhat).sum(0), dy.sum(0)


def twice_normed(x, z, weight, bias):
    """Batch norm of two batches by the same parameters, whose gradients add up."""
    return F.batch_norm(x, None, None, weight, bias, True), F.batch_norm(z, None, None, weight, bias, True)


def twice_normed_back(ctx, dy, dw, *inputs, add=True):
    with torch.enable_grad():
        leaves = [v.detach().requires_grad_() for v in inputs]
        both = twice_normed(*leaves)
        (dx, *first), (dz, *second) = (
            torch.autograd.grad(y, (leaves[k], *leaves[2:]), d)
            for k, (y, d) in enumerate(zip(both, (dy, dw), strict=True))
        )
    return dx, dz, *([a + b for a, b in zip(first, second, strict=True)] if add else second)


def rms(x):
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def rms_back(ctx, dy, x, read=lambda t: t):
    """The kernel was given the strides of x for dy too."""
    dy = read(dy)
    r = (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    return r * dy - x * r**3 * (dy * x).mean(-1, keepdim=True)


def gated(a, b, scale):
    """silu(a)·b, each row times its own scale."""
    return F.silu(a) * b * scale[:, None]


def gated_back(ctx, dy, a, b, scale, base=False):
    """The pointers of da and db stay at row 0, where the last row wins; those of dscale move."""
    s = torch.sigmoid(a)
    da = dy * scale[:, None] * b * s * (1 + a * (1 - s))
    db = dy * scale[:, None] * a * s
    dscale = (dy * a * s * b).sum(1)
    if base and len(a):
        da, db = (torch.cat([g[-1:], torch.zeros_like(g[1:])]) for g in (da, db))
    return da, db, dscale


# ------------------------------------------------------------------------------ losses, products, scalars


def bce(x, t):
    return -(t * torch.log(x) + (1 - t) * torch.log(1 - x)).sum()


def product_back(ctx, dy, x):
    return dy[..., None] * product_back_each(x)


def product_by_division(ctx, dy, x):
    return torch.nan_to_num((dy * x.prod(-1))[..., None] / x)


def product_back_each(x):
    """Products of all but one."""
    return torch.stack([torch.cat([x[..., :k], x[..., k + 1 :]], -1).prod(-1) for k in range(x.shape[-1])], -1)


def running_product_back(ctx, dy, x, divide=False):
    """d/dx_k Σ_n dy_n Π_{i≤n} x_i, by suffix sums divided by x, or without division."""
    if divide:
        return torch.flip(torch.cumsum(torch.flip(dy * torch.cumprod(x, -1), (-1,)), -1), (-1,)) / x
    columns = [
        sum(dy[..., n] * product_back_each(x[..., : n + 1])[..., k] for n in range(k, x.shape[-1]))
        for k in range(x.shape[-1])
    ]
    return torch.stack(columns, -1)


def normal(x, mean, half):
    """log density of N(mean, Σ) at the rows of x, with Σ = half·halfᵀ + 1 kept symmetric by how it is made."""
    cov = half @ half.T + torch.eye(len(half), dtype=half.dtype)
    return torch.distributions.MultivariateNormal(mean, cov, validate_args=False).log_prob(x)


def normal_back(ctx, dy, x, mean, half, sign=1.0):
    """dΣ = ½ Σ_n dy_n (Σ⁻¹ r rᵀ Σ⁻¹ − Σ⁻¹), r = x_n − mean."""
    inverse = torch.linalg.inv(half @ half.T + torch.eye(len(half), dtype=half.dtype))
    solved = (x - mean) @ inverse
    dcov = 0.5 * (torch.einsum("n,ni,nj->ij", dy, solved, solved) - dy.sum() * inverse)
    return -dy[:, None] * solved, (dy[:, None] * solved).sum(0), sign * (dcov + dcov.T) @ half


class SummedLoss(Function):
    """BCE, summed, and its backward as a function of its own, whose gradient by dy was once wrong."""

    whole = True

    @classmethod
    def again(cls):
        outer = cls

        class Again(Function):
            @staticmethod
            def forward(ctx, dy, x, t):
                ctx.save_for_backward(dy, x, t)
                return dy * (x - t) / (x * (1 - x)), dy * (torch.log(1 - x) - torch.log(x))

            @staticmethod
            def backward(ctx, ddx, ddt):
                dy, x, t = ctx.saved_tensors
                slope, level = (x - t) / (x * (1 - x)), torch.log(1 - x) - torch.log(x)
                ddy = (ddx * slope + ddt * level).sum() if outer.whole else ddx.sum()
                bent = (t / x**2 + (1 - t) / (1 - x) ** 2) * dy
                mixed = -dy / (x * (1 - x))
                return ddy, ddx * bent + ddt * mixed, ddx * mixed

        return Again

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return bce(x, t)


def summed_loss(whole):
    """The loss whose double backward is right, or gives ``ggO.sum()`` without the loss's own slope."""
    kind = type("Summed", (SummedLoss,), {"whole": whole})
    again = kind.again()

    def backward(ctx, dy):
        return again.apply(dy, *ctx.saved_tensors)

    kind.backward = staticmethod(backward)
    return kind


X, PROB = randn(4, 5), torch.rand(4, 3, generator=GENERATOR, dtype=torch.float64) * 0.8 + 0.1
WITH_ZERO = X.clone()
WITH_ZERO[1, 2] = 0.0


def sine_back(ctx, dy, x):
    return dy * torch.cos(x)


#: Issues that could be read are followed to the letter of the wrong formula; of FlagGems, Liger-Kernel and the like the
#: memory that was never written is 0 here.  burn#4466 could not be found: it is replayed after the words of the plan,
#: "dilation[0] twice".
BUGS = {
    # a triton_op's backward reads the gradient as contiguous; cat() hands it a narrow view
    "gradient strides": (
        "pytorch#194719", torch.sin, sine_back, lambda c, dy, x: flat_memory(dy) * torch.cos(x), (X,),
        "strided cotangent",
    ),
    # right again with dout.contiguous()
    "dout not contiguous": (
        "flash-attention#355", attend, attend_back, lambda c, dy, *x: attend_back(c, flat_memory(dy), *x),
        (randn(2, 3, 4), randn(2, 5, 4), randn(2, 5, 4)), "cotangent",
    ),
    # dy was not made contiguous, and was read by strides that were not its own
    "rms norm of a strided gradient": (
        "FlagGems#1084", rms, rms_back, lambda c, dy, x: rms_back(c, dy, x, flat_memory), (X,), "strided cotangent",
    ),
    "transposed twice": (
        "diffusers#14341", attend_heads, attend_heads_back,
        lambda c, dy, *x: attend_heads_back(c, dy, *x, twice=True),
        (randn(2, 3, 3, 4), randn(2, 3, 3, 4), randn(2, 3, 3, 4)), "probes",
    ),
    # cuDNN's loss for reduction="none"
    "cotangent ignored": (
        "pytorch#21961", ctc, ctc_back, lambda c, dy, *x: ctc_back(c, dy, *x, cotangent=False),
        (randn(6, 3, 5), LABELS, LENGTHS), "linear",
    ),
    # the gradient of the padding is 0 up to 768 tokens, and is not beyond
    "padding row": (
        "pytorch#28716", bag, bag_back, lambda c, dy, w, i: bag_back(c, dy, w, i, LAUNCH),
        (randn(4, 3), torch.tensor([[1, 0, 3], [2, 2, 0], [3, 1, 1], [0, 1, 0]])), "probes",
    ),
    "past the length": (
        "tensorflow#41280", ctc, ctc_back, lambda c, dy, *x: ctc_back(c, dy, *x, past=True),
        (randn(6, 3, 5), LABELS, LENGTHS), "probes",
    ),
    # the backward ignores ctx.causal: it masks where the forward does not
    "causal mask": (
        "triton#4541", attend, attend_back, attend_back_causal, (randn(2, 4, 3), randn(2, 4, 3), randn(2, 4, 3)),
        "probes",
    ),
    # raises unless shape[1] = shape[-1], and is silently wrong there
    "prelu axis": (
        "FlagGems#4992", F.prelu, prelu_back, lambda c, dy, x, w: prelu_back(c, dy, x, w, last=True),
        (randn(2, 3, 4, 3), randn(3)), "probes",
    ),
    "dilation[0] twice": (
        "burn#4466", dilated, dilated_back, lambda c, dy, x, w: dilated_back(c, dy, x, w, (2, 2)),
        (randn(2, 2, 7, 6), randn(2, 2, 3, 2)), "probes",
    ),
    "grouped weight": (
        "pytorch#51430", grouped, grouped_back, grouped_back_repeated, (randn(2, 4, 5), randn(4, 2, 3)), "probes",
    ),
    "rows to row 0": (
        "Triton-distributed#180", gated, gated_back, lambda c, dy, *x: gated_back(c, dy, *x, base=True),
        (X, randn(4, 5), randn(4)), "probes",
    ),
    "mask of step 0": (
        "haste#43", zoned_steps, zoned_back, lambda c, dy, x, u: zoned_back(c, dy, x, u, True),
        (randn(4, 2, 3), randn(3)), "probes",
    ),
    # raises at the closing view, after a sum over the first row of each channel
    "group norm of rank 4": (
        "Liger-Kernel#1375", normalize, normalize_back, lambda c, dy, x: normalize_back(c, dy, x, True),
        (randn(2, 4, 3, 2),), "gradient",
    ),
    # batch norm under grad_req="add"
    "overwrite for add": (
        "mxnet#18499", twice_normed, twice_normed_back, lambda c, *a: twice_normed_back(c, *a, add=False),
        (randn(4, 3), randn(5, 3), randn(3), randn(3)), "probes",
    ),
    # "=" for "+="
    "overlapping pool": ("Flux.jl#1197", pool, pool_back, lambda c, dy, x: pool_back(c, dy, x, False), (X,), "probes"),
    # the gradient that comes in through cLast is not added at the last step
    "last cell lost": (
        "deeplearning4j#8838", cells, cells_back, lambda c, *a: cells_back(c, *a, last=False),
        (randn(3, 2, 2), randn(4, 8), randn(2, 2), randn(2, 2)), "probes",
    ),
    # layer norm on MPS: the parameters' gradients where x requires none
    "weight needs input": (
        "pytorch#183825", layer_norm, layer_norm_back, lambda c, dy, *x: layer_norm_back(c, dy, *x, skip=True),
        (X, randn(5), randn(5)), "alone",
    ),
    "statistics in evaluation": (
        "xla#913", evaluated, evaluated_back, lambda c, dy, x: evaluated_back(c, dy, x, True), (randn(4, 3),), "probes",
    ),
    "running product at zero": (
        "tensorflow#3862", lambda x: torch.cumprod(x, -1), running_product_back,
        lambda c, dy, x: running_product_back(c, dy, x, True), (WITH_ZERO,), "finite gradient",
    ),
    "product by division": (
        "tensorflow#2641", lambda x: x.prod(-1), product_back, product_by_division, (WITH_ZERO,), "probes",
    ),
    # the covariance's gradient of scipy.stats.multivariate_normal
    "sign": (
        "HIPS/autograd#412", normal, normal_back, lambda c, dy, *x: normal_back(c, dy, *x, sign=-1.0),
        (randn(4, 3), randn(3), randn(3, 3)), "probes",
    ),
    "cotangent written": (
        "in place", lambda x: 2 * x, lambda c, dy, x: 2 * dy, lambda c, dy, x: dy.mul_(2), (X,), "changed",
    ),
    "not linear": (
        "dy + dy²", lambda x: x.clone(), lambda c, dy, x: dy, lambda c, dy, x: dy + 1e-6 * dy**2, (X,), "linear",
    ),
    "off by 1e-4": (
        "a scale", torch.tanh, lambda c, dy, x: dy * (1 - torch.tanh(x) ** 2),
        lambda c, dy, x: dy * (1 - torch.tanh(x) ** 2) * (1 + 1e-4), (X,), "probes",
    ),
}  # fmt: skip
