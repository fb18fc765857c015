"""The gate sees a wrong rewrite, a false law and a value that got lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Integer

import derive
from derive.calculus.adjoint import adjoint
from derive.errors import RewriteError
from derive.program import Law
from derive.simplify import PASSES, simplify
from derive.simplify.atoms import scaled
from derive.simplify.draft import Draft
from derive.simplify.gate import check_equal
from tests.simplify.equations import r, simplified, total


def off_by_a_half(draft: Draft) -> None:
    """f → 1.5·f: the planted fault"""
    for name, forms in draft.forms.items():
        draft.forms[name] = tuple(scaled(f, Integer(3) / 2) for f in forms)


def one_entry_lost(draft: Draft) -> None:
    """The first term is dropped: a fault in a few entries only"""
    for name, forms in draft.forms.items():
        draft.forms[name] = tuple(dict(list(f.items())[1:]) if len(f) > 1 else f for f in forms)


@pytest.mark.parametrize("gate", ["each", "end"])
@pytest.mark.parametrize("fault", [off_by_a_half, one_entry_lost])
@pytest.mark.parametrize("target", ["layer_norm", "softmax", "lstm"])
def test_a_wrong_rewrite_is_refused(target, fault, gate):
    primal = derive.load(target)
    with pytest.raises(RewriteError, match="simplifying changed"):
        simplify(adjoint(primal), primal, gate=gate, passes=(*PASSES, fault))


def test_a_rational_program_is_checked_modulo_a_prime():
    primal = derive.load("mse_loss")
    mechanical = adjoint(primal)
    with pytest.raises(RewriteError):
        simplify(mechanical, primal, passes=(*PASSES, off_by_a_half))
    check_equal(mechanical, simplify(mechanical, primal))


def test_a_false_law_is_refused():
    program = simplified("softmax")
    false = Law(total("j<K", r("y[..., j]")), Integer(2))
    with pytest.raises(RewriteError, match="was claimed"):
        check_equal(program, replace(program, laws=(false,)))


def test_a_value_where_there_was_none_is_not_asked_for():
    """log x of a negative x has no value: the gate draws other data, and still sees the fault."""
    text = "def f(x: Real[...]):\n    y[...] = log(x[...])*sqrt(x[...])\n    return y\n"
    primal = derive.load(text)
    simplify(adjoint(primal), primal)
    with pytest.raises(RewriteError):
        simplify(adjoint(primal), primal, passes=(*PASSES, off_by_a_half))


def test_a_value_that_got_lost_is_refused():
    """x/x → 1/0 at a point is a change, whatever the old value was."""

    def divides_by_nothing(draft: Draft) -> None:
        zero = draft.algebra.plus(draft.algebra.read("x", *r("x[...]").indices))
        nothing = draft.algebra.power(draft.algebra.plus(zero, scaled(draft.convert(r("x[...]") * 1), Integer(1))), -1)
        for name, forms in draft.forms.items():
            draft.forms[name] = tuple(draft.algebra.times(f, nothing) for f in forms)

    primal = derive.load("silu")
    done = simplify(adjoint(primal), primal, passes=(*PASSES, divides_by_nothing))
    assert done.definitions["dx"] == adjoint(primal).definitions["dx"], "an unsound division falls back"


def test_what_is_too_large_to_hold_against_the_original_is_left_as_it_was():
    """A stated length of twenty million: neither memory nor time is spent on it, and the gradient is still given."""
    program = derive.vjp("def f(x: Real[20000000]):\n    s = sum[n](x[n]**2)\n    y[n] = x[n]*s\n    return y")
    assert program.outputs == ("dx",) and not program.laws
