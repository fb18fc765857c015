"""Higher orders of a torch function: the gradient is a function too, and is probed as one.

Order 2 is the gradient of (x, dy) ↦ Jᵀ dy, order 3 that of order 2's; each against differences of the one before.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor as Array

from derive.verify import probing
from derive.verify.bound import Bound
from derive.verify.verdict import NOT_APPLICABLE, Row


def backward_of(bound: Bound) -> Bound:
    """(x, dy) ↦ Jᵀ dy as a function of all of them, at the same inputs."""
    names, count = bound.names, len(bound.inputs)
    cotangents = {f"{'d' * (1 + _depth(bound))}y{i}": w.detach() for i, w in enumerate(bound.cotangents)}
    places = [k for k, n in enumerate(bound.inputs) if n in names]

    def back(*tensors: Array) -> tuple[Array, ...]:
        """The graph of the backward is kept, but the inputs of the caller stay leaves of it."""
        given, ws = list(tensors[:count]), tensors[count:]
        with torch.enable_grad():
            for k in places:
                given[k] = given[k] if given[k].requires_grad else given[k].detach().clone().requires_grad_()
            y = bound.function(*given)
            real = [v for v in (y if isinstance(y, (tuple, list)) else (y,)) if v.is_floating_point()]
            pairs = [(v, w) for v, w in zip(real, ws, strict=True) if v.requires_grad]
            asked = [given[k] for k in places]
            found = torch.autograd.grad(
                [v for v, _ in pairs], asked, [w for _, w in pairs], create_graph=True, allow_unused=True
            )
        return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(asked, found, strict=True))

    inputs = {**bound.inputs, **cotangents}
    return Bound(back, inputs, (*names, *cotangents), bound.seed, sizes=bound.sizes, own=bound.own)


def _depth(bound: Bound) -> int:
    """How often a backward was taken already."""
    return max((len(n) - len(n.lstrip("d")) for n in bound.inputs if n.lstrip("d")[:1] == "y"), default=0)


def rows(bound: Bound, case: str, orders: tuple[int, ...] = (2,)) -> Iterator[Row]:
    """A row for each order above the first; one that does not exist is not applicable, and says why."""
    current = bound
    for order in range(2, max(orders, default=1) + 1):
        current = backward_of(current)
        check = f"probes of order {order}"
        reason = _missing(current)
        if reason:
            yield Row(check, case, NOT_APPLICABLE, reason=reason, seed=bound.seed)
            return
        if order in orders:
            yield from probing.rows(current, case, check)


def _missing(back: Bound) -> str:
    """Why there is no further derivative; "" if there is."""
    try:
        y = back.outputs(back.leaves())
        if not any(v.requires_grad for v in y):
            return "the gradient is constant, or detached from its inputs"
        real = [v for v in y if v.requires_grad]
        torch.autograd.backward(real, [torch.ones_like(v) for v in real])  # every node: once_differentiable raises
    except RuntimeError as error:
        return f"no derivative of the backward: {str(error).strip().splitlines()[0][:160]}"
    return ""
