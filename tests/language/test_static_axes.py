"""Axes and lengths that are decided while deriving: ``dim``, choices among axes, families whose members differ."""

import pytest

import derive
from derive.errors import DeriveError

ALONG = """
def total(x: Real[..., K, *B], *, dim: Int = -1):
    assert dim == len(...) or dim == -len(B) - 1
    y[..., *b] = sum[k](x[..., k, *b])
    return y
"""
SHARED = """
def scaled(x: Real[N, C], w: Real[C if each else 1], *, each: Bool = False):
    if each:
        y[n, c] = w[c]*x[n, c]
    else:
        y[n, c] = w[0]*x[n, c]
    return y
"""
STACK = """
def stack(x: Real[N, I], w: Real[H, I if i == 0 else H][i < layers], *, layers: Int = 2):
    z = x
    for i in range(layers):
        a = linear(z, w[i])
        z = a
    return z
"""


def axes(text: str, name: str, **choices) -> list[str]:
    tensor = derive.load(text, **choices).tensor(name)
    return [str(part.extent) for part in tensor.parts]


@pytest.mark.parametrize(
    ("dim", "expected"), [(-1, ["...", "K"]), (0, ["K", "*B"]), (1, ["A", "K", "*B"]), (-2, ["...", "K", "B"])]
)
def test_dim_counts_from_either_end(dim, expected):
    assert axes(ALONG, "x", dim=dim) == expected


def test_dim_of_a_called_definition_is_its_own():
    text = ALONG + "\ndef both(x: Real[N, K]):\n    a = total(x, dim=0)\n    y = total(x, dim=1)\n    return a, y\n"
    program = derive.load(text)
    assert [str(program.tensor(n).parts[0].extent) for n in program.outputs] == ["K", "N"]


def test_a_length_that_cannot_hold_is_refused():
    text = "def f(x: Real[*A, K], *, dim: Int):\n    assert len(A) == dim\n    y[*a] = sum[k](x[*a, k])\n    return y\n"
    with pytest.raises(DeriveError, match="no number of axes"):
        derive.load(text, dim=-3)


def test_an_assertion_on_a_known_pack_is_still_asked():
    text = ALONG.replace("total", "inner") + ("\ndef f(x: Real[N, K]):\n    y = inner(x, dim=2)\n    return y\n")
    with pytest.raises(DeriveError):
        derive.load(text)


def test_a_choice_among_axes():
    assert axes(SHARED, "w") == ["1"] and axes(SHARED, "w", each=True) == ["C"]


def test_members_of_a_family_may_differ():
    assert axes(STACK, "w_0") == ["H", "I"] and axes(STACK, "w_1") == ["H", "H"]


def test_a_name_passed_between_turns_takes_no_second_value():
    text = STACK.replace("a = linear(z, w[i])\n        z = a", "z = linear(z, w[i])")
    with pytest.raises(DeriveError, match="z stands for another tensor"):
        derive.load(text)


def test_rounded_numbers_are_whole():
    good = (
        "def f(u: Const[N], x: Real[K]):\n    i: Index[N]\n    i[n] = floor(2*u[n])\n    y[n] = x[i[n]]\n    return y\n"
    )
    assert derive.load(good).tensor("i").kind == "index"
    with pytest.raises(DeriveError, match="not whole"):
        derive.load(good.replace("floor(2*u[n])", "2*u[n]"))


def test_infinite_hyperparameters_are_compared():
    text = """
def f(x: Real[N], *, p: Real = 2):
    if p == inf:
        y = max[n](x[n])
    else:
        y = sum[n](x[n])
    return y
"""
    assert derive.load(text, p=float("inf")).statements[0].pieces[0].rhs.op == "max"
    assert derive.load(text, p=3).statements[0].pieces[0].rhs.op == "sum"
