"""Third derivatives of layer norm and batch norm: ours are right, torch's own are not; both values are shown.

Truth is the third derivative of the forward by high-precision differences (mpmath), which shares nothing with either.
"""

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import derive
from derive import interpreter

X = np.random.default_rng(5).normal(size=(3, 4))
A, B, C, D = np.random.default_rng(6).normal(size=(4, 3, 4))
EPS = 1e-5


def _normalized(rows):
    """Rows normalized in high precision."""
    out = []
    for row in rows:
        mu = mpmath.fsum(row) / len(row)
        v = mpmath.fsum([(x - mu) ** 2 for x in row]) / len(row)
        out.append([(x - mu) / mpmath.sqrt(v + mpmath.mpf(EPS)) for x in row])
    return out


def _truth(by_column):
    """∂³/∂a∂b∂c of ⟨D, f(X + aA + bB + cC)⟩ at 0, by central differences with sixty digits."""
    with mpmath.workdps(60):
        turn = np.transpose if by_column else np.asarray
        x, a, b, c, d = (turn(z) for z in (X, A, B, C, D))

        def phi(i, j, k):
            rows = [[mpmath.mpf(x[r, s]) + i * a[r, s] + j * b[r, s] + k * c[r, s] for s in range(x.shape[1])]
                    for r in range(x.shape[0])]  # fmt: skip
            y = _normalized(rows)
            return mpmath.fsum([d[r, s] * y[r][s] for r in range(x.shape[0]) for s in range(x.shape[1])])

        h = mpmath.mpf(10) ** -12
        signs = [(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
        return float(mpmath.fsum([i * j * k * phi(i * h, j * h, k * h) for i, j, k in signs]) / (8 * h**3))


def _ours(name):
    """The vjp of the vjp of the vjp, evaluated by the interpreter and contracted with the directions."""
    p = derive.load(name, weight=None, bias=None)
    g = derive.vjp(derive.vjp(derive.vjp(p, wrt=("x",)), wrt=("x",)), wrt=("x",))
    names = [t.name for t in g.inputs if t.kind == "real"]
    data = dict(zip(names, (X, D, A, B), strict=True))
    (out,) = interpreter.run(g, data, {}).values()
    return float(np.sum(out * C))


def _torch(function):
    x = torch.tensor(X, requires_grad=True)
    a, b, c, d = (torch.tensor(z) for z in (A, B, C, D))
    total = (function(x) * d).sum()
    for direction in (a, b):
        (g,) = torch.autograd.grad(total, x, create_graph=True)
        total = (g * direction).sum()
    return float((torch.autograd.grad(total, x)[0] * c).sum())


CASES = {
    "layer_norm": (False, lambda x: F.layer_norm(x, (4,), eps=EPS)),
    "batch_norm": (True, lambda x: F.batch_norm(x, None, None, training=True, eps=EPS)),
}


@pytest.mark.parametrize("name", CASES)
def test_third_derivative_is_right_where_torch_is_wrong(name, record_property):
    by_column, function = CASES[name]
    truth, ours, theirs = _truth(by_column), _ours(name), _torch(function)
    record_property("values", f"truth {truth:.12g}, derive {ours:.12g}, torch {theirs:.12g}")
    assert abs(ours - truth) <= 1e-9 * abs(truth), (truth, ours, theirs)
    assert abs(theirs - truth) > 1e-2 * abs(truth), f"torch {torch.__version__} is right now: {theirs} against {truth}"
