"""A mutant of every catalogue entry; the whole is ``python -m benchmarks mutation``."""

import random

import pytest

from derive.language import catalogue_index
from derive.verify.mutation.operators import BACKWARD, TOGETHER
from derive.verify.mutation.running import Bench
from derive.verify.mutation.sweep import Sweep
from derive.verify.subject import subjects

EACH = 1


@pytest.mark.parametrize("name", sorted(catalogue_index()))
def test_mutants_of_every_entry_die(name):
    """The first operator that applies, in an order drawn by the entry's name, in the entry's first setting."""
    sweep = Sweep((Bench(next(iter(subjects(name)))),), seed=0, limit=1)
    operators = [*BACKWARD, TOGETHER]
    random.Random(name).shuffle(operators)
    found = []
    for operator in operators:
        found += [f for f in sweep.of(operator) if f.status != "not applicable"]
        if len(found) >= EACH:
            break
    assert found and all(f.status in ("killed", "equivalent") for f in found), found
