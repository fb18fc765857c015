"""torch's own samples of its own modules (``module_db``), and ours: derive.nn gives the same values and derivatives.

Here a sample of every setting, two orders; ``python -m benchmarks.modules`` runs them all.
"""

import pytest
import torch

import derive.nn
from derive.verify import modules as bed

NAMES = sorted(bed.names())
#: Samples of a class in a test run, and how many of them to the second order; the rest is the command's.
MOST, TWICE = 12, 2


@pytest.mark.parametrize("name", NAMES)
def test_every_module_of_torchs_own_bed(name):
    step = -(-bed.count(name) // MOST)
    found = [*bed.outcomes(name, 2, slice(0, TWICE)), *bed.outcomes(name, 1, slice(TWICE, None, step))]
    assert found
    assert [f"#{o.sample} {o.setting}: {o.reason}" for o in found if not o.passed] == []


class _Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        return y.clone()

    @staticmethod
    def backward(ctx, dy):
        return dy * 1.000001


def test_a_gradient_off_by_a_millionth_is_seen(monkeypatch):
    right = derive.nn.GELU.forward
    monkeypatch.setattr(derive.nn.GELU, "forward", lambda self, x: _Wrong.apply(right(self, x)))
    monkeypatch.setattr(bed, "MOVES", bed.MOVES | {"_Wrong"})
    assert {o.reason.split(":")[0] for o in bed.outcomes("GELU", order=1)} == {"derivative of order 1 0"}


def test_torchs_own_derivative_is_seen(monkeypatch):
    monkeypatch.setattr(derive.nn.GELU, "forward", torch.nn.GELU.forward)
    assert {o.reason for o in bed.outcomes("GELU", order=1)} == {"torch differentiates Gelu"}


def test_another_initial_value_is_seen(monkeypatch):
    zeros = lambda self: torch.nn.init.zeros_(self.weight)  # noqa: E731
    monkeypatch.setattr(derive.nn.Linear, "reset_parameters", zeros, raising=False)
    assert all(o.reason.startswith("initial values") for o in bed.outcomes("Linear", order=0))
