"""An einsum equation is a definition: values, gradients of two orders, and what is no equation."""

import pytest
import torch

import derive
from derive.errors import DeriveError
from derive.language.einsum import is_equation

#: equation, shapes: a contraction, a diagonal, a trace, outer product, dots, a number, capitals, no arrow
EQUATIONS = (
    ("bij,jk->bik", [(2, 3, 4), (4, 5)]),
    ("ii->i", [(3, 3)]),
    ("ii->", [(3, 3)]),
    ("i,j->ij", [(2,), (3,)]),
    ("...ij,...jk->...ik", [(2, 5, 3, 4), (2, 5, 4, 2)]),
    ("...i,i...->...", [(2, 3), (3, 2)]),
    (",ij->ji", [(), (2, 3)]),
    ("xyI,Iy,xI->x", [(2, 3, 4), (4, 3), (2, 4)]),
    ("iij,j->i", [(3, 3, 2), (2,)]),
    ("nc...->n...", [(2, 3, 4, 2)]),
    ("ij, jk", [(2, 3), (3, 4)]),
    ("jI,jk", [(2, 3), (2, 4)]),
)


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS, ids=[e for e, _ in EQUATIONS])
def test_equals_torch(equation, shapes):
    generator = torch.Generator().manual_seed(0)
    xs = [torch.randn(s, dtype=torch.float64, generator=generator, requires_grad=True) for s in shapes]
    f = derive.function(equation)
    ours, true = (grads(g, xs) for g in (f, lambda *x: torch.einsum(equation, *x)))
    for a, b in zip(ours, true, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def grads(f, xs):
    """The value, its gradient, and the gradient of a function of that."""
    y = f(*xs)
    first = torch.autograd.grad(y.sin().sum(), xs, create_graph=True)
    return y, *first, *torch.autograd.grad(sum(g.square().sum() for g in first), xs)


def test_a_wrong_letter_is_seen():
    x = torch.arange(12.0, dtype=torch.float64).reshape(3, 4)
    assert not torch.equal(derive.function("ij->i")(x), x.sum(0)[:3])


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("ij->ijk", "k of the result"),
        ("ii->ii", "twice in the result"),
        ("a.b->a", "no term"),
        ("i...j...->i", "no term"),
        ("a->b->c", "no definition named"),
        ("einsum", "write the equation"),
    ],
)
def test_what_is_no_equation_says_why(equation, words):
    with pytest.raises(DeriveError, match=words):
        derive.load(equation)


def test_sizes_that_differ_are_named():
    with pytest.raises(DeriveError, match="J"):
        derive.function("ij,jk->ik")(torch.ones(2, 3), torch.ones(4, 5))


def test_other_targets_are_none():
    assert not any(map(is_equation, ("softmax", "layers.py:mine", "./a.py", "ops:Square", "", "-", "torch.ops.a.b")))
