"""Number fields: full tables, agreement between fields, exactness."""

from __future__ import annotations

import cmath
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import DeriveError
from derive.fields import COMPLEX, FLOAT, FRACTION, MODULAR, MP, Modular, NotRational
from derive.functions import FUNCTIONS

FIELDS = (FLOAT, COMPLEX, FRACTION, MODULAR, MP)
POINTS = (-2.3, -0.7, 0.4, 0.9, 2.6)
ORDER_OR_STEP = ("abs", "sign", "relu", "max", "min", "clamp", "floor", "ceil", "round")


@pytest.mark.parametrize("field", FIELDS, ids=repr)
def test_tables_are_full(field):
    assert set(field.functions) == set(FUNCTIONS)


def arguments(name: str, x: float) -> list[float]:
    if name == "polygamma":
        return [2.0, abs(x)]
    return [x, 0.3, 1.7][: FUNCTIONS[name].arity]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_float_complex_and_high_precision_agree(name):
    compared = 0
    for x in POINTS:
        values = arguments(name, x)
        expected = float(MP.functions[name](*map(MP.number, values)))
        found = FLOAT.functions[name](*values)
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-15, nan_ok=True)
        if math.isfinite(expected):
            compared += 1
            almost_real = COMPLEX.functions[name](*(complex(v, 0.0) for v in values))
            assert almost_real.real == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert compared >= 2


@pytest.mark.parametrize("name", sorted(n for n, f in FUNCTIONS.items() if f.smooth and f.arity == 1))
def test_complex_step_gives_the_derivative(name):
    h = 1e-30
    for x in POINTS:
        high = MP.functions[name](MP.number(x) + MP.number(1e-20)), MP.functions[name](MP.number(x) - MP.number(1e-20))
        slope = float((high[0] - high[1]) / MP.number(2e-20))
        if math.isfinite(slope):
            assert COMPLEX.functions[name](complex(x, h)).imag / h == pytest.approx(slope, rel=1e-11)


def test_complex_step_of_atan2():
    value = COMPLEX.functions["atan2"](complex(-0.5, 1e-30), -2.0)
    assert value.imag / 1e-30 == pytest.approx(-2.0 / (0.25 + 4.0), rel=1e-12)
    assert value.real == pytest.approx(math.atan2(-0.5, -2.0))


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", 1e4, math.inf), ("exp", -math.inf, 0.0), ("log", 0.0, -math.inf), ("log1p", -1.0, -math.inf),
        ("log", -1.0, math.nan), ("sqrt", -1.0, math.nan), ("sinh", -1e4, -math.inf), ("cosh", -1e4, math.inf),
        ("sin", math.inf, math.nan), ("lgamma", 0.0, math.inf), ("asin", 2.0, math.nan), ("floor", math.inf, math.inf),
        ("round", 0.5, 0.0), ("round", 1.5, 2.0), ("sigmoid", -1e4, 0.0), ("sigmoid", 1e4, 1.0), ("softplus", 1e4, 1e4),
        ("logsigmoid", -1e4, -1e4), ("relu", math.nan, math.nan), ("expm1", 1e-20, 1e-20),
    ],
)  # fmt: skip
def test_float_edges(name, x, expected):
    assert FLOAT.functions[name](x) == pytest.approx(expected, nan_ok=True, rel=1e-15)


def test_float_arithmetic_at_the_edge():
    assert FLOAT.divide(1.0, 0.0) == math.inf and FLOAT.divide(-1.0, 0.0) == -math.inf
    assert FLOAT.divide(1.0, -0.0) == -math.inf and math.isnan(FLOAT.divide(0.0, 0.0))
    assert math.isnan(FLOAT.power(-8.0, Fraction(1, 3))) and FLOAT.power(0.0, -1) == math.inf
    assert math.isnan(FLOAT.functions["max"](0.0, math.nan)) and math.isnan(FLOAT.functions["min"](math.nan, 0.0))


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(ORDER_OR_STEP)))
def test_fractions_refuse_the_irrational(name):
    with pytest.raises(NotRational, match=name):
        FRACTION.functions[name](*[Fraction(1)] * FUNCTIONS[name].arity)


def test_fractions_are_exact():
    assert FRACTION.number(0.5) == Fraction(1, 2) and FRACTION.functions["round"](Fraction(5, 2)) == 2
    assert FRACTION.power(Fraction(2, 3), -2) == Fraction(9, 4)
    with pytest.raises(NotRational):
        FRACTION.power(Fraction(2), Fraction(1, 2))
    with pytest.raises(NotRational):
        FRACTION.divide(Fraction(1), Fraction(0))


@given(*[st.fractions(max_denominator=10**9)] * 3)  # no denominator is 0 mod p
def test_modular_is_a_homomorphism(a, b, c):
    """(a + b)·c / (1 + c²) goes over to residues."""
    m = MODULAR
    x, y, z = map(m.number, (a, b, c))
    left = m.divide(m.product((m.total((x, y)), z)), m.total((1, m.power(z, 2))))
    assert left == m.number((a + b) * c / (1 + c**2))


@given(x=st.integers(0, MODULAR.prime - 1))
def test_modular_relatives_keep_their_identities(x):
    f, p = MODULAR.functions, MODULAR.prime
    assert f["exp"](x) * f["exp"](-x % p) % p == 1
    assert f["sigmoid"](x) == MODULAR.divide(1, 1 + f["exp"](-x % p))
    assert (f["sin"](x) ** 2 + f["cos"](x) ** 2) % p == 1
    assert f["tanh"](x) == MODULAR.divide(f["sinh"](x), f["cosh"](x))
    assert (f["erf"](x) + f["erfc"](x)) % p == 1
    assert f["tanh"](-x % p) == -f["tanh"](x) % p


def test_modular_functions_depend_on_their_arguments_alone():
    assert Modular().functions["exp"](12345) == MODULAR.functions["exp"](12345)
    values = {MODULAR.functions[n](12345) for n in ("exp", "log", "erf", "lgamma", "digamma", "sin", "cos", "atan")}
    assert len(values) == 8


def test_modular_refuses_roots_and_zero_denominators():
    with pytest.raises(NotRational):
        MODULAR.power(4, Fraction(1, 2))
    with pytest.raises(NotRational):
        MODULAR.divide(1, 0)


def test_modular_orders_small_integers():
    assert MODULAR.less(MODULAR.number(-3), MODULAR.number(2))
    assert MODULAR.functions["abs"](MODULAR.number(-3)) == 3
    assert MODULAR.number(Fraction(1, 2)) * 2 % MODULAR.prime == 1


def test_numbers_of_other_libraries():
    for field in FIELDS:
        assert field.number(np.int64(3)) == field.number(3) and field.number(np.float32(0.5)) == field.number(0.5)
    assert FRACTION.number(MP.number(Fraction(1, 4))) == Fraction(1, 4)
    assert cmath.isclose(COMPLEX.number(1 + 2j), 1 + 2j)


@pytest.mark.parametrize("field", [FLOAT, MP, FRACTION, MODULAR], ids=repr)
def test_real_fields_refuse_complex_numbers(field):
    with pytest.raises(DeriveError, match="1j"):
        field.number(1j)
