"""Derivatives of the parameters after k steps by learning rate, betas, decay, eps, momentum and the start.

Held against torch's own optimizers unrolled (``differentiable=True``) and against finite differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import derive
from derive.calculus.hyperparameters import with_inputs
from derive.errors import InputError
from derive.interpreter import run

STEPS, N = 5, 3

#: name -> (torch's class, fixed choices, hyperparameters that move and where).
CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    ("sgd", torch.optim.SGD, {}, {"lr": 0.1, "weight_decay": 0.05}),
    ("adam", torch.optim.Adam, {"eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.05}),
    ("adamw", torch.optim.AdamW, {"eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.05}),
    ("rmsprop", torch.optim.RMSprop, {"eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.05}),
    ("adagrad", torch.optim.Adagrad, {"eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.05}),
    ("adadelta", torch.optim.Adadelta, {"eps": 1e-3}, {"lr": 1.0, "weight_decay": 0.05}),
    ("nadam", torch.optim.NAdam, {"eps": 1e-3}, {"lr": 0.1}),
]

#: Every real hyperparameter that moves smoothly: name -> its values.
SMOOTH: dict[str, dict[str, Any]] = {
    "sgd": {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.1, "dampening": 0.2},
    "adam": {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1},
    "adamw": {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1},
    "rmsprop": {"lr": 0.1, "alpha": 0.9, "eps": 1e-2, "weight_decay": 0.1, "momentum": 0.7},
    "adagrad": {"lr": 0.1, "lr_decay": 0.1, "eps": 1e-2, "initial_accumulator_value": 0.1},
    "adadelta": {"lr": 0.1, "rho": 0.8, "eps": 1e-2},
    "nadam": {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "momentum_decay": 0.1},
    "adamax": {"lr": 0.1, "betas": (0.8, 0.9)},  # torch's own differentiable path fails in place
    "radam": {"lr": 0.1, "betas": (0.8, 0.99), "eps": 1e-2},
    "adabelief": {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1},
    "adan": {"lr": 0.1, "betas": (0.8, 0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1},
    "lamb": {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1},
}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """torch keeps the count of steps in the default precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    made = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return made.requires_grad_()


def number(value: Any) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def unrolled(make: Any, theta: Tensor, grads: Tensor, settings: dict[str, Any]) -> Tensor:
    """torch's optimizer, differentiable, over the given gradients."""
    w = theta.clone()
    optimizer = make([w], differentiable=True, **settings)
    for grad in grads:
        w.grad = grad.clone()
        optimizer.step()
    return w


@pytest.mark.parametrize(("name", "make", "fixed", "moving"), CASES)
def test_hypergradients_are_torchs(name: str, make: Any, fixed: dict[str, Any], moving: dict[str, Any]) -> None:
    theta, grads, weights = drawn(N), drawn(STEPS, N, seed=1), drawn(N, seed=2).detach()
    hypers = {n: number(v) for n, v in moving.items()}
    by = [theta, grads, *hypers.values()]
    ours = torch.autograd.grad((derive.function(name)(theta, grads, **fixed, **hypers)[-1] * weights).sum(), by)
    try:
        theirs = torch.autograd.grad((unrolled(make, theta, grads, {**fixed, **hypers}) * weights).sum(), by)
    except (
        RuntimeError,
        ValueError,
        TypeError,
    ):  # torch takes no tensor for some: its path by the start and the gradients
        theirs = torch.autograd.grad((unrolled(make, theta, grads, {**fixed, **moving}) * weights).sum(), by[:2])
    for a, b in zip(ours, theirs, strict=False):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def by_hand(theta: Tensor, grads: Tensor, lr: Tensor, momentum: Tensor, decay: Tensor, nesterov: bool) -> Tensor:
    """SGD with momentum in plain torch: torch's own differentiable path cuts the first buffer off (``detach``)."""
    w, b = theta, None
    for grad in grads:
        g = grad + decay * w
        b = g if b is None else momentum * b + g
        w = w - lr * (g + momentum * b if nesterov else b)
    return w


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_by_hand(nesterov: bool) -> None:
    theta, grads, weights = drawn(N), drawn(STEPS, N, seed=1), drawn(N, seed=2).detach()
    lr, momentum, decay = number(0.1), number(0.9), number(0.05)
    by = [theta, grads, lr, momentum, decay]
    path = derive.function("sgd")(theta, grads, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov)
    ours = torch.autograd.grad((path[-1] * weights).sum(), by)
    theirs = torch.autograd.grad((by_hand(theta, grads, lr, momentum, decay, nesterov) * weights).sum(), by)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_every_smooth_hyperparameter_against_finite_differences(name: str) -> None:
    hypers = {n: number(v) for n, v in SMOOTH[name].items()}
    f = derive.function(name)

    def path(theta: Tensor, grads: Tensor, *values: Tensor) -> Tensor:
        return f(theta, grads, **dict(zip(hypers, values, strict=True)))

    assert torch.autograd.gradcheck(path, (drawn(N), drawn(STEPS, N, seed=1), *hypers.values()))


def test_a_tuple_of_numbers_some_of_which_move() -> None:
    beta = number(0.9)
    f = derive.function("adam")
    theta, grads = drawn(N), drawn(STEPS, N, seed=1)
    (one,) = torch.autograd.grad(f(theta, grads, betas=(beta, 0.99), eps=1e-2)[-1].sum(), beta)
    both = number((0.9, 0.99))
    (two,) = torch.autograd.grad(f(theta, grads, betas=both, eps=1e-2)[-1].sum(), both)
    assert torch.allclose(one, two[0], rtol=1e-12)


def test_second_order() -> None:
    f = derive.function("adam")
    moving = (drawn(N), drawn(3, N, seed=1), number(0.1), number((0.8, 0.9)))
    assert torch.autograd.gradgradcheck(lambda a, b, lr, betas: f(a, b, lr=lr, betas=betas, eps=1e-2), moving)


def test_through_an_inner_problem() -> None:
    """The loss of a quadratic after k steps by the learning rate, gradients taken where the parameters are."""
    curvature = torch.tensor([1.0, 3.0, 10.0], dtype=torch.float64)
    step = derive.function("sgd")

    def loss(lr: Tensor) -> Tensor:
        w = torch.ones(3, dtype=torch.float64)
        for _ in range(6):
            w = step(w, (curvature * w)[None], lr=lr)[-1]
        return 0.5 * (curvature * w * w).sum()

    lr = number(0.05)
    (slope,) = torch.autograd.grad(loss(lr), lr)
    w = (1 - 0.05 * curvature) ** 6
    known = (curvature * w * 6 * (1 - 0.05 * curvature) ** 5 * -curvature).sum()
    assert torch.allclose(slope, known, rtol=1e-12)
    assert torch.autograd.gradcheck(loss, (lr,))


def test_an_mlp_learns_its_learning_rate() -> None:
    """Outer steps along the hypergradient lower what the inner training ends at."""
    x, y = drawn(8, 2).detach(), drawn(8, 1, seed=3).detach()
    first = drawn(2 * 4 + 4, seed=4).detach() * 0.5
    adam = derive.function("adam")

    def inner(w: Tensor) -> Tensor:
        hidden = torch.tanh(x @ w[:8].reshape(2, 4))
        return ((hidden @ w[8:].reshape(4, 1) - y) ** 2).mean()

    def trained(lr: Tensor) -> Tensor:
        w, grads = first.clone().requires_grad_(), []
        for _ in range(4):
            (g,) = torch.autograd.grad(inner(w), w, create_graph=True)
            grads.append(g)
            w = adam(first, torch.stack(grads), lr=lr, eps=1e-3)[-1]
        return inner(w)

    lr, seen = number(0.01), []
    for _ in range(4):
        end = trained(lr)
        seen.append(float(end.detach()))
        (slope,) = torch.autograd.grad(end, lr)
        lr = (lr - 0.02 * slope).detach().requires_grad_()
    assert seen[-1] < seen[0] and torch.autograd.gradcheck(trained, (number(0.02),), atol=1e-6)


def test_programs_by_hyperparameter_are_programs() -> None:
    layer = derive.vjp("softplus", wrt=["beta"])
    assert layer.outputs == ("dbeta",)
    q = with_inputs(derive.load("adam"), ["lr", "betas"])
    assert [t.name for t in q.inputs] == ["theta_0", "grad", "lr", "betas"] and "lr" not in {
        p.name for p in q.parameters
    }
    theta, grads = drawn(N).detach().numpy(), drawn(2, N).detach().numpy()
    one = run(derive.load("adam"), {"theta_0": theta, "grad": grads}, {"lr": 0.3, "betas": (0.5, 0.6)})
    two = run(q, {"theta_0": theta, "grad": grads, "lr": 0.3, "betas": [0.5, 0.6]})
    assert (one["theta"] == two["theta"]).all()


@pytest.mark.parametrize("name", ["nesterov", "momentum", "nothing"])
def test_what_does_not_move_smoothly_is_refused(name: str) -> None:
    with pytest.raises(InputError) as refused:
        with_inputs(derive.load("sgd"), [name])
    assert name in str(refused.value)


def test_a_wrong_hypergradient_is_seen() -> None:
    """The learning rate held where it is used once in two: the check above would fail."""
    theta, grads = drawn(N), drawn(STEPS, N, seed=1)
    lr = number(0.1)
    f = derive.function("sgd")

    def half(a: Tensor, b: Tensor, lr: Tensor) -> Tensor:
        first = f(a, b[:2], lr=lr)[-1]
        return f(first, b[2:], lr=lr.detach())[-1]

    assert torch.autograd.gradcheck(half, (theta, grads, lr), raise_exception=False) is False
