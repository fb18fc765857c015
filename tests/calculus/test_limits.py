"""What has no derivative says so, and names the construct; what is truly flat is 0; nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sympy import Function, Integer, sin

from derive.calculus import adjoint, tangent
from derive.errors import CannotDerive, UnknownName
from derive.functions import ceil, floor, polygamma, round_, sign
from derive.interpreter import run
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Modulo,
    Parameter,
    Piece,
    Read,
    Reduce,
    Statement,
    bound_letters,
    piece_expressions,
    walk,
)
from tests.calculus.build import define, over, piece, program, reduce, tensor

R = Read
i, j, k, n = map(Letter, "ijkn")


def pointwise(body):
    return program(
        (tensor("x", "N"), tensor("idx", "N", kind="index")), define(tensor("y", "N"), "n", over(n="N"), body)
    )


x = R("x", n)
TRIANGLE = (Bind(i, 0, 3), Bind(j, 0, 3 - i))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (Function("wiggle")(x), "wiggle"),
        (R("idx", x), "real data stands inside an index"),
        (R("x", R("x", n)), "real data stands inside an index"),
        (Modulo(x, 2), "real data stands in an integer operation"),
        (FloorDiv(x, 2), "real data stands in an integer operation"),
        (2 * Compare("<", x, 1), "a condition is used as a number: x\\[n\\] < 1"),
        (polygamma(x, x), "polygamma"),
        (reduce("max", TRIANGLE, R("x", i) * R("x", j)), "points have no position"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_derivative_says_so(body, named: str) -> None:
    for mode in (adjoint, tangent):
        with pytest.raises(CannotDerive, match=named) as refused:
            mode(pointwise(body))
        assert refused.value.message.startswith("in y: ") and refused.value.mend


@pytest.mark.parametrize("flat", [floor, ceil, round_, sign])
def test_jumps_have_derivative_0_and_their_factors_do_not(flat) -> None:
    derived = adjoint(pointwise(flat(x) * sin(x)))
    values = np.array([0.3, -1.7, 2.2])
    found = run(derived, {"x": values, "idx": np.array([0, 1, 2]), "dy": np.ones(3)})["dx"]
    steps = run(pointwise(flat(x)), {"x": values, "idx": np.array([0, 1, 2])})["y"]
    np.testing.assert_allclose(found, steps * np.cos(values), rtol=1e-14)


def test_only_differentiable_inputs_can_be_asked_for() -> None:
    with pytest.raises(UnknownName, match="no differentiable input 'idx'"):
        adjoint(pointwise(x), wrt=["idx"])
    with pytest.raises(UnknownName, match="did you mean 'x'"):
        adjoint(program((tensor("x", "N"),), define(tensor("y", "N"), "n", over(n="N"), x)), wrt=["xx"])


def test_an_input_that_no_output_needs_has_gradient_0() -> None:
    made = program((tensor("x", "N"), tensor("z", "N")), define(tensor("y", "N"), "n", over(n="N"), x**2))
    found = run(adjoint(made), {"x": np.ones(2), "z": np.ones(2), "dy": np.ones(2)})
    assert found["dz"].tolist() == [0.0, 0.0]


def test_an_output_that_is_read_again_adds_its_own_cotangent() -> None:
    y = define(tensor("y", "N"), "n", over(n="N"), x**2)
    z = define(tensor("z", "N"), "n", over(n="N"), R("y", n) ** 3)
    made = program((tensor("x", "N"),), y, z, outputs=("y", "z"))
    found = run(adjoint(made), {"x": np.array([2.0]), "dy": np.array([10.0]), "dz": np.array([1.0])})
    assert found["dx"].tolist() == [10.0 * 4 + 3 * 16 * 4]


def test_an_input_may_be_an_output() -> None:
    made = program((tensor("x", "N"),), define(tensor("y", "N"), "n", over(n="N"), x**2), outputs=("x", "y"))
    found = run(adjoint(made), {"x": np.array([3.0]), "dx": np.array([1.0]), "dy": np.array([1.0])})
    assert [v.tolist() for v in found.values()] == [[7.0]]
    assert tangent(made).outputs == ("tx", "ty")


def test_hyperparameters_on_request() -> None:
    lr, beta = Hyper("lr"), Hyper("betas[1]")
    made = program(
        (tensor("x", "N"),),
        define(tensor("y", "N"), "n", over(n="N"), lr**2 * x + beta**n),
        parameters=(Parameter("lr", default=0.5), Parameter("betas", length=2, default=(0.1, 0.2))),
    )
    derived = adjoint(made, wrt=["lr", "betas[1]"])
    assert derived.outputs == ("dlr", "dbetas_1")
    data = np.array([1.0, 2.0, 3.0])
    found = run(derived, {"x": data, "dy": np.ones(3)})
    b = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    (b ** torch.arange(3)).sum().backward()
    np.testing.assert_allclose([found["dlr"], found["dbetas_1"]], [2 * 0.5 * 6, b.grad.item()], rtol=1e-14)
    pushed = run(tangent(made, wrt=["lr"]), {"x": data, "tlr": 1.0})
    np.testing.assert_allclose(pushed["ty"], data)


def test_a_copied_sum_gets_letters_of_its_own() -> None:
    """No letter is bound twice on a path, in any derived program."""
    total = reduce("sum", over(k="N"), R("x", k) * R("x", n))
    made = program((tensor("x", "N"),), define(tensor("y", "N"), "n", over(n="N"), total**3 / (1 + total)))
    for derived in (adjoint(made), adjoint(adjoint(made)), tangent(adjoint(made)), adjoint(adjoint(adjoint(made)))):
        for statement in derived.statements:
            for p in statement.pieces:
                for e in piece_expressions(p):
                    _assert_single(e, {} if e in p.entries else dict.fromkeys(p.letters))


def _assert_single(e, above: dict) -> None:
    if isinstance(e, Reduce):
        assert not [x for x in e.letters if x in above]
        above = {**above, **dict.fromkeys(e.letters)}
    for a in e.args:
        _assert_single(a, above)


def test_a_guard_is_a_domain_never_a_factor() -> None:
    """where(0 < x, log x, 0) at x = 0: 0·inf would be NaN, at every order."""
    from sympy import log

    from derive.program import Where

    made = pointwise(Where(Compare("<", 0, x), log(x), Integer(0)))
    inputs = {"x": np.array([0.0, 2.0]), "idx": np.array([0, 1]), "dy": np.ones(2)}
    assert run(adjoint(made), inputs)["dx"].tolist() == [0.0, 0.5]
    assert run(adjoint(adjoint(made)), {**inputs, "ddx": np.ones(2)})["dx_1"].tolist() == [0.0, -0.25]


def test_no_gradient_goes_through_points_of_another_piece() -> None:
    y = Statement(
        tensor("y", "N"),
        (Piece((n,), (*over(n="N"), Compare("<", x, 0)), Integer(5)), piece("n", over(n="N"), x**2)),
    )
    found = run(adjoint(program((tensor("x", "N"),), y)), {"x": np.array([-1.0, 3.0]), "dy": np.ones(2)})
    assert found["dx"].tolist() == [0.0, 6.0]


def test_positions_are_kept_once_and_shared() -> None:
    winner = reduce("max", over(k="K"), R("x", n, k))
    y = define(tensor("y", "N"), "n", over(n="N"), winner * sin(winner))
    made = program((tensor("x", "N", "K"),), y)
    for derived in (adjoint(made), adjoint(adjoint(made)), tangent(adjoint(made))):
        kinds = [s.name for s in derived.statements if s.tensor.kind == "index"]
        assert kinds == ["argmax_y"]
        assert sum(isinstance(e, Reduce) and e.op == "argmax" for s in derived.statements for e in _nodes(s)) == 1


def _nodes(statement: Statement):
    return (e for p in statement.pieces for e in walk(p.rhs))


def test_derived_programs_are_the_same_on_every_run() -> None:
    first = repr(adjoint(adjoint(pointwise(x**3 * sin(x)))))
    assert repr(adjoint(adjoint(pointwise(x**3 * sin(x))))) == first
    assert bound_letters(Integer(0)) == ()
