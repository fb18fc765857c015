"""Properties of every catalogue entry; a new entry is tested by existing."""

import ast
from pathlib import Path

import pytest

from derive.language import catalogue_index, load_definition
from derive.verify import check
from derive.verify.references import OPTIMIZERS, REFERENCES
from derive.verify.samples import SETTINGS

NAMES = tuple(catalogue_index())
FAMILIES = sorted({file for _, file in catalogue_index().values()})


TELLING = ("plain", "asymmetric", "ties", "empty", "masked")


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_right(name):
    """Forward, gradients of order one and two, tangents, probes and the exact identity, on the telling kinds of input.

    ``derive check --all`` takes every kind.  Through an optimizer's many steps the second order is long; its first is
    checked.
    """
    steps = load_definition(name).role == "optimizer"
    verdict = check(name, orders=(1,) if steps else (1, 2), kinds=TELLING)
    assert verdict.passed, "\n".join(f"{r.check} | {r.case} | {r.detail}" for r in verdict.failures)
    decided = {row.check for row in verdict.rows if row.status == "passed"}
    assert "forward, torch's operation" in decided or "trajectory, interpreter" in decided
    assert {"gradient, numpy", "gradient, torch", "probes"} <= decided
    left_out = [row.case for row in verdict.rows if row.check == "inputs" and not row.case.startswith("masked")]
    assert not left_out, "every kind of input is made at every setting"


@pytest.mark.parametrize("name", NAMES)
def test_entry_has_a_docstring_and_an_oracle(name):
    assert load_definition(name).doc
    assert (name in REFERENCES) != (name in OPTIMIZERS)


def test_tables_name_only_entries():
    for table in (REFERENCES, OPTIMIZERS, SETTINGS):
        assert not set(table) - set(NAMES)


@pytest.mark.parametrize("file", FAMILIES, ids=lambda f: Path(f).stem)
def test_family_is_data(file):
    """A family's file holds a docstring and definitions, nothing that would run."""
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    assert isinstance(body[0], ast.Expr) and all(isinstance(n, ast.FunctionDef) for n in body[1:])
    assert all(role(d) in ("layer", "optimizer") for n in body[1:] for d in n.decorator_list)


def role(decorator):
    """``layer`` of ``@layer`` and of ``@layer(torch=…)``."""
    return decorator.func.id if isinstance(decorator, ast.Call) else decorator.id
