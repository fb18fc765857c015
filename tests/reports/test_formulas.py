"""Programs as formulas: what a reader sees, in the order a reader wants."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from sympy import Integer, Rational, exp, sqrt

from derive import reports
from derive.functions import maximum, relu
from derive.program import INF, Bind, Compare, FloorDiv, Logic, Modulo, Program, Read, Reduce, Where
from derive.reports.text import WIDTH, Text
from derive.reports.typeset import Typesetter
from tests.reports import programs as P

CONV_GRADIENT = """\
conv1d · gradient of x            dx: [N, C, H]
  dx[n,c,h] = Σ f,i  dy[n,f,p] · weight[f,c,i]
    where  p = (h + padding − i·dilation) / stride
    only   stride | h + padding − i·dilation,  0 ≤ p < OH
    over   f < F,  i < KH
"""


def line(e, *letters) -> str:
    """One expression of a program with tensors x, y, dy, weight, token, all of one or more axes."""
    program = P.convolution()
    typesetter = Typesetter(program, program)
    typesetter.order.free = letters
    return Text().line(typesetter.node(e))


x, y = Read("x", P.n, P.k, P.i), Read("y", P.n, P.k, P.i)
s = Reduce("sum", [Bind(P.j, 0, P.K)], Read("x", P.n, P.j, P.i))


@pytest.mark.parametrize(
    ("e", "printed"),
    [
        (P.p * P.stride + P.i * P.dilation - P.padding, "p·stride + i·dilation − padding"),
        (P.h + P.padding - P.i * P.dilation, "h + padding − i·dilation"),
        (P.i - 1, "i − 1"),
        (1 + exp(-x), "1 + exp(−x[n,k,i])"),
        (y * (1 - y), "y[n,k,i] · (1 − y[n,k,i])"),
        (x / 2, "x[n,k,i] / 2"),
        (Rational(3, 2) * x, "3 · x[n,k,i] / 2"),
        (x * Rational(44715, 1000000), "0.044715 · x[n,k,i]"),
        (x + Rational(1, 100000), "1e-5 + x[n,k,i]"),
        (sqrt(x), "√x[n,k,i]"),
        (1 / sqrt(x + 1), "1 / √(1 + x[n,k,i])"),
        (x**2, "x[n,k,i]²"),
        (s / P.K, "1/K · Σ j  x[n,j,i]"),
        (x / s, "x[n,k,i] / (Σ j  x[n,j,i])"),
        (s + x, "x[n,k,i] + Σ j  x[n,j,i]"),
        (-x, "−x[n,k,i]"),
        (relu(x), "relu(x[n,k,i])"),
        (maximum(x, y), "max(x[n,k,i], y[n,k,i])"),
        (Where(Compare("<", Integer(0), x), x, 0), "x[n,k,i] if x[n,k,i] > 0 else 0"),
        (Where(Compare("==", P.i, P.k), x, 0), "[i = k] · x[n,k,i]"),
        (Where(Logic("and", Compare("<=", 0, P.i), Compare("<", P.i, P.K)), x, y),
         "x[n,k,i] if 0 ≤ i < K else y[n,k,i]"),
        (Compare("<", -INF, x), "x[n,k,i] > −∞"),
        (Compare("==", Modulo(P.h + 1, P.stride), 0), "stride | h + 1"),
        (FloorDiv(P.h + 1, P.stride), "⌊(h + 1) / stride⌋"),
        (Reduce("count", [Bind(P.j, 0, P.K), Compare("<", P.j, P.i)], 1), "count j, j < i"),
        (Reduce("argmax", [Bind(P.j, 0, P.K)], Read("x", P.n, P.j, P.i)), "argmax j  x[n,j,i]"),
    ],
)  # fmt: skip
def test_a_readers_order(e, printed: str) -> None:
    assert line(e, P.n, P.p, P.h) == printed


def test_a_solved_index_is_named_by_the_letter_of_the_output() -> None:
    document = reports.derivative(P.convolution_gradient(), P.convolution())
    assert reports.render(document) == CONV_GRADIENT


def test_the_remainder_is_rounded_down_unless_a_condition_says_there_is_none() -> None:
    program = P.convolution_gradient()
    statement = program.statements[0]
    piece = statement.pieces[0]
    sum_ = piece.rhs
    loose = Reduce("sum", [e for e in sum_.entries if e != Compare("==", e.args[1], 0)], sum_.body)
    changed = Program(
        program.name, program.inputs, (P.equation(statement.tensor, piece.letters, loose),), ("dx",), derived="vjp"
    )
    assert "p = ⌊(h + padding − i·dilation) / stride⌋" in reports.render(reports.derivative(changed, P.convolution()))


def test_data_is_a_bracket() -> None:
    text = reports.render(reports.derivative(P.embedding_gradient(), P.convolution()))
    assert "dweight[k,c] = Σ n  [token[n] = k] · dy[n,c]" in text


def test_the_forward_says_shapes_sizes_ranges_and_conditions() -> None:
    text = reports.render(reports.forward(P.convolution()))
    for part in ("y: [N, F, OH]", "bias: [F] (0 when absent)", "OH = ⌊", "0 ≤ h < H", "p < OH", "stride = 1"):
        assert part in text


@pytest.mark.parametrize("program", [P.convolution(), P.convolution_gradient(), P.embedding_gradient()])
def test_ascii_is_ascii_and_lines_fit(program: Program) -> None:
    document = reports.forward(program)
    reports.render(document, "ascii").encode("ascii")
    assert all(len(row) <= WIDTH for row in reports.render(document).splitlines())


def test_markdown_fences_every_formula() -> None:
    text = reports.render(reports.forward(P.convolution()), "markdown")
    assert text.count("```math") == 3 == text.count("```\n") and "$" not in text


def test_json_has_a_schema_and_the_same_formulas() -> None:
    data = json.loads(reports.render(reports.derivative(P.convolution_gradient(), P.convolution()), "json"))
    assert data["schema"] == "derive.formulas/1"
    formula = data["blocks"][0]["formulas"][0]
    assert formula["right"] == "Σ f,i  dy[n,f,p] · weight[f,c,i]"
    assert formula["where"] == [{"name": "p", "value": "(h + padding − i·dilation) / stride"}]


@pytest.mark.parametrize("program", [P.convolution(), P.convolution_gradient(), P.embedding_gradient()])
def test_mathml_is_well_formed(program: Program) -> None:
    text = reports.render(reports.forward(program), "mathml")
    root = ElementTree.fromstring(f"<html>{text}</html>")
    assert root.findall(".//{http://www.w3.org/1998/Math/MathML}munder")
