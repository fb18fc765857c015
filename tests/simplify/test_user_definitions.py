"""Definitions of a user's own, in no catalogue: each pass keeps their value, and the same forms are found."""

from __future__ import annotations

import pytest
from sympy import exp

import derive
from derive.program import Size
from derive.simplify import simplify
from tests.simplify.equations import MODES, r, right, same, total

DEFINITIONS = {
    "softmax1": """
def f(x: Real[..., K]):
    y[..., k] = exp(x[..., k] - max[j](x[..., j]))/sum[i](exp(x[..., i] - max[j](x[..., j])))
    return y
""",
    "softmaxnomax": """
def f(x: Real[..., K]):
    y[..., k] = exp(x[..., k])/sum[i](exp(x[..., i]))
    return y
""",
    "logsumexp": """
def f(x: Real[..., K]):
    m[...] = max[k](x[..., k])
    y[...] = m[...] + log(sum[k](exp(x[..., k] - m[...])))
    return y
""",
    "lninline": """
def f(x: Real[..., K]):
    y[..., k] = (x[..., k] - mean[j](x[..., j]))/sqrt(mean[j]((x[..., j] - mean[i](x[..., i]))**2) + 1/1000)
    return y
""",
    "lnstd": """
def f(x: Real[..., K], w: Real[K]):
    mu[...] = mean[k](x[..., k])
    c[..., k] = x[..., k] - mu[...]
    s[...] = sqrt(mean[k](c[..., k]**2) + 1/1000)
    y[..., k] = w[k]*c[..., k]/s[...]
    return y
""",
    "l2norm": """
def f(x: Real[..., K]):
    n[...] = sqrt(sum[k](x[..., k]**2))
    y[..., k] = x[..., k]/n[...]
    return y
""",
    "cosine": """
def f(a: Real[..., K], b: Real[..., K]):
    y[...] = sum[k](a[..., k]*b[..., k])/(sqrt(sum[k](a[..., k]**2))*sqrt(sum[k](b[..., k]**2)))
    return y
""",
    "softplus": """
def f(x: Real[...]):
    y[...] = log(1 + exp(x[...]))
    return y
""",
    "tanhexp": """
def f(x: Real[...]):
    e[...] = exp(2*x[...])
    y[...] = (e[...] - 1)/(e[...] + 1)
    return y
""",
    "cumsum": """
def f(x: Real[N]):
    y: Real[N]
    y[n] = sum[i, i <= n](x[i])
    return y
""",
    "prod": """
def f(x: Real[N, K]):
    y[n] = prod[k](x[n, k])
    return y
""",
    "amax": """
def f(x: Real[N, K]):
    y[n] = amax[k](x[n, k])
    return y
""",
    "residual": """
def f(x: Real[..., K], w: Real[K]):
    mu[...] = mean[k](x[..., k])
    r[...] = 1/sqrt(mean[k]((x[..., k] - mu[...])**2) + 1/1000)
    h[..., k] = (x[..., k] - mu[...])*r[...]
    y[..., k] = x[..., k] + w[k]*tanh(h[..., k])
    return y
""",
    "two": """
def f(x: Real[N], z: Real[N]):
    a[n] = x[n]*z[n]
    b[n] = exp(a[n])
    return a, b
""",
    "pieces": """
def f(x: Real[N, K], u: Real[N]):
    y: Real[N, K + 1]
    y[n, k < K] = x[n, k]**2
    y[n, k == K] = u[n]
    return y
""",
    "sm_of_sm": """
def f(x: Real[N, K]):
    a[n, k] = exp(x[n, k])/sum[j](exp(x[n, j]))
    y[n, k] = exp(a[n, k])/sum[j](exp(a[n, j]))
    return y
""",
    "gumbel": """
def f(x: Real[N, K], t: Real):
    m[n] = max[k](x[n, k]/t)
    e[n, k] = exp(x[n, k]/t - m[n])
    y[n, k] = e[n, k]/sum[j](e[n, j])
    return y
""",
    "linattn": """
def f(q: Real[L, E], k: Real[S, E], v: Real[S, V]):
    a[l, s] = sum[e](q[l, e]*k[s, e])
    z[l] = sum[s](a[l, s])
    y[l, u] = sum[s](a[l, s]*v[s, u])/z[l]
    return y
""",
    "focal": """
def f(x: Real[N], t: Const[N], *, g: Real = 2):
    p[n] = sigmoid(x[n])
    q[n] = t[n]*p[n] + (1 - t[n])*(1 - p[n])
    y = -mean[n]((1 - q[n])**g*log(q[n]))
    return y
""",
    "lossnorm": """
def f(x: Real[N, K], c: Real[M, K]):
    d[n, m] = sum[k]((x[n, k] - c[m, k])**2)
    e[n, m] = exp(-d[n, m])
    p[n, m] = e[n, m]/sum[j](e[n, j])
    y[n, k] = sum[m](p[n, m]*c[m, k])
    return y
""",
    "huber": """
def f(x: Real[...], t: Real[...]):
    d[...] = x[...] - t[...]
    e[...] = where(abs(d[...]) < 1, d[...]**2/2, abs(d[...]) - 1/2)
    y = mean[...](e[...])
    return y
""",
    "ema": """
def f(x: Real[T, N], h0: Real[N], a: Real[N]):
    h[-1, n] = h0[n]
    h[t, n] = sigmoid(a[n])*h[t - 1, n] + (1 - sigmoid(a[n]))*x[t, n]
    return h
""",
    "rnnsm": """
def f(x: Real[T, K]):
    h[-1, k] = 0
    e[t, k] = exp(x[t, k] + h[t - 1, k])
    h[t, k] = e[t, k]/sum[j](e[t, j])
    return h
""",
    "glu": """
def f(x: Real[..., [2, K]]):
    s[..., k] = sigmoid(x[..., [1, k]])
    y[..., k] = x[..., [0, k]]*s[..., k]
    return y
""",
    "kl": """
def f(x: Real[N, K], t: Const[N, K]):
    l[n, k] = x[n, k] - log(sum[j](exp(x[n, j])))
    y = sum[n, k](t[n, k]*(log(t[n, k]) - l[n, k]))/N
    return y
""",
    "dot": """
def f(x: Real[N, K], i: Index[M], w: Real[V, K]):
    e[m, k] = w[i[m], k]
    s[n, m] = sum[k](x[n, k]*e[m, k])
    p[n, m] = exp(s[n, m])/sum[j](exp(s[n, j]))
    y[n, k] = sum[m](p[n, m]*e[m, k])
    return y
""",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_equal_after_each_pass_twice(name, mode):
    primal = derive.load(DEFINITIONS[name].lstrip())
    once = simplify(MODES[mode](primal), primal, gate="each")
    simplify(MODES["vjp"](once), once, gate="each")


def softmax_form(dy: str, y: str, others: str, ranges: str):
    return r(y) * (r(dy) - total(ranges, r(dy.replace(others, "o")) * r(y.replace(others, "o"))))


#: definition, tensor, its right side
FORMS = [
    ("softmax1", "dx", softmax_form("dy[..., j]", "y[..., j]", "j", "o<K")),
    ("softmaxnomax", "dx", softmax_form("dy[..., i]", "y[..., i]", "i", "o<K")),
    ("dot", "ds", softmax_form("dp[n, m]", "p[n, m]", "m", "o<M")),
    ("rnnsm", "dx", softmax_form("dh_1[t, k]", "h[t, k]", "k", "o<K")),
    (
        "l2norm", "dx",
        (r("dy[..., k]") - r("y[..., k]") * total("j<K", r("dy[..., j]") * r("y[..., j]"))) / r("n[...]"),
    ),
    (
        "kl", "dx",
        (exp(r("l[n, j]")) * total("o<K", r("t[n, o]")) - r("t[n, j]")) * r("dy") / Size("N"),
    ),
    ("two", "dx", r("z[n]") * (r("da[n]") + r("b[n]") * r("db[n]"))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tensor", "expected"), FORMS, ids=[f[0] for f in FORMS])
def test_form(name, tensor, expected):
    primal = derive.load(DEFINITIONS[name].lstrip())
    found = right(simplify(MODES["vjp"](primal), primal), tensor)
    assert same(found, expected), found


def test_a_matrix_product_is_not_merged_into_elementwise_work():
    """Σ v·dy − Σ y·dy stays a product and a row sum: together they would be a loop over three letters."""
    primal = derive.load(DEFINITIONS["linattn"].lstrip())
    da = right(simplify(MODES["vjp"](primal), primal), "da")
    product = total("u<V", r("dy[l, u]") * r("v[s, u]"))
    assert same(da, (product - total("u<V", r("dy[l, u]") * r("y[l, u]"))) / r("z[l]")), da
