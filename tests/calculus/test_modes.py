"""Forward mode and reverse mode are one another's transpose, exactly, over the integers mod p."""

from __future__ import annotations

import random

import numpy as np
import pytest

from derive.calculus.adjoint import adjoint
from derive.calculus.tangent import tangent
from derive.fields import FLOAT, MODULAR
from derive.interpreter import run
from derive.program import Program
from tests.calculus.rows import ROWS, Row

#: Rows whose meaning needs an order of the numbers, or functions that are not rational.
ORDERED = ("kinks", "where", "exponent")
SLOW = ("conv2d", "coupled_recurrence")
EXACT = tuple(row for row in ROWS if row.name not in ORDERED)


def numbers(shape: tuple[int, ...], generator: random.Random) -> np.ndarray:
    """Random whole numbers, exact in every field."""
    return np.array([generator.randrange(1, 10**6) for _ in range(int(np.prod(shape)))], dtype=object).reshape(shape)


def exact_data(row: Row, generator: random.Random) -> dict:
    kinds = {t.name: t.kind for t in row.program.inputs}
    return {k: numbers(np.shape(v), generator) if kinds[k] == "real" else v for k, v in row.inputs.items()}


def defect(program: Program, inputs: dict, hypers: dict, generator: random.Random):
    """⟨dy, J dx⟩ − ⟨Jᵀ dy, dx⟩."""
    reverse, forward = adjoint(program), tangent(program)
    own = len(program.inputs)
    values = run(program, inputs, hypers, MODULAR)
    dy = {
        t.name: numbers(values[y].shape, generator) for t, y in zip(reverse.inputs[own:], program.outputs, strict=True)
    }
    real = [t.name for t in program.inputs if t.differentiable]
    dx = {t.name: numbers(np.shape(inputs[x]), generator) for t, x in zip(forward.inputs[own:], real, strict=True)}
    pulled, pushed = run(reverse, inputs | dy, hypers, MODULAR), run(forward, inputs | dx, hypers, MODULAR)
    left = sum((dy[n].ravel() * pushed[y].ravel()).sum() for n, y in zip(dy, forward.outputs, strict=True))
    right = sum((dx[n].ravel() * pulled[x].ravel()).sum() for n, x in zip(dx, reverse.outputs, strict=True))
    return left - right


@pytest.mark.parametrize("row", EXACT, ids=lambda row: row.name)
def test_jvp_is_the_transpose_of_vjp_mod_p(row: Row) -> None:
    generator = random.Random(5)
    assert MODULAR.number(defect(row.program, exact_data(row, generator), row.hypers, generator)) == 0


@pytest.mark.parametrize(
    "row", [r for r in EXACT if r.name not in ("conv2d", "coupled_recurrence")], ids=lambda r: r.name
)
def test_the_modes_agree_on_the_gradient_too_mod_p(row: Row) -> None:
    generator = random.Random(6)
    inputs = exact_data(row, generator)
    gradient = adjoint(row.program)
    values = run(row.program, inputs, row.hypers, MODULAR)
    inputs["dy" if row.program.outputs == ("y",) else "dh"] = numbers(values[row.program.outputs[0]].shape, generator)
    assert MODULAR.number(defect(gradient, inputs, row.hypers, generator)) == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_reverse_over_forward_equals_forward_over_reverse(row: Row) -> None:
    """d(dy·J·tx)/dx both ways round."""
    real = [t.name for t in row.program.inputs if t.differentiable]
    generator = np.random.default_rng(1)
    y = run(row.program, row.inputs, row.hypers)[row.program.outputs[0]]
    dy = generator.normal(size=y.shape)
    tx = {x: generator.normal(size=np.shape(row.inputs[x])) for x in real}
    own = len(row.program.inputs)
    forward = tangent(row.program)
    names = dict(zip(real, (t.name for t in forward.inputs[own:]), strict=True))
    first = adjoint(forward, wrt=real)
    one = run(first, {**row.inputs, **{names[x]: tx[x] for x in real}, first.inputs[-1].name: dy}, row.hypers, FLOAT)
    reverse = adjoint(row.program)
    second = tangent(reverse, wrt=real)
    given = {t.name: tx[x] for t, x in zip(second.inputs[own + 1 :], real, strict=True)}
    two = run(second, {**row.inputs, reverse.inputs[-1].name: dy, **given}, row.hypers, FLOAT)
    for a, b in zip(first.outputs, second.outputs, strict=True):
        np.testing.assert_allclose(one[a], two[b], rtol=1e-11, atol=1e-11)
