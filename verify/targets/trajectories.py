"""The steps of an optimizer class over given gradients: from 1e-3 to 1, with a spike, zeros and changes of sign."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

STEPS, SPIKE, STILL = 12, 4, 7
Shapes = tuple[tuple[int, ...], ...]

#: A matrix, a vector, a single number; for classes that take matrices alone, three of them.
SHAPES: Shapes = ((2, 3), (4,), ())
MATRICES: Shapes = ((2, 3), (4, 2), (3, 3))

Settings = Mapping[str, Any]
Make = Callable[..., torch.optim.Optimizer]

#: Hyperparameters that are tried where a class takes them, and what is tried: one default step tells little.
TRIED: tuple[Settings, ...] = (
    {},
    {"weight_decay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
    {"momentum": 0.7, "nesterov": True, "weight_decay": 0.05},
    {"betas": (0.8, 0.9), "eps": 1e-3},
    {"betas": (0.5, 0.6), "weight_decay": 0.1, "eps": 0.1},
    {"amsgrad": True, "betas": (0.5, 0.6)},
    {"amsgrad": True, "weight_decay": 0.1, "eps": 0.1, "lr": 0.1},
    {"beta1": 0.8, "beta2": 0.9},
    {"alpha": 0.8, "eps": 1e-3},
    {"rho": 0.8, "eps": 1e-3},
    {"centered": True},
    {"lr_decay": 0.1},
    {"maximize": True, "weight_decay": 0.1},
)
#: Flags that choose how, not what: every value gives the same steps.
HOWS = ("foreach", "fused", "capturable")


@dataclass(frozen=True)
class Plan:
    """Where the parameters start and what gradients they get; None is a gradient that is missing."""

    start: tuple[Array, ...]
    gradients: tuple[tuple[Array | None, ...], ...]

    def of(self, *places: int) -> Plan:
        """For some of the parameters only."""
        return Plan(tuple(self.start[i] for i in places), tuple(tuple(g[i] for i in places) for g in self.gradients))

    def scaled(self, factor: float) -> Plan:
        """The same with every gradient times a factor."""
        return Plan(self.start, tuple(tuple(None if x is None else factor * x for x in g) for g in self.gradients))


def plan(seed: int, shapes: Shapes = SHAPES, steps: int = STEPS) -> Plan:
    """Gradients of sizes 1e-3 to 1, one a thousand times that, one of zeros."""
    rng = np.random.default_rng([seed, 13])

    def gradients(t: int) -> tuple[Array, ...]:
        size = 0.0 if t == STILL else (1e3 if t == SPIKE else 1.0)
        return tuple(_tensor(size * rng.normal(size=s) * 10.0 ** rng.uniform(-3, 0, size=s)) for s in shapes)

    start = tuple(_tensor(rng.normal(size=s)) for s in shapes)
    return Plan(start, tuple(gradients(t) for t in range(steps)))


def _tensor(x: Any) -> Array:
    return torch.from_numpy(np.array(x, dtype=float))


class Run:
    """An optimizer over its own copies of the parameters, stepped by hand."""

    def __init__(self, make: Make, settings: Settings, start: Sequence[Array], groups: Any = None) -> None:
        self.parameters = [x.clone().requires_grad_() for x in start]
        given = self.parameters if groups is None else groups(self.parameters)
        self.optimizer = make(given, **settings)
        self.closes = _needs_closure(self.optimizer)

    def closure(self, gradients: Iterable[Array | None], seen: list[bool] | None = None) -> Callable[[], Any]:
        """What sets those gradients and gives the loss they are the gradients of; ``seen``: was autograd on."""
        given = list(gradients)

        def call() -> Any:
            if seen is not None:
                seen.append(torch.is_grad_enabled())
            pairs = [(p, g) for p, g in zip(self.parameters, given, strict=True) if g is not None]
            for p, g in zip(self.parameters, given, strict=True):
                p.grad = None if g is None else g.clone()
            return sum(((p.detach() * g).sum() for p, g in pairs), torch.zeros((), dtype=torch.float64))

        return call

    def step(self, gradients: Iterable[Array | None]) -> tuple[Array, ...]:
        """The parameters after a step under these gradients."""
        closure = self.closure(gradients)
        if self.closes:
            self.optimizer.step(closure)
        else:
            closure()
            self.optimizer.step()
        return self.now()

    def now(self) -> tuple[Array, ...]:
        return tuple(p.detach().clone() for p in self.parameters)

    def steps(self, gradients: Iterable[Iterable[Array | None]]) -> list[tuple[Array, ...]]:
        return [self.step(g) for g in gradients]


def _needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether ``step`` cannot be called without one."""
    step = inspect.unwrap(type(optimizer).step)
    parameter = inspect.signature(step).parameters.get("closure")
    return parameter is not None and parameter.default is inspect.Parameter.empty


def trajectory(make: Make, settings: Settings, plan: Plan, groups: Any = None) -> list[tuple[Array, ...]]:
    """The parameters after every step."""
    return Run(make, settings, plan.start, groups).steps(plan.gradients)


def flat(steps: Sequence[Sequence[Array]]) -> dict[str, np.ndarray]:
    """``parameter 0`` → its values by step."""
    return {f"parameter {i}": np.stack([s[i].detach().double().numpy() for s in steps]) for i in range(len(steps[0]))}


def takes(make: Any) -> frozenset[str]:
    """The names of the hyperparameters a class takes."""
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(list(parameters)[1:])


def required(make: Any) -> tuple[str, ...]:
    """Hyperparameters without a default."""
    parameters = list(inspect.signature(make).parameters.values())[1:]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind not in kinds)
