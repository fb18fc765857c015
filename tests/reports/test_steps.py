"""``--steps``: what a teacher would say, for any program, in 80 columns, in both languages."""

from __future__ import annotations

import inspect
import json
import re
import string

import pytest
from click.testing import CliRunner

from derive.cli import commands
from derive.doors import load
from derive.errors import InputError
from derive.language import parse_text
from derive.reports import render, steps, stepwise
from derive.reports.phrases import LANGUAGES, PHRASES, phrase
from derive.reports.plain import columns, filled
from derive.simplify.passes import PASSES
from derive.verify.walkthrough import CASES, Walkthrough, walkthrough

SHOWN = ("linear", "conv2d", "softmax", "layer_norm", "embedding", "cross_entropy", "rnn", "adam", "bilinear")
_KNOWN: dict[str, Walkthrough] = {}


def walked(name: str, **choices) -> Walkthrough:
    if name not in _KNOWN:
        _KNOWN[name] = walkthrough(load(name, **choices))
    return _KNOWN[name]


def text(name: str, language: str = "en", form: str = "text", **choices) -> str:
    return render(steps(walked(name, **choices), language), form)


# ------------------------------------------------------------------------------ phrases


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_phrase_is_there_in_every_language_with_the_same_names():
    for key, row in PHRASES.items():
        assert len(row) == len(LANGUAGES) and all(row), key
        assert len({frozenset(fields(r)) for r in row}) == 1, key
        assert re.search("[\u4e00-\u9fff]", row[1]) and not re.search("[\u4e00-\u9fff]", row[0]), key


def test_every_pass_and_every_special_case_has_a_phrase():
    for rewrite in PASSES:
        assert {rewrite.__name__, f"{rewrite.__name__} says"} <= set(PHRASES)
    for key, _ in CASES:
        assert phrase(key, "zh", names="x")


def test_no_phrase_is_idle():
    source = inspect.getsource(stepwise)
    dynamic = {n for rewrite in PASSES for n in (rewrite.__name__, f"{rewrite.__name__} says")}
    dynamic |= {f"ran {kind}" for kind in ("matrix", "contraction", "code")}
    idle = [k for k in PHRASES if f'"{k}"' not in source and k not in dynamic and k not in dict(CASES)]
    assert idle == []


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_eighty_columns(name, language):
    for line in text(name, language).splitlines():
        assert columns(line) <= 80, line


def test_a_convolution_is_told_in_full():
    shown = text("conv2d")
    for wanted in (
        "y[n',f,p,q] = bias[f]",
        "dx[n,c,h,w] = Σ n',f,p,q  dy[n',f,p,q] · ∂y[n',f,p,q] / ∂x[n,c,h,w]",
        "[n' = n] · [c' = c]",
        "n' = n, c' = c: the sum over n', c' goes.",
        "p = (h + padding[0] − i·dilation[0]) / stride[0]",
        "only   stride[0] | h + padding[0] − i·dilation[0],  0 ≤ p < OH",
        "Of the inputs, the backward reads x, weight.",
        "dbias = dy.sum(axis=(0, 2, 3))",
        "an element that no term reaches has an empty sum",
        "all equal",
    ):
        assert wanted in shown, wanted


def test_simplifications_are_named_with_their_theorems():
    shown = text("layer_norm")
    theorem, substitution = "Σ k  xhat[…,k] = 0", "x[…,k] = mu[…] + xhat[…,k] / r[…]"
    for wanted in (substitution, theorem, "change of basis", "No longer needed: dxhat"):
        assert wanted in shown, wanted
    assert "what is identically zero" in text("softmax")
    assert "simplifying" not in text("linear")


def test_uses_are_added_and_the_recurrence_is_followed():
    shown = text("rnn")
    assert "h is used" in shown and "h is an output as well" in shown and "t' = t + 1" in shown
    assert "np.einsum" in shown


def test_nothing_knows_a_layers_name():
    source = "@layer\ndef thing(x: Real[N], w: Real[N]):\n    y[n] = exp(w[n])*x[n]**3\n    return y\n"
    shown = render(steps(walkthrough(load(source))))
    assert "∂y[n'] / ∂x[n] = [n' = n] · 3 · x[n']² · exp(w[n'])" in shown


@pytest.mark.parametrize("form", ["latex", "markdown", "mathml", "json", "ascii"])
def test_every_format_prints_the_steps(form):
    shown = text("softmax", "en", form)
    assert "chain rule" in shown
    assert form != "ascii" or shown.isascii()
    if form == "json":
        blocks = json.loads(shown)["blocks"]
        assert any(b.get("code") for b in blocks) and any(b.get("says") for b in blocks)
    if form in ("latex", "markdown"):
        assert r"\partial " in shown


def test_wide_signs_take_two_columns():
    assert columns("下标 k") == 6
    assert all(columns(line) <= 10 for line in filled("一二三四五六七，八九十 abc def", 10))
    assert filled("a bb ccc", 4) == ["a bb", "ccc"]


# ------------------------------------------------------------------------------ the command


def run(*arguments: str):
    return CliRunner().invoke(commands, ["layer", *arguments, "--no-cache"])


def test_the_command_tells_the_steps_of_the_inputs_asked_for():
    result = run("linear", "--steps", "--wrt", "bias", "--lang", "zh")
    assert result.exit_code == 0 and "链式法则" in result.output and "dweight[" not in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", "--order", "2"), "leave --order and --jvp out"),
        (("--steps", "--jvp"), "leave --order and --jvp out"),
        (("--steps", "--format", "python"), "text, latex, markdown, mathml"),
        (("--notation", "matrix", "--format", "python"), "text, latex, markdown, mathml"),
        (("--steps", "--notation", "matrix"), "leave --notation out"),
        (("--lang", "zh"), "add --steps"),
    ],
)
def test_options_that_do_not_fit_are_a_usage_error(options, said):
    result = run("linear", *options)
    assert result.exit_code == 2 and said in " ".join(result.output.split())


def test_python_is_the_definition_language():
    result = run("softmax", "--format", "python", "--order", "2")
    assert result.exit_code == 0
    names = [d.name for d in parse_text(result.output)]
    assert names == ["softmax", "softmax_vjp", "softmax_vjp_vjp"]
    adam = CliRunner().invoke(commands, ["optimizer", "adam", "--format", "python", "--no-cache"])
    assert [d.name for d in parse_text(adam.output)] == ["adam"]


def test_nothing_to_derive_is_said():
    with pytest.raises(InputError, match="no differentiable input"):
        walkthrough(load("@layer\ndef f(t: Index[N]):\n    y[n] = t[n] + 1\n    return y\n"))
