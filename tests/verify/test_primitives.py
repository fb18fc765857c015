"""The oracle itself: programs in torch primitives, on texts whose values and derivatives are known."""

import numpy as np
import pytest
import torch

from derive.language import load_definition, specialise
from derive.verify.primitives import Run


def _run(text, numbers=None, **inputs):
    program = specialise(load_definition("@layer\n" + text))
    given = {n: x if isinstance(x, torch.Tensor) else torch.tensor(x) for n, x in inputs.items()}
    sizes = {s: given[t.name].shape[i] for t in program.inputs for i, a in enumerate(t.axes) for p in a
             for s in p.extent.free_symbols}  # fmt: skip
    return Run(program, {**sizes, **(numbers or {})}).outputs(given)[program.outputs[0]]


def test_where_reads_only_the_chosen_branch_in_autograd_too():
    x = torch.tensor([0.0, 4.0], dtype=torch.float64, requires_grad=True)
    y = _run("def f(x: Real[N]):\n    y[n] = where(x[n] > 0, sqrt(x[n]), 0)\n    return y\n", x=x)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert dx.tolist() == [0.0, 0.25]


def test_max_takes_the_first_and_amax_splits():
    text = "def f(x: Real[N]):\n    y = {}[n](x[n])\n    return y\n"
    for op, want in (("max", [0, 1, 0]), ("amax", [0, 0.5, 0.5])):
        x = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.grad(_run(text.format(op), x=x).sum(), x)[0].tolist() == want


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_product_has_every_derivative_at_zeros(zeros):
    x = torch.tensor([0.0] * zeros + [2.0, 3.0, 5.0][zeros:], dtype=torch.float64, requires_grad=True)
    y = _run("def f(x: Real[N]):\n    y = prod[n](x[n])\n    return y\n", x=x)
    (dx,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    a, b, c = x.tolist()
    assert dx.tolist() == [b * c, a * c, a * b]
    assert torch.autograd.grad(dx[0], x)[0].tolist() == [0, c, b]


def test_recurrence_runs_step_by_step():
    text = "def f(x: Real[T], h0: Real):\n    h[-1] = h0\n    h[t] = 2*h[t - 1] + x[t]\n    return h\n"
    assert _run(text, x=[1.0, 0.0, 3.0], h0=5.0).tolist() == [11.0, 22.0, 47.0]


def test_empty_reductions():
    for op, want in (("sum", 0), ("prod", 1), ("max", -np.inf), ("amin", np.inf), ("argmax", -1), ("count", 0)):
        body = "" if op == "count" else "x[n]"
        text = f"def f(x: Real[N]):\n    y = {op}[n < N, x[n] > 9]({body})\n    return y\n"
        assert _run(text, x=[1.0, 2.0]).item() == want, op


def test_out_of_range_outside_a_guard_is_an_error():
    text = "def f(token: Index[N], w: Real[V]):\n    y[n] = w[token[n]]\n    return y\n"
    with pytest.raises(IndexError, match="out of range"):
        _run(text, token=[0, 7], w=[1.0, 2.0])


@pytest.mark.parametrize("guard", ["t > 0", "x[t] > 0"])
def test_the_order_of_a_recurrence_is_found_once_unless_data_decide_it(guard):
    text = f"def f(x: Real[T], h0: Real):\n    h[-1] = h0\n    h[t] = where({guard}, h[t - 1], 7)*x[t]\n    return h\n"
    program, kept = specialise(load_definition("@layer\n" + text)), {}
    sizes = {part.extent: 3 for t in program.inputs for part in t.parts}
    for x in ([2.0, 3.0, 5.0], [-1.0, 2.0, -4.0]):
        want, h = [], 5.0
        for t, v in enumerate(x):
            h = (h if (t if guard == "t > 0" else v) > 0 else 7) * v
            want.append(h)
        given = {"x": torch.tensor(x), "h0": torch.tensor(5.0)}
        assert Run(program, sizes, kept=kept).outputs(given)["h"].tolist() == want
    assert any(key[0] == "order" for key in kept if isinstance(key, tuple)) == (guard == "t > 0")
