"""Is the forward right?  Against torch primitives, torch's own operation, and torch.optim."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from derive.verify import autograd
from derive.verify.compare import compare
from derive.verify.inputs import Case
from derive.verify.references import OPTIMIZERS, optimizer, trajectory
from derive.verify.rungs.base import (
    FORWARD,
    GRADIENT,
    Options,
    flat,
    hypers_by_name,
    sizes,
    title,
    weighted,
)
from derive.verify.subject import Subject
from derive.verify.verdict import NOT_APPLICABLE, Row


def forward(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The interpreter and the generated code against torch primitives, and against torch's own operation."""
    at, expected = title(subject, case.title()), autograd.forward(case)
    for target in ("interpreter", *options.codes):
        found = flat(subject.run(target, subject.program, case.inputs, case))
        yield compare(f"forward, {target}", at, found, expected, FORWARD, seed=options.seed, sizes=sizes(case))
    if subject.reference is None or case.kind == "empty":
        return
    outputs = _torchs(subject, case, ())[1]
    if isinstance(outputs, str):
        yield Row("forward, torch's operation", at, NOT_APPLICABLE, reason=outputs, seed=options.seed)
        return
    names = (*subject.program.outputs, *(new for _, new in subject.program.updates))
    true = {n: y.detach().numpy().reshape(-1) for n, y in zip(names, outputs, strict=True)}
    yield compare("forward, torch's operation", at, expected, true, FORWARD, seed=options.seed, sizes=sizes(case))


def torchs_gradient(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived gradient against that of torch's own operation; at kinks and ties this holds the convention."""
    if subject.reference is None or case.kind == "empty" or not case.differentiable:
        return
    given, outputs = _torchs(subject, case, case.differentiable)
    if isinstance(outputs, str):
        return
    inputs, weights = weighted(subject, case, 1, options.seed)
    true = autograd.pulled_back(outputs[: len(weights[0])], weights[0], [given[n] for n in case.differentiable])
    found = subject.run("interpreter", subject.vjp, inputs, case)
    expected = dict(zip(subject.vjp.outputs, true, strict=True))
    yield compare(
        "gradient, torch's operation", title(subject, case.title()), flat(found), flat(expected), FORWARD,
        seed=options.seed, sizes=sizes(case),
    )  # fmt: skip


def _torchs(subject: Subject, case: Case, differentiable: tuple[str, ...]) -> tuple[dict, tuple | str]:
    """The inputs as tensors and what torch's operation makes of them, or in its own words why it will not."""
    given = autograd.tensors(case.inputs, differentiable)
    assert subject.reference is not None
    try:
        return given, subject.reference(given, hypers_by_name(case))
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:  # torch asserts some arguments
        return given, f"torch refuses: {error}"


def trajectories(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """Ten steps against torch.optim: gradients of 1e-3 to 1, a spike, zeros and changes of sign."""
    if subject.name not in OPTIMIZERS or case.kind != "plain":
        return
    theta, grads = optimizer.gradients(optimizer.SHAPES.get(subject.name, (3,)), options.seed)
    true = trajectory(subject.name, torch.from_numpy(theta), torch.from_numpy(grads), hypers_by_name(case))
    start, each = (t.name for t in subject.program.inputs[:2])
    inputs = {start: theta, each: grads, **optimizer.given(subject.name, grads)}
    for target in ("interpreter", *options.codes):
        found = subject.run(target, subject.program, inputs, case)
        first = {"theta": found[subject.program.outputs[0]]}
        yield compare(
            f"trajectory, {target}", title(subject, "10 steps"), first, {"theta": true.numpy()}, GRADIENT,
            seed=options.seed,
        )  # fmt: skip
