"""⟨dy, J tx⟩ = ⟨Jᵀ dy, tx⟩ for every definition of the catalogue and for its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from derive.calculus import adjoint, groups, tangent
from derive.functions import absolute, maximum, minimum
from derive.interpreter import run
from derive.language import catalogue_index, load_definition, specialise
from derive.program import Compare, Modulo, Program, Read, Reduce, tensors_read, walk
from derive.verify.inputs import make
from derive.verify.samples import SETTINGS

#: Beyond so many statements the gradient's own gradient takes the reference interpreter too long.
SECOND_ORDER = 14

KINKS = (absolute, maximum, minimum)
NAMES = tuple(catalogue_index())


def program_of(name: str) -> Program:
    return specialise(load_definition(name), **SETTINGS.get(name, ({},))[0])


def defect(program: Program, inputs: dict, hypers: dict) -> tuple[float, Program, dict]:
    """The relative difference of the two products, and the gradient with its data."""
    random = np.random.default_rng(0)
    reverse, forward, own = adjoint(program), tangent(program), len(program.inputs)
    values = run(program, inputs, hypers)
    outputs = [n for n in program.outputs if program.tensor(n).differentiable]
    real = [t.name for t in program.inputs if t.differentiable]
    dy = {t.name: random.normal(size=values[o].shape) for t, o in zip(reverse.inputs[own:], outputs, strict=True)}
    tx = {t.name: random.normal(size=np.shape(inputs[x])) for t, x in zip(forward.inputs[own:], real, strict=True)}
    pulled, pushed = run(reverse, inputs | dy, hypers), run(forward, inputs | tx, hypers)
    left = sum((dy[n] * pushed[y]).sum() for n, y in zip(dy, forward.outputs, strict=True))
    right = sum((tx[n] * pulled[x]).sum() for n, x in zip(tx, reverse.outputs, strict=True))
    return abs(left - right) / (1 + abs(left)), reverse, inputs | dy


@pytest.mark.parametrize("name", NAMES)
def test_the_modes_are_transposes_at_both_orders(name: str) -> None:
    program = program_of(name)
    case = make(program, "plain")
    assert case is not None, f"no data fit {name}"
    error, gradient, data = defect(program, case.inputs, case.hypers)
    assert error < 1e-11
    if len(program.statements) <= SECOND_ORDER:
        assert defect(gradient, data, case.hypers)[0] < 1e-11


@pytest.mark.parametrize("name", NAMES)
def test_derived_programs_are_well_formed(name: str) -> None:
    """Everything read is there, in order; recurrences turn round; no letter is bound twice on a path."""
    program = program_of(name)
    for derived in (adjoint(program), tangent(program), adjoint(adjoint(program))):
        names = [t.name for t in derived.inputs] + [s.name for s in derived.statements]
        assert len(names) == len(set(names))
        known = {t.name for t in derived.inputs}
        for group in groups(derived):
            known |= set(group.names)
            for member in group.names:
                assert known.issuperset(tensors_read(derived.definitions[member]))
        for statement in derived.statements:
            for piece in statement.pieces:
                _assert_bound_once(piece.rhs, dict.fromkeys(piece.letters))


@pytest.mark.parametrize("name", NAMES)
def test_no_delta_is_left_but_divisibility_and_data(name: str) -> None:
    """What remains of ``index == target`` under a sum reads data, is a kink, or asks for divisibility."""
    for derived in (adjoint(program_of(name)), tangent(program_of(name))):
        for e in (n for s in derived.statements for p in s.pieces for n in walk(p.rhs)):
            if isinstance(e, Reduce) and e.op == "sum":
                for filter_ in e.filters:
                    if isinstance(filter_, Compare) and filter_.op == "==":
                        kinds = {type(n) for n in walk(filter_)}
                        assert kinds & {Read, Modulo, *KINKS}, filter_


def _assert_bound_once(e, above: dict) -> None:
    if isinstance(e, Reduce):
        assert not [letter for letter in e.letters if letter in above]
        above = {**above, **dict.fromkeys(e.letters)}
    for a in e.args:
        _assert_bound_once(a, above)


def test_no_rule_knows_a_layers_name() -> None:
    """Derivatives come from constructs: renaming a program changes nothing but its name."""
    program = program_of("softmax")
    other = adjoint(replace(program, name="zzz"))
    assert replace(other, name="") == replace(adjoint(program), name="")
