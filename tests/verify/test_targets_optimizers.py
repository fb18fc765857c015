"""Optimizer classes: a right one passes beside the catalogue's, each planted fault is told by the check it breaks."""

import inspect

import pytest
import torch

from derive.errors import InputError
from derive.verify import check, run
from derive.verify.request import Request


class Rule(torch.optim.Optimizer):
    """AdamW written by hand; the faults below change one line of it each."""

    eps_inside = no_correction = coupled = decay_after = forgets = caches = False
    writes = ignores_closure = no_loss = no_grad_closure = crashes_on_none = moves_on_none = by_memory = first_group = (
        False
    )
    divides = half = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, maximize=False, foreach=None):
        hypers = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hypers)
        self.rate, self.own, self.foreach = lr, {}, foreach

    def step(self, closure=None):
        loss = None
        if closure is not None and not self.ignores_closure:
            with torch.set_grad_enabled(not self.no_grad_closure):
                loss = closure()
        for group in self.param_groups:
            options = self.param_groups[0] if self.first_group else group
            for p in group["params"]:
                if p.grad is None and not self.crashes_on_none:
                    if self.moves_on_none:
                        p.data.mul_(1 - options["lr"] * options["weight_decay"])
                    continue
                with torch.no_grad():
                    self.update(p, -p.grad if options["maximize"] else p.grad, options)
        return None if self.no_loss else loss

    def update(self, p, g, o):
        state = self.own.setdefault(id(p), {}) if self.forgets else self.state[p]
        if not state:
            state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["t"] += 1
        (b1, b2), t, lr = o["betas"], state["t"], self.rate if self.caches else o["lr"]
        if self.coupled:
            g = g + o["weight_decay"] * p
        elif not self.decay_after:
            p.mul_(1 - lr * o["weight_decay"])
        state["m"].mul_(b1).add_(g, alpha=1 - b1)
        state["v"].mul_(b2).add_(g * g, alpha=1 - b2)
        c1, c2 = (1, 1) if self.no_correction else (1 - b1**t, 1 - b2**t)
        v = state["v"] / c2
        root = (v + o["eps"]).sqrt() if self.eps_inside else v.sqrt() + (0 if self.divides else o["eps"])
        step = lr / c1 * state["m"] / root
        if self.half and self.foreach:
            step = step.float().double()
        if self.by_memory:
            p.as_strided((p.numel(),), (1,)).sub_(step.reshape(-1))
        else:
            p.sub_(step)
        if self.decay_after:
            p.mul_(1 - lr * o["weight_decay"])
        if self.writes and p.grad is not None:
            p.grad.zero_()


#: attribute → the check that tells.
FAULTS = {
    "eps_inside": "trajectory",
    "no_correction": "trajectory",
    "coupled": "trajectory",
    "decay_after": "trajectory",
    "forgets": "contract, state through state_dict",
    "caches": "contract, learning rate read at every step",
    "writes": "contract, gradients unchanged",
    "ignores_closure": "contract, closure",
    "no_loss": "contract, closure",
    "no_grad_closure": "contract, closure",
    "crashes_on_none": "contract, missing gradients",
    "moves_on_none": "contract, missing gradients",
    "by_memory": "contract, strided parameters",
    "first_group": "contract, parameter groups",
    "divides": "contract, zero gradients",
    "half": "contract, foreach as for-loop",
}


def test_a_right_one_passes():
    verdict = check(Rule, reference="adamw")
    assert verdict.passed and not verdict.of("inconclusive"), verdict.failures
    assert any(row.check == "trajectory" and row.status == "passed" for row in verdict.rows)
    assert verdict.where.endswith(f":{inspect.unwrap(Rule.step).__code__.co_firstlineno}")
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(fault):
    wrong = type(fault.title(), (Rule,), {fault: True})
    verdict = check(wrong, reference="adamw")
    assert FAULTS[fault] in {row.check for row in verdict.failures}, verdict.rows


def test_maximize_must_be_the_mirror_image():
    class Forgets(torch.optim.SGD):
        def __init__(self, params, lr=1e-3, maximize=False):
            super().__init__(params, lr)

    assert {row.check for row in check(Forgets).failures} == {"contract, maximize"}


def test_without_a_reference_the_promises_are_checked_and_that_is_said():
    verdict = check(Rule)
    assert verdict.passed and any("no independent optimizer" in row.reason for row in verdict.rows)
    stuck = type("Stuck", (Rule,), {"caches": True})
    row = next(row for row in check(stuck).rows if "learning rate" in row.check)
    assert row.status == "inconclusive" and "scheduler" in row.reason


def test_where_steps_part_is_told():
    wrong = type("Wrong", (Rule,), {"no_correction": True})
    detail = next(row.detail for row in check(wrong, reference="adamw").failures if row.check == "trajectory")
    assert detail.startswith("first apart at step 1 of 12")


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "NAdam", "Rprop", "RMSprop", "LBFGS"])
def test_torchs_own_pass(name):
    reference = None if name == "LBFGS" else name
    assert check(getattr(torch.optim, name), reference=reference).passed


def test_a_reference_class_and_settings():
    assert check(Rule, {"lr": 0.1}, {"weight_decay": 0.3}, reference=torch.optim.AdamW).passed
    assert check(torch.optim.Adam, {"weight_decay": 0.3}, reference=torch.optim.AdamW).failures
    assert run(Request("torch.optim:AdamW", reference="adamw")).passed


def test_bad_input():
    with pytest.raises(InputError, match="no optimizer named"):
        check(Rule, reference="adamwe")
    with pytest.raises(InputError, match="settings"):
        check(Rule, torch.ones(3))
    verdict = run(Request("torch.optim:AdamW", reference="adamwe"))
    assert [row.check for row in verdict.rows] == ["load"]

    class Needs(Rule):
        def __init__(self, params, temperature):
            super().__init__(params)

    with pytest.raises(InputError, match="needs temperature"):
        check(Needs)
    assert check(Needs, {"temperature": 3}).checked

    class Raises(Rule):
        def step(self, closure=None):
            raise RuntimeError("not today")

    assert "RuntimeError: not today" in check(Raises).failures[0].detail
    assert check(torch.optim.SparseAdam).exit_code == 5
