"""Optimizers that torch has not, beside their papers' rules; sophia, schedule-free and clipping as people use them."""

from __future__ import annotations

import inspect

import pytest
import torch

import derive.optim
from derive.errors import InputError
from derive.optim.table import OWN
from derive.verify.references import optimizer
from derive.verify.references.update_rules import path
from derive.verify.samples.optimizer import SETTINGS
from tests.optim.paths import TOLERANCE, by_class, distance

CASES = [(name, settings) for name, entry in OWN.items() for settings in SETTINGS[entry.definition]]


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_every_step_is_the_papers(name, settings):
    definition = OWN[name].definition
    theta, grads = optimizer.gradients(optimizer.SHAPES.get(definition, (3,)), 6, 11)
    hypers = {n: p.default for n, p in inspect.signature(getattr(derive.optim, name)).parameters.items()}
    hypers = {**{n: v for n, v in hypers.items() if n not in ("params", "differentiable")}, **settings}
    beside = {"Sophia": lambda p, g: setattr(p, "hess", g**2)}.get(name, lambda p, g: None)
    found = by_class(lambda params: getattr(derive.optim, name)(params, **settings), theta, grads, beside=beside)
    assert distance(found, path(definition, theta, grads, hypers)) <= TOLERANCE


def test_sophia_says_what_it_lacks():
    p = torch.nn.Parameter(torch.ones(3))
    p.grad = torch.ones(3)
    with pytest.raises(InputError, match="hess"):
        derive.optim.Sophia([p]).step()


def test_schedule_free_is_evaluated_at_the_average():
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    stepping = derive.optim.ScheduleFreeSGD([p], lr=0.1)
    for n in range(3):
        p.grad = torch.full_like(p, n + 1.0)
        stepping.step()
    trained = p.detach().clone()
    stepping.eval()
    average = p.detach().clone()
    z = torch.ones(2, dtype=torch.float64) - 0.1 * torch.tensor([1.0, 3.0, 6.0]).double()[:, None]
    assert torch.allclose(average, z.mean(0), rtol=1e-12)
    stepping.eval()
    assert torch.equal(p, average)
    stepping.train()
    assert torch.equal(p, trained) and not torch.equal(p, average)


@pytest.mark.parametrize("bad", [{"lr": -1.0}, {"betas": (0.9, 1.0)}, {"eps": -1e-3}, {"weight_decay": -0.1}], ids=str)
def test_values_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        derive.optim.AdaBelief([torch.nn.Parameter(torch.ones(1))], **bad)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="momentum"):
        derive.optim.Lion([torch.nn.Parameter(torch.ones(1))], momentum=0.9)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
def test_clipping_is_torchs(norm_type):
    torch.manual_seed(0)
    for size in (0.1, 10.0):
        mine, theirs = ([torch.nn.Parameter(torch.zeros(n, 2)) for n in (3, 4)] for _ in range(2))
        for p, q in zip(mine, theirs, strict=True):
            p.grad = torch.randn(p.shape) * size
            q.grad = p.grad.clone()
        norms = [
            derive.optim.clip_grad_norm_(mine, 2.0, norm_type),
            torch.nn.utils.clip_grad_norm_(theirs, 2.0, norm_type),
        ]
        torch.testing.assert_close(*norms)
        for p, q in zip(mine, theirs, strict=True):
            torch.testing.assert_close(p.grad, q.grad)
        derive.optim.clip_grad_value_(mine, 0.3)
        torch.nn.utils.clip_grad_value_(theirs, 0.3)
        assert all(torch.allclose(p.grad, q.grad) for p, q in zip(mine, theirs, strict=True))
