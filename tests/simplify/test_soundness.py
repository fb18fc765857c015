"""What a rewrite must not do: divide by what may vanish, overflow, turn a guard into a factor."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Add, Expr, Mul, exp

import derive
from derive.calculus.adjoint import adjoint
from derive.interpreter import run
from derive.program import Letter, Program, Read, Reduce, Where, walk
from derive.simplify import PASSES, simplify
from derive.simplify.draft import Draft
from tests.simplify.equations import derived_lines, right, simplified


def derived(text: str) -> tuple[Program, Program]:
    primal = derive.load(text)
    return simplify(adjoint(primal), primal, gate="each"), primal


def powers(e: Expr) -> list[Expr]:
    return [n for n in walk(e) if n.is_Pow and n.exp.is_negative]


def test_a_weight_that_may_be_zero_is_not_divided_by():
    """y = w·x̂ must not become x̂ = y/w."""
    program, primal = derived(
        "def f(x: Real[N], w: Real[N]):\n    u[n] = tanh(x[n])\n    y[n] = w[n]*u[n]\n    return y\n"
    )
    lines = derived_lines(program, primal)
    assert not [p for name in lines for p in powers(right(program, name))]
    assert Read("u", *right(program, "dx").atoms(Read).pop().indices) in right(program, "dx").atoms(Read)


def test_a_softmax_that_underflows_has_its_gradient():
    program = simplified("softmax")
    x = np.array([[0.0, -2000.0, 1.0]])
    dx = run(program, {"x": x, "dy": np.array([[1.0, 2.0, 3.0]])})["dx"]
    assert np.isfinite(dx).all() and dx[0, 1] == 0


def test_no_new_exponential_without_a_law():
    """z = x + m and exp(−x) elsewhere: exp(m − z) could overflow where exp(−x) does not."""
    program, primal = derived(
        "def f(x: Real[N, K], m: Real[N]):\n"
        "    z[n, k] = x[n, k] - m[n]\n"
        "    y[n, k] = z[n, k]*exp(-x[n, k]**2)\n"
        "    return y\n"
    )
    taken = {e for name in derived_lines(program, primal) for e in walk(right(program, name)) if isinstance(e, exp)}
    known = {e for s in primal.statements for p in s.pieces for e in walk(p.rhs) if isinstance(e, exp)}
    assert taken <= known


@pytest.mark.parametrize("target", ["lstm", "gru", "cross_entropy", "scaled_dot_product_attention", "relu", "dropout"])
def test_a_guard_is_no_factor(target):
    """Where(c, a, 0)·b would be NaN for b = inf outside c, unless b stands alone beside it too."""
    program = simplified(target)
    for statement in program.statements:
        for piece in statement.pieces:
            for product in (n for n in walk(piece.rhs) if isinstance(n, Mul)):
                for factor in product.args:
                    terms = factor.args if isinstance(factor, Add) else (factor,)
                    assert not all(isinstance(t, Where) for t in terms), product


def test_a_value_outside_the_guard_stays_outside():
    program, _ = derived("def f(x: Real[...]):\n    y[...] = where(x[...] > 0, log(x[...]), 0)\n    return y\n")
    dx = run(program, {"x": np.array([-1.0, 0.0, 2.0]), "dy": np.ones(3)})["dx"]
    assert dx.tolist() == [0.0, 0.0, 0.5]


def test_a_row_that_may_see_nothing():
    """The law Σ p = 1 has its condition; where it fails the gradient is 0."""
    program = simplified("scaled_dot_product_attention")
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(3, 2)) for _ in range(3))
    keep = np.array([[True, False, True], [False, False, False], [True, True, True]])
    done = run(program, {"query": q, "key": k, "value": v, "attn_mask": np.zeros((3, 3)), "keep": keep, "dy": q})
    assert np.isfinite(done["dquery"]).all() and not done["dquery"][1].any() and done["dquery"][0].any()


def test_an_out_of_range_index_keeps_its_guard():
    """Σ[c, c == i[n]] is the term at i[n] only where i[n] is in range, which nothing says here."""
    program, _ = derived("def f(x: Real[N, C], i: Index[N]):\n    y[n] = sum[c, c == i[n]](x[n, c]**2)\n    return y\n")
    inputs = {"x": np.ones((2, 3)), "i": np.array([1, -5]), "dy": np.ones(2)}
    assert run(program, inputs)["dx"].tolist() == [[0, 2, 0], [0, 0, 0]]


def test_nothing_knows_the_order_of_terms():
    """A reduction's letters are canonical: two copies of one sum cancel whatever their letters."""
    program, _ = derived(
        "def f(x: Real[N, K]):\n"
        "    s[n] = sum[k](x[n, k]*x[n, k])\n"
        "    y[n, k] = x[n, k]*(s[n] - sum[j](x[n, j]**2))\n"
        "    return y\n"
    )
    assert program.definitions["dx"].pieces[0].rhs == 0 or not [
        n for n in walk(right(program, "dx")) if isinstance(n, Reduce)
    ]


def test_one_unsound_statement_is_left_alone_and_the_others_are_not():
    """A fault in one statement's rewrite costs that statement its form, not the program."""

    def divides(draft: Draft) -> None:
        nothing = draft.algebra.power(draft.convert(Read("x", Letter("..."), Letter("k"))), -1)
        if "dx" in draft.forms:
            draft.forms["dx"] = tuple(draft.algebra.times(f, nothing) for f in draft.forms["dx"])

    primal = derive.load("layer_norm")
    program = simplify(adjoint(primal), primal, gate="never", passes=(*PASSES, divides))
    assert program.definitions["dx"] == adjoint(primal).definitions["dx"]
    run(program, {n: np.ones(s) for n, s in {"x": (2, 3), "weight": 3, "bias": 3, "dy": (2, 3)}.items()})
