"""What was bound: sizes, hyperparameters and data, as the evaluators read them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Symbol

from derive.bind.words import Shape, evaluate, lone_pack
from derive.program import Hyper, Size, Tensor


@dataclass(frozen=True)
class Bound:
    """Sizes, hyperparameters and data (one axis per part, halo included); ``packs``: the axes a pack stands for."""

    sizes: dict[Size, int]
    hypers: dict[Hyper, Any]
    tensors: dict[str, Any]
    packs: dict[Size, Shape] = field(default_factory=dict)

    @property
    def values(self) -> dict[Symbol, Any]:
        """What every symbol stands for."""
        return {**self.sizes, **self.hypers}

    def extent(self, e: Expr) -> int:
        """The value of an extent."""
        return evaluate(e, self.values)

    def shape(self, tensor: Tensor) -> Shape:
        """The shape a user sees: composite axes merged, packs spread, the halo left out."""
        dims: list[int] = []
        for axis in tensor.axes:
            pack = lone_pack(axis)
            if pack is not None and pack in self.packs:
                dims += self.packs[pack]
            else:
                dims.append(math.prod(self.extent(part.extent) for part in axis))
        return tuple(dims)

    def user_shape(self, tensor: Tensor, data: Any) -> Any:
        """Data in part shape (no halo) as the user sees it."""
        return data.reshape(self.shape(tensor))
