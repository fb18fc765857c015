"""A vjp cut in two gives what it gave whole; what is kept is what is worth keeping."""

import numpy as np
from sympy import Integer, exp

from derive.interpreter import run
from derive.lower.batch import batch
from derive.lower.residuals import split
from derive.program import Bind, Letter, Part, Piece, Program, Read, Reduce, Size, Statement, Tensor

N, K = Size("N"), Size("K")
n, k, j = Letter("n"), Letter("k"), Letter("j")


def statement(name, letters, sizes, rhs, kind="real"):
    binds = tuple(Bind(letter, 0, size) for letter, size in zip(letters, sizes, strict=True))
    axes = tuple((Part(size),) for size in sizes)
    return Statement(Tensor(name, axes, kind), (Piece(tuple(letters), binds, rhs),))


def total(letter, size, body, op="sum"):
    return Reduce(op, (Bind(letter, 0, size),), body)


X = Tensor("x", ((Part(N),), (Part(K),)))
FORWARD = (
    statement("m", (n,), (N,), total(j, K, Read("x", n, j), "max")),
    statement("e", (n, k), (N, K), exp(Read("x", n, k) - Read("m", n))),
    statement("s", (n,), (N,), total(j, K, Read("e", n, j))),
    statement("y", (n, k), (N, K), Read("e", n, k) / Read("s", n)),
)
SOFTMAX = Program("softmax", (X,), FORWARD, ("y",))
DY = Tensor("dy", X.axes)
Y_DY = Read("y", n, j) * Read("dy", n, j)
DX = statement("dx", (n, k), (N, K), Read("y", n, k) * (Read("dy", n, k) - total(j, K, Y_DY)))
SOFTMAX_VJP = Program("softmax_vjp", (X, DY), (*FORWARD, DX), ("dx",), derived="vjp")

CENTRED = Program(
    "centred",
    (X,),
    (
        statement("mu", (n,), (N,), total(j, K, Read("x", n, j)) / K),
        statement("c", (n, k), (N, K), Read("x", n, k) - Read("mu", n)),
        statement("y", (n, k), (N, K), Read("c", n, k) ** 2),
    ),
    ("y",),
)
CENTRED_VJP = Program(
    "centred_vjp",
    (X, DY),
    (*CENTRED.statements[:2], statement("dx", (n, k), (N, K), 2 * Read("dy", n, k) * Read("c", n, k))),
    ("dx",),
)


def check_split(primal, vjp, inputs, dys):
    cut = split(primal, vjp)
    forward = run(cut.forward, inputs)
    saved = {name: forward[name] for name in cut.saved}
    kept = {name: inputs[name] for name in cut.kept}
    whole = run(vjp, {**{t.name: inputs[t.name] for t in vjp.inputs if t.name in inputs}, **dys})
    parts = run(cut.backward, {**kept, **saved, **dys})
    for name in vjp.outputs:
        assert np.allclose(np.asarray(whole[name], float), np.asarray(parts[name], float), rtol=1e-13), name
    return cut


def data(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_softmax_keeps_its_result_alone():
    cut = check_split(SOFTMAX, SOFTMAX_VJP, {"x": data(3, 4)}, {"dy": data(3, 4)})
    assert (cut.kept, cut.saved) == ((), ("y",))
    assert cut.forward.outputs == ("y",)
    assert [s.name for s in cut.backward.statements] == ["dx"]


def test_a_cheap_map_is_computed_again_from_its_statistic():
    cut = check_split(CENTRED, CENTRED_VJP, {"x": data(3, 4)}, {"dy": data(3, 4)})
    assert (cut.kept, cut.saved) == (("x",), ("mu",))
    assert [s.name for s in cut.backward.statements] == ["c", "dx"]


def test_a_halo_is_saved_as_ordinary_points():
    t, T = Letter("t"), Size("T")
    x, h0 = Tensor("x", ((Part(T),),)), Tensor("h0", ())
    state = Tensor("h", ((Part(T, below=1),),))
    pieces = (
        Piece((Integer(-1),), (), Read("h0")),
        Piece((t,), (Bind(t, 0, T),), Read("h", t - 1) * Read("x", t)),
    )
    primal = Program("chain", (x, h0), (Statement(state, pieces),), ("h",))
    dx = statement("dx", (t,), (T,), Read("dh", t) * Read("h", t - 1))  # the part through the last read alone
    vjp = Program("chain_vjp", (x, h0, Tensor("dh", x.axes)), (*primal.statements, dx), ("dx",))
    cut = check_split(primal, vjp, {"x": data(5), "h0": data()}, {"dh": data(5)})
    assert cut.saved == ("h_all",)
    assert cut.backward.inputs[0].parts == (Part(T + 1, -1),)


def test_a_forward_the_simplifier_rewrote_is_computed_beside_the_primal():
    other = statement("s", (n,), (N,), 3 * total(j, K, Read("e", n, j)))
    vjp = Program(
        "other_vjp", (X, DY), (*FORWARD[:2], other, statement("dx", (n, k), (N, K), Read("dy", n, k) * Read("s", n))),
        ("dx",),
    )  # fmt: skip
    cut = check_split(SOFTMAX, vjp, {"x": data(3, 4)}, {"dy": data(3, 4)})
    assert cut.saved == ("s_1",)


def test_sizes_that_shapes_do_not_tell_keep_an_input():
    weight = Tensor("w", ((Part(N),),))
    primal = Program(
        "outer", (X, weight), (statement("y", (n,), (N,), Read("w", n) * total(j, K, Read("x", n, j))),), ("y",)
    )
    dx = statement("dx", (n, k), (N, K), Read("dy", n) * Read("w", n))
    vjp = Program("outer_vjp", (X, weight, Tensor("dy", weight.axes)), (dx,), ("dx",))
    cut = check_split(primal, vjp, {"x": data(3, 4), "w": data(3)}, {"dy": data(3)})
    assert cut.kept == ("x", "w")  # x for K alone


def test_letters_may_differ_between_equal_forwards():
    a, b = Letter("a"), Letter("b")
    same = statement("m", (a,), (N,), total(b, K, Read("x", a, b), "max"))
    vjp = Program("v", (X, DY), (same, *FORWARD[1:], DX), ("dx",))
    assert split(SOFTMAX, vjp).forward.outputs == ("y",)


def test_a_batch_is_one_more_letter():
    grown, flags = batch(SOFTMAX_VJP, ("dy",))
    x, dy = data(3, 4), data(2, 3, 4)
    got = np.asarray(run(grown, {"x": x, "dy": dy})["dx"], float)
    each = [np.asarray(run(SOFTMAX_VJP, {"x": x, "dy": row})["dx"], float) for row in dy]
    assert flags == (True,)
    assert np.allclose(got, each, rtol=1e-13)
    assert grown.definitions["y"] == SOFTMAX_VJP.definitions["y"]  # what no batch reaches stays as it was
