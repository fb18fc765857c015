"""The record of an adjoint: the same adjoint, and a record whose steps lead from the deltas to the terms."""

from __future__ import annotations

import pytest

from derive.calculus.adjoint import adjoint
from derive.calculus.trace import trace
from derive.doors import load
from derive.language.find import catalogue_index
from derive.program import Bind, Compare, Letter, walk

NAMES = tuple(catalogue_index())
#: What a definition cannot be loaded without.
CHOICES = {"spread_axis": {"axis": 1}}
_KNOWN: dict = {}


def loaded(name: str):
    return load(name, **CHOICES.get(name, {}))


def traced(name: str):
    if name not in _KNOWN:
        _KNOWN[name] = trace(loaded(name))
    return _KNOWN[name]


@pytest.mark.parametrize("name", NAMES)
def test_watching_changes_nothing(name):
    assert traced(name).program == adjoint(loaded(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_cotangent_is_the_sum_of_its_uses(name):
    found = traced(name)
    definitions = found.program.definitions
    for tensor, uses in found.uses.items():
        if found.cotangents[tensor] not in definitions:
            continue  # nothing before it is differentiated: its cotangent reaches nobody
        rhs = definitions[found.cotangents[tensor]].pieces[0].rhs
        terms = [u.term for u in uses if u.term != 0]
        own = tensor in found.primal.outputs
        assert len(rhs.as_ordered_terms()) <= sum(len(t.as_ordered_terms()) for t in terms) + own


@pytest.mark.parametrize("name", NAMES)
def test_every_index_has_its_delta_and_every_move_removes_a_letter(name):
    for uses in traced(name).uses.values():
        for use in uses:
            assert len(use.deltas) == len(use.targets)
            for move in use.moves:
                assert move.letter not in {e.letter for e in move.entries if isinstance(e, Bind)}
                assert move.letter not in set(walk(move.body))


@pytest.mark.parametrize("name", ["conv2d", "lstm", "layer_norm"])
def test_letters_are_the_tensors_own_or_primed(name):
    for uses in traced(name).uses.values():
        for use in uses:
            letters = {n.name for e in (*use.entries, use.body, *use.targets) for n in walk(e) if isinstance(n, Letter)}
            assert len({k.name for k in use.targets}) == len(use.targets)
            assert not any(part.isdigit() for l in letters for part in l.rstrip("'").rpartition("_")[2:])


def test_a_strided_letter_is_solved_with_its_conditions():
    (use,) = traced("conv2d").uses["x"]
    solved = {m.letter.name: m for m in use.moves}
    assert list(solved) == ["n'", "c'", "p", "q"]
    assert solved["n'"].conditions == ()
    assert [c.op for c in solved["p"].conditions] == ["==", "<=", "<"]
    assert all(isinstance(c, Compare) for c in solved["p"].conditions)


def test_a_range_that_differs_is_asked():
    moves = [m for u in traced("lstm").uses["c"] for m in u.moves if m.letter.name == "t'"]
    assert [len(m.conditions) for m in moves] == [2, 2]
