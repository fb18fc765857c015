"""Losses, each reduced to its mean, and the norms and distances they are made of."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import cross_entropy_by_hand
from benchmarks.peers.peer import FLAT, Peer, classes, signs, whole_signs, within
from benchmarks.peers.pointwise import softplus

LINE = (524288,)


def mse_loss(x, target, dy):
    d = x - target
    dx = d * (2 * dy / d.size)
    return (d * d).mean(), dx, -dx


def l1_loss(x, target, dy):
    d = x - target
    dx = np.sign(d) * (dy / d.size)
    return np.abs(d).mean(), dx, -dx


def huber_loss(x, target, dy):
    d = x - target
    a = np.abs(d)
    dx = np.clip(d, -1, 1) * (dy / d.size)
    return np.where(a < 1, d * d / 2, a - 0.5).mean(), dx, -dx


def nll_loss(x, target, dy):
    rows = np.arange(len(target))
    dx = np.zeros_like(x)
    dx[rows, target] = -dy / len(target)
    return -x[rows, target].mean(), dx


def soft_cross_entropy(x, target, dy):
    z = x - x.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    scale = dy / len(x)
    total = target.sum(axis=1, keepdims=True)
    return -(target * logp).sum() / len(x), (np.exp(logp) * total - target) * scale, -logp * scale


def kl_div(x, target, dy):
    logt = np.log(target)
    scale = dy / len(x)
    return (target * (logt - x)).sum() / len(x), -target * scale, (logt + 1 - x) * scale


def binary_cross_entropy(x, target, dy):
    a, b = np.log(x), np.log(1 - x)
    scale = dy / x.size
    return -(target * a + (1 - target) * b).mean(), (x - target) / (x * (1 - x)) * scale, (b - a) * scale


def bce_with_logits(x, target, dy):
    scale = dy / x.size
    loss = (np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x)))).mean()
    return loss, (1 / (1 + np.exp(-x)) - target) * scale, -x * scale


def soft_margin_loss(x, target, dy):
    z = -target * x
    return np.log1p(np.exp(z)).mean(), -target / (1 + np.exp(-z)) * (dy / x.size)


def multilabel_soft_margin(x, target, dy):
    scale = dy / x.size
    loss = (np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x)))).mean()
    return loss, (1 / (1 + np.exp(-x)) - target) * scale, -x * scale


def hinge_embedding(x, target, dy):
    near = x <= 1
    same = target == 1
    e = np.where(same, x, np.where(near, 1 - x, 0))
    return e.mean(), np.where(same, 1, -near.astype(x.dtype)) * (dy / x.size)


def margin_ranking(x1, x2, target, dy):
    d = x1 - x2
    over = target * d <= 0
    dx = -target * over * (dy / d.size)
    return (over * -target * d).mean(), dx, -dx, -d * over * (dy / d.size)


def cosine(x1, x2):
    """Dot products, norms and cosines of rows."""
    n1, n2 = np.sqrt((x1 * x1).sum(axis=1)), np.sqrt((x2 * x2).sum(axis=1))
    return n1, n2, (x1 * x2).sum(axis=1) / (n1 * n2)


def cosine_similarity(x1, x2, dy):
    n1, n2, y = cosine(x1, x2)
    a, b, c = (dy / (n1 * n2))[:, None], (dy * y / n1**2)[:, None], (dy * y / n2**2)[:, None]
    return y, a * x2 - b * x1, a * x1 - c * x2


def cosine_embedding(x1, x2, target, dy):
    _, _, y = cosine(x1, x2)
    same = target == 1
    e = np.where(same, 1 - y, np.maximum(y, 0))
    de = (np.where(same, -1, y > 0) * (dy / len(y))).astype(x1.dtype)
    return (e.mean(), *cosine_similarity(x1, x2, de)[1:])


def multi_margin(x, target, dy):
    rows = np.arange(len(target))
    d = np.maximum(0, 1 - x[rows, target][:, None] + x)
    d[rows, target] = 0
    dx = (d > 0).astype(x.dtype)
    dx[rows, target] = -dx.sum(axis=1)
    return d.sum() / x.size, dx * (dy / x.size)


def distance(a, b, eps=1e-6):
    """The difference and its norm."""
    d = a - b + eps
    return d, np.sqrt((d * d).sum(axis=1, keepdims=True))


def triplet_margin(anchor, positive, negative, dy):
    d1, n1 = distance(anchor, positive)
    d2, n2 = distance(anchor, negative)
    e = n1 - n2 + 1
    scale = (e > 0) * (dy / len(e))
    g1, g2 = d1 * (scale / n1), d2 * (scale / n2)
    return np.maximum(e, 0).mean(), g1 - g2, -g1, g2


def pairwise_distance(x1, x2, dy):
    d, n = distance(x1, x2)
    dx = d * (dy[:, None] / n)
    return n[:, 0], dx, -dx


def vector_norm(x, dy):
    y = np.sqrt((x * x).sum(axis=1))
    return y, x * (dy / y)[:, None]


def poisson_nll(x, target, dy):
    e, scale = np.exp(x), dy / x.size
    return (e - target * x).mean(), (e - target) * scale, -x * scale


def gaussian_nll(x, target, var, dy):
    d, scale = x - target, dy / x.size
    q = d / var
    return (0.5 * (np.log(var) + d * q)).mean(), q * scale, -q * scale, 0.5 * (1 / var - q * q) * scale


def _cross_entropy(n, x, target):
    z = x - n.max(x, axis=1, keepdims=True)
    logp = z - n.log(n.sum(n.exp(z), axis=1, keepdims=True))
    return -n.mean(logp[n.arange(len(target)), target])


def _soft_cross_entropy(n, x, target):
    z = x - n.max(x, axis=1, keepdims=True)
    return -n.sum(target * (z - n.log(n.sum(n.exp(z), axis=1, keepdims=True)))) / len(x)


def _cosine(n, x1, x2):
    return n.sum(x1 * x2, axis=1) / n.sqrt(n.sum(x1 * x1, axis=1) * n.sum(x2 * x2, axis=1))


def _cosine_embedding(n, x1, x2, target):
    y = _cosine(n, x1, x2)
    return n.mean(n.where(target == 1, 1 - y, n.maximum(y, 0)))


def _norm(n, d):
    return n.sqrt(n.sum(d * d, axis=1))


def _huber(n, x, target):
    a = n.abs(x - target)
    return n.mean(n.where(a < 1, a * a / 2, a - 0.5))


def _bce_with_logits(n, x, t):
    return n.mean(n.maximum(x, 0) - x * t + n.log1p(n.exp(-n.abs(x))))


def _multi_margin(n, x, target):
    rows = n.arange(len(target))
    d = n.maximum(0, 1 - x[rows, target][:, None] + x)
    return (n.sum(d) - len(target)) / x.size


def _triplet(n, a, p, q):
    return n.mean(n.maximum(_norm(n, a - p + 1e-6) - _norm(n, a - q + 1e-6) + 1, 0))


def _hinge_embedding(n, x, t):
    return n.mean(n.where(t == 1, x, n.maximum(1 - x, 0)))


def _bce(n, x, t):
    return -n.mean(t * n.log(x) + (1 - t) * n.log(1 - x))


def _gaussian(n, x, t, var):
    return n.mean(0.5 * (n.log(var) + (x - t) ** 2 / var))


_HUNDREDTH = within(0.01, 0.99, *FLAT)
_SHARE = within(0.01, 1, *FLAT)
_PLAIN = {"weight": None}

LOSSES: tuple[Peer, ...] = (
    Peer("mse_loss", (FLAT, FLAT), mse_loss, lambda n, x, t: n.mean((x - t) ** 2)),
    Peer("l1_loss", (FLAT, FLAT), l1_loss, lambda n, x, t: n.mean(n.abs(x - t))),
    Peer("smooth_l1_loss", (FLAT, FLAT), huber_loss, _huber),
    Peer("huber_loss", (FLAT, FLAT), huber_loss, _huber),
    Peer("cross_entropy", (FLAT, classes(1024, 512)), cross_entropy_by_hand, _cross_entropy, _PLAIN),
    Peer("cross_entropy", ((1024, 8192), classes(8192, 1024)), cross_entropy_by_hand, _cross_entropy, _PLAIN),
    Peer("nll_loss", (FLAT, classes(1024, 512)), nll_loss,
         lambda n, x, t: -n.mean(x[n.arange(len(t)), t]), _PLAIN),
    Peer("soft_cross_entropy", (FLAT, _SHARE), soft_cross_entropy, _soft_cross_entropy, _PLAIN),
    Peer("kl_div", (FLAT, _SHARE), kl_div, lambda n, x, t: n.sum(t * (n.log(t) - x)) / len(x),
         {"reduction": "batchmean"}),
    Peer("binary_cross_entropy", (_HUNDREDTH, within(0, 1, *FLAT)), binary_cross_entropy, _bce, _PLAIN),
    Peer("binary_cross_entropy_with_logits", (FLAT, within(0, 1, *FLAT)), bce_with_logits, _bce_with_logits,
         {"weight": None, "pos_weight": None}),
    Peer("soft_margin_loss", (FLAT, signs(*FLAT)), soft_margin_loss, lambda n, x, t: n.mean(softplus(n, -t * x)),
         wrt=(0,)),
    Peer("multilabel_soft_margin_loss", (FLAT, within(0, 1, *FLAT)), multilabel_soft_margin, _bce_with_logits,
         _PLAIN),
    Peer("hinge_embedding_loss", (FLAT, whole_signs(*FLAT)), hinge_embedding, _hinge_embedding),
    Peer("margin_ranking_loss", (LINE, LINE, signs(*LINE)), margin_ranking,
         lambda n, a, b, t: n.mean(n.maximum(-t * (a - b), 0))),
    Peer("cosine_embedding_loss", (FLAT, FLAT, whole_signs(512)), cosine_embedding, _cosine_embedding),
    Peer("multi_margin_loss", (FLAT, classes(1024, 512)), multi_margin, _multi_margin, _PLAIN),
    Peer("triplet_margin_loss", (FLAT, FLAT, FLAT), triplet_margin, _triplet),
    Peer("poisson_nll_loss", (FLAT, within(0, 4, *FLAT)), poisson_nll, lambda n, x, t: n.mean(n.exp(x) - t * x)),
    Peer("gaussian_nll_loss", (FLAT, FLAT, within(0.1, 2, *FLAT)), gaussian_nll, _gaussian),
    Peer("cosine_similarity", (FLAT, FLAT), cosine_similarity, _cosine),
    Peer("pairwise_distance", (FLAT, FLAT), pairwise_distance, lambda n, a, b: _norm(n, a - b + 1e-6)),
    Peer("vector_norm", (FLAT,), vector_norm, _norm),
)  # fmt: skip
