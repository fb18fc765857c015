"""The textbook's forms, found by rule."""

from __future__ import annotations

import pytest
from sympy import Integer, exp

import derive
from derive.program import Bind, Compare, Hyper, Letter, Reduce, Size, Where
from tests.simplify.equations import CHOICES, derived_lines, r, right, same, simplified, total

K, N, C, P = Size("K"), Size("N"), Size("C"), Size("...")
ONE = Integer(1)


def norm(lengths, ranges: str, inner: str, point: str, weighted, rest):
    """r/K · (K·g − Σ g − x̂ · Σ g·x̂), times what the weight does not share."""
    here, there = weighted(point), weighted(inner)
    sums = (total(ranges, there), total(ranges, there * r(f"xhat[{inner}]")))
    return rest / lengths * (lengths * here - sums[0] - r(f"xhat[{point}]") * sums[1])


def _layer_norm():
    return norm(K, "j<K", "..., j", "..., k", lambda i: r(f"dy[{i}]") * r(f"weight[{i[-1]}]"), r("r[...]"))


def _batch_norm():
    return norm(N * P, "m<N, *q<...", "m, c, *q", "n, c, ...", lambda i: r(f"dy[{i}]"), r("r[c]") * r("weight[c]"))


def _group_norm():
    def weighted(i: str):
        return r(f"dy[{i}]") * r(f"weight[g, {i.split(', ')[2]}]")

    return norm(C * P, "j<C, *q<...", "n, g, j, *q", "n, g, c, ...", weighted, r("r[n, g]"))


def _cross_entropy():
    target, ignored = r("target[n, ...]"), Hyper("ignore_index", integer=True)
    indicator = Where(Compare("==", target, Letter("c")), -1, 0)
    m, q = Letter("m"), Letter("*q")
    entries = [Bind(m, 0, N), Bind(q, 0, P), Compare("!=", r("target[m, *q]"), ignored)]
    weight = r("weight[x]").func
    share = r("dloss") * weight("weight", target) / Reduce("sum", entries, weight("weight", r("target[m, *q]")))
    return Where(Compare("!=", target, ignored), share * (exp(r("logp[n, c, ...]")) + indicator), 0)


dy, y, x = r("dy[..., k]"), r("y[..., k]"), r("x[...]")
SIGMOID = r("dy[...]") * r("y[...]") * (1 - r("y[...]"))

#: definition, choices, mode, tensor, its right side
FORMS = [
    ("softmax", {}, "vjp", "dx", y * (dy - total("j<K", r("dy[..., j]") * r("y[..., j]")))),
    ("softmax", {}, "jvp", "ty", y * (r("tx[..., k]") - total("j<K", r("tx[..., j]") * r("y[..., j]")))),
    ("log_softmax", {}, "vjp", "dx", dy - exp(y) * total("j<K", r("dy[..., j]"))),
    ("sigmoid", {}, "vjp", "dx", SIGMOID),
    ("def s(x: Real[...]):\n    y[...] = 1/(1 + exp(-x[...]))\n    return y\n", {}, "vjp", "dx", SIGMOID),
    ("tanh", {}, "vjp", "dx", r("dy[...]") * (1 - r("y[...]") ** 2)),
    ("relu", {}, "vjp", "dx", Where(Compare("<", 0, x), r("dy[...]"), 0)),
    ("layer_norm", {}, "vjp", "dx", _layer_norm()),
    ("layer_norm", {}, "vjp", "dweight", total("...<...", r("dy[..., k]") * r("xhat[..., k]"))),
    ("layer_norm", {}, "vjp", "dbias", total("...<...", r("dy[..., k]"))),
    ("batch_norm", {}, "vjp", "dx", _batch_norm()),
    ("group_norm", {}, "vjp", "dx", _group_norm()),
    (
        "rms_norm", {}, "vjp", "dx",
        r("r[...]") * (r("weight[k]") * dy
        - r("xhat[..., k]") * total("j<K", r("weight[j]") * r("dy[..., j]") * r("xhat[..., j]")) / K),
    ),
    ("cross_entropy", {}, "vjp", "dlogits", _cross_entropy()),
    (
        "scaled_dot_product_attention", {}, "vjp", "da",
        r("p[..., l, s]") * (r("dp[..., l, s]") - total("u<S", r("dp[..., l, u]") * r("p[..., l, u]"))),
    ),
    (
        "scaled_dot_product_attention", {}, "vjp", "dp",
        total("v<V", r("dy[..., l, v]") * r("value[..., s, v]")),
    ),
    ("scaled_dot_product_attention", {}, "vjp", "dvalue", total("l<L", r("p[..., l, s]") * r("dy[..., l, v]"))),
    ("mlp", {}, "vjp", "da", Where(Compare("<", 0, r("a[n, o]")), r("dh[n, o]"), 0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "choices", "mode", "name", "expected"),
    FORMS,
    ids=lambda v: v.split("(")[0] if isinstance(v, str) else "",
)
def test_closed_form(target, choices, mode, name, expected):
    found = right(simplified(target, mode, **choices), name)
    assert same(found, expected), found


#: the derivative's statements, for the definitions whose length is promised
LINES = [
    ("softmax", ["dx"]),
    ("log_softmax", ["dx"]),
    ("cross_entropy", ["dlogits"]),
    ("layer_norm", ["dx", "dweight", "dbias"]),
    ("batch_norm", ["dx", "dweight", "dbias"]),
    ("group_norm", ["dx", "dweight", "dbias"]),
    ("rms_norm", ["dx", "dweight"]),
    ("scaled_dot_product_attention", ["dp", "da", "dquery", "dkey", "dvalue", "dattn_mask"]),
    ("mlp", ["dh", "da", "dx", "dw1", "db1", "dw2", "db2"]),
    (
        "lstm",
        ["dh_1", "dc", "da", "dx", "dh0", "dc0", "dweight_ih", "dweight_hh", "dbias_ih", "dbias_hh"],
    ),
]


@pytest.mark.parametrize(("target", "names"), LINES, ids=[t for t, _ in LINES])
def test_which_cotangents_keep_a_name(target, names):
    program = simplified(target)
    assert sorted(derived_lines(program, derive.load(target, **CHOICES.get(target, {})))) == sorted(names)


def test_a_gate_is_said_by_its_own_value():
    da = right(simplified("lstm"), "da")
    i = r("i[t, n, k]")
    term = i * (1 - i) * r("g[t, n, k]") * r("dc[t, n, k]")
    assert any(same(w.args[1], term) for w in da.args), da


def test_products_of_sums_come_back():
    """(1 − z)·(1 − c²) was multiplied out on the way."""
    da = right(simplified("gru"), "da")
    z, c = r("z[t, n, k]"), r("c[t, n, k]")
    assert any(same(w.args[1], (1 - z) * (1 - c**2) * r("dh_1[t, n, k]")) for w in da.args), da


def test_tangents_collect_their_cofactors():
    tc = simplified("adam", "jvp").definitions["tm"].pieces[1].rhs
    b = Hyper("betas[0]")
    update = Hyper("weight_decay") * r("ttheta[u, ...]").func("ttheta", Letter("t") - 1, Letter("...")) + r(
        "tgrad[t, ...]"
    )
    before = r("x").func("tm", Letter("t") - 1, Letter("..."))
    assert same(tc, b * before + (1 - b) * update), tc


#: definition, left side of a law, right side
LAWS = [
    ("softmax", total("j<K", r("y[..., j]")), ONE),
    ("log_softmax", total("j<K", exp(r("y[..., j]"))), ONE),
    ("layer_norm", total("j<K", r("xhat[..., j]")), Integer(0)),
    ("layer_norm", total("j<K", r("xhat[..., j]") ** 2), K * (1 - Hyper("eps") * r("r[...]") ** 2)),
    ("rms_norm", total("j<K", r("xhat[..., j]") ** 2), K * (1 - Hyper("eps") * r("r[...]") ** 2)),
    ("batch_norm", total("m<N, *q<...", r("xhat[m, c, *q]")), Integer(0)),
    (
        "scaled_dot_product_attention",
        total("u<S", r("p[..., l, u]")),
        Where(Reduce("any", [Bind(Letter("s"), 0, Size("S"))], r("seen[..., l, s]")), 1, 0),
    ),
]


@pytest.mark.parametrize(("target", "left", "right_side"), LAWS, ids=[t for t, _, _ in LAWS])
def test_laws_are_listed(target, left, right_side):
    laws = simplified(target).laws
    assert any(same(law.left, left) and same(law.right, right_side) for law in laws), laws


def test_gelu_is_not_longer_than_the_mechanical_form():
    from derive.simplify.draft import length
    from tests.simplify.equations import MODES

    primal = derive.load("gelu")
    mechanical = MODES["vjp"](primal)
    assert length(simplified("gelu").statements[-1]) <= length(mechanical.statements[-1])
