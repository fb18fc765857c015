"""The contract of a torch function with a gradient of its own; no differences are taken.

Strided, expanded and sliced cotangents give what the contiguous one gives; the gradient is linear in the cotangent;
nothing given is changed; every choice of inputs that require a gradient gives the same ones, and so does a second call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from itertools import combinations

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.compare import compare
from derive.verify.verdict import FAILED, Row

Function = Callable[..., "Array | tuple[Array, ...]"]
Arrays = dict[str, Array]


class Contract:
    """One function at one set of inputs; ``names`` are those it is differentiated by."""

    def __init__(self, function: Function, inputs: dict[str, Array], names: tuple[str, ...], seed: int = 0) -> None:
        self.function, self.inputs, self.names = function, inputs, names
        self.generator = torch.Generator().manual_seed(seed)
        self.cotangents = tuple(torch.randn(y.shape, generator=self.generator, dtype=y.dtype) for y in self.outputs())
        self.before = [v.clone() for v in (*self.inputs.values(), *self.cotangents)]

    def outputs(self, inputs: dict[str, Array] | None = None) -> tuple[Array, ...]:
        y = self.function(*(inputs or self.inputs).values())
        y = y if isinstance(y, tuple) else (y,)
        return tuple(v for v in y if v.is_floating_point())

    def gradients(
        self,
        cotangents: tuple[Array, ...] | None = None,
        names: tuple[str, ...] | None = None,
        layout: Callable[[Array], Array] = torch.clone,
    ) -> Arrays:
        """The gradients by these inputs, under these cotangents, with the inputs so laid out in memory."""
        names = self.names if names is None else names
        given = {n: layout(x.detach()).requires_grad_() if n in names else x for n, x in self.inputs.items()}
        y = self.outputs(given)
        cotangents = self.cotangents if cotangents is None else cotangents
        pairs = [(v, w) for v, w in zip(y, cotangents, strict=True) if v.requires_grad]
        if not pairs:
            return {n: torch.zeros_like(given[n]) for n in names}
        found = torch.autograd.grad(
            [v for v, _ in pairs], [given[n] for n in names], [w for _, w in pairs], allow_unused=True
        )
        return {n: torch.zeros_like(given[n]) if g is None else g for n, g in zip(names, found, strict=True)}

    def promises(self) -> Iterator[tuple[str, Callable[[], tuple[Arrays, Arrays]]]]:
        """Each promise: its name, and what finds both what it gives and what it should."""
        yield "second call", lambda: (self.gradients(), self.expected)
        yield "nothing given is changed", self._unchanged
        yield "strided cotangent", lambda: (self.gradients(_each(strided, self.cotangents)), self.expected)
        yield "sliced cotangent", lambda: (self.gradients(_each(sliced, self.cotangents)), self.expected)
        yield "expanded cotangent", lambda: (self.gradients(_each(spread, self.cotangents)), self.of_ones)
        yield "strided inputs", lambda: (self.gradients(layout=strided), self.expected)
        yield "linear in the cotangent", self._linear
        for names in self._subsets():
            yield f"gradient by {', '.join(names)} alone", partial(self._by, names)

    @cached_property
    def expected(self) -> Arrays:
        return self.gradients()

    @cached_property
    def of_ones(self) -> Arrays:
        return self.gradients(_each(torch.ones_like, self.cotangents))

    def _linear(self) -> tuple[Arrays, Arrays]:
        mixed = _each(lambda w: 2.5 * w - 0.75 * torch.ones_like(w), self.cotangents)
        combined = {n: 2.5 * self.expected[n] - 0.75 * self.of_ones[n] for n in self.names}
        return self.gradients(mixed), combined

    def _unchanged(self) -> tuple[Arrays, Arrays]:
        names = [*self.inputs, *(f"cotangent {i}" for i in range(len(self.cotangents)))]
        after = dict(zip(names, (*self.inputs.values(), *self.cotangents), strict=True))
        return after, dict(zip(names, self.before, strict=True))

    def _by(self, names: tuple[str, ...]) -> tuple[Arrays, Arrays]:
        return self.gradients(names=names), {n: self.expected[n] for n in names}

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


def spread(w: Array) -> Array:
    """Ones that share one place in memory, as ``sum`` sends them."""
    return torch.ones((), dtype=w.dtype).expand(w.shape)


def _each(change: Callable[[Array], Array], tensors: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(change(w) for w in tensors)


def rows(bound: Contract, case: str, tolerance: float, seed: int) -> Iterator[Row]:
    """Each promise as a row; one that raises has failed."""
    for name, found_and_expected in bound.promises():
        check = f"contract, {name}"
        try:
            found, expected = (_arrays(a) for a in found_and_expected())
            yield compare(check, case, found, expected, tolerance, seed=seed)
        except Exception as error:
            yield Row(check, case, FAILED, seed=seed, detail=f"{type(error).__name__}: {error}")


def _arrays(tensors: Arrays) -> dict[str, np.ndarray]:
    return {n: x.detach().to(torch.float64).numpy().reshape(-1) for n, x in tensors.items()}
