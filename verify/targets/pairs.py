"""A forward and a backward written by hand, in NumPy or of tensors, as one torch function.

Accepted: ``forward(*inputs)`` gives an array or a tuple of them, and ``backward(dy, *inputs)`` the gradients; or
``forward(*inputs)`` gives ``(y, cache)`` and ``backward(dy, cache)`` the gradients.  ``dy`` is a tuple where there are
several outputs.  The gradients are an array for a single input, else a tuple of one per input, None where there is
none; gradients of the real inputs alone will do.  Arrays keep the strides they are given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.targets.target import Structure

_CACHES = {"cache", "ctx", "saved", "context", "residual", "residuals", "memory", "tape", "state", "stash", "mem"}


def joined(forward: Callable[..., Any], backward: Callable[..., Any], *, numpy: bool) -> Callable[..., Any]:
    """The pair as a torch function whose gradient is ``backward``."""

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Any:
            ctx.given = tuple(_given(a, numpy) for a in arguments)
            y, ctx.cache = _split(forward(*ctx.given), backward)
            outputs = _outputs(y)
            ctx.single = not isinstance(y, tuple)
            ctx.like = [(v.shape, v.dtype) for v in outputs]
            given = tuple(_tensor(v) for v in outputs)
            return given[0] if ctx.single else given

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, *cotangents: Any) -> Any:
            pairs = zip(cotangents, ctx.like, strict=True)
            dy = tuple(_cotangent(w, shape, numpy) for w, (shape, _) in pairs)
            more = ctx.given if ctx.cache is _NONE else (ctx.cache,)
            return _gradients(backward(dy[0] if ctx.single else dy, *more), ctx.given)

    def call(*arguments: Any) -> Any:
        return Pair.apply(*arguments)

    return call


_NONE = object()


def _given(x: Any, numpy: bool) -> Any:
    if not isinstance(x, Array):
        return x
    return x.detach().numpy() if numpy else x.detach()


def _cotangent(w: Array | None, shape: Any, numpy: bool) -> Any:
    w = torch.zeros(tuple(shape), dtype=torch.float64) if w is None else w
    return _given(w, numpy)


def _split(y: Any, backward: Callable[..., Any]) -> tuple[Any, Any]:
    """The outputs and the cache; without one, ``backward`` is given the inputs."""
    if isinstance(y, tuple) and len(y) == 2 and (not _is_array(y[1]) or _takes_cache(backward)):
        return y
    return y, _NONE


def _takes_cache(backward: Callable[..., Any]) -> bool:
    try:
        names = list(inspect.signature(backward).parameters)
    except (TypeError, ValueError):
        return False
    return len(names) == 2 and names[1].lower().strip("_") in _CACHES


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | Array | float | int)


def _outputs(y: Any) -> tuple[Any, ...]:
    several = y if isinstance(y, tuple) else (y,)
    for i, v in enumerate(several):
        if not _is_array(v):
            which = f"output {i} of forward" if isinstance(y, tuple) else "forward"
            said = "None" if v is None else f"a {type(v).__name__}"
            raise Structure(f"{which} is {said}", mend="forward returns an array, a tuple of arrays, or (y, cache)")
    if not several:
        raise Structure("forward returns an empty tuple", mend="forward returns an array or a tuple of arrays")
    return tuple(v if isinstance(v, Array) else np.asarray(v) for v in several)


def _tensor(v: Any) -> Array:
    return v.clone() if isinstance(v, Array) else torch.from_numpy(np.array(v))


def _gradients(found: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """One gradient per input, of its shape; None where there is none to give."""
    if isinstance(found, dict):
        raise Structure("backward returns a dict", mend="return the gradients as a tuple, in the order of the inputs")
    several = tuple(found) if isinstance(found, tuple | list) else (found,)
    real = [i for i, x in enumerate(given) if _is_real(x)]
    arrays = [i for i, x in enumerate(given) if isinstance(x, np.ndarray | Array)]
    places = next((p for p in (range(len(given)), arrays, real) if len(p) == len(several)), None)
    if places is None:
        message = f"backward returns {len(several)} gradient{'s' * (len(several) != 1)} for {len(given)} inputs"
        raise Structure(message, mend="return one gradient per input, in order, None where there is none")
    made: list[Any] = [None] * len(given)
    for i, g in zip(places, several, strict=True):
        made[i] = None if g is None or not _is_real(given[i]) else _gradient(g, given[i], i)
    return tuple(made)


def _gradient(g: Any, x: Any, i: int) -> Array:
    if not _is_array(g):
        raise Structure(f"gradient {i} is a {type(g).__name__}", mend="return arrays")
    g = g.detach() if isinstance(g, Array) else torch.from_numpy(np.array(g))
    if g.is_complex() or tuple(g.shape) != tuple(x.shape):
        kind = "complex, " if g.is_complex() else ""
        message = f"gradient {i} is {kind}of shape {tuple(g.shape)}; its input has shape {tuple(x.shape)}"
        raise Structure(message, mend="a gradient has its input's shape: sum what was broadcast")
    return g.to(torch.float64 if isinstance(x, np.ndarray) else x.dtype) if not g.is_floating_point() else g


def _is_real(x: Any) -> bool:
    return x.is_floating_point() if isinstance(x, Array) else isinstance(x, np.ndarray) and x.dtype.kind == "f"
