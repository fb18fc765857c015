"""Matrix notation: what is printed as matrices has the value and the shape that the indices say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sympy import Integer

from derive.bind import bind
from derive.doors import load, vjp
from derive.fields import FLOAT
from derive.interpreter import Evaluator
from derive.language.find import catalogue_index
from derive.reports import in_matrices, render
from derive.simplify.matrix import Matrix, ShapeError, matrix_form, nodes, shape
from derive.verify.inputs import make

NAMES = tuple(n for n in catalogue_index() if n not in ("cnn", "cnn_loss"))


def printed(name: str, **choices) -> str:
    program = load(name, **choices)
    return render(in_matrices(program, [vjp(program)]))


def lines(name: str, **choices) -> list[str]:
    return [line.strip() for line in printed(name, **choices).splitlines()]


# ------------------------------------------------------------------------------ values


def value(m: Matrix, arrays, numbers) -> np.ndarray:
    """The matrix in numbers."""
    parts = [value(p, arrays, numbers) if isinstance(p, Matrix) else p for p in m.parts]
    size = [int(e.xreplace(numbers)) for e in (m.rows, m.cols)]
    if m.op == "name":
        return arrays(parts[0]).reshape(size)
    if m.op == "times":
        return np.linalg.multi_dot([np.eye(size[0]), *parts, np.eye(size[1])])
    if m.op == "hadamard":
        return np.multiply.reduce(parts)
    if m.op == "plus":
        return np.add.reduce(parts)
    if m.op == "apply":
        return np.vectorize(lambda x: float(FLOAT.functions[parts[0]](float(x))))(parts[1])
    if m.op == "scale":
        return float(scalar(parts[0], arrays, numbers)) * parts[1]
    return {
        "ones": lambda: np.ones(size),
        "transpose": lambda: parts[0].T,
        "minus": lambda: -parts[0],
        "diag": lambda: np.diag(parts[0][:, 0]),
        "reciprocal": lambda: 1 / parts[0],
    }[m.op]()


def array(evaluator: Evaluator, name: str) -> np.ndarray:
    return np.asarray(evaluator.array(name), float)


def scalar(e, arrays, numbers):
    from derive.program import reads

    read = e.xreplace({r: arrays(r.tensor).item() for r in reads(e)})
    return read if isinstance(read, float) else read.xreplace(numbers)


@pytest.mark.parametrize("name", NAMES)
def test_matrix_formulas_have_the_values_of_the_equations(name):
    choices = {"kernel_size": 2} if "pool2d" in name and "adaptive" not in name and "unpool" not in name else {}
    primal = load(name, **choices)
    case = make(primal, "plain")
    if case is None:
        pytest.skip("no small case")
    for program in (primal, vjp(primal)):
        data = dict(case.inputs)
        rng = np.random.default_rng(0)
        for t in program.inputs[len(primal.inputs) :]:
            out = bind(primal, case.inputs, case.hypers).shape(t)
            data[t.name] = rng.normal(size=out)
        bound = bind(program, data, case.hypers)
        evaluator = Evaluator(program, bound, FLOAT)
        for s in program.statements:
            found = matrix_form(s, program)
            if found is None or found.each:
                continue
            want = array(evaluator, s.name)
            got = value(found.right, partial(array, evaluator), bound.values)
            if found.left.op == "transpose":
                got = got.T
            np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------ forms


def test_linear():
    shown = lines("linear")
    for wanted in ("Y = 1 · biasᵀ + X · weightᵀ", "dX = dY·weight", "dweight = dYᵀ · X", "dbiasᵀ = 1ᵀ · dY"):
        assert wanted in shown
    assert "shapes dX […, I],  dY […, O],  weight [O, I]" in shown


def test_elementwise_products_and_row_sums():
    assert "dX = (dY − (dY ⊙ Y) · 1 · 1ᵀ) ⊙ Y" in lines("softmax")
    assert "dweightᵀ = 1ᵀ · (dY ⊙ xhat)" in lines("layer_norm")


def test_batches_are_named_and_composites_are_one():
    assert "Y = P·value   for …" in lines("scaled_dot_product_attention")
    assert "dweight_ih = dAᵀ · X" in lines("lstm")


def test_what_is_no_matrix_formula_stays_and_is_named():
    shown = printed("conv2d")
    assert "dx[n,c,h,w] = Σ f,i,j" in shown and "in indices  dx" in shown
    assert "in indices  m" in printed("softmax")


def test_a_capital_that_is_a_size_is_not_taken():
    text = "@layer\ndef f(x: Real[N, I], h: Real[H, I]):\n    y[n, k] = sum[i](x[n, i]*h[k, i])\n    return y\n"
    program = load(text)
    assert "Y = X · hᵀ" in render(in_matrices(program, []))


@pytest.mark.parametrize("form", ["latex", "markdown", "mathml", "json", "ascii"])
def test_every_format_prints_it(form):
    program = load("softmax")
    text = render(in_matrices(program, [vjp(program)]), form)
    signs = {"latex": r"\odot", "markdown": r"\odot", "mathml": "⊙", "json": "⊙", "ascii": ".*"}
    assert signs[form] in text
    assert form != "ascii" or text.isascii()


def test_a_planted_shape_is_found():
    program = vjp(load("linear"))
    found = matrix_form(program.definitions["dx"], program)
    assert found is not None and shape(found.right) == (found.right.rows, found.right.cols)
    product = next(m for m in nodes(found.right) if m.op == "times")
    swapped = replace(product, parts=product.parts[::-1])
    with pytest.raises(ShapeError):
        shape(swapped)
    with pytest.raises(ShapeError):
        shape(replace(product, rows=Integer(7)))
