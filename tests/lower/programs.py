"""Small programs from text, one construct each."""

from __future__ import annotations

import derive

TEXTS = {
    "number": "def f(x: Real[N]):\n    c = 1/sqrt(N)\n    y[n] = c*x[n]\n    return y",
    "elementwise": "def f(x: Real[N, K], b: Real[K]):\n    y[n, k] = exp(x[n, k])*b[k] - x[n, k]**3/2\n    return y",
    "pieces": "def f(x: Real[N, K], z: Real[N, K]):\n"
    "    y: Real[N, 2, K]\n    y[n, 0, k] = x[n, k]\n    y[n, 1, k] = z[n, k]\n    return y",
    "recurrence": "def f(x: Real[T, N], a: Real[N], s: Real[N]):\n"
    "    h[-1, n] = s[n]\n    h[t, n] = tanh(a[n]*h[t - 1, n] + x[t, n])\n    return h",
    "matrix product": "def f(x: Real[N, I], w: Real[K, I]):\n    y[n, k] = sum[i](x[n, i]*w[k, i])\n    return y",
    "terms": "def f(x: Real[N, I], w: Real[K, I], v: Real[K, I]):\n"
    "    y[n, k] = sum[i](x[n, i]*w[k, i] + x[n, i]**2*v[k, i])\n    return y",
    "correlation": "def f(x: Real[N, L], w: Real[F, K]):\n"
    "    y: Real[N, F, L]\n    y[n, f, p] = sum[i](x[n, p + i - 1]*w[f, i])\n    return y",
    "spread": "def f(x: Real[N, L], w: Real[F, K]):\n"
    "    M = 2*L + K\n    y: Real[N, F, M]\n"
    "    y[n, f, m] = sum[p, i, 2*p + i == m](x[n, p]*w[f, i])\n    return y",
    "scatter": "def f(token: Index[N], x: Real[N, D], like: Real[V]):\n"
    "    y: Real[V, D]\n    y[v, d] = sum[n, token[n] == v](x[n, d])\n    return y",
    "sliding": "def f(x: Real[N, L]):\n    y: Real[N, L]\n    y[n, p] = max[i < 3](x[n, p + i - 1])\n    return y",
    "sliding place": "def f(x: Real[N, L]):\n"
    "    y: Index[N, L]\n    y[n, p] = argmax[i < 3](x[n, p + i - 1])\n    return y",
    "count": "def f(x: Real[N, K]):\n    y[n] = count[k, x[n, k] > 0]()\n    return y",
    "winner": "def f(x: Real[N, K, L]):\n    y[n] = argmax[k, l](x[n, k, l])\n    return y",
    "row": "def f(x: Real[N, K]):\n    y[n] = prod[k](x[n, k])\n    return y",
    "repeated letter": "def f(x: Real[N, N]):\n    y[i] = x[i, i]\n    return y",
    "whole past": "def f(x: Real[T, N]):\n    y[t, n] = x[t, n] + sum[s, s < t](y[s, n])/(t + 1)\n    return y",
    "backwards": "def f(x: Real[T, N]):\n    y[t, n] = x[t, n] + where(t + 1 < T, y[t + 1, n]/2, 0)\n    return y",
    "triangle": "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = sum[j, j <= k](x[n, j])\n    return y",
    "triangle before": "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = sum[j, j < k](x[n, j])\n    return y",
    "triangle product": "def f(x: Real[N, K, L]):\n"
    "    y: Real[N, K, L]\n    y[n, k, l] = prod[j, j <= k](x[n, j, l])\n    return y",
    "chain": "def f(x: Real[N, K], z: Real[N, K]):\n    y: Real[N, K]\n"
    "    y[n, j] = sum[k, j <= k](z[n, k]*prod[i < K, i <= k, i != j](x[n, i]))\n    return y",
    "all but one": "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = prod[j, j != k](x[n, j])\n    return y",
    "counted": "def f(x: Real[N], z: Real[N, K]):\n    y[n] = sum[k, z[n, k] > 0](x[n]**2)\n    return y",
    "spike": "def f(token: Index[N], x: Real[N], z: Real[N, K]):\n"
    "    y[n, k] = z[n, k]**2 + where(token[n] == k and x[n] > 0, x[n]**3, 0)\n    return y",
    "spike alone": "def f(token: Index[N], x: Real[N], z: Real[N, K]):\n"
    "    y: Real[N, K]\n    y[n, k] = 3*where(token[n] == k, x[n]**3, 0)\n    return y",
    "narrow masks": "def f(x: Real[N], z: Real[N, K]):\n"
    "    y[n, k] = where(x[n] > 0, where(x[n] < 1, 1/x[n]*z[n, k], 0) + x[n]*z[n, k]**2, 0)\n    return y",
    "clipped": "def f(x: Real[N], *, lo: Real = -1, hi: Real = 1):\n"
    "    y[n] = where(x[n] <= lo, 2*lo + 1, where(x[n] >= hi, 2*hi + 1, 2*x[n] + 1))\n    return y",
    "window of squares": "def f(x: Real[N, L]):\n"
    "    y: Real[N, L]\n    y[n, p] = sum[i < 3](x[n, p - i + 1]**2)\n    return y",
    "ranges": "def f(x: Real[N, K]):\n"
    "    y: Real[N, 3]\n    y[n, p] = max[p*K//3 <= k < -(-(p + 1)*K//3)](x[n, k])\n    return y",
    "flip": "def f(x: Real[N, K]):\n    y: Real[N, K]\n    y[n, k] = x[n, K - 1 - k]\n    return y",
}


def program(title: str):
    return derive.load("@layer\n" + TEXTS[title])
