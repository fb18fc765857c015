"""Recurrences: which way they move, and one step of an optimizer as a program of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sympy import sqrt

from derive.calculus import adjoint, groups, initial, step
from derive.errors import CannotDerive, DefinitionError
from derive.interpreter import run
from derive.program import Bind, Compare, Hyper, Letter, Parameter, Part, Program, Read, Size, Statement
from tests.calculus.build import define, over, piece, program, reduce, tensor
from tests.calculus.rows import ROWS

R = Read
t, s, a, n = map(Letter, ("t", "s", "...", "n"))
T, PACK = Size("T"), Size("...")
STEPS = Part(T, origin=1)
STATE = Part(T, origin=1, below=1)


def by_name(name: str) -> Program:
    return next(row.program for row in ROWS if row.name == name)


def directions(p: Program) -> dict[str, int]:
    return {name: group.direction for group in groups(p) for name in group.names if group.recurrent}


def test_a_recurrence_and_its_adjoint_move_opposite_ways() -> None:
    forward = by_name("recurrence")
    assert directions(forward) == {"h": 1}
    assert directions(adjoint(forward)) == {"h": 1, "dh_1": -1}


def test_within_a_step_what_is_read_comes_first() -> None:
    (group,) = (g for g in groups(by_name("coupled_recurrence")) if g.recurrent)
    assert group.names.index("r") < group.names.index("a") < group.names.index("b")
    assert group.axis == (0, 0, 0)


def test_the_whole_past_under_a_filter_is_a_recurrence() -> None:
    past = reduce("sum", (*over(s="T"), Compare("<", s, t)), R("h", s))
    for body in (past, reduce("sum", (Bind(s, 0, t),), R("h", s))):
        made = program((tensor("x", "T"),), define(tensor("h", "T"), "t", over(t="T"), R("x", t) + body))
        assert directions(made) == {"h": 1}


def test_any_lag_and_the_second_axis() -> None:
    body = R("h", n, t - 3) + R("h", n + 1, t - 1)
    made = program((tensor("x", "N"),), define(tensor("h", "N", "T"), "nt", over(n="N", t="T"), body))
    (group,) = groups(made)
    assert (group.axis, group.direction) == ((1,), 1)


def test_what_turns_in_a_circle_is_refused() -> None:
    body = R("h", t - 1) + R("h", t + 1)
    made = program((tensor("x", "T"),), define(tensor("h", "T"), "t", over(t="T"), body))
    with pytest.raises(DefinitionError, match="one way along one axis"):
        groups(made)


# ------------------------------------------------------------------------------ one step

LR, B1, B2, EPS = (Hyper(name) for name in ("lr", "betas[0]", "betas[1]", "eps"))


def state(name: str, rhs, first=0) -> Statement:
    later = piece(["t", "..."], (Bind(t, 1, T + 1), Bind(a, 0, PACK)), rhs)
    return Statement(tensor(name, STATE, PACK), (piece([0, "..."], (Bind(a, 0, PACK),), first), later))


def adam() -> Program:
    g = R("grad", t, a)
    m = state("m", B1 * R("m", t - 1, a) + (1 - B1) * g)
    v = state("v", B2 * R("v", t - 1, a) + (1 - B2) * g**2)
    update = LR / (1 - B1**t) * R("m", t, a) / (sqrt(R("v", t, a) / (1 - B2**t)) + EPS)
    theta = state("theta", R("theta", t - 1, a) - update, R("theta_0", a))
    return program(
        (tensor("theta_0", PACK), tensor("grad", STEPS, PACK)),
        m,
        v,
        theta,
        role="optimizer",
        parameters=(
            Parameter("lr", default=1e-3),
            Parameter("betas", length=2, default=(0.9, 0.999)),
            Parameter("eps", default=1e-8),
        ),
    )


def test_one_step_of_adam_is_torchs() -> None:
    one, start = step(adam()), initial(adam())
    assert [x.name for x in one.inputs] == ["theta", "m", "v", "grad", "t"]
    assert one.outputs == ("theta_new", "m_new", "v_new")
    random = np.random.default_rng(0)
    theta = random.normal(size=(2, 3))
    values = run(start, {"theta_0": theta})
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimizer = torch.optim.Adam([weights], lr=0.1)
    for number in range(1, 4):
        grad = random.normal(size=(2, 3))
        weights.grad = torch.tensor(grad)
        optimizer.step()
        found = run(one, {**values, "grad": grad, "t": float(number)}, {"lr": 0.1})
        values = {name: found[f"{name}_new"] for name in ("theta", "m", "v")}
        np.testing.assert_allclose(values["theta"], weights.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_one_step_repeated_is_the_recurrence() -> None:
    row = next(row for row in ROWS if row.name == "recurrence")
    one, start = step(row.program), initial(row.program)
    h, found = run(start, {k: v for k, v in row.inputs.items() if k != "x"})["h"], []
    for number, x in enumerate(row.inputs["x"]):
        h = run(one, {"h": h, "x": x, "w": row.inputs["w"], "t": float(number)})["h_new"]
        found.append(h)
    np.testing.assert_allclose(np.stack(found), run(row.program, row.inputs)["h"], rtol=1e-12)


def test_a_gradient_goes_through_one_step() -> None:
    derived = adjoint(step(adam()), wrt=["theta", "grad"])
    assert derived.outputs == ("dtheta", "dgrad")


def test_what_has_no_single_step_says_so() -> None:
    with pytest.raises(CannotDerive, match="no step"):
        step(by_name("softmax"))
    far = state("m", R("m", t - 1, a) + R("grad", t, a) + R("m", t - 2, a))
    with pytest.raises(CannotDerive, match="more than one step back"):
        step(program((tensor("grad", STEPS, PACK),), far))
