"""Reading: the catalogue's index without SymPy, every entry loads, the same program under every hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from derive.language import catalogue_index, load_definition, parse_text, specialise
from derive.order import strongly_connected
from derive.program import Letter, bound_letters, free_letters


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def test_the_index_loads_no_sympy():
    code = "import sys; from derive.language import catalogue_index; catalogue_index(); print('sympy' in sys.modules)"
    assert _python(code).strip() == "False"


@pytest.mark.parametrize("name", catalogue_index())
def test_entry_loads(name: str):
    program = specialise(load_definition(name))
    assert program.outputs and program.name == name
    order = [t.name for t in program.inputs] + [s.name for s in program.statements]
    assert len(order) == len(set(order))
    for statement in program.statements:
        for piece in statement.pieces:
            assert len(piece.indices) == len(statement.tensor.parts)
            assert _unbound(piece) == set()


def _unbound(piece) -> set[Letter]:
    return (
        (free_letters(piece.rhs) | {s for e in piece.entries for s in free_letters(e)})
        - set(piece.letters)
        - set(bound_letters(piece.rhs))
    )


def test_the_same_program_under_every_hash_seed():
    code = "import derive\nfor n in ('conv2d', 'lstm', 'cnn', 'adam', 'cross_entropy'): print(repr(derive.load(n)))"
    texts = {_python(code, PYTHONHASHSEED=str(seed)) for seed in (0, 1, 2)}
    assert len(texts) == 1


def test_path_and_name(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        '"""Mine."""\n\n@layer\ndef a(x: Real[N]):\n    return x\n\n@loss\ndef b(x: Real[N]):\n    return x\n'
    )
    assert load_definition(f"{path}:a").role == "layer"
    assert load_definition(str(path)).name == "b"
    assert load_definition(str(path)).role == "loss"


def test_text_is_a_target():
    assert load_definition("@layer\ndef a(x: Real[N]):\n    return x").name == "a"


def test_a_comment_with_brackets_is_no_nesting():
    assert parse_text("# " + "(" * 500 + "\ndef a(x: Real[N]):\n    return x")[0].name == "a"


def test_groups_come_after_what_they_depend_on():
    graph = {"a": ("b",), "b": ("c", "d"), "c": ("b",), "d": (), "e": ("a", "x")}
    assert strongly_connected(graph) == (("d",), ("b", "c"), ("a",), ("e",))


def test_long_chains_do_not_recurse():
    graph = {str(i): (str(i + 1),) for i in range(20_000)}
    assert len(strongly_connected(graph)) == 20_000
