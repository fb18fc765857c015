"""Code trees as text."""

import ast

import pytest

from derive.lower import lower
from derive.targets.text import function_text, wrapped
from derive.targets.to_numpy import function
from tests.lower.programs import TEXTS, program


@pytest.mark.parametrize("title", TEXTS)
def test_comments_stand_above_the_lines_they_explain(title):
    p = program(title)
    names = [s.name for s in p.statements]
    text = function_text(function(lower(p)), {n: [f"formula of {n}"] for n in names})
    assert ast.parse(text)
    assert all(text.count(f"# formula of {n}\n") == 1 for n in names)


def test_long_lines_are_broken_and_mean_the_same():
    line = (
        "    y = _correlate(x.reshape(N, 1, C, H, W), w.reshape(1, F, C, 3, 3), (-1, -1), (H, W), (1, 1)).reshape(N, F)"
    )
    broken = wrapped(line)
    assert len(broken) > 1 and max(map(len, broken)) <= 96
    assert ast.dump(ast.parse("if 1:\n" + "\n".join(broken))) == ast.dump(ast.parse("if 1:\n" + line))


def test_short_lines_stay():
    assert wrapped("y = f(x)") == ["y = f(x)"]
