"""Hyperparameters given as tensors that want a gradient: they become inputs of the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def moving_hypers(hypers: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters that want a gradient, as tensors; several in a tuple are one vector."""
    found: dict[str, Any] = {}
    for name, value in hypers.items():
        each = value if isinstance(value, tuple) else (value,)
        if any(getattr(v, "requires_grad", False) for v in each):
            found[name] = _stacked(each) if isinstance(value, tuple) else value
    return found


def _stacked(each: tuple[Any, ...]) -> Any:
    import torch

    like = next(v for v in each if isinstance(v, torch.Tensor))
    return torch.stack([torch.as_tensor(v, dtype=like.dtype, device=like.device) for v in each])


def opened(moving: Mapping[str, Any]) -> dict[str, Any]:
    """Their numbers decide what the structure asks, while the equations keep their names."""
    from derive.language.hypers import Open

    return {n: Open(tuple(v.tolist()) if v.dim() else float(v.detach())) for n, v in moving.items()}
