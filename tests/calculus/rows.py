"""One case a row of the table of constructs (language.md, section 7): a program, data, and torch's own value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import sympy
import torch
import torch.nn.functional as F

from derive.functions import absolute, clamp, maximum, minimum, relu, sigmoid, tanh
from derive.program import (
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Parameter,
    Part,
    Program,
    Read,
    Size,
    Statement,
    Stop,
    Where,
)
from tests.calculus.build import define, over, piece, program, reduce, tensor, within

R = Read
c, i, j, k, l, n, m, p, q, s, t, f, g = map(Letter, "cijklnmpqstfg")
N, K, T, H, A, B = map(Size, "NKTHAB")
random = np.random.default_rng(7)


def data(*shape: int) -> np.ndarray:
    return random.normal(size=shape)


@dataclass(frozen=True)
class Row:
    """A construct: its program, inputs, reference in torch (by the same names) and hyperparameters."""

    name: str
    program: Program
    inputs: dict
    reference: Callable
    hypers: dict = field(default_factory=dict)


def conv() -> Row:
    """2-D, stride 2, dilation 3, padding 2, two groups, all symbolic but the groups."""
    stride, dilation, padding = (Hyper(name, True) for name in ("stride", "dilation", "padding"))
    row, column = p * stride + i * dilation - padding, q * stride + j * dilation - padding
    body = R("weight", g, f, c, i, j) * R("x", n, g, c, row, column)
    entries = (*over(c="C", i="KH", j="KW"), *within(row, "H"), *within(column, "W"))

    def length(size: str, taps: str) -> sympy.Expr:
        return FloorDiv(Size(size) + 2 * padding - dilation * (Size(taps) - 1) - 1, stride) + 1

    y = define(
        tensor("y", "N", [2, "F"], "OH", "OW"),
        "ngfpq",
        over(n="N", g=2, f="F", p="OH", q="OW"),
        R("bias", g, f) + reduce("sum", entries, body),
    )
    inputs = (
        tensor("x", "N", [2, "C"], "H", "W"),
        tensor("weight", [2, "F"], "C", "KH", "KW"),
        tensor("bias", [2, "F"]),
    )
    made = program(
        inputs,
        y,
        sizes=((Size("OH"), length("H", "KH")), (Size("OW"), length("W", "KW"))),
        parameters=tuple(Parameter(h.name, "Int", default=1) for h in (stride, dilation, padding)),
    )
    return Row(
        "conv2d",
        made,
        {"x": data(2, 4, 8, 9), "weight": data(6, 2, 2, 3), "bias": data(6)},
        lambda x, weight, bias: F.conv2d(x, weight, bias, stride=2, dilation=3, padding=2, groups=2),
        {"stride": 2, "dilation": 3, "padding": 2},
    )


def conv_transpose() -> Row:
    stride, padding = Hyper("stride", True), Hyper("padding", True)
    landing = Compare("==", s * stride + i - padding, p)
    body = reduce("sum", (*over(c="C", s="H", i="KH"), landing), R("x", n, c, s) * R("weight", c, f, i))
    y = define(tensor("y", "N", "F", "OH"), "nfp", over(n="N", f="F", p="OH"), body)
    made = program(
        (tensor("x", "N", "C", "H"), tensor("weight", "C", "F", "KH")),
        y,
        sizes=((Size("OH"), (H - 1) * stride - 2 * padding + Size("KH")),),
        parameters=(Parameter("stride", "Int", default=1), Parameter("padding", "Int", default=1)),
    )
    return Row(
        "conv_transpose",
        made,
        {"x": data(2, 2, 4), "weight": data(2, 3, 3)},
        lambda x, weight: F.conv_transpose1d(x, weight, stride=2, padding=1),
        {"stride": 2, "padding": 1},
    )


def max_pool(ties: bool = False) -> Row:
    stride = Hyper("stride", True)
    row, column = p * stride + i - 1, q * 2 + j - 1
    entries = (*over(i=3, j=2), *within(row, "H"), *within(column, "W"))
    y = define(tensor("y", "OH", "OW"), "pq", over(p="OH", q="OW"), reduce("max", entries, R("x", row, column)) ** 2)
    made = program(
        (tensor("x", "H", "W"),),
        y,
        sizes=((Size("OH"), FloorDiv(H - 1, stride) + 1), (Size("OW"), FloorDiv(Size("W"), 2) + 1)),
        parameters=(Parameter("stride", "Int", default=1),),
    )
    x = np.floor(data(7, 6) * 2) if ties else data(7, 6)
    return Row(
        "max_pool_ties" if ties else "max_pool",
        made,
        {"x": x},
        lambda x: F.max_pool2d(x[None], (3, 2), 2, 1)[0] ** 2,
        {"stride": 2},
    )


def rowwise(name: str, body: sympy.Expr, reference: Callable, x: np.ndarray) -> Row:
    """y[n] = body over k of x[n, k]."""
    return Row(
        name, program((tensor("x", "N", "K"),), define(tensor("y", "N"), "n", over(n="N"), body)), {"x": x}, reference
    )


def pointwise(name: str, body: sympy.Expr, reference: Callable, **inputs: np.ndarray) -> Row:
    made = program([tensor(v, "N") for v in inputs], define(tensor("y", "N"), "n", over(n="N"), body))
    return Row(name, made, inputs, reference)


def tied(*shape: int) -> np.ndarray:
    return np.floor(data(*shape) * 2) / 2


WITH_ZEROS = np.array([[1.5, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 1.0], [1.0, 2.0, 3.0, 4.0]])

x_nk = R("x", n, k)


def softmax() -> Row:
    m_ = define(tensor("m", "N"), "n", over(n="N"), reduce("max", over(k="K"), x_nk))
    e_ = define(tensor("e", "N", "K"), "nk", over(n="N", k="K"), sympy.exp(x_nk - R("m", n)))
    total = reduce("sum", over(j="K"), R("e", n, j))
    y = define(tensor("y", "N", "K"), "nk", over(n="N", k="K"), R("e", n, k) / total)
    return Row("softmax", program((tensor("x", "N", "K"),), m_, e_, y), {"x": data(2, 4)}, lambda x: x.softmax(1))


def attention() -> Row:
    score = define(
        tensor("s", "N", "N"), "nm", over(n="N", m="N"), reduce("sum", over(k="K"), R("a", n, k) * R("b", m, k))
    )
    e_ = define(tensor("e", "N", "N"), "nm", over(n="N", m="N"), sympy.exp(R("s", n, m)))
    keep = Compare("<=", m, n)  # causal
    top = reduce("sum", (*over(m="N"), keep), R("e", n, m) * R("v", m, k))
    below = reduce("sum", (*over(j="N"), Compare("<=", j, n)), R("e", n, j))
    y = define(tensor("y", "N", "K"), "nk", over(n="N", k="K"), top / below)
    made = program([tensor(v, "N", "K") for v in "abv"], score, e_, y)

    def reference(a, b, v):
        mask = torch.ones(a.shape[0], a.shape[0], dtype=torch.bool).tril()
        return (a @ b.T).masked_fill(~mask, -torch.inf).softmax(1) @ v

    return Row("causal_attention", made, {v: data(3, 2) for v in "abv"}, reference)


def gather() -> Row:
    y = define(tensor("y", "N", "K"), "nk", over(n="N", k="K"), R("w", R("idx", n), k) ** 2)
    made = program((tensor("idx", "N", kind="index"), tensor("w", "V", "K")), y)
    return Row("gather", made, {"idx": np.array([1, 0, 1, 3]), "w": data(5, 2)}, lambda idx, w: w[idx] ** 2)


def scatter() -> Row:
    hit = Compare("==", R("idx", n), p)
    y = define(tensor("y", "V", "K"), "pk", over(p="V", k="K"), reduce("sum", (*over(n="N"), hit), R("x", n, k) ** 3))
    made = program((tensor("idx", "N", kind="index"), tensor("x", "N", "K"), tensor("z", "V")), y)
    idx = torch.tensor([1, 0, 1, 3])
    return Row(
        "scatter",
        made,
        {"idx": idx.numpy(), "x": data(4, 2), "z": data(5)},
        lambda idx, x, z: torch.zeros(5, 2, dtype=x.dtype).index_add(0, idx, x**3),
    )


def square(name: str, body: sympy.Expr, reference: Callable) -> Row:
    made = program((tensor("x", "N", "N"),), define(tensor("y", "N"), "n", over(n="N"), body))
    return Row(name, made, {"x": data(3, 3)}, reference)


def quotient() -> Row:
    y = define(tensor("y", 2 * N), "p", over(p=2 * N), R("x", FloorDiv(p, 2)) * R("z", Modulo(p, 2)) ** 2)
    made = program((tensor("x", "N"), tensor("z", 2)), y)
    return Row(
        "quotient_and_remainder",
        made,
        {"x": data(3), "z": data(2)},
        lambda x, z: x.repeat_interleave(2) * z.repeat(3) ** 2,
    )


def nearest() -> Row:
    y = define(tensor("y", "M"), "p", over(p="M"), R("x", FloorDiv(p * N, Size("M"))) ** 2 * R("z", p))
    made = program((tensor("x", "N"), tensor("z", "M")), y)
    return Row(
        "nearest",
        made,
        {"x": data(3), "z": data(7)},
        lambda x, z: F.interpolate(x[None, None], size=7, mode="nearest")[0, 0] ** 2 * z,
    )


def circular() -> Row:
    y = define(tensor("y", N + 3), "p", over(p=N + 3), R("x", Modulo(p + N - 2, N)) ** 2)
    return Row(
        "circular_padding",
        program((tensor("x", "N"),), y),
        {"x": data(4)},
        lambda x: F.pad(x[None], (2, 1), mode="circular")[0] ** 2,
    )


def roll() -> Row:
    shift = Hyper("shift", True)
    y = define(tensor("y", "N"), "n", over(n="N"), R("x", Modulo(n - shift, N)) ** 2 * R("x", Modulo(2 - n, N)))
    made = program((tensor("x", "N"),), y, parameters=(Parameter("shift", "Int", default=1),))

    def reference(x):
        return x.roll(3) ** 2 * x.flip(0).roll(3)

    return Row("roll", made, {"x": data(5)}, reference, {"shift": 3})


def reflect() -> Row:
    index = N - 1 - absolute(N - 1 - absolute(p - 2))
    y = define(tensor("y", N + 3), "p", over(p=N + 3), R("x", index) ** 2)
    return Row(
        "reflect",
        program((tensor("x", "N"),), y),
        {"x": data(5)},
        lambda x: F.pad(x[None], (2, 1), mode="reflect")[0] ** 2,
    )


def replicate() -> Row:
    index = minimum(maximum(p - 2, sympy.Integer(0)), N - 1)
    y = define(tensor("y", N + 3), "p", over(p=N + 3), R("x", index) ** 2)
    return Row(
        "replicate",
        program((tensor("x", "N"),), y),
        {"x": data(4)},
        lambda x: F.pad(x[None], (2, 1), mode="replicate")[0] ** 2,
    )


def pixel_shuffle() -> Row:
    r = Hyper("r", True)
    y = define(tensor("y", "C", "H", "r_"), "cpi", over(c="C", p="H", i="r_"), R("x", c, p * Size("r_") + i) ** 2)
    made = program(
        (tensor("x", "C", H * Size("r_")), tensor("z", "r_", kind="const"), tensor("u", "H", kind="const")), y
    )
    assert r.is_integer
    return Row(
        "pixel_unshuffle",
        made,
        {"x": data(2, 6), "z": data(3), "u": data(2)},
        lambda x, z, u: x.reshape(2, 2, 3) ** 2,
    )


def elman() -> Row:
    h = tensor("h", Part(T, below=1), "K")
    inner = R("x", t, k) + reduce("sum", over(l="K"), R("w", k, l) * R("h", t - 1, l))
    pieces = (piece([-1, "k"], over(k="K"), R("h0", k)), piece("tk", over(t="T", k="K"), tanh(inner)))
    made = program((tensor("x", "T", "K"), tensor("h0", "K"), tensor("w", "K", "K")), Statement(h, pieces))

    def reference(x, h0, w):
        found = [h0]
        for step in x:
            found.append(torch.tanh(step + w @ found[-1]))
        return torch.stack(found[1:])

    return Row("recurrence", made, {"x": data(3, 2), "h0": data(2), "w": data(2, 2)}, reference)


def coupled() -> Row:
    """Two states and a gate within the step, and a second output from the whole past."""
    a, b = tensor("a", Part(T, below=1)), tensor("b", Part(T, below=1))
    gate = define(tensor("r", "T"), "t", over(t="T"), sigmoid(R("b", t - 1) * R("x", t)))
    a_ = Statement(a, (piece([-1], (), R("x", 0)), piece("t", over(t="T"), R("r", t) * R("a", t - 1) + R("x", t))))
    b_ = Statement(b, (piece([-1], (), 1), piece("t", over(t="T"), R("a", t) * R("w") + R("b", t - 1))))
    past = reduce("sum", (*over(s="T"), Compare("<=", s, t)), R("a", s) * R("b", t))
    y = define(tensor("y", "T"), "t", over(t="T"), past)
    made = program((tensor("x", "T"), tensor("w")), gate, a_, b_, y)

    def reference(x, w):
        a, b, found, every = x[0], torch.tensor(1.0, dtype=x.dtype), [], []
        for v in x:
            a = torch.sigmoid(b * v) * a + v
            b = a * w + b
            every.append(a)
            found.append(sum(every) * b)
        return torch.stack(found)

    return Row("coupled_recurrence", made, {"x": data(3), "w": data()}, reference)


def concatenation() -> Row:
    y = Statement(
        tensor("y", A + B),
        (piece("i", over(i="A"), R("a", i) ** 2), piece("i", over(i=(A, A + B)), R("b", i - A) ** 3)),
    )
    made = program((tensor("a", "A"), tensor("b", "B")), y)
    return Row("pieces_by_range", made, {"a": data(2), "b": data(3)}, lambda a, b: torch.cat([a**2, b**3]))


def literal_piece() -> Row:
    y = Statement(
        tensor("y", "A"),
        (piece([0], (), R("a", 0) ** 2), piece("i", over(i="A"), R("a", i) ** 3 + R("a", 0) * R("a", i))),
    )
    return Row(
        "pieces_by_literal",
        program((tensor("a", "A"),), y),
        {"a": data(3)},
        lambda a: torch.cat([a[:1] ** 2, (a**3 + a[0] * a)[1:]]),
    )


def conditional_piece() -> Row:
    y = Statement(
        tensor("y", "A"),
        (
            piece("i", (*over(i="A"), Compare("<", R("idx", i), 1)), R("a", i) ** 2),
            piece("i", over(i="A"), R("a", i) ** 3),
        ),
    )
    return Row(
        "pieces_by_condition",
        program((tensor("a", "A"), tensor("idx", "A", kind="index")), y),
        {"a": data(3), "idx": np.array([0, 1, 0])},
        lambda a, idx: torch.where(idx < 1, a**2, a**3),
    )


def guarded_domain() -> Row:
    """The other branch is never read: log of a negative number, and its gradient 0·inf."""
    body = Where(Compare("<", 0, R("x", n)), R("x", n) * sympy.log(R("x", n)), R("x", n) ** 2)

    def reference(x):
        safe = torch.where(x > 0, x, torch.ones_like(x))
        return torch.where(x > 0, safe * safe.log(), x**2)

    return pointwise("where", body, reference, x=np.array([1.5, 0.0, -2.0]))


def guarded_maximum() -> Row:
    """A max under a condition that its own read needs."""
    inside = Logic("and", Compare("<=", 0, n - 1), Compare("<", n - 1, N))
    body = Where(inside, reduce("max", over(k="K"), R("x", n - 1, k) * R("x", n, k)), R("x", n, 0))

    def reference(x):
        return torch.cat([x[:1, 0], (x[:-1] * x[1:]).max(1)[0]])

    return rowwise("guarded_max", body, reference, data(3, 4))


ROWS: tuple[Row, ...] = (
    conv(),
    conv_transpose(),
    max_pool(),
    max_pool(ties=True),
    softmax(),
    attention(),
    rowwise("sum_of_squares", reduce("sum", over(k="K"), x_nk**2) ** 2, lambda x: (x**2).sum(1) ** 2, data(2, 3)),
    rowwise(
        "square_of_a_shifted_sum",
        reduce("sum", over(k=K - 1), R("x", n, k + 1)) ** 2,
        lambda x: x[:, 1:].sum(1) ** 2,
        data(2, 4),
    ),
    rowwise("prod_zeros", reduce("prod", over(k="K"), x_nk), lambda x: x.prod(1), WITH_ZEROS),
    rowwise("max_ties", reduce("max", over(k="K"), x_nk) ** 2, lambda x: x.max(1)[0] ** 2, tied(4, 5)),
    rowwise("min_ties", reduce("min", over(k="K"), x_nk) ** 2, lambda x: x.min(1)[0] ** 2, tied(4, 5)),
    rowwise("amax_ties", reduce("amax", over(k="K"), x_nk) ** 2, lambda x: x.amax(1) ** 2, tied(4, 5)),
    rowwise("amin_ties", reduce("amin", over(k="K"), x_nk) ** 2, lambda x: x.amin(1) ** 2, tied(4, 5)),
    rowwise(
        "count_is_flat",
        reduce("sum", over(k="K"), x_nk**2) * reduce("count", (*over(k="K"), Compare("<", 0, x_nk)), 1),
        lambda x: (x**2).sum(1) * (x > 0).sum(1),
        data(3, 4),
    ),
    gather(),
    scatter(),
    square("diagonal", R("x", n, n) ** 2, lambda x: x.diagonal() ** 2),
    square("literal_index", R("x", 0, n) ** 2 * R("x", n, 1), lambda x: x[0] ** 2 * x[:, 1]),
    square("transpose", R("x", n, 0) * R("x", 0, n), lambda x: x[:, 0] * x[0]),
    quotient(),
    nearest(),
    circular(),
    roll(),
    reflect(),
    replicate(),
    pixel_shuffle(),
    elman(),
    coupled(),
    concatenation(),
    literal_piece(),
    conditional_piece(),
    guarded_domain(),
    guarded_maximum(),
    pointwise(
        "kinks",
        maximum(R("x", n), R("z", n)) * relu(R("x", n))
        + clamp(R("z", n), -sympy.S(1), sympy.S(1)) * absolute(R("x", n)),
        lambda x, z: torch.maximum(x, z) * x.relu() + z.clamp(-1, 1) * x.abs(),
        x=np.array([1.0, 2.0, -1.0, 0.0]),
        z=np.array([1.0, 3.0, -2.0, 0.5]),
    ),
    pointwise(
        "exponent",
        R("x", n) ** R("z", n) + 2 ** R("z", n),
        lambda x, z: x**z + 2**z,
        x=np.array([1.5, 0.5, 2.0]),
        z=np.array([1.5, 3.5, -2.5]),
    ),
    pointwise("constant", R("x", n) * Stop(R("x", n)) ** 2, lambda x: x * x.detach() ** 2, x=data(3)),
)
