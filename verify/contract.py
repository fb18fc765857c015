"""The contract of a torch function with a gradient of its own; no differences are taken.

Strided, expanded and sliced cotangents give what the contiguous one gives; the gradient is linear in the cotangent;
nothing given is changed; every choice of inputs that require a gradient gives the same ones, and so does a second call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import torch
from torch import Tensor as Array

Function = Callable[..., "Array | tuple[Array, ...]"]
Gradients = dict[str, Array]


class Contract:
    """One function at one set of inputs; ``names`` are those it is differentiated by."""

    def __init__(self, function: Function, inputs: dict[str, Array], names: tuple[str, ...], seed: int = 0) -> None:
        self.function, self.inputs, self.names = function, inputs, names
        self.generator = torch.Generator().manual_seed(seed)
        self.cotangents = tuple(torch.randn(y.shape, generator=self.generator, dtype=y.dtype) for y in self.outputs())

    def outputs(self, inputs: dict[str, Array] | None = None) -> tuple[Array, ...]:
        y = self.function(*(inputs or self.inputs).values())
        y = y if isinstance(y, tuple) else (y,)
        return tuple(v for v in y if v.is_floating_point())

    def gradients(self, cotangents: tuple[Array, ...] | None = None, names: tuple[str, ...] | None = None) -> Gradients:
        """The gradients by these inputs, under these cotangents."""
        names = self.names if names is None else names
        given = {n: x.detach().clone().requires_grad_() if n in names else x for n, x in self.inputs.items()}
        y = self.outputs(given)
        cotangents = self.cotangents if cotangents is None else cotangents
        pairs = [(v, w) for v, w in zip(y, cotangents, strict=True) if v.requires_grad]
        if not pairs:
            return {n: torch.zeros_like(given[n]) for n in names}
        found = torch.autograd.grad(
            [v for v, _ in pairs], [given[n] for n in names], [w for _, w in pairs], allow_unused=True
        )
        return {n: torch.zeros_like(given[n]) if g is None else g for n, g in zip(names, found, strict=True)}

    def promises(self) -> Iterator[tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]]:
        """Each promise: its name, what was found, what was expected."""
        expected = self.gradients()
        yield "second call", _arrays(self.gradients()), _arrays(expected)
        yield "strided cotangent", _arrays(self.gradients(_each(strided, self.cotangents))), _arrays(expected)
        yield "sliced cotangent", _arrays(self.gradients(_each(sliced, self.cotangents))), _arrays(expected)
        ones = _each(torch.ones_like, self.cotangents)
        spread = _each(lambda w: torch.ones((), dtype=w.dtype).expand(w.shape), self.cotangents)
        yield "expanded cotangent", _arrays(self.gradients(spread)), _arrays(self.gradients(ones))
        yield from self._linear(expected, ones)
        yield from self._unchanged()
        for names in self._subsets():
            some = {n: expected[n] for n in names}
            yield f"gradient by {', '.join(names)} alone", _arrays(self.gradients(names=names)), _arrays(some)

    def _linear(self, expected: Gradients, ones: tuple[Array, ...]) -> Iterator[tuple[str, dict, dict]]:
        mixed = tuple(2.5 * w - 0.75 * o for w, o in zip(self.cotangents, ones, strict=True))
        other = self.gradients(ones)
        combined = {n: 2.5 * expected[n] - 0.75 * other[n] for n in self.names}
        yield "linear in the cotangent", _arrays(self.gradients(mixed)), _arrays(combined)

    def _unchanged(self) -> Iterator[tuple[str, dict, dict]]:
        before = {n: x.clone() for n, x in self.inputs.items()}
        cotangents = {f"cotangent {i}": w.clone() for i, w in enumerate(self.cotangents)}
        self.gradients()
        after = {**self.inputs, **{f"cotangent {i}": w for i, w in enumerate(self.cotangents)}}
        yield "nothing given is changed", _arrays(after), _arrays({**before, **cotangents})

    def _subsets(self) -> Iterator[tuple[str, ...]]:
        """Each input alone, and all but each; every subset where there are few."""
        n = len(self.names)
        sizes = range(1, n) if n <= 4 else sorted({1, n - 1})
        for size in sizes:
            yield from combinations(self.names, size)


def strided(w: Array) -> Array:
    """The same values, axes laid out in reverse order in memory."""
    axes = tuple(reversed(range(w.ndim)))
    return w.permute(axes).contiguous().permute(axes)


def sliced(w: Array) -> Array:
    """The same values as every second one of a larger tensor."""
    wide = torch.full((*w.shape, 2), float("nan"), dtype=w.dtype)
    wide[..., 0] = w
    return wide[..., 0]


def _each(change: Callable[[Array], Array], tensors: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(change(w) for w in tensors)


def _arrays(tensors: dict[str, Array]) -> dict[str, np.ndarray]:
    return {n: x.detach().to(torch.float64).numpy().reshape(-1) for n, x in tensors.items()}
