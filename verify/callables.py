"""Checks of what we did not derive: its contract, its gradient and its gradient's gradient, at examples and near them.

The rungs are those of our own programs; the inputs are the example and its variations.  Everything is done in float64
where the function takes it, since differences in float32 tell little.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array
from torch.utils import _pytree as trees

from derive.errors import InputError
from derive.verify import coarse, contract, forward_mode, kinks, precision, probing
from derive.verify import orders as higher
from derive.verify.compare import compare
from derive.verify.evidence import gather
from derive.verify.probing import judged as judged
from derive.verify.targets import forms
from derive.verify.targets.settle import Settled, held_in, said, settle
from derive.verify.targets.target import Structure, Target, tensors_of
from derive.verify.variations import Variation, variations
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, Evidence, Row, Verdict

FORWARD, CONTRACT = 1e-10, 1e-12
LOW, _FAR = ("float32", "bfloat16"), 30.0
_SMALL = 32_768
_EPS = float(np.finfo(float).eps)
_KEPT = (
    "the gradient is right, its own derivative is not: what the forward saved of its results is a constant to "
    "autograd; compute it again from the inputs, or mark the backward once_differentiable"
)


@dataclass(frozen=True)
class Point:
    """One target at one case: what every rung is given.  ``eps``: what it rounds by, float64's if exact."""

    target: Target
    case: str
    seed: int
    orders: tuple[int, ...] = (1, 2)
    reference: Callable | None = None
    eps: float = _EPS
    kinked: bool = False
    drawing: bool = False

    @property
    def exact(self) -> bool:
        return self.eps <= _EPS

    @property
    def inputs(self) -> dict[str, Array]:
        return dict(self.target.inputs)

    @cached_property
    def bound(self) -> contract.Contract:
        target = self.target
        return contract.Contract(target.outputs, self.inputs, target.differentiable, self.seed, own=target.own)

    def tolerance(self, exact: float) -> float:
        """A tolerance of float64, or a hundred roundings of what the function computes in."""
        return exact if self.exact else 100 * self.eps


def check_callable(
    thing: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    orders: tuple[int, ...] = (1, 2),
    reference: Callable | None = None,
    backward: Callable | None = None,
    name: str = "",
) -> Verdict:
    """The verdict over a user's function at these inputs; ``reference`` is an independent forward, if there is one."""
    name = name or forms.name_of(thing)
    given: dict[str, Any] = {"orders": orders, "reference": reference, "backward": backward}
    state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=[]), _one_thread(inputs, kwargs):
        found = tuple(rows(thing, inputs, kwargs, seed=seed, **given))
    np.random.set_state(state[0])
    random.setstate(state[1])
    return Verdict(name, found, where=forms.where_of(thing, backward))


@contextlib.contextmanager
def _one_thread(*given: Any) -> Iterator[None]:
    """Few entries gain nothing by threads, which wait for each other where the machine is busy."""
    entries = sum(int(np.size(x)) if not isinstance(x, Array) else x.numel() for x in trees.tree_leaves(given))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if entries <= _SMALL else before)
        yield
    finally:
        torch.set_num_threads(before)


def rows(
    thing: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    orders: tuple[int, ...] = (1, 2),
    reference: Callable | None = None,
    backward: Callable | None = None,
) -> Iterator[Row]:
    """Each row as it is found: the example first, then its variations."""
    kwargs = kwargs or {}
    if not inputs and not kwargs:
        mend = "give the tensors it is to be differentiated by"
        raise InputError(f"{forms.name_of(thing)} got no example inputs", mend=mend)
    compared = None if reference is None else next(iter(forms.targets(reference, inputs, kwargs))).call
    for target in forms.targets(thing, inputs, kwargs, backward=backward):
        yield from _climb(target, seed, orders, compared)


def evidence(
    thing: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    seed: int,
    backward: Callable | None,
    found: Sequence[Row],
) -> tuple[Evidence, ...]:
    """What the report draws: of the first case whose gradient failed, or else of the first."""
    wrong = {row.case for row in found if row.status == FAILED and row.check.startswith(("gradient", "probes"))}
    with torch.random.fork_rng(devices=[]):
        try:
            points = list(_points(forms.targets(thing, inputs, kwargs, backward=backward), seed))
            chosen = next((p for p in points if p.case in wrong), points[0] if points else None)
            return gather(chosen.bound.claim(), chosen.case, seed) if chosen else ()
        except Exception:  # whatever it raises is told by the row of the rung that met it
            return ()


def _points(targets: Iterable[Target], seed: int) -> Iterator[Point]:
    """Every case at which a gradient is asked for."""
    for target in targets:
        settled = settle(target, seed)
        if isinstance(settled, Settled):
            for variation in variations(settled.target, seed):
                if not variation.refused:
                    yield Point(settled.target.at(variation.inputs), target.case(variation.case), seed)


def _climb(target: Target, seed: int, orders: tuple[int, ...], reference: Callable | None) -> Iterator[Row]:
    settled = settle(target, seed)
    if not isinstance(settled, Settled):
        yield from settled
        return
    yield from settled.rows
    drawing = any(row.check.startswith("random") for row in settled.rows)
    for variation in variations(settled.target, seed):
        title = target.case(variation.case)
        if variation.refused:
            status = INCONCLUSIVE if variation.asked else NOT_APPLICABLE
            yield Row("inputs", title, status, reason=variation.refused, seed=seed)
            continue
        at = settled.target.at(variation.inputs)
        point = Point(at, title, seed, orders, reference, settled.eps, variation.kinked, drawing)
        yield from (_in_view_of(variation, point, row) for row in _at(point, variation))


def _at(point: Point, variation: Variation) -> Iterator[Row]:
    """Every rung at one case; whatever a rung raises is a failed row."""
    try:
        odd = kinks.not_finite(point.bound, point.case, point.exact)
    except Exception as error:
        check = "structure" if isinstance(error, Structure) else "gradient"
        detail = f"the backward {said(error)}" if check == "gradient" else said(error)
        yield Row(check, point.case, FAILED, seed=point.seed, detail=detail)
        return
    if odd is not None:
        yield odd
    wrong = False
    for name, rung in _RUNGS:
        if name not in variation.rungs or (odd is not None and name not in ("forward", "contract")):
            continue
        if wrong and name == "higher orders":  # differences of a wrong gradient say nothing new
            yield Row(name, point.case, NOT_APPLICABLE, reason="the gradient itself is wrong here", seed=point.seed)
            continue
        try:
            for row in rung(point):
                wrong = wrong or (name == "probes" and row.status == FAILED)
                yield row
        except Exception as error:
            if name in _DIFFERENCED:  # the gradient itself was there: it is a step away that the function refuses
                reason = f"the function refuses inputs a step away: it {said(error)}"
                yield Row(name, point.case, NOT_APPLICABLE, reason=reason, seed=point.seed)
            else:
                yield Row(name, point.case, FAILED, seed=point.seed, detail=said(error))


def _in_view_of(variation: Variation, point: Point, row: Row) -> Row:
    """What is wrong only where the example gives no warrant is a question; on a kink, undecided is as expected."""
    if row.status == FAILED and point.drawing and row.check == "contract, strided inputs":
        reason = "the function draws random numbers, which fall by the layout of its input"
        return replace(row, status=NOT_APPLICABLE, reason=reason, detail="")
    if row.status == FAILED and variation.beyond:
        reason = f"wrong there, but {variation.beyond}: if others are meant, give such an example; {row.detail}"
        return replace(row, status=INCONCLUSIVE, reason=reason, detail="")
    if row.status == FAILED and row.check == "probes" and point.exact and kinks.structured(point.bound):
        reason = "the slope changes within 1e-8 of these inputs: differences mislead there"
        return replace(row, status=NOT_APPLICABLE if variation.kinked else INCONCLUSIVE, reason=reason, detail="")
    if row.status == INCONCLUSIVE and variation.kinked:
        return replace(row, status=NOT_APPLICABLE, reason=f"the inputs lie on a kink: {row.reason}")
    return row


# ------------------------------------------------------------------------------ rungs


def _against_reference(point: Point) -> Iterator[Row]:
    if point.reference is None:
        if point.case.startswith("as given"):
            reason = "no independent forward was given"
            yield Row("forward", point.case, NOT_APPLICABLE, reason=reason, seed=point.seed)
        return
    with torch.no_grad():
        found, expected = (tensors_of(f(*point.inputs.values())) for f in (point.target.call, point.reference))
    real = [v for v in found if v.is_floating_point()]
    finer = held_in(expected) is torch.float64 and all(v.dtype is torch.float64 for v in real)
    tolerance = FORWARD if finer else point.tolerance(FORWARD)  # a reference in float64 tells float32 inside
    yield compare("forward", point.case, _numbered(found), _numbered(expected), tolerance, seed=point.seed)


def _contract(point: Point) -> Iterator[Row]:
    yield from contract.rows(point.bound, point.case, point.tolerance(CONTRACT), point.seed)


def _transforms(point: Point) -> Iterator[Row]:
    """What ``torch.func`` makes of it; a pair written by hand has no part in that."""
    if point.target.functional and point.exact:
        for row in contract.transform_rows(point.bound, point.case, seed=point.seed):
            yield _shorter(row)
        for row in forward_mode.rows(point.bound, point.case):
            yield _shorter(row)


def _shorter(row: Row) -> Row:
    """torch's advice in fewer words."""
    if "must override the setup_context" not in row.reason:
        return row
    return replace(row, reason="not offered: its forward takes ctx, and torch.func wants setup_context beside it")


def _gradient(point: Point) -> Iterator[Row]:
    """The gradient against differences of the forward."""
    if point.exact and point.kinked:
        yield probing.judged("probes", point.case, point.bound.claim(), point.seed)
    elif point.exact:
        yield from probing.rows(point.bound, point.case)
    elif not point.kinked:
        yield from coarse.rows(point.bound, point.case, point.eps)


def _kinks(point: Point) -> Iterator[Row]:
    if point.exact:
        yield from kinks.rows(point.bound, point.case)


def _low(point: Point) -> Iterator[Row]:
    """Its gradients in low precision against those in float64."""
    if point.exact and point.target.functional:
        for row in precision.rows(point.bound, point.case, LOW):
            yield _only_if_far(row)


def _only_if_far(row: Row) -> Row:
    """What rounding alone may do inside a function nobody knows cannot be told closely: near misses are questions."""
    if row.status != FAILED or row.error is None or row.tolerance is None or row.error > _FAR * row.tolerance:
        return row
    return replace(row, status=INCONCLUSIVE, reason=row.detail, detail="")


def _higher(point: Point) -> Iterator[Row]:
    """The gradient's gradient against differences of the gradient, where the function has one."""
    if point.exact:
        for row in higher.rows(point.bound, point.case, tuple(k for k in point.orders if k > 1)):
            yield replace(row, detail=f"{row.detail}: {_KEPT}") if row.status == FAILED and point.target.own else row


def _numbered(y: Any) -> dict[str, np.ndarray]:
    return {f"output {i}": v.detach().to(torch.float64).numpy() for i, v in enumerate(tensors_of(y))}


#: Rungs that call the function at other inputs than those of the case.
_DIFFERENCED = ("probes", "kinks", "precision", "higher orders")
_RUNGS: tuple[tuple[str, Callable[[Point], Iterator[Row]]], ...] = (
    ("forward", _against_reference),
    ("contract", _contract),
    ("transforms", _transforms),
    ("probes", _gradient),
    ("kinks", _kinks),
    ("precision", _low),
    ("higher orders", _higher),
)
