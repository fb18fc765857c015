"""A torch callable at one set of inputs: its outputs, a cotangent for each, and its gradients.

Every rung that can be climbed by any torch function is written over this: ours and a user's alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.probes import Claim

Function = Callable[..., Any]
Arrays = dict[str, Array]


class Bound:
    """One function at one set of inputs; ``names`` are those it is differentiated by.

    ``sizes`` name lengths that words may speak of.  ``own``: the function claims a gradient of its own (an
    ``autograd.Function``, a custom operation, ours), so promises of such functions hold for it too.
    """

    def __init__(
        self,
        function: Function,
        inputs: Arrays,
        names: tuple[str, ...],
        seed: int = 0,
        *,
        sizes: Mapping[str, int] | None = None,
        own: bool = False,
    ) -> None:
        self.function, self.inputs, self.names, self.seed = function, inputs, names, seed
        self.sizes, self.own = dict(sizes or {}), own
        self.before = {n: x.clone() for n, x in inputs.items()}

    def outputs(self, inputs: Arrays | None = None) -> tuple[Array, ...]:
        """The real outputs, in order."""
        y = self.function(*(self.inputs if inputs is None else inputs).values())
        return tuple(v for v in (y if isinstance(y, (tuple, list)) else (y,)) if v.is_floating_point())

    @cached_property
    def plain(self) -> tuple[Array, ...]:
        """The outputs without a graph."""
        with torch.no_grad():
            return tuple(y.detach() for y in self.outputs())

    @cached_property
    def cotangents(self) -> tuple[Array, ...]:
        """One for each output: random signs, sizes between ½ and 3/2, so that no entry hides behind a small one."""
        generator = torch.Generator().manual_seed(self.seed)

        def drawn(y: Array) -> Array:
            size = 0.5 + torch.rand(y.shape, generator=generator, dtype=torch.float64)
            signs = torch.randint(0, 2, y.shape, generator=generator) * 2 - 1
            return (size * signs).to(y.device, y.dtype)

        return tuple(drawn(y) for y in self.plain)

    def leaves(self, names: tuple[str, ...] | None = None, layout: Callable[[Array], Array] = torch.clone) -> Arrays:
        """The inputs, those of ``names`` requiring a gradient, so laid out in memory."""
        chosen = self.names if names is None else names
        plain = (lambda x: x) if layout is torch.clone else layout
        return {n: layout(x.detach()).requires_grad_() if n in chosen else plain(x) for n, x in self.inputs.items()}

    def gradients(
        self,
        cotangents: tuple[Array | None, ...] | None = None,
        names: tuple[str, ...] | None = None,
        layout: Callable[[Array], Array] = torch.clone,
    ) -> Arrays:
        """The gradients by these inputs under these cotangents; an output whose cotangent is None is not asked."""
        given = self.leaves(names, layout)
        chosen = {n: given[n] for n in (self.names if names is None else names)}
        return pulled(self.outputs(given), chosen, self.cotangents if cotangents is None else cotangents)

    @cached_property
    def expected(self) -> Arrays:
        return self.gradients()

    @cached_property
    def graph(self) -> tuple[Arrays, tuple[Array, ...]]:
        """Leaves and outputs of one forward, kept, so that many cotangents are pulled through it."""
        given = self.leaves()
        return {n: given[n] for n in self.names}, self.outputs(given)

    def through_graph(self, cotangents: tuple[Array | None, ...]) -> Arrays:
        """The gradients under other cotangents, through the one forward that is kept."""
        leaves, y = self.graph
        return pulled(y, leaves, cotangents, keep=True)

    def at(self, inputs: Arrays) -> Bound:
        """The same function at other values of these inputs."""
        return type(self)(
            self.function, {**self.inputs, **inputs}, self.names, self.seed, sizes=self.sizes, own=self.own
        )

    # ------------------------------------------------------------------ as arrays

    def forward(self, moved: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs at these values, numbered, without a graph."""
        given = {n: torch.from_numpy(np.asarray(moved[n])) if n in moved else x for n, x in self.inputs.items()}
        with torch.no_grad():
            return {label(i): y.numpy(force=True) for i, y in enumerate(self.outputs(given))}

    def pullback(self, cotangents: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The gradients under numbered cotangents."""
        ws = tuple(torch.from_numpy(np.array(cotangents[label(i)])) for i in range(len(self.plain)))
        return {n: g.numpy(force=True) for n, g in self.gradients(ws).items()}

    def claim(self) -> Claim:
        """What probes are taken of."""
        inputs = {n: self.inputs[n].to(torch.float64).numpy(force=True) for n in self.names}
        cotangents = {label(i): w.to(torch.float64).numpy(force=True) for i, w in enumerate(self.cotangents)}
        gradient = {n: g.to(torch.float64).numpy(force=True) for n, g in self.expected.items()}
        return Claim(self.forward, self.pullback, inputs, cotangents, gradient, dict(self.sizes))


def label(i: int) -> str:
    return f"output {i}"


def pulled(y: tuple[Array, ...], leaves: Arrays, cotangents: tuple[Array | None, ...], keep: bool = False) -> Arrays:
    """Jᵀ w through the graph of y; 0 where y does not depend on a leaf."""
    pairs = [(v, w) for v, w in zip(y, cotangents, strict=True) if v.requires_grad and w is not None]
    zero = {n: torch.zeros_like(x) for n, x in leaves.items()}
    if not pairs or not leaves:
        return zero
    found = torch.autograd.grad(
        [v for v, _ in pairs], list(leaves.values()), [w for _, w in pairs], allow_unused=True, retain_graph=keep
    )
    return {n: zero[n] if g is None else g for n, g in zip(leaves, found, strict=True)}
