"""Properties of every catalogue entry; a new entry is tested by existing."""

import ast
from pathlib import Path

import pytest

from derive.language import catalogue_index, load_definition, specialise
from derive.verify import check
from derive.verify.references import OPTIMIZERS, REFERENCES, named
from derive.verify.samples import SETTINGS

NAMES = tuple(catalogue_index())
FAMILIES = sorted({file for _, file in catalogue_index().values()})


TELLING = ("plain", "asymmetric", "ties", "empty", "masked")

#: A program of more statements is made of entries that are checked by themselves: here, whether they are put together
#: right.
COMPOSED = 32
FITTING = ("forward", "gradient of torch's operation", "trajectory", "gradient", "probes")


def settings(name):
    """What of the ladder an entry climbs here; ``derive check --all`` takes every rung and kind.

    Through an optimizer's many steps and a composition's many layers the second order is long; the first is checked.
    """
    choices = SETTINGS.get(name, ({},))[0]
    if load_definition(name).role == "optimizer":
        return {"orders": (1,), "kinds": TELLING}
    if len(specialise(load_definition(name), **choices).statements) > COMPOSED:
        return {"orders": (1,), "kinds": ("plain",), "rungs": FITTING}
    return {"orders": (1, 2), "kinds": TELLING}


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_right(name):
    """Forward, gradients, tangents, probes and the exact identity, on the telling kinds of input."""
    verdict = check(name, **settings(name))
    assert verdict.passed, "\n".join(f"{r.check} | {r.case} | {r.detail}" for r in verdict.failures)
    decided = {row.check for row in verdict.rows if row.status == "passed"}
    assert {"gradient, numpy", "gradient, torch", "probes"} <= decided
    assert not has_torchs(name) or {"forward, torch's operation", "trajectory, interpreter"} & decided
    left_out = [row.case for row in verdict.rows if row.check == "inputs" and not row.case.startswith("masked")]
    assert not left_out, "every kind of input is made at every setting"


def has_torchs(name):
    """Whether torch has the same: a row of the tables, or a function that the definition names."""
    return name in REFERENCES or name in OPTIMIZERS or named(load_definition(name)) is not None


@pytest.mark.parametrize("name", NAMES)
def test_entry_has_a_docstring_and_torchs_name_an_oracle(name):
    definition = load_definition(name)
    assert definition.doc
    assert has_torchs(name) or not definition.torch
    assert not (name in REFERENCES and name in OPTIMIZERS)


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
