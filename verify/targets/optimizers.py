"""An optimizer class: its steps against an independent class, and what every optimizer promises.

The promises: state goes through ``state_dict`` and back, a missing gradient leaves its parameter alone, zero gradients
give finite steps, groups and a changed learning rate are honoured, ``maximize`` is the mirror image, a closure is
called with gradients enabled, ``foreach`` and its like change nothing, and no gradient is written to.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from derive.errors import InputError
from derive.verify.compare import compare
from derive.verify.targets import trajectories as along
from derive.verify.targets.resolve import raised, where
from derive.verify.targets.trajectories import Plan, Run, Settings, flat, trajectory
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, Row, Verdict

SAME, REFERENCE = 1e-12, 1e-11
_HALF = 6


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


def check_optimizer(
    make: type[torch.optim.Optimizer],
    settings: tuple[Any, ...] = (),
    *,
    seed: int = 0,
    reference: Any = None,
    name: str = "",
) -> Verdict:
    """The verdict over an optimizer class at these settings (dicts of hyperparameters), or at those it takes.

    ``reference``: an independent class, or the name of a catalogue optimizer.
    """
    name = name or make.__name__
    other = _reference(reference)
    with _in_float64():
        rows = tuple(_rows(make, settings, seed, other))
    return Verdict(name, rows, where=where(make.step))


@contextlib.contextmanager
def _in_float64() -> Iterator[None]:
    """Counters that torch keeps in the default precision are float64 too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _rows(make: Any, settings: tuple[Any, ...], seed: int, other: Any) -> Iterator[Row]:
    if other is None:
        reason = "no independent optimizer was given: reference= a class, or a catalogue name such as adamw"
        yield Row("trajectory", "", NOT_APPLICABLE, reason=reason, seed=seed)
    accepted = 0
    for subject in _subjects(make, settings, seed, other):
        if isinstance(subject, Row):
            yield subject
            continue
        if other is not None:
            yield _against(subject, other)
        promises = _PROMISES if accepted == 0 else {"state through state_dict": _restored}
        yield from (_row(f"contract, {title}", subject, promise) for title, promise in promises.items())
        if accepted < 2:
            yield from _hows(subject)
        accepted += 1


def _subjects(make: Any, settings: tuple[Any, ...], seed: int, other: Any) -> Iterator[Subject | Row]:
    """The choices of hyperparameters that the class accepts, and a row for each that it refuses."""
    given = [dict(s) for s in settings if isinstance(s, Mapping)]
    if len(given) != len(settings):
        mend = "give settings as dicts, as in check(MyAdam, {'lr': 0.1}, {'weight_decay': 0.1})"
        raise InputError(f"an optimizer is checked at settings, not at {type(settings[0]).__name__}", mend=mend)
    needed = {"lr": 0.01} if "lr" in along.required(make) else {}
    missing = [n for n in along.required(make) if n not in needed and not all(n in s for s in given or [{}])]
    if missing:
        raise InputError(f"{make.__name__} needs {', '.join(missing)}", mend="give its settings as dicts after it")
    tried = given or [s for s in along.TRIED if set(s) <= along.takes(make)]
    shapes = along.SHAPES
    for choice in tried:
        subject = Subject(make, {**needed, **choice}, seed, shapes, other)
        refusal = _refusal(subject)
        if "2D" in refusal or "matri" in refusal:
            shapes = along.MATRICES
            subject = replace(subject, shapes=shapes)
            refusal = _refusal(subject)
        if not refusal:
            yield subject
        elif "does not support dense gradients" in refusal:
            yield Row("steps", subject.case, NOT_APPLICABLE, reason="it takes sparse gradients alone", seed=seed)
        elif choice and not given and refusal.startswith(("ValueError", "TypeError")):
            reason = f"the class refuses it: {refusal}"
            yield Row("steps", subject.case, NOT_APPLICABLE, reason=reason, seed=seed)
        else:
            yield Row("steps", subject.case, FAILED, seed=seed, detail=f"raises {refusal}")


def _refusal(subject: Subject) -> str:
    """What the class raises when it is made or takes its first step; empty if nothing."""
    try:
        trajectory(subject.make, subject.settings, Plan(subject.plan.start, subject.plan.gradients[:1]))
    except Exception as error:
        return raised(error)
    return ""


def _reference(reference: Any) -> Callable[..., torch.optim.Optimizer] | None:
    """A class as it is; a catalogue name as the class generated from it."""
    if reference is None or isinstance(reference, type):
        return reference
    if callable(reference):
        return reference
    import derive.optim

    classes = {n.lower(): n for n in dir(derive.optim)}
    found = classes.get(str(reference).lower().replace("_", ""))
    if found is None:
        raise InputError(f"no optimizer named {reference!r}", mend=f"known: {', '.join(sorted(classes))}")
    return getattr(derive.optim, found)  # type: ignore[no-any-return]


def _against(subject: Subject, other: Callable[..., torch.optim.Optimizer]) -> Row:
    """Every step beside the same step of an independent class."""
    shared = {k: v for k, v in subject.settings.items() if k in along.takes(other)}
    unknown = sorted(set(subject.settings) - set(shared))
    if unknown:
        reason = f"the reference takes no {', '.join(unknown)}"
        return Row("trajectory", subject.case, NOT_APPLICABLE, reason=reason, seed=subject.seed)
    try:
        expected = flat(trajectory(other, _defaults(subject.make, other) | shared, subject.plan))
    except Exception as error:
        reason = f"the reference refuses it: {raised(error)}"
        return Row("trajectory", subject.case, NOT_APPLICABLE, reason=reason, seed=subject.seed)
    row = _row("trajectory", subject, lambda s: (s.steps, expected), REFERENCE)
    if row.status != FAILED or not row.detail:
        return row
    first = _first_apart(subject.steps, expected)
    words = f"first apart at step {first + 1} of {along.STEPS}; {row.detail}"
    return Row(row.check, row.case, FAILED, row.error, row.tolerance, seed=row.seed, detail=words)


def _defaults(make: Any, other: Any) -> dict[str, Any]:
    """The class's own defaults, where the reference takes the same names: what is compared are the steps."""
    import inspect

    known = along.takes(other) - set(along.HOWS)
    parameters = inspect.signature(make).parameters
    return {
        n: p.default for n, p in parameters.items() if n in known and p.default is not p.empty and p.default is not None
    }


def _first_apart(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> int:
    for t in range(along.STEPS):
        if any(not np.allclose(found[n][t], expected[n][t], rtol=1e-10, atol=1e-13) for n in expected):
            return t
    return along.STEPS - 1


Promise = Callable[[Subject], tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]


def _row(check: str, subject: Subject, promise: Promise, tolerance: float = SAME) -> Row:
    """What a promise gives beside what it should; one that raises has failed."""
    try:
        found, expected = promise(subject)
    except (Inapplicable, Undecided) as reason:
        status = NOT_APPLICABLE if isinstance(reason, Inapplicable) else INCONCLUSIVE
        return Row(check, subject.case, status, reason=str(reason), seed=subject.seed)
    except Broken as broken:
        return Row(check, subject.case, FAILED, seed=subject.seed, detail=str(broken))
    except Exception as error:
        return Row(check, subject.case, FAILED, seed=subject.seed, detail=f"raises {raised(error)}")
    return compare(check, subject.case, found, expected, tolerance, seed=subject.seed)


# ------------------------------------------------------------------------------ promises


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


def _restored(s: Subject) -> tuple[Any, Any]:
    """Six steps, saved and loaded into a new optimizer, six more: as twelve."""
    first = s.run()
    steps = first.steps(s.plan.gradients[:_HALF])
    buffer = io.BytesIO()
    torch.save(first.optimizer.state_dict(), buffer)
    buffer.seek(0)
    second = Run(s.make, s.settings, [p.detach() for p in first.parameters])
    second.optimizer.load_state_dict(torch.load(buffer, weights_only=False))
    steps += second.steps(s.plan.gradients[_HALF:])
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
    run.steps(s.plan.gradients[:_HALF])
    for group in run.optimizer.param_groups:
        group["lr"] = 0.25 * group["lr"]
    after = flat(run.steps(s.plan.gradients[_HALF:]))
    before = flat(trajectory(make, known, s.plan))
    return any(not np.array_equal(x, before[n][_HALF:]) for n, x in after.items())


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


_PROMISES: dict[str, Promise] = {
    "second optimizer": _again,
    "state through state_dict": _restored,
    "zero gradients": _finite,
    "missing gradients": _missing,
    "parameter groups": _grouped,
    "learning rate read at every step": _scheduled,
    "maximize": _mirrored,
    "closure": _closure,
    "gradients unchanged": _untouched,
    "strided parameters": _strided,
}


def _hows(subject: Subject) -> Iterator[Row]:
    """foreach, fused, capturable, differentiable: the same steps with each as without."""
    for how in along.HOWS:
        if not subject.takes(how):
            continue
        check = f"contract, {how} as for-loop"
        try:
            runs = [flat(trajectory(subject.make, {**subject.settings, how: on}, subject.plan)) for on in (True, False)]
        except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
            reason = f"the class refuses {how} here: {raised(error)}"
            yield Row(check, subject.case, NOT_APPLICABLE, reason=reason, seed=subject.seed)
            continue
        yield compare(check, subject.case, runs[0], runs[1], SAME, seed=subject.seed)
