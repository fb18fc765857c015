"""Faults that exist only in code: what a torch function does to precision, memory and state.

A breach makes a wrong function of a right one; its docstring says what it does.  ``Right`` is the derived function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor as Array

import derive
from derive.program import Program

Tensors = tuple[Array, ...]
Pull = Callable[[Any, Tensors, Tensors, Sequence[bool]], "tuple[Array | None, ...]"]


@dataclass(frozen=True)
class Right:
    """A derived function under given hyperparameters: its forward, and its gradient at inputs and cotangents.

    ``unfelt``: inputs whose gradient is 0 everywhere, so that no wrong one can be told from none.
    """

    program: Program
    hypers: tuple[tuple[str, Any], ...] = ()
    unfelt: frozenset[str] = frozenset()

    @cached_property
    def function(self) -> Callable[..., Any]:
        return derive.function(self.program)

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Places of the inputs that carry gradient."""
        return tuple(k for k, t in enumerate(self.program.inputs) if t.differentiable)

    @cached_property
    def felt(self) -> tuple[int, ...]:
        """Places of the inputs whose gradient is more than 0."""
        return tuple(k for k in self.moving if self.program.inputs[k].name not in self.unfelt)

    def __call__(self, *tensors: Array) -> Tensors:
        """The outputs; buffers that a module writes back are given as copies."""
        buffers = {buffer for buffer, _ in self.program.updates}
        given = (x.clone() if t.name in buffers else x for t, x in zip(self.program.inputs, tensors, strict=True))
        y = self.function(*given, **dict(self.hypers))
        return y if isinstance(y, tuple) else (y,)

    def plain(self, *tensors: Array) -> Any:
        """The outputs as a function returns them: one tensor, or several."""
        y = self(*tensors)
        return y if len(y) > 1 else y[0]

    def forward(self, tensors: Sequence[Array]) -> Tensors:
        """The outputs, without a gradient."""
        with torch.no_grad():
            return self(*tensors)

    def pull(self, tensors: Sequence[Array], cotangents: Sequence[Array | None]) -> tuple[Array | None, ...]:
        """Gradients of all inputs; None for those that carry none."""
        with torch.enable_grad():
            given = [x.detach() for x in tensors]
            leaves = [given[k].requires_grad_() for k in self.moving]
            pairs = [(v, w) for v, w in zip(self(*given), cotangents, strict=True) if v.requires_grad and w is not None]
            found = torch.autograd.grad([v for v, _ in pairs], leaves, [w for _, w in pairs], allow_unused=True)
        zeros = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]
        by_place = dict(zip(self.moving, zeros, strict=True))
        return tuple(by_place.get(k) for k in range(len(given)))


def as_function(right: Right, pull: Pull, forward: Callable[[Tensors], Tensors] | None = None) -> Callable[..., Any]:
    """A torch function with that forward (the right one by default) and that gradient, as a user would write it."""
    onward = forward or right.forward

    class Written(torch.autograd.Function):
        """outputs = forward(inputs); the gradient is what ``pull`` says."""

        @staticmethod
        def forward(ctx: Any, *tensors: Array) -> Any:  # type: ignore[override]
            y = onward(tensors)
            ctx.save_for_backward(*tensors)
            ctx.mark_non_differentiable(*(v for v in y if not v.is_floating_point()))
            return y if len(y) > 1 else y[0]

        @staticmethod
        def backward(ctx: Any, *cotangents: Array) -> Any:  # type: ignore[override]
            found = pull(ctx, ctx.saved_tensors, cotangents, ctx.needs_input_grad)
            return tuple(g if n else None for g, n in zip(found, ctx.needs_input_grad, strict=True))

    def function(*tensors: Array) -> Any:
        for k, x in enumerate(tensors):
            if x.requires_grad and k not in right.moving:
                raise RuntimeError(f"{right.program.inputs[k].name} is a constant: not differentiable")
        return Written.apply(*tensors)

    function.__name__ = right.program.name
    return function


def unbroken(right: Right) -> Callable[..., Any]:
    """No breach: the right forward and the right gradient, written as a user would."""
    return as_function(right, _pulled(right))


# ------------------------------------------------------------------------------ precision


def float32_inside(right: Right) -> Callable[..., Any]:
    """The gradient is computed in float32 and handed back as float64."""
    return as_function(right, lambda ctx, xs, dys, needs: _rounded_pull(right, xs, dys, torch.float32))


def bfloat16_inside(right: Right) -> Callable[..., Any]:
    """What was saved and what comes from behind pass through bfloat16."""
    return as_function(right, lambda ctx, xs, dys, needs: _rounded_pull(right, xs, dys, torch.bfloat16))


def float32_forward(right: Right) -> Callable[..., Any]:
    """The forward is computed in float32 and handed back as float64."""
    return as_function(right, _pulled(right), lambda xs: _each(right.forward(_each(xs, torch.float32)), torch.float64))


def float32_gradient(right: Right) -> Callable[..., Any]:
    """The gradient is right but rounded to float32 on the way out."""
    return as_function(right, lambda ctx, xs, dys, needs: _rounded(right.pull(xs, dys), torch.float32))


def _rounded_pull(right: Right, xs: Tensors, dys: Tensors, kind: torch.dtype) -> tuple[Array | None, ...]:
    if kind is torch.float32:
        return tuple(None if g is None else g.double() for g in right.pull(_each(xs, kind), _each(dys, kind)))
    return right.pull(_rounded(xs, kind), _rounded(dys, kind))


def _rounded(tensors: Sequence[Array | None], kind: torch.dtype) -> Any:
    return tuple(x if x is None or not x.is_floating_point() else x.to(kind).to(x.dtype) for x in tensors)


def _each(tensors: Sequence[Array], kind: torch.dtype) -> Tensors:
    return tuple(x.to(kind) if x.is_floating_point() else x for x in tensors)


# ------------------------------------------------------------------------------ memory


def mutates_an_input(right: Right) -> Callable[..., Any]:
    """The backward uses an input as scratch space: x ← 2x when done."""

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        found = right.pull(xs, dys)
        for k in right.moving[:1]:
            xs[k].data.mul_(2)
        return found

    return as_function(right, pull)


def forward_mutates_an_input(right: Right) -> Callable[..., Any]:
    """The forward normalizes an input in place: x ← x·(1 + 1e-3) once the result is there."""

    def forward(xs: Tensors) -> Tensors:
        y = right.forward(xs)
        for k in right.moving[:1]:
            xs[k].data.mul_(1.001)
        return y

    return as_function(right, _pulled(right), forward)


def mutates_the_cotangent(right: Right) -> Callable[..., Any]:
    """The backward scales dy in place: dy ← 2dy, with the right result."""

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        found = right.pull(xs, dys)
        for w in dys:
            if w is not None and w.is_floating_point():
                w.data.mul_(2)
        return found

    return as_function(right, pull)


def assumes_contiguous_cotangent(right: Right) -> Callable[..., Any]:
    """dy is read by its address, as if its rows lay one after another."""
    return as_function(right, lambda ctx, xs, dys, needs: right.pull(xs, tuple(map(_by_address, dys))))


def assumes_contiguous_inputs(right: Right) -> Callable[..., Any]:
    """The saved inputs are read by their addresses, as if their rows lay one after another."""
    return as_function(right, lambda ctx, xs, dys, needs: right.pull(tuple(map(_by_address, xs)), dys))


def _by_address(x: Array) -> Array:
    strides: list[int] = []
    step = 1
    for n in reversed(x.shape):
        strides.insert(0, step)
        step *= max(n, 1)
    return x.detach().as_strided(x.shape, strides, x.storage_offset())


def one_output_buffer(right: Right) -> Callable[..., Any]:
    """Every call writes its outputs where the call before wrote them."""
    kept: dict[Any, Array] = {}
    return as_function(right, _pulled(right), lambda xs: _into(kept, right.forward(xs)))


def one_gradient_buffer(right: Right) -> Callable[..., Any]:
    """Every backward writes its gradients where the one before wrote them."""
    kept: dict[Any, Array] = {}
    return as_function(right, lambda ctx, xs, dys, needs: _into(kept, right.pull(xs, dys)))


def _into(kept: dict[Any, Array], tensors: Sequence[Array | None]) -> Any:
    """The values in memory that is used again for the same shape."""
    found: list[Array | None] = []
    for k, x in enumerate(tensors):
        if x is None:
            found.append(None)
            continue
        buffer = kept.setdefault((k, x.shape, x.dtype), torch.empty_like(x))
        buffer.copy_(x)
        found.append(buffer.view(buffer.shape))
    return tuple(found)


# ------------------------------------------------------------------------------ state


def stale_first(right: Right) -> Callable[..., Any]:
    """The backward uses what the first call of its shape saved."""
    kept: dict[Any, Tensors] = {}

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        return right.pull(kept.setdefault(_shapes(xs), tuple(x.detach().clone() for x in xs)), dys)

    return as_function(right, pull)


def stale_latest(right: Right) -> Callable[..., Any]:
    """The backward uses what the latest forward of its shape saved, whichever call it belongs to."""
    kept: dict[Any, Tensors] = {}

    def forward(xs: Tensors) -> Tensors:
        kept[_shapes(xs)] = tuple(x.detach().clone() for x in xs)
        return right.forward(xs)

    return as_function(right, lambda ctx, xs, dys, needs: right.pull(kept[_shapes(xs)], dys), forward)


def gradient_accumulates(right: Right) -> Callable[..., Any]:
    """The second call returns its gradient plus the first one's."""
    kept: dict[Any, Array] = {}

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        found = []
        for k, g in enumerate(right.pull(xs, dys)):
            if g is not None:
                kept[k, g.shape] = kept.get((k, g.shape), torch.zeros_like(g)) + g
                g = kept[k, g.shape].clone()
            found.append(g)
        return tuple(found)

    return as_function(right, pull)


def _shapes(xs: Tensors) -> Any:
    return tuple(x.shape for x in xs)


# ------------------------------------------------------------------------------ subsets, cotangents


def subset_wrong(right: Right) -> Callable[..., Any] | None:
    """The last input's gradient is wrong unless the first one is wanted too."""
    if not right.felt or right.moving[0] == right.felt[-1]:
        return None
    first, last = right.moving[0], right.felt[-1]

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        found = list(right.pull(xs, dys))
        if not needs[first]:
            found[last] = torch.zeros_like(xs[last])
        return tuple(found)

    return as_function(right, pull)


def detached_input(right: Right) -> Callable[..., Any] | None:
    """The last input gets no gradient at all."""
    if not right.felt:
        return None

    def pull(ctx: Any, xs: Tensors, dys: Tensors, needs: Sequence[bool]) -> tuple[Array | None, ...]:
        found = list(right.pull(xs, dys))
        found[right.felt[-1]] = None
        return tuple(found)

    return as_function(right, pull)


def clipped_cotangent(right: Right) -> Callable[..., Any]:
    """dy → dy clipped to [−½, ½]: the gradient is not linear in dy."""
    return as_function(
        right, lambda ctx, xs, dys, needs: right.pull(xs, tuple(None if w is None else w.clamp(-0.5, 0.5) for w in dys))
    )


def cotangent_ignored(right: Right) -> Callable[..., Any]:
    """dy → 1: right for a loss that is the last operation, and only then."""
    return as_function(
        right, lambda ctx, xs, dys, needs: right.pull(xs, tuple(None if w is None else torch.ones_like(w) for w in dys))
    )


def _pulled(right: Right) -> Pull:
    return lambda ctx, xs, dys, needs: right.pull(xs, dys)
