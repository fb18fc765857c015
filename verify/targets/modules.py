"""An ``nn.Module`` as a function of its inputs and its parameters, in training and in evaluation.

Every call gets the buffers as they were, so that none sees what another left behind.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor as Array
from torch import nn

from derive.verify.targets.target import Target, bound, tensors_of

MODES = {"training": True, "evaluation": False}


def targets(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, ...], name: str
) -> Iterator[Target]:
    """The module in each of its modes."""
    module = _own(module, args, kwargs)
    parameters = {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}
    arguments, inputs = bound(lambda *a, **k: (a, k), args, kwargs, names)
    inputs = {f"input {n}" if n in parameters else n: x for n, x in inputs.items()}
    modes = {
        f"in {title}": _call(module, training, tuple(parameters), arguments, len(inputs))
        for title, training in MODES.items()
    }
    if _alike(tuple(modes.values()), (*inputs.values(), *parameters.values())):
        modes = {"in training as in evaluation": modes["in training"]}
    for title, call in modes.items():
        yield Target(name, call, {**inputs, **parameters}, frozenset(parameters), title)


def _alike(calls: tuple[Any, ...], tensors: tuple[Array, ...]) -> bool:
    """Whether both modes give the same, to the last digit."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            first, second = (tensors_of(call(*(x.clone() for x in tensors))) for call in calls)
    except Exception:  # what a mode raises its own check will tell
        return False
    pairs = zip(first, second, strict=False)
    return len(first) == len(second) and all(a.shape == b.shape and bool((a == b).all()) for a, b in pairs)


def _own(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> nn.Module:
    """A copy that nobody else changes, its lazy parameters made."""
    with contextlib.suppress(Exception):  # some cannot be copied; a call changes no parameter or buffer all the same
        module = copy.deepcopy(module)
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in module.parameters()):
        with torch.no_grad():
            module(*args, **kwargs)
    return module


def _call(module: nn.Module, training: bool, names: tuple[str, ...], arguments: Any, count: int) -> Any:
    """f(*inputs, *parameters) with fresh copies of the buffers, in the parameters' own precision."""
    buffers = {n: b.detach().clone() for n, b in module.named_buffers()}
    frozen = {n: p.detach() for n, p in module.named_parameters() if n not in names}

    def call(*tensors: Array) -> Any:
        args, kwargs = arguments(*tensors[:count])
        given = tuple(x.contiguous() for x in tensors[count:])  # a module's parameters always are
        dtype = next((x.dtype for x in (*given, *tensors) if x.is_floating_point()), None)
        state = {n: _cast(x, dtype).clone() for n, x in {**buffers, **frozen}.items()}
        was = [(m, m.training) for m in module.modules()]
        module.train(training)
        try:
            return torch.func.functional_call(module, {**state, **dict(zip(names, given, strict=True))}, args, kwargs)
        finally:
            for m, mode in was:
                m.training = mode

    return call


def _cast(x: Array, dtype: torch.dtype | None) -> Array:
    return x.to(dtype) if dtype is not None and x.is_floating_point() else x
