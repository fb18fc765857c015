"""Windows: what joins a correlation, what a window says by itself, which factor spreads."""

import pytest

import derive
from derive.lower import lower
from derive.verify.inputs import make
from tests.lower.running import errors
from tests.lower.test_rules import operations

CONVOLUTION = """
@layer
def f(x: Real[N, C, L], w: Real[F, C, K], b: Real[{axes}], *, stride: Int = 2, pad: Int = 1):
    OL = (L + 2*pad - K)//stride + 1
    y: Real[N, F, OL]
    y[n, f, p] = {sign}sum[c, i](w[f, c, i]*x[n, c, p*stride + i - pad]) + b[{letters}]
    return y
"""
SPREAD = """
@layer
def f(x: Real[N, G, C, L], w: Real[C, F, G, K], b: Real[{axes}]):
    y: Real[N, F, G, L + K]
    y[n, f, g, h] = sum[c, l, i, l + i == h](w[c, f, g, i]*x[n, g, c, l]) + b[{letters}]
    return y
"""
JOINED = {
    "filters": (CONVOLUTION, "F", "f", "", True),
    "samples too": (CONVOLUTION, "N, F", "n, f", "", False),
    "samples alone": (CONVOLUTION, "N", "n", "", False),
    "places": (CONVOLUTION, "F, L", "f, p", "", False),
    "taken away": (CONVOLUTION, "F", "f", "-", False),
    "groups and channels": (SPREAD, "G, F", "g, f", "", True),
    "channels alone": (SPREAD, "F", "f", "", False),
}


@pytest.mark.parametrize("title", JOINED)
def test_what_all_filters_have_joins_their_correlation(title):
    text, axes, letters, sign, joins = JOINED[title]
    p = derive.load(text.format(axes=axes, letters=letters, sign=sign))
    case = make(p, "asymmetric")
    assert all(e < 1e-12 for e in errors(p, case.inputs, case.hypers).values())
    assert ("add" not in operations(lower(p)) and "sub" not in operations(lower(p))) == joins


@pytest.mark.parametrize("name", ["unfold", "conv_transpose1d", "conv2d"])
def test_a_window_alone_says_what_is_in_range(name):
    assert not operations(lower(derive.load(name))) & {"where", "compare", "gather"}


GUARDED = """
@layer
def f(x: Real[N, L], inside: Bool[L], at: Index[N], *, pad: Int = 2):
    y: Real[N, L + 2*pad]
    y[n, p] = where({condition}, x[{row}, p - pad], 0)
    return y
"""
CONDITIONS = {
    "another reads under it": ("0 <= p - pad and p - pad < L and inside[p - pad]", "n"),
    "narrower": ("1 <= p - pad and p - pad < L", "n"),
    "half": ("0 <= p - pad and p - pad < L - 1", "n"),
    "a row that data choose": ("0 <= p - pad and p - pad < L and n < 1", "at[n]"),
}


@pytest.mark.parametrize("title", CONDITIONS)
def test_other_conditions_stay(title):
    condition, row = CONDITIONS[title]
    p = derive.load(GUARDED.format(condition=condition, row=row))
    for kind in ("plain", "asymmetric"):
        case = make(p, kind)
        assert all(e < 1e-12 for e in errors(p, case.inputs, case.hypers).values())


@pytest.mark.parametrize("product", ["w[c, f, i]*x[n, c, l]", "x[n, c, l]*w[c, f, i]"])
def test_what_is_outermost_is_the_data(product):
    p = derive.load(
        "@layer\ndef f(x: Real[N, C, L], w: Real[C, F, K]):\n    y: Real[N, F, L + K]\n"
        f"    y[n, f, h] = sum[c, l, i, l*2 + i == h]({product})\n    return y"
    )
    (node,) = [s.value for b in lower(p).blocks for s in b.steps]
    spread = node.args[0]
    assert spread.op == "spread" and [a.args[0].attrs for a in spread.args] == [("x",), ("w",)]
