"""Gradients clipped in place by the definitions, with the arguments and the result of torch.nn.utils."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from derive.errors import InputError

#: torch's norm_type → the definition's.
NORMS = {1.0: "1", 2.0: "2", float("inf"): "inf"}


@lru_cache(maxsize=8)
def _code(name: str, *choices: tuple[str, Any]) -> Any:
    from derive.language import load_definition, specialise
    from derive.targets.files import callable_of

    return callable_of(specialise(load_definition(name), **dict(choices)), "torch")


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Every entry of every gradient within ±clip_value."""
    for grad in _gradients(parameters):
        grad.copy_(_code("clip_grad_value")(grad, clip_value=float(clip_value))[0])


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:  # fmt: skip
    """All gradients as one vector no longer than max_norm; their norm before."""
    import torch

    if float(norm_type) not in NORMS:
        raise InputError(f"clip_grad_norm_ has no norm of type {norm_type}", mend="give 1, 2 or inf")
    grads = _gradients(parameters)
    if not grads:
        return torch.tensor(0.0)
    whole = torch.cat([g.reshape(-1) for g in grads])
    clipped, norm = _code("clip_grad_norm", ("norm_type", NORMS[float(norm_type)]))(whole, max_norm=float(max_norm))
    if error_if_nonfinite and not bool(torch.isfinite(norm)):
        raise RuntimeError(f"the gradients' norm of order {norm_type} is {norm.item()}: they cannot be clipped by it")
    for grad, new in zip(grads, clipped.split([g.numel() for g in grads]), strict=True):
        grad.copy_(new.view_as(grad))
    return norm


def _gradients(parameters: Any) -> list[Any]:
    import torch

    several = (
        [parameters] if isinstance(parameters, torch.Tensor) or not isinstance(parameters, Iterable) else parameters
    )
    return [p.grad.detach() for p in several if p.grad is not None]
