"""Layout trees as terminal text: brackets where they are needed, lines that fit."""

from __future__ import annotations

import pytest

from derive.reports import layout as L
from derive.reports.latex import latex
from derive.reports.text import WIDTH, Text, flat, fold, joined, word

a, b, c = L.Word("a"), L.Word("b"), L.Word("c")
x = L.Element("x", (L.Word("i"),))
total = L.Big("sum", (L.Word("i"),), (), x)


@pytest.mark.parametrize(
    ("node", "unicode", "ascii"),
    [
        (L.Product((L.Sum((a, b)), c)), "(a + b) · c", "(a + b) * c"),
        (L.Sum((L.Product((a, b)), L.Minus(c))), "a·b − c", "a*b - c"),
        (L.Minus(L.Sum((a, b))), "−(a + b)", "-(a + b)"),
        (L.Power(L.Sum((a, b)), L.Number("2")), "(a + b)²", "(a + b)^2"),
        (L.Power(a, L.Sum((b, c))), "a^(b + c)", "a^(b + c)"),
        (L.Power(L.Power(a, b), c), "(a^b)^c", "(a^b)^c"),
        (L.Power(L.Minus(a), L.Number("2")), "(−a)²", "(-a)^2"),
        (L.Fraction(a, L.Product((b, c))), "a / (b·c)", "a / (b*c)"),
        (L.Fraction(a, L.Fraction(b, c)), "a / (b/c)", "a / (b/c)"),
        (L.Fraction(L.Sum((a, b)), c), "(a + b) / c", "(a + b) / c"),
        (L.Root(L.Sum((a, b))), "√(a + b)", "sqrt(a + b)"),
        (L.Product((total, a)), "(Σ i  x[i]) · a", "(sum i  x[i]) * a"),
        (L.Product((a, total)), "a · Σ i  x[i]", "a * sum i  x[i]"),
        (L.Sum((total, a)), "Σ i  x[i] + a", "sum i  x[i] + a"),
        (L.Big("sum", (L.Word("i"),), (), L.Sum((x, a))), "Σ i  (x[i] + a)", "sum i  (x[i] + a)"),
        (L.Fraction(x, total), "x[i] / (Σ i  x[i])", "x[i] / (sum i  x[i])"),
        (L.Product((L.Product((a, total)), b)), "(a · Σ i  x[i]) · b", "(a * sum i  x[i]) * b"),
        (L.Product((a, L.Choice(L.Chain((b, c), ("<",)), a, b))), "a · (a if b < c else b)", "a * (a if b < c else b)"),
        (L.Floor(L.Sum((a, b)), c), "⌊(a + b) / c⌋", "floor((a + b) / c)"),
        (L.Chain((L.Number("0"), a, b), ("<=", "<")), "0 ≤ a < b", "0 <= a < b"),
        (L.Element("x", (L.Word("..."), L.Word("k"))), "x[…,k]", "x[...,k]"),
    ],
)
def test_brackets(node: L.Node, unicode: str, ascii: str) -> None:
    assert Text().line(node) == unicode
    assert Text(ascii=True).line(node) == ascii


def test_the_tables_are_full() -> None:
    """Every layout node is printed by every format."""
    from derive.reports import latex, mathml, text

    kinds = {k for k in vars(L).values() if isinstance(k, type) and issubclass(k, L.Node) and k is not L.Node}
    assert kinds == set(L.LEVELS) == set(text._PRINTERS) == set(latex._PRINTERS) == set(mathml._PRINTERS)


def test_latex_holds_fractions_without_brackets() -> None:
    assert latex(L.Product((L.Fraction(a, b), c))) == r"\frac{a}{b} \, c"
    assert latex(L.Power(L.Fraction(a, b), L.Number("2"))) == r"\left(\frac{a}{b}\right)^{2}"
    assert latex(L.Word("beta_1")) == r"\mathrm{beta\_1}"


def test_lines_break_at_the_shallowest_place_that_fits() -> None:
    long = L.Sum(tuple(L.Product((L.Element(f"tensor_{n}", (L.Word("i"),)), L.Sum((a, b)))) for n in range(6)))
    lines = fold(Text().run(long), WIDTH, "    ")
    assert len(lines) > 1 and all(len(line) <= WIDTH for line in lines)
    assert all(line.lstrip().startswith("+ ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == Text().line(long)


def test_nothing_is_lost_where_nothing_fits() -> None:
    run = joined([word("x" * 200), word("y" * 200)], ",")
    assert "".join(line.strip() for line in fold(run, WIDTH, " ")) == flat(run)
