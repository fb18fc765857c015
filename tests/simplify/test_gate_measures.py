"""What the gate could not evaluate did not pass it."""

from __future__ import annotations

import pytest

import derive
from derive.calculus import adjoint
from derive.simplify import simplify
from derive.simplify.gate import NotMeasured, check_equal

NOWHERE = """
@layer
def nowhere(x: Real[K]):
    y[k] = log(-1 - x[k]**2)*x[k]
    return y
"""


def test_an_output_without_a_value_anywhere_is_not_equal():
    program = derive.load(NOWHERE)
    with pytest.raises(NotMeasured, match="no point of y"):
        check_equal(program, program)


def test_what_cannot_be_measured_stays_as_it_was():
    program = derive.load(NOWHERE)
    mechanical = adjoint(program)
    assert simplify(mechanical, program).definitions["dx"] == mechanical.definitions["dx"]
