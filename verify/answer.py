"""One answer for one request: whatever is asked to be checked, a verdict.

``check`` takes things, ``run`` a ``Request`` that names them.  Catalogue names, files of definitions, texts and
programs climb the ladder; everything else is a user's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from derive.errors import DeriveError
from derive.program import Program
from derive.verify import callables, ladder
from derive.verify.request import Request
from derive.verify.targets import examples, forms, optimizers
from derive.verify.targets.resolve import is_reference, resolve
from derive.verify.verdict import FAILED, NOT_APPLICABLE, Row, Verdict


def check(
    target: Any,
    *inputs: Any,
    seed: int = 0,
    reference: Any = None,
    backward: Callable | None = None,
    kwargs: Mapping[str, Any] | None = None,
    **options: Any,
) -> Verdict:
    """The verdict over anything that can be checked.

    Ours: a catalogue name, ``path.py:name``, a definition's text, a program; ``options`` are those of the ladder.  A
    user's: a function of tensors, an ``autograd.Function``, a ``torch.library`` operation, an ``nn.Module`` (instance,
    or class of no arguments), a forward/backward pair (a tuple, or ``backward=``), an optimizer class, or
    ``module:attribute`` naming one.  ``inputs`` (and ``kwargs``) are example inputs, of an optimizer its settings
    as dicts.  ``reference``: an independent forward, of an optimizer another class or a catalogue name.
    """
    if isinstance(target, str) and is_reference(target):
        asked = Request(target, seed, tuple(options.get("orders", (1, 2))), evidence=bool(options.get("evidence")))
        return _timed(asked, lambda: _named(asked, inputs, kwargs, reference, backward))
    if isinstance(target, os.PathLike):
        target = os.fspath(target)
    if isinstance(target, str | Program):
        return ladder.check(target, seed=seed, **options)
    orders = tuple(options.get("orders", (1, 2)))
    began = time.perf_counter()
    verdict = _of_thing(target, inputs, kwargs or {}, seed, orders, reference, backward, "")
    if options.get("evidence"):
        verdict = _with_evidence(verdict, target, inputs, kwargs or {}, seed, backward)
    rerun = f"derive.verify.check({verdict.name}, …, seed={seed})"
    return replace(verdict, rerun=rerun, seconds=time.perf_counter() - began)


def run(request: Request) -> Verdict:
    """The verdict that a request asks for; what cannot be loaded is a failed row, never an exception."""
    return _timed(request, lambda: _requested(request))


def _timed(request: Request, answer: Callable[[], Verdict]) -> Verdict:
    began = time.perf_counter()
    try:
        verdict = answer()
    except DeriveError as error:
        verdict = Verdict(request.target, (Row("load", "", FAILED, seed=request.seed, detail=str(error)),))
    return replace(
        verdict, rerun=request.command, target=verdict.target or request.target, seconds=time.perf_counter() - began
    )


def _requested(request: Request) -> Verdict:
    if is_reference(request.target):
        reference = _reference(request.reference)
        backward = resolve(request.backward) if request.backward else None
        return _named(request, (), None, reference, backward)
    return ladder.check(request.target, seed=request.seed, orders=request.orders, evidence=request.evidence)


def _reference(name: str) -> Any:
    """An object by its reference; a catalogue name as it is."""
    return resolve(name) if name and is_reference(name) else name or None


def _named(
    request: Request, inputs: tuple[Any, ...], kwargs: Mapping[str, Any] | None, reference: Any, backward: Any
) -> Verdict:
    """A user's thing by name, at the inputs given here or found by the request."""
    thing = _factory(resolve(request.target))
    if not inputs and not kwargs:
        found = examples.example_inputs(request, thing, backward=backward is not None)
        if found is None and not forms.is_optimizer(thing):
            reason = examples.wanted(request.target)
            row = Row("inputs", "", NOT_APPLICABLE, reason=reason, seed=request.seed)
            return Verdict(request.target, (row,), target=request.target)
        inputs, kwargs = found or ((), {})
    verdict = _of_thing(thing, inputs, kwargs or {}, request.seed, request.orders, reference, backward, request.target)
    if request.evidence:
        verdict = _with_evidence(verdict, thing, inputs, kwargs or {}, request.seed, backward)
    return replace(verdict, target=request.target)


def _with_evidence(
    verdict: Verdict, thing: Any, inputs: tuple[Any, ...], kwargs: Mapping[str, Any], seed: int, backward: Any
) -> Verdict:
    """What the report draws of a function; of an optimizer nothing."""
    if forms.is_optimizer(thing):
        return verdict
    return replace(verdict, evidence=callables.evidence(thing, inputs, kwargs, seed, backward, verdict.rows))


def _factory(thing: Any) -> Any:
    """What a function of no arguments makes, where that is a module."""
    if callable(thing) and not isinstance(thing, type | torch.nn.Module) and forms.takes_nothing(thing):
        made = forms.called(thing)
        return made if isinstance(made, torch.nn.Module) or forms.is_pair(made) else thing
    return thing


def _of_thing(
    thing: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    seed: int,
    orders: tuple[int, ...],
    reference: Any,
    backward: Callable | None,
    name: str,
) -> Verdict:
    if forms.is_optimizer(thing):
        return optimizers.check_optimizer(thing, inputs, seed=seed, reference=reference, name=name)
    return callables.check_callable(
        thing, inputs, kwargs, seed=seed, orders=orders, reference=reference, backward=backward, name=name
    )
