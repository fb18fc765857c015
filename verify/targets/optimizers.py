"""An optimizer class: its steps against an independent class, and what every optimizer promises.

The promises: state goes through ``state_dict`` and back, a missing gradient leaves its parameter alone, zero gradients
give finite steps, groups and a changed learning rate are honoured, ``maximize`` is the mirror image, a closure is
called with gradients enabled, ``foreach`` and its like change nothing, and no gradient is written to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from derive.errors import InputError
from derive.verify.compare import compare
from derive.verify.targets import trajectories as along
from derive.verify.targets.promises import PROMISES, Broken, Inapplicable, Promise, Subject, Undecided, restored
from derive.verify.targets.resolve import raised, where
from derive.verify.targets.trajectories import Plan, Settings, flat, trajectory
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, Row, Verdict

SAME, REFERENCE = 1e-12, 1e-11


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
        promises = PROMISES if accepted == 0 else {"state through state_dict": restored}
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
    tried: list[Settings] = list(given) or [s for s in along.TRIED if set(s) <= along.takes(make)]
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
