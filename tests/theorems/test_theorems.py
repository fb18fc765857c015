"""Theorems about update rules: found by shape, proved, true along trajectories; a rule that is wrong loses its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sympy import Rational, Symbol

import derive
from derive.language import catalogue_index
from derive.language.hypers import Open
from derive.program import Hyper, Program
from derive.reports import render, with_theorems
from derive.theorems import Theorem, theorems
from derive.theorems.algebra import vanishes
from derive.theorems.settings import settings
from derive.theorems.theorem import Claim
from derive.verify.theorems import check

OPTIMIZERS = [n for n, (family, _) in catalogue_index().items() if family.startswith(("optimizer", "averaging"))]
RULES = [n for n in OPTIMIZERS if n not in ("root", "lbfgs")]

#: An optimizer of a user's, whose names no machinery has seen.
OWN = '''
@optimizer
def own(w: Real[...], slope: Real[...], *, rate: Real = 0.1, keep: Real = 0.9, second: Real = 0.99, tiny: Real = 1e-8):
    """Adam under other names."""
    a[t, ...] = keep*a[t - 1, ...] + (1 - keep)*slope[t, ...]
    b[t, ...] = second*b[t - 1, ...] + (1 - second)*slope[t, ...]**2
    w[t, ...] = w[t - 1, ...] - rate*(a[t, ...]/(1 - keep**t))/(sqrt(b[t, ...]/(1 - second**t)) + tiny)
'''
MIRROR = '''
@optimizer
def mirror(theta: Real[...], grad: Real[...], *, lr: Real = 0.1):
    """Exponentiated gradient."""
    theta[t, ...] = theta[t - 1, ...]*exp(-lr*grad[t, ...])
'''


def by_kind(program: Program) -> dict[str, list[Theorem]]:
    found: dict[str, list[Theorem]] = {}
    for t in theorems(program):
        found.setdefault(t.kind, []).append(t)
    return found


@pytest.mark.parametrize("name", RULES)
def test_every_theorem_of_the_catalogue_holds_along_a_random_trajectory(name: str) -> None:
    for setting in settings(name, {}):
        for seed in (0, 1):
            for theorem in setting.theorems:
                held = check(theorem, seed)
                assert held.passed, (setting.words, theorem.title.text, held.error, held.tolerance)


def test_what_the_known_ones_have() -> None:
    kinds = {n: set(by_kind(derive.load(n))) for n in ("sgd", "adam", "adamw", "lion", "lamb", "rmsprop")}
    assert kinds["adam"] == {"closed form", "expectation", "decay", "stability", "bound", "scaling", "model"}
    assert {"bound", "scaling", "model"} <= kinds["lion"] and "scaling" in kinds["lamb"]
    nesterov = by_kind(derive.load("sgd", momentum=Open(0.9), nesterov=True))
    assert [t.zero for t in nesterov["nesterov"]] == [("dampening",)]


def test_a_users_file_gets_the_same() -> None:
    found = by_kind(derive.load(OWN))
    assert {t.data for t in found["expectation"]} == {("exact",)}
    assert all(check(t).passed for ts in found.values() for t in ts)
    (mirror,) = by_kind(derive.load(MIRROR))["model"]
    assert "relative entropy" in mirror.proof[0].text


# ------------------------------------------------------------------------------ known results


def _bound(program: Program, **numbers: float) -> float:
    (theorem,) = by_kind(program)["stability"]
    values = {Hyper(n.replace("lam", "λ")): v for n, v in numbers.items()}
    return float(theorem.claims[0].right.xreplace(values))


def test_the_stability_ranges_are_the_textbooks() -> None:
    assert _bound(derive.load("sgd"), lam=4.0, weight_decay=0.0) == 0.5
    heavy = derive.load("sgd", momentum=Open(0.9))
    assert np.isclose(_bound(heavy, lam=4.0, weight_decay=0.0, dampening=0.0, momentum=0.5), 2 * 1.5 / 4)
    ahead = derive.load("sgd", momentum=Open(0.9), nesterov=True)
    bound = _bound(ahead, lam=4.0, weight_decay=0.0, dampening=0.0, momentum=0.5)
    assert np.isclose(bound, 2 * 1.5 / (4 * (1 + 2 * 0.5)))


@pytest.mark.parametrize("nesterov", [False, True])
def test_torchs_sgd_converges_below_the_bound_and_not_above(nesterov: bool) -> None:
    program = derive.load("sgd", momentum=Open(0.9), nesterov=nesterov)
    bound = _bound(program, lam=3.0, weight_decay=0.0, dampening=0.0, momentum=0.9)
    ends = []
    for share in (0.98, 1.02):
        w = torch.ones(1, dtype=torch.float64, requires_grad=True)
        steps = torch.optim.SGD([w], lr=share * bound, momentum=0.9, nesterov=nesterov)
        for _ in range(1500):
            w.grad = 3.0 * w.detach()
            steps.step()
        ends.append(float(w.abs()))
    assert ends[0] < 1e-3 < 1e3 < ends[1]


def test_torchs_adam_reaches_the_bound_of_its_step() -> None:
    """The gradients (β1/β2)^(t − s) make the step as long as Cauchy and Schwarz let it be, longer than lr."""
    b1, b2, lr, steps = 0.9, 0.999, 0.01, 40
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([w], lr=lr, betas=(b1, b2), eps=0.0)
    last = 0.0
    for s in range(1, steps + 1):
        before = float(w)
        w.grad = torch.full((1,), (b1 / b2) ** (steps - s), dtype=torch.float64)
        adam.step()
        last = abs(float(w) - before)
    (theorem,) = by_kind(derive.load("adam"))["bound"]
    right = theorem.claims[0].right
    values = {Hyper("betas[0]"): b1, Hyper("betas[1]"): b2, Hyper("lr"): lr}
    t = next(s for s in right.free_symbols if s.name == "t")
    bound = float(right.xreplace({**values, t: Symbol("n")}).subs(Symbol("n"), steps))
    assert np.isclose(last, bound, rtol=1e-12) and bound > 1.4 * lr


def test_the_look_ahead_form_written_by_hand_takes_torchs_steps() -> None:
    lr, mu = 0.1, 0.9
    curvature = torch.tensor([1.0, 3.0], dtype=torch.float64)
    w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    steps = torch.optim.SGD([w], lr=lr, momentum=mu, nesterov=True)
    phi, v = w.detach().clone(), torch.zeros(2, dtype=torch.float64)
    for _ in range(20):
        assert torch.allclose(w.detach(), phi + mu * v, rtol=1e-13)
        v = mu * v - lr * curvature * (phi + mu * v)
        phi = phi + v
        w.grad = curvature * w.detach()
        steps.step()


# ------------------------------------------------------------------------------ planted faults


@pytest.mark.parametrize(
    ("right", "wrong", "lost"),
    [
        ("(1 - keep**t)", "(1 - keep**(t - 1 + 0.001))", "expectation"),
        ("(1 - second**t)", "(1 - keep**t)", "expectation"),
        ("slope[t, ...]**2", "abs(slope[t, ...])", "bound"),
        ("sqrt(b[t, ...]/(1 - second**t))", "b[t, ...]/(1 - second**t)", "scaling"),
        ("keep*a[t - 1, ...]", "keep*a[t - 1, ...]**2", "stability"),
    ],
)
def test_a_wrong_definition_loses_its_theorem(right: str, wrong: str, lost: str) -> None:
    said = {t.kind: (t.title, t.claims, t.data) for t in theorems(derive.load(OWN)) if t.kind == lost}
    planted = OWN.replace(right, wrong)
    assert planted != OWN
    program = derive.load(planted)
    right_ones = [t for t in theorems(derive.load(OWN)) if t.kind == lost]
    left = [t for t in theorems(program) if t.kind == lost]
    assert said and [(t.title, t.data, t.claims) for t in left] != [(t.title, t.data, t.claims) for t in right_ones]
    assert all(check(t).passed for t in left)


def test_a_false_claim_is_seen() -> None:
    for theorem in theorems(derive.load("adam")):
        if theorem.kind in ("closed form", "expectation"):
            wrong = tuple(Claim(c.left, 2 * c.right, c.relation, c.first) for c in theorem.tests)
            assert not check(replace_claims(theorem, wrong)).passed
        if theorem.kind == "bound":
            shorter = tuple(Claim(c.left, c.right / 10, c.relation) for c in theorem.claims)
            assert not check(replace_claims(theorem, shorter)).passed
        if theorem.kind == "stability":
            for share in (Rational(7, 10), Rational(7, 5)):
                moved = tuple(Claim(c.left, c.right * share, c.relation, checked=False) for c in theorem.claims)
                assert not check(replace(theorem, claims=moved)).passed


def replace_claims(theorem: Theorem, claims: tuple[Claim, ...]) -> Theorem:
    return replace(theorem, claims=claims, tested=claims)


def test_identities_are_decided() -> None:
    a, b = Hyper("a"), Hyper("b")
    assert vanishes((a**2 - b**2) / (a - b) - a - b) and not vanishes((a**2 - b**2) / (a - b) - a + b)


# ------------------------------------------------------------------------------ printed


@pytest.mark.parametrize("name", RULES)
def test_it_is_printed_within_80_columns_and_in_every_format(name: str) -> None:
    document = with_theorems(derive.load(name), name, {})
    lines = render(document, "text").splitlines()
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    assert all(line.isascii() for line in render(document, "ascii").splitlines())
    for form in ("latex", "markdown", "mathml", "json"):
        assert "proved" in render(document, form) or "Proved" in render(document, form)
    assert "{}" not in "".join(lines)
