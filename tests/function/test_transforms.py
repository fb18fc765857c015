"""derive.function under torch.func and forward-mode autograd."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import grad, hessian, jacrev, jvp, vjp, vmap

import derive
from tests.function.cases import CASES, leaves, tuple_of

BY_NAME = {case.name: case for case in reversed(CASES)}


@pytest.fixture(scope="module", params=CASES, ids=lambda c: c.title)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def f(case):
    return derive.function(case.name, **case.hypers, **case.choices)


def real_part(f, tensors):
    """f as a function of its real inputs alone, and these."""
    places = [k for k, t in enumerate(tensors) if t.is_floating_point()]

    def of_reals(*values):
        full = list(tensors)
        for k, v in zip(places, values, strict=True):
            full[k] = v
        return tuple_of(f(*full))

    return of_reals, tuple(tensors[k] for k in places)


def close(a, b, tolerance=1e-11):
    flat_a, flat_b = (torch.utils._pytree.tree_leaves(v) for v in (a, b))
    assert len(flat_a) == len(flat_b)
    for x, y in zip(flat_a, flat_b, strict=True):
        assert x.shape == y.shape
        assert torch.allclose(x, y, rtol=tolerance, atol=tolerance), (x - y).abs().max()


def both(case, f):
    tensors = case.inputs()
    (ours, reals), (truth, _) = real_part(f, tensors), real_part(case.torch, tensors)
    return ours, truth, reals


def test_jvp_is_not_zero_and_right(case, f):
    ours, truth, reals = both(case, f)
    tangents = tuple(torch.randn_like(t) for t in reals)
    got, expected = jvp(ours, reals, tangents), jvp(truth, reals, tangents)
    close(got, expected)
    assert any(float(t.abs().max()) > 0 for t in got[1])


def test_forward_mode_of_one_input(case, f):
    ours, _truth, reals = both(case, f)
    direction = torch.randn_like(reals[0])
    with forward_ad.dual_level():
        ys = ours(forward_ad.make_dual(reals[0], direction), *reals[1:])
        tangents = [forward_ad.unpack_dual(y).tangent for y in ys]
    expected = jvp(lambda first: ours(first, *reals[1:]), reals[:1], (direction,))[1]
    for got, want in zip(tangents, expected, strict=True):
        assert torch.allclose(torch.zeros_like(want) if got is None else got, want)


def test_vjp_and_grad(case, f):
    ours, truth, reals = both(case, f)
    for a, b in ((ours, truth),):
        ya, pull_a = vjp(a, *reals)
        yb, pull_b = vjp(b, *reals)
        dys = tuple(torch.randn_like(y) for y in ya)
        close(ya, yb)
        close(pull_a(dys), pull_b(dys))
    close(*(grad(lambda *v, g=g: sum((y * y).sum() for y in g(*v)))(*reals) for g in (ours, truth)))


def test_vmap_equals_a_loop(case, f):
    ours, _, reals = both(case, f)
    batches = tuple(torch.stack([t, 2 * t, -t], dim=min(1, t.ndim)) for t in reals)
    dims = tuple(min(1, t.ndim) for t in reals)
    got = vmap(ours, in_dims=dims)(*batches)
    rows = [ours(*(b.select(d, k) for b, d in zip(batches, dims, strict=True))) for k in range(3)]
    close(got, tuple(torch.stack(ys) for ys in zip(*rows, strict=True)))


def test_vmap_over_one_input(case, f):
    ours, _, reals = both(case, f)
    batch = torch.stack([reals[0], -reals[0]])
    got = vmap(lambda first: ours(first, *reals[1:]))(batch)
    rows = [ours(row, *reals[1:]) for row in batch]
    close(got, tuple(torch.stack(ys) for ys in zip(*rows, strict=True)))


def test_gradient_of_each_sample(case, f):
    ours, truth, reals = both(case, f)
    batch = torch.stack([reals[0], -reals[0]])

    def per_sample(g):
        return vmap(grad(lambda first: sum((y**2).sum() for y in g(first, *reals[1:]))))(batch)

    close(per_sample(ours), per_sample(truth))


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "linear", "conv2d", "cross_entropy", "tanh", "rnn"])
def test_jacobian_and_hessian(name):
    case = BY_NAME[name]
    ours, truth, reals = both(case, derive.function(name, **case.hypers))
    close(*(jacrev(lambda first, g=g: g(first, *reals[1:]))(reals[0]) for g in (ours, truth)))
    close(
        *(hessian(lambda first, g=g: sum((y**2).sum() for y in g(first, *reals[1:])))(reals[0]) for g in (ours, truth))
    )


def test_batched_cotangents(case, f):
    tensors = leaves(case.inputs())
    ys = tuple_of(f(*tensors))
    wrt = [t for t in tensors if t.requires_grad]
    dys = [torch.randn(2, *y.shape, dtype=y.dtype) for y in ys]
    together = torch.autograd.grad(ys, wrt, dys, is_grads_batched=True, retain_graph=True)
    apart = [torch.autograd.grad(ys, wrt, [d[k] for d in dys], retain_graph=True) for k in range(2)]
    close(together, tuple(torch.stack(g) for g in zip(*apart, strict=True)))
