"""Odd but legal definitions, each beside the same thing written by hand in torch, and inputs for both.

A row: the definition's text, the torch function of the inputs in order, and the inputs' shapes (or tensors).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

Torch = Callable[..., Any]


@dataclass(frozen=True)
class Odd:
    """``shapes``: a tuple draws a real input of that shape; a tensor is given as it is.

    ``families``: for each input how many members it has, 0 for a plain tensor.
    """

    text: str
    by_hand: Torch
    shapes: tuple[Any, ...]
    hypers: dict[str, Any] = field(default_factory=dict)
    families: tuple[int, ...] = ()

    def grouped(self, tensors: list[torch.Tensor]) -> list[Any]:
        """The arguments: of a family, the list of its members."""
        if not self.families:
            return tensors
        rest = iter(tensors)
        return [[next(rest) for _ in range(n)] if n else next(rest) for n in self.families]


def whole(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def truth(rows: int, columns: int) -> torch.Tensor:
    return torch.arange(rows * columns).reshape(rows, columns) % 3 != 1


# ------------------------------------------------------------------------------ by hand


def _pieces(x, z):
    first = torch.cat([x[0, :1] + z[0, :1], x[0, 1:] ** 2])
    return torch.cat([first[None], torch.cat([torch.sin(z[1:, :1]), (x * z)[1:, 1:]], 1)])


def _halo2(x, a, b):
    before, last, rows = a**2, a, []
    for row in x:
        before, last = last, torch.tanh(last * b + before * row)
        rows.append(last)
    return torch.stack(rows)


def _lag3(x, a):
    y = [x[0], x[1] * a, x[2] + a]
    for t in range(3, len(x)):
        y.append(a * y[t - 3] + torch.sin(y[t - 1]) * x[t])
    return torch.stack(y)


def _backwards(x, a):
    y = [x[-1] ** 2]
    for t in range(len(x) - 2, -1, -1):
        y.insert(0, a * y[0] * x[t] + x[t])
    return torch.stack(y)


def _past(x, a):
    y: list[torch.Tensor] = []
    for t in range(len(x)):
        y.append(x[t] + a * sum((torch.sin(y[s]) * x[t - s] for s in range(t)), torch.zeros_like(a)))
    return torch.stack(y)


def _mirrored(x, w):
    i, j = torch.meshgrid(torch.arange(len(x)), torch.arange(len(x)), indexing="ij")
    return w[(i - j).abs(), torch.minimum(i, j)] * x[torch.maximum(i, j)]


def _toeplitz(c, r):
    rows = [torch.stack([c[i - j] if i >= j else r[j - i] for j in range(len(r))]) for i in range(len(c))]
    return torch.stack(rows)


def _nested(x, z):
    def one(x, z):
        if x > 0:
            return torch.log(x * z) if z > 0 else torch.sqrt(x)
        return x**3 if z < -1 else torch.exp(z) * x

    return torch.stack([one(a, b) for a, b in zip(x, z, strict=True)])


def _filtered_product(x, m):
    kept = torch.stack([torch.prod(row[keep]) for row, keep in zip(x, m, strict=True)])
    return kept + torch.prod(x[:, 1:] - x[:, :-1], 1)


def _positives(x):
    return torch.stack([(row[row > 0] ** 2).sum() / max(int((row > 0).sum()), 1) for row in x])


def _means(x, m):
    m = m.clone()
    m[:, 0] = True
    return torch.stack([(row[keep] * row[0]).mean() for row, keep in zip(x, m, strict=True)])


def _ranks(x, w):
    order = torch.argsort(x, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(x))
    return w[rank] * x


def _top_two(x):
    two = torch.topk(x, 2, 1).values
    return two[:, 0] - two[:, 1]


def _family(x, w0, w1, w2, b0, b1, b2):
    for w, b in ((w0, b0), (w1, b1), (w2, b2)):
        x = torch.tanh(x @ w.T + 0.5 * b)
    return x


def _histogram(idx, x, b):
    h = b.index_add(0, idx, x**2)
    return h[idx] * x


def _segments(seg, x, w):
    rows = [torch.softmax(x[seg == s], 0) for s in range(len(w))]
    y = torch.zeros_like(x)
    for s, row in enumerate(rows):
        y = y.masked_scatter(seg == s, row * w[s])
    return y


def _coupled(x, a, b):
    u, v, out = a, b, []
    for e in x:
        u = torch.sin(v) * e + u
        v = u * v
        out.append(u + v)
    return torch.stack(out)


def _strided(x, w):
    windows = torch.stack(
        [x[2 * m + 2 * torch.arange(len(w))] for m in range((len(x) - 2 * (len(w) - 1) - 1) // 2 + 1)]
    )
    return (windows * w).max(1).values + (windows * w).sum(1)


def _wrapped(x, w):
    n = torch.arange(len(x))
    return sum(x[(n + k) % len(x)] * w[k] for k in range(len(w))) + x[n // 2]


def _cumulative(x):
    ones = torch.ones_like(x[:, :1])
    return torch.cumsum(x, 1) * torch.cumprod(torch.cat([ones, x[:, :-1]], 1), 1)


def _masked_rows(x, length):
    return torch.stack([row[:n].sum() ** 2 for row, n in zip(x, length, strict=True)])


def _two_states(theta, grad):
    m, s, out = torch.zeros_like(theta), 0.0, []
    for t, g in enumerate(grad, 1):
        m = 0.9 * m + 0.1 * g
        s = s + (g**2).sum()
        theta = theta - 0.1 * m / torch.sqrt(s + 1) * 0.9**t
        out.append(theta)
    return torch.stack(out)


def _calls(x, w, v):
    p = torch.softmax(torch.nn.functional.silu(x @ w.T), 1)
    return p @ torch.nn.functional.gelu(v)


def _windows_of_two(x):
    return torch.stack([x[:, max(k - 1, 0) : k + 2].amax(1) for k in range(x.shape[1])], 1)


# ------------------------------------------------------------------------------ the table

ODD: dict[str, Odd] = {
    "pieces at a row, a column and a corner": Odd(
        "def f(x: Real[N, K], z: Real[N, K]):\n    y[n, k] = x[n, k]*z[n, k]\n    y[0, k] = x[0, k]**2\n"
        "    y[n, 0] = sin(z[n, 0])\n    y[0, 0] = x[0, 0] + z[0, 0]\n    return y",
        _pieces, ((3, 4), (3, 4)),
    ),
    "concatenation": Odd(
        "def f(x: Real[N], z: Real[M], w: Real[N]):\n    y[k < N] = x[k]*w[k]\n"
        "    y[N <= k < N + M] = exp(z[k - N])*x[0]\n    return y",
        lambda x, z, w: torch.cat([x * w, torch.exp(z) * x[0]]), (3, 2, 3),
    ),
    "a halo of two": Odd(
        "def f(x: Real[T, N], a: Real[N], b: Real):\n    h[-1, n] = a[n]\n    h[-2, n] = a[n]**2\n"
        "    h[t, n] = tanh(h[t - 1, n]*b + h[t - 2, n]*x[t, n])\n    return h",
        _halo2, ((4, 2), 2, ()),
    ),
    "a lag of three": Odd(
        "def f(x: Real[T], a: Real):\n    y[0] = x[0]\n    y[1] = x[1]*a\n    y[2] = x[2] + a\n"
        "    y[t] = a*y[t - 3] + sin(y[t - 1])*x[t]\n    return y",
        _lag3, (7, ()),
    ),
    "a recurrence from the end": Odd(
        "def f(x: Real[T], a: Real):\n    y[T - 1] = x[T - 1]**2\n    y[t < T - 1] = a*y[t + 1]*x[t] + x[t]\n"
        "    return y",
        _backwards, (5, ()),
    ),
    "the whole past": Odd(
        "def f(x: Real[T], a: Real):\n    y[t] = x[t] + a*sum[s < t](sin(y[s])*x[t - s])\n    return y", _past, (5, ()),
    ),
    "coupled recurrences": Odd(
        "def f(x: Real[T], a: Real, b: Real):\n    u[-1] = a\n    v[-1] = b\n    u[t] = sin(v[t - 1])*x[t] + u[t - 1]\n"
        "    v[t] = u[t]*v[t - 1]\n    y[t] = u[t] + v[t]\n    return y",
        _coupled, (4, (), ()),
    ),
    "indices by abs, min and max": Odd(
        "def f(x: Real[N], w: Real[N, N]):\n    y: Real[N, N]\n    y[i, j] = w[abs(i - j), min(i, j)]*x[max(i, j)]\n"
        "    return y",
        _mirrored, (4, (4, 4)),
    ),
    "guards that prove range": Odd(
        "def f(c: Real[N], r: Real[M]):\n"
        "    y[i < N, j < M] = where(i >= j, padded(c[i - j], 0), padded(r[j - i], 0))\n"
        "    return y",
        _toeplitz, (4, 3),
    ),
    "where in where": Odd(
        "def f(x: Real[N], z: Real[N]):\n    y[n] = where(x[n] > 0, where(z[n] > 0, log(x[n]*z[n]), sqrt(x[n])),\n"
        "        where(z[n] < -1, x[n]**3, exp(z[n])*x[n]))\n    return y",
        _nested,
        (torch.tensor([2.0, 1, -1, -2, 0, 0]).double(), torch.tensor([0.5, -2, -2, 1, 1, -3]).double()),
    ),
    "roots and quotients beside their poles": Odd(
        "def f(x: Real[N]):\n    y[n] = where(x[n] > 0, sqrt(x[n]), 0) + where(x[n] != 0, sin(x[n])/x[n], 1)\n"
        "    return y",
        lambda x: torch.stack([torch.sqrt(e) + torch.sin(e) / e if e > 0 else torch.sin(e) / e if e != 0 else e * 0 + 1
                               for e in x]),
        (torch.tensor([1.0, -2, 0, 3]).double(),),
    ),
    "a product with zeros": Odd(
        "def f(x: Real[N, K], w: Real[K]):\n    p[n] = prod[k](x[n, k]*w[k])\n    y[n] = p[n]*sum[k](x[n, k])\n"
        "    return y",
        lambda x, w: torch.stack([row[0] * w[0] * row[1] * w[1] * row[2] * w[2] * row.sum() for row in x]),
        (torch.tensor([[1.0, 2, 3], [0, 2, 3], [0, 0, 3], [0, 0, 0]]).double(), 3),
    ),
    "products under filters": Odd(
        "def f(x: Real[N, K], m: Bool[N, K]):\n"
        "    y[n] = prod[k, m[n, k]](x[n, k]) + prod[k, k > 0](x[n, k] - x[n, k - 1])\n    return y",
        _filtered_product, ((3, 4), truth(3, 4)),
    ),
    "sums over counts": Odd(
        "def f(x: Real[N, K]):\n    y[n] = sum[k, x[n, k] > 0](x[n, k]**2)/max(count[k, x[n, k] > 0](), 1)\n"
        "    return y",
        _positives, (torch.tensor([[1.0, -1, 2], [-1, -2, -3]]).double(),),
    ),
    "means of what is left": Odd(
        "def f(x: Real[N, K], m: Bool[N, K]):\n    y[n] = mean[k, m[n, k] or k == 0](x[n, k]*x[n, 0])\n    return y",
        _means, ((3, 4), truth(3, 4)),
    ),
    "diagonals": Odd(
        "def f(b: Real[N, N], x: Real[N]):\n    y[i] = b[i, i]*x[i] + sum[j](b[j, j])*b[0, i]\n    return y",
        lambda b, x: torch.diagonal(b) * x + torch.trace(b) * b[0], ((3, 3), 3),
    ),
    "a trace of three factors": Odd(
        "def f(b: Real[N, N]):\n    y = sum[i, j, k](b[i, j]*b[j, k]*b[k, i])\n    return y",
        lambda b: torch.trace(b @ b @ b), ((3, 3),),
    ),
    "a pack inside a composite": Odd(
        "def f(x: Real[N, [G, ...], C], w: Real[G, C, ...]):\n    y[n, g, c, ...] = x[n, [g, ...], c]*w[g, c, ...]\n"
        "    return y",
        lambda x, w: x.reshape(2, 2, 3, 5).permute(0, 1, 3, 2) * w, ((2, 6, 5), (2, 5, 3)),
    ),
    "axes joined": Odd(
        "def f(x: Real[N, A, *B], w: Real[A]):\n    y[n, [a, *b]] = tanh(x[n, a, *b])*w[a]\n    return y",
        lambda x, w: (torch.tanh(x) * w[:, None, None]).reshape(2, -1), ((2, 3, 2, 2), 3),
    ),
    "a gather of a gather": Odd(
        "def f(idx: Index[N], perm: Index[M], x: Real[M, K]):\n"
        "    y[n, k] = x[perm[idx[n]], k]*x[idx[n], K - 1 - k]\n    return y",
        lambda idx, perm, x: x[perm[idx]] * x[idx].flip(1), (whole(0, 2, 2, 1), whole(1, 2, 0), (3, 2)),
    ),
    "a histogram read back": Odd(
        "def f(idx: Index[N], x: Real[N], b: Real[V]):\n    h[v] = sum[n, idx[n] == v](x[n]**2) + b[v]\n"
        "    y[n] = h[idx[n]]*x[n]\n    return y",
        _histogram, (whole(0, 2, 2, 1), 4, 5),
    ),
    "a softmax of segments": Odd(
        "def f(seg: Index[N], x: Real[N], w: Real[S]):\n    m: Real[S]\n    z: Real[S]\n"
        "    m[s] = max[n, seg[n] == s](x[n])\n    e[n] = exp(x[n] - m[seg[n]])\n"
        "    z[s] = sum[n, seg[n] == s](e[n])\n    y[n] = e[n]/z[seg[n]]*w[seg[n]]\n    return y",
        _segments, (whole(0, 2, 2, 1, 0), 5, 3),
    ),
    "a sort by counting": Odd(
        "def f(x: Real[N], w: Real[N]):\n    r[i] = count[j, x[j] > x[i] or x[j] == x[i] and j < i]()\n"
        "    y[i] = w[r[i]]*x[i]\n    return y",
        _ranks, (torch.tensor([0.5, 2, 0.5, -1]).double(), 4),
    ),
    "the largest two": Odd(
        "def f(x: Real[N, K]):\n    i[n] = argmax[k](x[n, k])\n    s[n] = max[k, k != i[n]](x[n, k])\n"
        "    y[n] = x[n, i[n]] - s[n]\n    return y",
        _top_two, ((3, 4),),
    ),
    "a window cut off at the ends": Odd(
        "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = max[i < 3](x[n, k + i - 1])\n    return y",
        _windows_of_two, ((2, 5),),
    ),
    "families in a static loop": Odd(
        "def f(x: Real[N, I], w: Real[I, I][layers], b: Real[I][layers], *, layers: Int = 3, gain: Real = 0.5):\n"
        "    z = x\n    for l in range(layers):\n        h[n, k] = tanh(sum[j](w[l][k, j]*z[n, j]) + b[l][k]*gain)\n"
        "        z = h\n    return z",
        _family, ((2, 3), (3, 3), (3, 3), (3, 3), 3, 3, 3), {}, (0, 3, 3),
    ),
    "calls in a row": Odd(
        "def f(x: Real[N, K], w: Real[M, K], v: Real[M]):\n    h = linear(x, w)\n    a = silu(h)\n    p = softmax(a)\n"
        "    y[n] = sum[m](p[n, m]*gelu(v[m]))\n    return y",
        _calls, ((3, 2), (4, 2), 4),
    ),
    "calls of calls over packs": Odd(
        "def inner(x: Real[*A, K], s: Real):\n    y[*a, k] = x[*a, k]**2*s\n    return y\n"
        "def twice(x: Real[*A, K], s: Real):\n    u = inner(x, s)\n    y = inner(u, s)\n    return y\n"
        "def f(x: Real[B, C, K], s: Real):\n    v = twice(x, s)\n    y[b, k] = sum[c](v[b, c, k])\n    return y",
        lambda x, s: (x**4 * s**3).sum(1), ((2, 3, 2), ()),
    ),
    "integers in exponents": Odd(
        "def f(x: Real[N], *, p: Int = 3, q: Int[2] = (2, 1)):\n"
        "    y[n] = x[n]**p + (x[n]*x[n] + 1)**(q[0] - 3)*q[1] + 2.0**x[n]*abs(x[n])**(p/2)\n    return y",
        lambda x: x**3 + 1 / (x * x + 1) + 2.0**x * x.abs() ** 1.5, (5,),
    ),
    "other integers in exponents": Odd(
        "def f(x: Real[N], *, p: Int = 3):\n    y[n] = x[n]**p*x[n]**(-p)*x[n]**(2*p)\n    return y",
        lambda x: x**4, (5,), {"p": 2},
    ),
    "dilated windows": Odd(
        "def f(x: Real[N], w: Real[K], *, s: Int = 2, d: Int = 2):\n"
        "    M = (N - d*(K - 1) - 1)//s + 1\n    y: Real[M]\n"
        "    y[m] = max[k](x[m*s + k*d]*w[k]) + sum[k](x[m*s + k*d]*w[k])\n    return y",
        _strided, (9, 3),
    ),
    "floored indices and remainders": Odd(
        "def f(x: Real[N], w: Real[K]):\n    y: Real[N]\n    y[n] = sum[k](x[(n + k) % N]*w[k]) + x[n//2]\n"
        "    return y",
        _wrapped, (5, 3),
    ),
    "upsampling": Odd(
        "def f(x: Real[N, H], *, r: Int = 2):\n    M = r*H\n    y: Real[N, M]\n    y[n, m] = x[n, m//r]*(m % r + 1)\n"
        "    return y",
        lambda x: x.repeat_interleave(3, 1) * torch.tensor([1, 2, 3]).repeat(x.shape[1]), ((2, 4),), {"r": 3},
    ),
    "a gradient that is stopped": Odd(
        "def f(x: Real[N]):\n    c[n] = constant(exp(x[n]))\n    y[n] = c[n]*x[n]**2 + constant(x[n])*x[n]\n"
        "    return y",
        lambda x: torch.exp(x).detach() * x**2 + x.detach() * x, (4,),
    ),
    "clamped, the bounds the right way round": Odd(
        "def f(x: Real[N], lo: Real, hi: Real):\n    y[n] = clamp(x[n], lo, hi)*x[n] + min(x[n], lo)\n    return y",
        lambda x, lo, hi: torch.clamp(x, lo, hi) * x + torch.minimum(x, lo),
        (torch.tensor([-2.0, 0.3, 5]).double(), torch.tensor(-1.0).double(), torch.tensor(1.0).double()),
    ),
    "clamped, the bounds the wrong way round": Odd(
        "def f(x: Real[N], lo: Real, hi: Real):\n    y[n] = clamp(x[n], lo, hi)*x[n] + min(x[n], lo)\n    return y",
        lambda x, lo, hi: torch.clamp(x, lo, hi) * x + torch.minimum(x, lo),
        (torch.tensor([-2.0, 0.3, 5]).double(), torch.tensor(1.0).double(), torch.tensor(-1.0).double()),
    ),
    "lengths that are data": Odd(
        "def f(x: Real[N, K], length: Index[N]):\n    y[n] = sum[k < length[n]](x[n, k])**2\n    return y",
        _masked_rows, ((3, 4), whole(2, 4, 0)),
    ),
    "running sums and products": Odd(
        "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = sum[j <= k](x[n, j])*prod[j < k](x[n, j])\n"
        "    return y",
        _cumulative, ((2, 4),),
    ),
    "reads at literals": Odd(
        "def f(x: Real[N, 3], w: Real[3]):\n    y[n] = x[n, 0]*w[2] + x[n, 1]*x[n, 1]*w[0] - x[n, 2]/(1 + w[1]**2)\n"
        "    return y",
        lambda x, w: x[:, 0] * w[2] + x[:, 1] ** 2 * w[0] - x[:, 2] / (1 + w[1] ** 2), ((2, 3), 3),
    ),
    "an optimizer with two states": Odd(
        "@optimizer\ndef f(theta: Real[...], grad: Real[...], *, lr: Real = 0.1, b: Real = 0.9, power: Int = 2):\n"
        "    m[t, ...] = b*m[t - 1, ...] + (1 - b)*grad[t, ...]\n    s[t] = s[t - 1] + sum[...](grad[t, ...]**power)\n"
        "    theta[t, ...] = theta[t - 1, ...] - lr*m[t, ...]/sqrt(s[t] + 1)*b**t",
        _two_states, ((3, 2), (4, 3, 2)),
    ),
}  # fmt: skip
