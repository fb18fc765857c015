"""Calls: sizes unify, packs expand, composites join and divide, names stay apart, choices are passed on."""

from __future__ import annotations

import numpy as np
import pytest

from derive.errors import DefinitionError, InputError
from derive.language import load_definition, specialise
from derive.program import Bind, FloorDiv, Modulo, Reduce, Size, reads, walk

INNER = """def center(x: Real[..., K], *, s: Real = 1):
    m[...] = mean[k](x[..., k])
    y[..., k] = s*(x[..., k] - m[...])
    return y

def pair(x: Real[N]):
    a[n] = x[n] + 1
    b[n] = 2*x[n]
    return a, b

def flatten(x: Real[N, F]):
    y = sum[n, f](x[n, f])
    return y

def grouped(x: Real[N, [groups, C]], *, groups: Int = 2):
    y[n, g] = sum[c](x[n, [g, c]])
    return y

"""


def test_pack_becomes_the_callers_axes(load):
    program = load(INNER + "def f(x: Real[A, B, C]):\n    y = center(x)\n    return y")
    assert [str(p.extent) for p in program.tensor("y").parts] == ["A", "B", "C"]
    assert [s.name for s in program.statements] == ["m", "y"]


def test_pack_inside_a_pack(load, value):
    text = INNER + "def f(x: Real[..., A, B]):\n    y = center(x)\n    return y"
    assert [str(p.extent) for p in load(text).tensor("y").parts] == ["...", "A", "B"]
    assert value(text, x=np.arange(8.0).reshape(2, 2, 2)) == [[[-0.5, 0.5]] * 2] * 2


def test_local_names_stay_apart(load):
    program = load(INNER + "def f(x: Real[A, B]):\n    m = center(x)\n    y = center(m)\n    return y")
    names = [s.name for s in program.statements]
    assert len(set(names)) == 4 and {"m", "y"} <= set(names)


def test_letters_do_not_take_a_tensors_name(load):
    program = load(
        INNER + "def f(x: Real[A, B], k: Real[A, B]):\n    z = center(x)\n    y[a, b] = z[a, b]*k[a, b]\n    return y"
    )
    letters = {
        b.letter.name
        for s in program.statements
        for p in s.pieces
        for e in p.entries
        for b in walk(e)
        if isinstance(b, Bind)
    }
    assert "k" not in letters


def test_hyperparameters_of_the_caller_are_passed_as_expressions(load, value):
    text = INNER + "def f(x: Real[A, B], *, scale: Real = 2):\n    y = center(x, s=scale + 1)\n    return y"
    assert value(text, x=[[0.0, 2.0]]) == [[-3, 3]]
    assert [p.name for p in load(text).parameters] == ["scale"]


def test_several_results(value):
    assert value(
        INNER + "def f(x: Real[N]):\n    a, b = pair(x)\n    y[n] = a[n]*b[n]\n    return y", x=[1.0, 2.0]
    ) == [4, 12]


def test_wrong_number_of_results(load):
    with pytest.raises(DefinitionError, match="returns 2 tensors, 1 are named"):
        load(INNER + "def f(x: Real[N]):\n    y = pair(x)\n    return y")


def test_calls_nest(load, value):
    text = INNER + "def f(x: Real[A, B]):\n    y = center(relu(center(x)))\n    return y"
    assert value(text, x=[[0.0, 2.0]]) == [[-0.5, 0.5]]
    assert "y" in [s.name for s in load(text).statements]


def test_calls_before_their_arguments_are_defined(value):
    text = INNER + "def f(x: Real[A, B]):\n    y = center(z)\n    z[a, b] = 2*x[a, b]\n    return y"
    assert value(text, x=[[0.0, 2.0]]) == [[-2, 2]]


def test_one_axis_for_a_composite_is_divided(load, value):
    text = INNER + "def f(x: Real[N, K]):\n    y = grouped(x)\n    return y"
    assert value(text, x=[[1.0, 2, 3, 4]]) == [[3, 7]]
    with pytest.raises(InputError):
        value(text, x=[[1.0, 2, 3]])
    read = next(r for r in reads(load(text).statements[0].pieces[0].rhs))
    assert not any(isinstance(e, (FloorDiv, Modulo)) for e in walk(read.indices[0])) or len(read.indices) == 2


def test_a_composite_for_one_axis_is_taken_apart(load, value):
    """The callee's one letter becomes the letters of the parts, without // and %."""
    text = INNER + "def f(x: Real[N, A, B]):\n    z[n, [a, b]] = x[n, a, b]\n    y = flatten(z)\n    return y"
    reduction = next(e for e in walk(load(text).definitions["y"].pieces[0].rhs) if isinstance(e, Reduce))
    assert len(reduction.letters) == 3 and not any(isinstance(e, (FloorDiv, Modulo)) for e in walk(reduction))
    assert value(text, x=np.ones((2, 2, 3))) == 12


def test_derived_sizes_have_one_form(load):
    """Two poolings by two: the sizes are H//2 and H//4, and an input's axis may name the last."""
    program = specialise(load_definition("cnn"))
    assert {str(s) for s, _ in program.sizes} == {"P", "Q", "OH", "OW"}
    assert not program.requirements


def test_absent_argument_takes_the_callees_default(value):
    assert value(
        "def f(x: Real[N, I], w: Real[O, I]):\n    y = linear(x, w)\n    return y", x=[[1.0, 2]], w=[[3.0, 4]]
    ) == [[11]]


def test_optional_argument_by_name(value):
    text = "def f(x: Real[N, I], w: Real[O, I], b: Real[O]):\n    y = linear(x, w, bias=b)\n    return y"
    assert value(text, x=[[1.0, 2]], w=[[3.0, 4]], b=[1.0]) == [[12]]


def test_none_for_an_optional_input(value):
    text = "def g(x: Real[N], w: Real[N] = None):\n"
    text += "    if w is None:\n        y[n] = x[n]\n    else:\n        y[n] = 9\n    return y\n"
    assert value(text + "def f(x: Real[N]):\n    y = g(x, None)\n    return y", x=[1.0]) == [1]


def test_a_callees_draw_becomes_an_input(load):
    program = load("def f(x: Real[N, K]):\n    y = dropout(x)\n    return y")
    (drawn,) = [t for t in program.inputs if t.name != "x"]
    assert drawn.default.distribution == "bernoulli" and [str(p.extent) for p in drawn.parts] == ["N", "K"]


def test_a_callees_update_reaches_the_program(load):
    text = "def f(x: Real[N, C, ...], m: Const[C], v: Const[C]):\n    y = batch_norm(x, m, v)\n    return y"
    assert [a for a, _ in load(text).updates] == ["m", "v"]


def test_pointwise_definition_inside_an_equation(value):
    text = "def cube(x: Real[...]):\n    s[...] = x[...]**2\n    y[...] = s[...]*x[...]\n    return y\n"
    assert value(text + "def f(x: Real[N]):\n    y = sum[n](cube(x[n]))\n    return y", x=[1.0, 2.0]) == 9


def test_a_reduction_as_a_pointwise_argument(value):
    assert value("def f(x: Real[N]):\n    y = leaky_relu(sum[n](x[n]))\n    return y", x=[1.0, -3.0]) == pytest.approx(
        -0.02
    )


def test_sizes_must_agree():
    with pytest.raises(DefinitionError, match="weight has M where K is expected"):
        from derive.language import parse_text

        specialise(parse_text("def f(x: Real[N, K], w: Real[O, M]):\n    y = linear(x, w)\n    return y")[0])


def test_quotient_of_an_expression_axis(load, value):
    text = "def g(x: Real[4*H]):\n    y: Real[H]\n    y[h] = x[4*h]\n    return y\n"
    text += "def f(x: Real[N]):\n    y = g(x)\n    return y"
    assert str(load(text).requirements[0]).startswith("Compare(==")
    assert value(text, x=np.arange(8.0)) == [0, 4]
    with pytest.raises(InputError):
        value(text, x=np.arange(7.0))


def test_input_axis_named_by_a_size_equation(value):
    text = "def f(x: Real[N], w: Real[M]):\n    M = 2*N\n    y = sum[n](x[n]*w[2*n])\n    return y"
    assert value(text, x=[1.0, 2.0], w=[1.0, 0, 3, 0]) == 7


def test_sizes_are_symbols_of_the_program(load):
    text = INNER + "def f(x: Real[A, B]):\n    y = center(x)\n    return y"
    assert load(text).tensor("m").parts[0].extent == Size("A")
