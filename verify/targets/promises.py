"""What every optimizer promises, whatever its rule: each promise gives what was found and what was to be found."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from derive.verify.targets import trajectories as along
from derive.verify.targets.resolve import raised
from derive.verify.targets.trajectories import Plan, Run, Settings, flat, trajectory

HALF = 6


class Inapplicable(Exception):
    """A promise that this class does not make; the reason in words."""


class Broken(Exception):
    """A promise that was not kept; how, in words."""


class Undecided(Exception):
    """What only its author can tell to be meant."""


@dataclass(frozen=True)
class Subject:
    """A class at one choice of its hyperparameters."""

    make: type[torch.optim.Optimizer]
    settings: Settings
    seed: int
    shapes: along.Shapes = along.SHAPES
    other: Callable[..., torch.optim.Optimizer] | None = None

    @property
    def case(self) -> str:
        return ", ".join(f"{k}={v}" for k, v in self.settings.items()) or "defaults"

    @cached_property
    def plan(self) -> Plan:
        return along.plan(self.seed, self.shapes)

    @cached_property
    def steps(self) -> dict[str, np.ndarray]:
        return flat(trajectory(self.make, self.settings, self.plan))

    def run(self, **more: Any) -> Run:
        return Run(self.make, {**self.settings, **more}, self.plan.start)

    def takes(self, name: str) -> bool:
        return name in along.takes(self.make)


Promise = Callable[[Subject], tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]


def _again(s: Subject) -> tuple[Any, Any]:
    """A second optimizer over the same gradients takes the same steps."""
    return flat(trajectory(s.make, s.settings, s.plan)), s.steps


def _finite(s: Subject) -> tuple[Any, Any]:
    """Zero gradients from the first step on give finite parameters."""
    still = flat(along.trajectory(s.make, s.settings, s.plan.scaled(0.0)))
    for name, values in still.items():
        if not np.isfinite(values).all():
            step = int(np.argwhere(~np.isfinite(values))[0][0])
            raise Broken(f"{name} is not finite after step {step + 1} under gradients of 0: a division by 0?")
    return {}, {}


def restored(s: Subject) -> tuple[Any, Any]:
    """Six steps, saved and loaded into a new optimizer, six more: as twelve."""
    first = s.run()
    steps = first.steps(s.plan.gradients[:HALF])
    buffer = io.BytesIO()
    torch.save(first.optimizer.state_dict(), buffer)
    buffer.seek(0)
    second = Run(s.make, s.settings, [p.detach() for p in first.parameters])
    second.optimizer.load_state_dict(torch.load(buffer, weights_only=False))
    steps += second.steps(s.plan.gradients[HALF:])
    return flat(steps), s.steps


def _missing(s: Subject) -> tuple[Any, Any]:
    """A parameter without a gradient stays where it is, and the others step as without it."""
    plan = Plan(s.plan.start, tuple((g[0], None, g[2]) for g in s.plan.gradients))
    found = flat(trajectory(s.make, s.settings, plan))
    still = np.stack([s.plan.start[1].numpy()] * along.STEPS)
    if _coupled(s):
        return {"parameter 1": found["parameter 1"]}, {"parameter 1": still}
    others = flat(trajectory(s.make, s.settings, s.plan.of(0, 2)))
    return found, {"parameter 0": others["parameter 0"], "parameter 1": still, "parameter 2": others["parameter 1"]}


def _coupled(s: Subject) -> bool:
    """Whether one parameter's steps depend on the others' gradients (a global norm, a line search)."""
    alone = flat(trajectory(s.make, s.settings, s.plan.of(0)))
    return not np.allclose(alone["parameter 0"], s.steps["parameter 0"], rtol=1e-9, atol=1e-12)


def _grouped(s: Subject) -> tuple[Any, Any]:
    """Two groups, the second with half the learning rate: as two optimizers."""
    if not s.takes("lr"):
        raise Inapplicable("it takes no lr")
    if _coupled(s):
        raise Inapplicable("the steps of one parameter depend on the others' gradients")
    rate = _rate(s)

    def groups(parameters: list[Any]) -> list[dict[str, Any]]:
        return [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.5 * rate}]

    try:
        found = flat(trajectory(s.make, s.settings, s.plan, groups))
    except ValueError as error:
        raise Inapplicable(f"it takes no groups: {raised(error)}") from error
    first = flat(trajectory(s.make, s.settings, s.plan.of(0)))
    rest = flat(trajectory(s.make, {**s.settings, "lr": 0.5 * rate}, s.plan.of(1, 2)))
    renamed = {f"parameter {i + 1}": rest[f"parameter {i}"] for i in range(2)}
    return found, {**first, **renamed}


def _rate(s: Subject) -> float:
    return float(s.run().optimizer.param_groups[0]["lr"])


def _scheduled(s: Subject) -> tuple[Any, Any]:
    """A learning rate changed between steps, as a scheduler does, changes the steps that follow."""
    if not s.takes("lr"):
        raise Inapplicable("it takes no lr")
    if _heeds(s.make, s):
        return {}, {}
    words = "a learning rate changed between steps changes nothing: a scheduler has no effect"
    if s.other is None:
        raise Undecided(f"{words}, unless that is meant")
    if _heeds(s.other, s):
        raise Broken(f"{words}, though it has one on the reference")
    return {}, {}


def _heeds(make: Any, s: Subject) -> bool:
    """Whether a quarter of the learning rate from the middle on makes other steps."""
    known = {k: v for k, v in s.settings.items() if k in along.takes(make)}
    run = Run(make, known, s.plan.start)
    run.steps(s.plan.gradients[:HALF])
    for group in run.optimizer.param_groups:
        group["lr"] = 0.25 * group["lr"]
    after = flat(run.steps(s.plan.gradients[HALF:]))
    before = flat(trajectory(make, known, s.plan))
    return any(not np.array_equal(x, before[n][HALF:]) for n, x in after.items())


def _mirrored(s: Subject) -> tuple[Any, Any]:
    """maximize under −g is minimize under g."""
    if not s.takes("maximize"):
        raise Inapplicable("it has no maximize")
    flipped = not s.settings.get("maximize", False)
    return flat(trajectory(s.make, {**s.settings, "maximize": flipped}, s.plan.scaled(-1.0))), s.steps


def _closure(s: Subject) -> tuple[Any, Any]:
    """step(closure) calls it with gradients enabled, returns its loss and steps as after a call of it."""
    run = s.run()
    seen: list[bool] = []
    told, losses, steps = [], [], []
    for gradients in s.plan.gradients:
        losses.append(float(run.closure(gradients)()))
        with torch.no_grad():
            told.append(run.optimizer.step(run.closure(gradients, seen)))
        steps.append(run.now())
    if len(seen) < along.STEPS:
        raise Broken("step(closure) does not call the closure")
    if not all(seen):
        raise Broken("the closure is called with gradients disabled: wrap the call in torch.enable_grad()")
    if any(v is None for v in told):
        raise Broken("step(closure) returns None: return the closure's loss")
    found = {"loss returned": np.array([float(v) for v in told]), **flat(steps)}
    return found, {"loss returned": np.array(losses), **s.steps}


def _untouched(s: Subject) -> tuple[Any, Any]:
    """The gradients are as they were after a step."""
    run = s.run()
    found, expected = [], []
    for gradients in s.plan.gradients[:3]:
        run.step(gradients)
        found.append([p.grad if p.grad is not None else torch.full_like(p, math.nan) for p in run.parameters])
        expected.append(gradients)
    return _named("gradient", found), _named("gradient", expected)


def _named(what: str, steps: list[Any]) -> dict[str, np.ndarray]:
    return {f"{what} {i} by step": np.stack([s[i].detach().numpy() for s in steps]) for i in range(len(steps[0]))}


def _strided(s: Subject) -> tuple[Any, Any]:
    """A parameter laid out in memory by columns steps as one by rows."""
    run = s.run()
    (first, *_), plain = run.parameters, s.plan.start[0]
    turned = plain.T.contiguous().T.requires_grad_()
    assert not turned.is_contiguous() and first.shape == turned.shape
    rest = [x.clone().requires_grad_() for x in s.plan.start[1:]]
    run.parameters = [turned, *rest]
    run.optimizer = s.make(run.parameters, **s.settings)
    return flat(run.steps(s.plan.gradients)), s.steps


PROMISES: dict[str, Promise] = {
    "second optimizer": _again,
    "state through state_dict": restored,
    "zero gradients": _finite,
    "missing gradients": _missing,
    "parameter groups": _grouped,
    "learning rate read at every step": _scheduled,
    "maximize": _mirrored,
    "closure": _closure,
    "gradients unchanged": _untouched,
    "strided parameters": _strided,
}
