"""The interpreter against NumPy loops, on programs built by hand; one phenomenon a test."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from sympy import Integer, sqrt

from derive.bind import bind
from derive.errors import DefinitionError, InputError
from derive.fields import COMPLEX, FLOAT, FRACTION, MODULAR, MP, folds
from derive.interpreter import Evaluator, run
from derive.program import (
    REDUCTIONS,
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Parameter,
    Part,
    Read,
    Reduce,
    Size,
    Statement,
    Stop,
    Truth,
    Where,
)

RNG = np.random.default_rng(3)
i, j, k, n, t = (Letter(name) for name in "ijknt")
K, N, T = Size("K"), Size("N"), Size("T")


def test_softmax(hand):
    x = RNG.normal(size=(2, 4))
    e = np.exp(x - x.max(1, keepdims=True))
    assert np.abs(run(hand.softmax(), {"x": x})["y"] - e / e.sum(1, keepdims=True)).max() < 1e-15


def conv_loop(x, w, b, stride, padding, dilation, groups):
    (N_, C_, H_, W_), (F_, c_, KH_, KW_) = x.shape, w.shape
    OH, OW = ((s + 2 * padding - dilation * (m - 1) - 1) // stride + 1 for s, m in ((H_, KH_), (W_, KW_)))
    padded = np.zeros((N_, C_, H_ + 2 * padding, W_ + 2 * padding), dtype=x.dtype)
    padded[:, :, padding : padding + H_, padding : padding + W_] = x
    y = np.zeros((N_, F_, OH, OW), dtype=x.dtype)
    for f in range(F_):
        first = f // (F_ // groups) * c_
        for p in range(OH):
            for q in range(OW):
                rows = p * stride + dilation * np.arange(KH_)
                columns = q * stride + dilation * np.arange(KW_)
                window = padded[:, first : first + c_][:, :, rows][:, :, :, columns]
                y[:, f, p, q] = b[f] + (window * w[f]).sum(axis=(1, 2, 3))
    return y


@pytest.mark.parametrize("geometry", [(1, 0, 1, 1), (2, 1, 1, 2), (3, 2, 2, 2)])
def test_convolution(hand, geometry):
    x, b = RNG.normal(size=(2, 4, 7, 8)), RNG.normal(size=6)
    w = RNG.normal(size=(6, 4 // geometry[3], 3, 2))
    y = run(hand.conv2d(*geometry), {"x": x, "weight": w, "bias": b})["y"]
    assert np.abs(y - conv_loop(x, w, b, *geometry)).max() < 1e-13


def test_convolution_exactly(hand):
    x, w, b = (RNG.integers(-9, 9, size=s) for s in ((1, 4, 5, 4), (2, 2, 2, 3), (2,)))
    expected = conv_loop(x, w, b, 2, 1, 1, 2)
    inputs = {"x": x, "weight": w, "bias": b}
    for field in (FRACTION, MODULAR, MP, COMPLEX):
        y = run(hand.conv2d(), inputs, field=field)["y"]
        assert (y == np.vectorize(field.number)(expected)).all()


def test_recurrence_of_two_thousand_steps_deep(hand):
    steps = 2000
    x, h = RNG.normal(size=(steps, 1)), np.array([0.7])
    program = hand.elman()
    bound = bind(program, {"x": x, "h0": h, "a": 0.5})
    last = Evaluator(program, bound).value("h", (steps - 1, 0))
    for row in x:
        h = np.tanh(row + 0.5 * h)
    assert last == pytest.approx(h[0], rel=1e-14)


def test_recurrence_that_looks_the_other_way(hand):
    """g[t] = x[t] + g[t + 1] under a guard: no base case."""
    g = hand.tensor("g", T)
    body = Read("x", t) + Where(Compare("<", t + 1, T), Read("g", t + 1), Integer(0))
    program = hand.program("tail", [hand.tensor("x", T)], [hand.statement(g, [t], body)], ["g"])
    x = RNG.normal(size=300)
    assert np.allclose(run(program, {"x": x})["g"], np.cumsum(x[::-1])[::-1], rtol=1e-13)


def test_the_halo_is_read_but_not_returned(hand):
    h = run(hand.elman(), {"x": np.zeros((2, 3)), "h0": np.ones(3), "a": 1.0})["h"]
    assert h.shape == (2, 3) and np.allclose(h[0], math.tanh(1))


def test_a_cycle_is_an_error(hand):
    a, b = hand.tensor("a", N), hand.tensor("b", N)
    both = [hand.statement(a, [n], Read("b", n)), hand.statement(b, [n], Read("a", n))]
    program = hand.program("loop", [hand.tensor("x", N)], both, ["a"])
    with pytest.raises(DefinitionError, match=r"a\[0\] depends on itself"):
        run(program, {"x": [1.0]})


def test_a_long_cycle_is_an_error(hand):
    a = hand.tensor("a", N)
    turn = hand.statement(a, [n], Read("a", Modulo(n + 1, N)))
    program = hand.program("ring", [hand.tensor("x", N)], [turn], ["a"])
    with pytest.raises(DefinitionError, match="depends on itself"):
        run(program, {"x": np.zeros(101)})


# ------------------------------------------------------------------------------ reductions


def reduced(hand, op, x, *filters, body=None, kind="real"):
    y = hand.tensor("y", kind=kind)
    entries = [Bind(n, 0, N), *filters]
    rhs = Reduce(op, entries, Read("x", n) if body is None else body)
    program = hand.program("r", [hand.tensor("x", N)], [hand.statement(y, [], rhs)], ["y"])
    return run(program, {"x": np.asarray(x, dtype=float)})["y"][()]


def test_the_table_of_reductions_is_full():
    assert set(folds.FOLDS) == set(REDUCTIONS)


@pytest.mark.parametrize(
    ("op", "kind", "empty", "full"),
    [
        ("sum", "real", 0, 8), ("prod", "real", 1, 12), ("max", "real", -math.inf, 3), ("amax", "real", -math.inf, 3),
        ("min", "real", math.inf, 1), ("amin", "real", math.inf, 1), ("argmax", "index", -1, 1),
        ("argmin", "index", -1, 0),
        ("count", "index", 0, 4), ("any", "bool", False, True), ("all", "bool", True, True),
    ],
)  # fmt: skip
def test_reductions_full_and_empty(hand, op, kind, empty, full):
    body = {"count": Integer(1), "any": Compare("<", 2, Read("x", n)), "all": Compare("<", 0, Read("x", n))}.get(op)
    ties = [1.0, 3.0, 3.0, 1.0] if op != "prod" else [1.0, 3.0, 4.0, 1.0]
    assert reduced(hand, op, ties, body=body, kind=kind) == full
    assert reduced(hand, op, [], body=body, kind=kind) == empty
    assert reduced(hand, op, ties, Truth(False), body=body, kind=kind) == empty


def test_the_first_of_a_tie_wins(hand):
    assert reduced(hand, "argmax", [0, 5, 5, 5], kind="index") == 1
    assert reduced(hand, "argmin", [5, 0, 0, 5], kind="index") == 1


def test_a_wrong_tie_rule_is_seen(hand, monkeypatch):
    """Planted: the last of a tie wins."""
    monkeypatch.setattr(folds, "_beats", lambda field, exact, a, b, largest: a >= b if largest else a <= b)
    with pytest.raises(AssertionError):
        test_the_first_of_a_tie_wins(hand)


def test_argmax_is_row_major_among_the_ranges(hand):
    """argmax[2 <= n < N, k < K]: position (n − 2)·K + k."""
    y, x = hand.tensor("y", kind="index"), RNG.normal(size=(6, 4))
    rhs = Reduce("argmax", [Bind(n, 2, N), Bind(k, 0, K)], Read("x", n, k))
    program = hand.program("a", [hand.tensor("x", N, K)], [hand.statement(y, [], rhs)], ["y"])
    assert run(program, {"x": x})["y"] == x[2:].argmax()


def test_nan_wins_a_maximum(hand):
    assert (
        math.isnan(reduced(hand, "max", [1, math.nan, 7]))
        and reduced(hand, "argmax", [1, math.nan, 7], kind="index") == 1
    )


def test_filters_guard_what_stands_to_their_right(hand):
    """sum[n, 1 <= n, x[n − 1] > 0](x[n − 1]): x[−1] is never read."""
    x = [2.0, -1.0, 5.0, 9.0]
    entries = [Compare("<=", 1, n), Compare("<", 0, Read("x", n - 1))]
    assert reduced(hand, "sum", x, *entries, body=Read("x", n - 1)) == 7.0
    with pytest.raises(InputError):
        reduced(hand, "sum", x, *reversed(entries), body=Read("x", n - 1))


def test_ranges_may_depend_on_earlier_letters(hand):
    """sum[n < N, k <= n](x[k])."""
    body = Reduce("sum", [Bind(k, 0, n + 1)], Read("x", k))
    assert reduced(hand, "sum", [1.0, 10.0, 100.0], body=body) == 1 + 11 + 111


# ------------------------------------------------------------------------------ expressions


def test_where_reads_only_the_branch_chosen(hand):
    y = hand.tensor("y", N)
    rhs = Where(Compare("<", n, N - 1), Read("x", n + 1), Integer(7))
    program = hand.program("next", [hand.tensor("x", N)], [hand.statement(y, [n], rhs)], ["y"])
    assert run(program, {"x": [1.0, 2.0, 3.0]})["y"].tolist() == [2, 3, 7]


def test_logic_is_short(hand):
    guard = Logic("and", Compare("<=", 1, n), Compare("<", 0, Read("x", n - 1)))
    other = Logic("or", Compare("==", n, 0), Logic("not", Compare("==", Read("x", n - 1), 0)))
    assert reduced(hand, "count", [1.0, -1.0, 1.0], guard, body=Integer(1), kind="index") == 1
    assert reduced(hand, "count", [1.0, 0.0, 1.0], other, body=Integer(1), kind="index") == 2


def test_floor_division_is_floored(hand):
    y = hand.tensor("y", N)
    rhs = FloorDiv(n - 2, 2) * 10 + Modulo(n - 2, 3)
    program = hand.program("f", [hand.tensor("x", N)], [hand.statement(y, [n], rhs)], ["y"])
    assert run(program, {"x": np.zeros(4)})["y"].tolist() == [(m - 2) // 2 * 10 + (m - 2) % 3 for m in range(4)]


def test_letters_sizes_and_hyperparameters_are_numbers(hand):
    """y[n] = beta**n / N + constant(x[n]) / 3."""
    y, beta = hand.tensor("y", N), Hyper("beta")
    rhs = beta**n / N + Stop(Read("x", n)) / 3
    parameters = (Parameter("beta", default=Integer(9) / 10),)
    program = hand.program("p", [hand.tensor("x", N)], [hand.statement(y, [n], rhs)], ["y"], parameters=parameters)
    expected = [0.9**m / 3 + m / 3 for m in range(3)]
    assert run(program, {"x": [0, 1, 2]})["y"] == pytest.approx(expected)
    exact = run(program, {"x": [0, 1, 2]}, {"beta": Fraction(1, 2)}, FRACTION)["y"]
    assert exact.tolist() == [Fraction(1, 2**m * 3) + Fraction(m, 3) for m in range(3)]


def test_square_roots(hand):
    y = hand.tensor("y")
    program = hand.program("q", [hand.tensor("x")], [hand.statement(y, [], 1 / sqrt(Read("x")))], ["y"])
    assert run(program, {"x": 4.0})["y"] == 0.5 and math.isnan(run(program, {"x": -1.0})["y"])
    assert run(program, {"x": 0.0})["y"] == math.inf


def test_gather_and_scatter(hand):
    """dw[v] = sum[n, token[n] == v](y[n]), y[n] = w[token[n]]."""
    y, dw = hand.tensor("y", N), hand.tensor("dw", K)
    scatter = Reduce("sum", [Bind(n, 0, N), Compare("==", Read("token", n), k)], Read("y", n))
    statements = [hand.statement(y, [n], Read("w", Read("token", n))), hand.statement(dw, [k], scatter)]
    inputs = [hand.tensor("token", N, kind="index"), hand.tensor("w", K)]
    program = hand.program("e", inputs, statements, ["y", "dw"])
    found = run(program, {"token": [2, 0, 2], "w": [1.0, 2.0, 3.0]})
    assert found["y"].tolist() == [3, 1, 3] and found["dw"].tolist() == [1, 0, 6]
    with pytest.raises(InputError, match=r"w\[3\] is read out of range.*\n.*K = 3"):
        run(program, {"token": [2, 3, 2], "w": [1.0, 2.0, 3.0]})


# ------------------------------------------------------------------------------ pieces


def test_the_first_piece_that_admits_a_point_gives_it(hand):
    y = hand.tensor("y", N)
    pieces = [
        hand.equation(y, [1], Integer(10)),
        hand.equation(y, [n], Read("x", n - 1), binds={n: Bind(n, 1, N)}),
        hand.equation(y, [n], Integer(-1)),
    ]
    program = hand.program("p", [hand.tensor("x", N)], [Statement(y, tuple(pieces))], ["y"])
    assert run(program, {"x": [5.0, 6.0, 7.0]})["y"].tolist() == [-1, 10, 6]


def test_conditions_choose_pieces_and_zero_is_elsewhere(hand):
    y = hand.tensor("y", N, N)
    only = hand.equation(y, [n, n], Read("x", n), Compare("<", 0, Read("x", n)))
    program = hand.program("d", [hand.tensor("x", N)], [Statement(y, (only,), zero_elsewhere=True)], ["y"])
    assert np.array_equal(run(program, {"x": [5.0, -6.0]})["y"], np.diag([5.0, 0.0]))
    bare = hand.program("d", [hand.tensor("x", N)], [Statement(y, (only,))], ["y"])
    with pytest.raises(DefinitionError, match=r"no equation gives y\[0, 1\]"):
        run(bare, {"x": [5.0, -6.0]})


def test_kinds_of_defined_tensors(hand):
    m, b, y = hand.tensor("m", kind="index"), hand.tensor("b", N, kind="bool"), hand.tensor("y", N)
    statements = [
        hand.statement(m, [], Reduce("argmax", [Bind(k, 0, N)], Read("x", k))),
        hand.statement(b, [n], Compare("==", Read("m"), n)),
        hand.statement(y, [n], Where(Read("b", n), Read("x", n), Integer(0))),
    ]
    program = hand.program("kinds", [hand.tensor("x", N)], statements, ["m", "b", "y"])
    found = run(program, {"x": [1.0, 9.0]})
    assert [found[s].dtype.kind for s in "mby"] == ["i", "b", "f"]
    assert found["m"] == 1 and found["b"].tolist() == [False, True] and found["y"].tolist() == [0, 9]


def test_origin_one(hand):
    """theta[0] = theta_0, theta[t] = theta[t − 1] − grad[t] for t = 1..T."""
    theta = hand.tensor("theta", Part(T, origin=1, below=1))
    pieces = (
        hand.equation(theta, [0], Read("theta_0")),
        hand.equation(theta, [t], Read("theta", t - 1) - Read("grad", t) * t),
    )
    inputs = [hand.tensor("theta_0"), hand.tensor("grad", Part(T, origin=1))]
    program = hand.program("sgd", inputs, [Statement(theta, pieces)], ["theta"])
    assert run(program, {"theta_0": 10, "grad": [1.0, 2.0]})["theta"].tolist() == [9, 5]


def test_packs_come_back_as_axes(hand):
    pack, spread = Letter("..."), Size("...")
    y = hand.tensor("y", spread, K)
    total = Reduce("sum", [Bind(j, 0, K)], Read("x", pack, j))
    program = hand.program(
        "n", [hand.tensor("x", spread, K)], [hand.statement(y, [pack, k], Read("x", pack, k) / total)], ["y"]
    )
    for shape in ((4,), (2, 4), (2, 3, 4)):
        x = RNG.random(shape)
        assert np.allclose(run(program, {"x": x})["y"], x / x.sum(-1, keepdims=True))


def test_sampled_points_read_only_what_they_need(hand):
    program = hand.conv2d()
    inputs = {"x": RNG.normal(size=(2, 4, 64, 64)), "weight": RNG.normal(size=(2, 2, 3, 3))}
    evaluator = Evaluator(program, bind(program, inputs), FLOAT)
    start = time.perf_counter()
    evaluator.value("y", (1, 0, 0, 5, 5))
    assert time.perf_counter() - start < 0.1
    assert len(evaluator._known["x"]) <= 2 * 3 * 3


def test_the_end_of_a_group_is_the_end(hand):
    """x[[g, c + 1]] at the last c of a group is out of range, not the next group's first entry."""
    g, y = Letter("g"), hand.tensor("y", (2, K))
    shifted = hand.statement(y, [g, k], Read("x", g, k + 1))
    program = hand.program("s", [hand.tensor("x", (2, K))], [shifted], ["y"])
    bound = bind(program, {"x": np.arange(6.0)})
    assert Evaluator(program, bound).value("y", (0, 1)) == 2.0
    with pytest.raises(InputError, match=r"x\[0, 3\] is read out of range: index 3 in place 2, where 0 <= index < 3"):
        Evaluator(program, bound).value("y", (0, 2))


def test_everything_a_guard_hides_may_be_wrong(hand):
    """where(0 < x, 1/x, 0) and a domain filter: no division by zero is ever computed."""
    y = hand.tensor("y", N)
    rhs = Where(Compare("<", 0, Read("x", n)), 1 / Read("x", n), Integer(0))
    program = hand.program("w", [hand.tensor("x", N)], [hand.statement(y, [n], rhs)], ["y"])
    assert run(program, {"x": [0, 4]}, field=FRACTION)["y"].tolist() == [0, Fraction(1, 4)]


def test_a_long_chain_of_statements(hand):
    """Three hundred layers one after the other, asked for at the end."""
    names = [f"a{m}" for m in range(300)]
    statements = [
        hand.statement(hand.tensor(name, N), [n], Read(before, n) + 1)
        for before, name in zip(["x", *names], names, strict=False)
    ]
    program = hand.program("deep", [hand.tensor("x", N)], statements, [names[-1]])
    assert run(program, {"x": [0.5]})[names[-1]].tolist() == [300.5]


def test_user_data_is_not_changed(hand):
    x = np.arange(6.0).reshape(2, 3)
    before = x.copy()
    run(hand.softmax(), {"x": x})
    assert np.array_equal(x, before)
