"""Every catalogue entry at its fullest setting: generated forward, gradient and tangent equal the interpreter.

The checks of tests/catalogue take the code through every setting, beside another oracle.
"""

import pytest

import derive
from derive.calculus import adjoint, tangent
from derive.language import catalogue_index
from derive.verify.inputs import make
from derive.verify.samples import SETTINGS
from tests.lower.running import errors

CASES = [(name, setting) for name in catalogue_index() for setting in SETTINGS.get(name, ({},))[-1:]]
KINDS = ("asymmetric", "empty")


def title(case):
    name, setting = case
    return "-".join([name, *(f"{k}={v}" for k, v in setting.items())])


@pytest.fixture(scope="module", params=CASES, ids=title)
def program(request):
    name, setting = request.param
    return derive.load(name, **setting)


def agree(program, kinds):
    tried = 0
    for kind in kinds:
        case = make(program, kind)
        if case is not None:
            worst = {k: e for k, e in errors(program, case.inputs, case.hypers).items() if not e < 1e-12}
            assert not worst, (kind, worst)
            tried += 1
    assert tried


def test_forward(program):
    agree(program, KINDS)


def test_gradient(program):
    agree(adjoint(program), KINDS)


def test_tangent(program):
    agree(tangent(program), ("plain",))
