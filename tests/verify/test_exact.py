"""The modular identity: holds for derived pairs, and one wrong coefficient breaks it."""

import pytest
from sympy import Integer, Rational

import derive
from derive.calculus.adjoint import adjoint
from derive.calculus.tangent import tangent
from derive.verify import exact
from derive.verify.inputs import make
from derive.verify.mutation.places import places

NAMES = ("linear", "softmax", "layer_norm", "gelu", "rnn", "max_pool2d")


def _pair(name):
    program = derive.load(name, **({"kernel_size": 2} if name == "max_pool2d" else {}))
    return make(program, "plain"), adjoint(program), tangent(program)


@pytest.mark.parametrize("name", NAMES)
def test_identity_holds(name):
    found = exact.identity(*_pair(name))
    assert not isinstance(found, str), found
    assert found.holds and found.left != 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [Integer(-1), 1 + Rational(1, 10**6), Integer(0)])
def test_identity_breaks(name, factor):
    case, right, other = _pair(name)
    for place in places(right, frozenset()):
        for edit in place.root(factor * place.rhs) if place.statement.name in right.outputs else ():
            assert not exact.identity(case, edit.program, other).holds


def test_the_probability_of_a_wrong_yes_is_stated():
    assert 0 < exact.FAILURE_PROBABILITY < 1e-11


# ------------------------------------------------------------------------------ functions' own identities

#: forward -> a gradient of it that is right only through an identity of the function
IDENTITIES = {
    "exp(a + b) = exp(a)·exp(b)": ("exp(a[n] + b[n])", ("dy[n]*exp(a[n])*exp(b[n])", "dy[n]*exp(b[n])*exp(a[n])")),
    "sin² + cos² = 1": (
        "sin(a[n])*b[n]", ("dy[n]*cos(a[n])*b[n]*(sin(b[n])**2 + cos(b[n])**2)", "dy[n]*sin(a[n])"),
    ),
    "log(ab) = log a + log b": (
        "log(a[n]*b[n])*a[n]", ("dy[n]*(log(a[n]) + log(b[n]) + 1)", "dy[n]*a[n]/b[n]"),
    ),
    "sin 2a = 2 sin a cos a": ("sin(a[n])**2*b[n]", ("dy[n]*sin(2*a[n])*b[n]", "dy[n]*sin(a[n])**2")),
    "√(a²b²) = ab": ("a[n]*b[n]", ("dy[n]*sqrt(a[n]**2*b[n]**2)/a[n]", "dy[n]*a[n]")),
}  # fmt: skip


def _written(forward, gradients, wrong=""):
    """A forward, and a gradient of it written by hand, as programs."""
    primal = derive.load(f"@layer\ndef f(a: Real[N], b: Real[N]):\n    y[n] = {forward}\n    return y\n")
    da, db = gradients
    text = (
        "@layer\ndef f_vjp(a: Real[N], b: Real[N], dy: Real[N]):\n"
        f"    da[n] = {da}{wrong}\n    db[n] = {db}\n    return da, db\n"
    )
    return primal, derive.load(text)


def _positive(case):
    return case.with_inputs({n: abs(x) + 0.3 for n, x in case.inputs.items()})


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_gradient_right_by_an_identity_is_not_called_wrong(name):
    primal, written = _written(*IDENTITIES[name])
    found = exact.identity(_positive(make(primal, "plain")), written, tangent(primal))
    assert not isinstance(found, str), found
    assert found.holds, found.words()


def test_which_arithmetic_decided_is_said():
    primal, written = _written(*IDENTITIES["exp(a + b) = exp(a)·exp(b)"])
    assert "50 digits" in exact.identity(make(primal, "plain"), written, tangent(primal)).how
    assert "modulo a prime" in exact.identity(make(primal, "plain"), adjoint(primal), tangent(primal)).how


@pytest.mark.parametrize("wrong", ("*(1 + 1/10**20)", " + dy[n]/10**20", "*0"))
@pytest.mark.parametrize("name", IDENTITIES)
def test_what_no_identity_mends_is_wrong_to_fifty_digits(name, wrong):
    primal, written = _written(*IDENTITIES[name], wrong)
    found = exact.identity(_positive(make(primal, "plain")), written, tangent(primal))
    assert not found.holds


def test_a_rational_difference_needs_no_digits():
    primal, written = _written("a[n]*b[n]", ("dy[n]*b[n]", "dy[n]*a[n]"), " + dy[n]")
    found = exact.identity(make(primal, "plain"), written, tangent(primal))
    assert not found.holds and "modulo a prime" in found.how
