"""Bugs that once shipped, replayed: every one is flagged where it should be, and its right twin passes."""

import pytest
import torch

from derive.verify import check
from tests.verify.real_bugs import BUGS, PROB, X, operation, summed_loss


@pytest.mark.parametrize("name", BUGS)
def test_bug_is_flagged(name):
    _, forward, _, wrong, inputs, where = BUGS[name]
    verdict = check(operation("Wrong", forward, wrong), *inputs)
    assert any(where in row.check for row in verdict.failures), verdict.rows
    assert all(row.detail for row in verdict.failures)


@pytest.mark.parametrize("name", BUGS)
def test_right_twin_passes(name):
    _, forward, right, _, inputs, _ = BUGS[name]
    verdict = check(operation("Right", forward, right), *inputs)
    assert verdict.checked and not verdict.failures, verdict.failures


# ------------------------------------------------------------------------------ bugs of another shape


def test_forward_and_backward_wrong_together():
    """FastNN#4, which could not be found; after the words of the plan, "forward and backward wrong together"."""
    halved = operation("Halved", lambda x: 0.5 * x, lambda ctx, dy, x: 0.5 * dy)
    assert check(halved, X, reference=lambda x: 2 * x).failures
    assert check(halved, X, reference=lambda x: x / 2).passed


def test_where_gives_not_a_number():
    """pytorch#68425: the branch that is not taken is infinite, and 0·inf is no number (in float64 exp(1000) is)."""
    x = torch.tensor([-1.0, 0.5, 1000.0], dtype=torch.float64)
    wrong = check(lambda a: torch.where(a <= 0, torch.exp(a), 1 + a), x)
    assert any("finite" in (row.detail + row.check) for row in wrong.failures), wrong.rows
    right = check(lambda a: torch.where(a <= 0, torch.exp(a.clamp(max=0)), 1 + a), x)
    assert right.checked and not right.failures, right.failures


@pytest.mark.parametrize("whole", (True, False))
def test_second_derivative_of_a_summed_loss(whole):
    """pytorch#59477: under reduction="sum" the gradient by dy was ``ggO.sum()``, without the slope of the loss."""
    verdict = check(summed_loss(whole), PROB, PROB.flip(0))
    assert verdict.checked and {row.check for row in verdict.failures} == (set() if whole else {"probes of order 2"})


def test_long_sum_kept_in_half_precision():
    """mxnet#17703 summed the rows of an embedding's gradient in float16; here it is a forward's sum over a long axis.

    A backward that sums so passes: its own rounding is within what the formats of inputs and results allow it.
    """

    def kept_short(x):
        total = torch.zeros(x.shape[0], dtype=x.dtype)
        for column in x.unbind(1):
            total = total + column
        return x / total[:, None]

    def kept_wide(x):
        wide = torch.promote_types(x.dtype, torch.float32)
        return (x.to(wide) / x.to(wide).sum(1, keepdim=True)).to(x.dtype)

    from derive.verify import precision
    from derive.verify.bound import Bound

    x = 0.85 + 0.1 * torch.rand(1, 3000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = {}
    for function in (kept_short, kept_wide):
        rows = precision.rows(Bound(function, {"x": x}, ("x",)), "", ("float16", "bfloat16"))
        found[function] = [row.status for row in rows]
    assert found == {kept_short: ["failed", "failed"], kept_wide: ["passed", "passed"]}


# ------------------------------------------------------------------------------ update rules


class Rule(torch.optim.Optimizer):
    """One update rule with a switch for each of the faults below."""

    fault = ""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], group)
        return loss


class SGD(Rule):
    """mlx#473: decay only counted under momentum, and the first velocity was dampened."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0):
        torch.optim.Optimizer.__init__(
            self, params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        )

    def update(self, p, g, state, group):
        if not (self.fault == "decay" and not group["momentum"]):
            g = g + group["weight_decay"] * p
        if group["momentum"]:
            first = torch.zeros_like(p) if self.fault == "dampening" else None
            v = state.get("v", first)
            v = g.clone() if v is None else group["momentum"] * v + (1 - group["dampening"]) * g
            state["v"] = g = v
        p.sub_(group["lr"] * g)


class Adam(Rule):
    """Adam and its relatives: where eps stands, what decays, which second moment is the largest yet."""

    decoupled = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
        torch.optim.Optimizer.__init__(
            self, params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        )

    def update(self, p, g, state, group):
        (b1, b2), lr, eps, decay = group["betas"], group["lr"], group["eps"], group["weight_decay"]
        t = state["t"] = state.get("t", torch.zeros(())) + 1
        g = g if self.decoupled else g + decay * p
        if self.decoupled and self.fault != "late decay":
            p.mul_(1 - lr * decay)
        m = state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
        v = state["v"] = b2 * state.get("v", 0) + (1 - b2) * g**2
        one, two = 1 - b1**t, 1 - b2**t
        if group["amsgrad"]:
            kept = v / two if self.fault == "largest corrected" else v
            state["most"] = torch.maximum(state.get("most", kept), kept)
            v = state["most"] * two if self.fault == "largest corrected" else state["most"]
        if self.fault == "eps before correction":
            p.sub_(lr / one * two.sqrt() * m / (v.sqrt() + eps))
        else:
            p.sub_(lr / one * m / ((v / two).sqrt() + eps))
        if self.decoupled and self.fault == "late decay":
            p.sub_(lr * decay * p)


class AdamW(Adam):
    decoupled = True


#: Issue, rule, fault, reference.  transformers#14539 names two: decay of what was updated already, and eps.
RULES = (
    ("mlx#473", SGD, "decay", "sgd"),
    ("mlx#473", SGD, "dampening", "sgd"),
    ("transformers#14539", AdamW, "late decay", "adamw"),
    ("transformers#14539", AdamW, "eps before correction", "adamw"),
    ("tensorflow#35102", Adam, "eps before correction", "adam"),
    ("optax#1389", Adam, "largest corrected", "adam"),
)


@pytest.mark.parametrize(("issue", "rule", "fault", "reference"), RULES)
def test_update_rule_beside_its_reference(issue, rule, fault, reference):
    settings = [{}, {"weight_decay": 0.1}]
    more = {"momentum": 0.8, "dampening": 0.3} if rule is SGD else {"betas": (0.5, 0.6), "eps": 0.1, "amsgrad": True}
    wrong = type("Wrong", (rule,), {"fault": fault})
    right = check(rule, *settings, more, reference=reference)
    assert right.checked and not right.failures, right.failures
    failures = check(wrong, *settings, more, reference=reference).failures
    assert failures and all(row.check == "trajectory" for row in failures), failures
