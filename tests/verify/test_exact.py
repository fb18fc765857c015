"""The modular identity: holds for derived pairs, and one wrong coefficient breaks it."""

import pytest

import derive
from derive.calculus.adjoint import adjoint
from derive.calculus.tangent import tangent
from derive.verify import exact
from derive.verify.inputs import make
from tests.verify.mutants import FAULTS

NAMES = ("linear", "softmax", "layer_norm", "gelu", "rnn", "max_pool2d")


def _pair(name):
    program = derive.load(name, **({"kernel_size": 2} if name == "max_pool2d" else {}))
    return make(program, "plain"), adjoint(program), tangent(program)


@pytest.mark.parametrize("name", NAMES)
def test_identity_holds(name):
    found = exact.identity(*_pair(name))
    assert not isinstance(found, str), found
    assert found.holds and found.left != 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["sign", "scale 1+1e-6", "path dropped"])
def test_identity_breaks(name, fault):
    case, right, other = _pair(name)
    for mutant in FAULTS[fault](right):
        assert not exact.identity(case, mutant, other).holds


def test_the_probability_of_a_wrong_yes_is_stated():
    assert 0 < exact.FAILURE_PROBABILITY < 1e-11
