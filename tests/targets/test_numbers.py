"""Python numbers in generated code."""

import ast
import math

import pytest
from sympy import Integer, Rational, exp, pi, sqrt

from derive.functions import FUNCTIONS
from derive.lower.scope import NOT_OF_NUMBERS
from derive.program import INF, Compare, FloorDiv, Hyper, Logic, Modulo, Size, Truth, Where
from derive.targets.numbers import MATH, WRITTEN_OUT, Numbers

H, W, s = Size("H"), Size("W"), Hyper("stride[0]", True)
numbers = Numbers({})


def shown(e):
    return ast.unparse(ast.fix_missing_locations(numbers(e)))


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (Rational(1, 2), "0.5"),
        (Rational(1, 3), "1 / 3"),
        (-H, "-H"),
        (H - W, "H - W"),
        ((H + 1) * 2, "2 * H + 2"),
        (H * (W + 1), "(W + 1) * H"),
        (FloorDiv(H - 1, s) + 1, "(H - 1) // stride[0] + 1"),
        (Modulo(H, s), "H % stride[0]"),
        (1 / sqrt(H), "1 / math.sqrt(H)"),
        (H / W, "H / W"),
        (Where(Compare("<", H, W), H, Integer(0)), "H if H < W else 0"),
        (Logic("not", Logic("and", Truth(True), Compare("==", H, W))), "not (True and H == W)"),
        (INF, "math.inf"),
    ],
)
def test_text(e, text):
    assert shown(e) == text


@pytest.mark.parametrize("x", [-2.5, -0.3, 0.0, 0.7, 31.0])
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in NOT_OF_NUMBERS and FUNCTIONS[n].arity == 1])
def test_functions_of_numbers(name, x):
    """Every function of one number, against its meaning in high precision."""
    from derive.fields import FLOAT

    in_domain = {"log": x > 0, "sqrt": x >= 0, "log1p": x > -1, "asin": abs(x) < 1, "acos": abs(x) < 1, "lgamma": x > 0}
    if in_domain.get(name, True):
        tree = ast.Expression(numbers(FUNCTIONS[name].cls(Hyper("x"))))
        value = eval(compile(ast.fix_missing_locations(tree), "<number>", "eval"), {"math": math, "x": x})
        assert value == pytest.approx(FLOAT.functions[name](x), rel=1e-12, abs=1e-15)


def test_the_table_is_full():
    ours = {*MATH, *WRITTEN_OUT, *NOT_OF_NUMBERS}
    assert set(FUNCTIONS) <= ours


def test_constants():
    assert shown(pi) == "math.pi"
    assert shown(exp(1)) == "math.e"
