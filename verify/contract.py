"""The contract of a torch function with a gradient of its own; no differences are taken.

Strided, expanded and sliced cotangents give what the contiguous one gives; the gradient is linear in the cotangent, and
each output's share is its own; nothing given is changed; every choice of inputs that require a gradient gives the same
ones, and so does a second call; ``torch.func`` and ``vmap``, where the function admits them, agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from itertools import combinations
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.bound import Arrays, Bound, pulled
from derive.verify.compare import compare
from derive.verify.hints import BREACHES
from derive.verify.verdict import FAILED, NOT_APPLICABLE, Row

Promise = Callable[[], tuple[Arrays, Arrays]]

Offered = TypeVar("Offered")

CONTRACT = 1e-12
_MANY = 8
#: What is summed in another order need not be equal to the last digits.
LOOSER = {"linear in the cotangent": 1e-10, "vmap": 1e-10, "torch.func": 1e-10}


class Refused(Exception):
    """The function does not offer what was asked for; the reason in its own words."""


class Contract(Bound):
    """One function at one set of inputs, and what it promises there."""

    def promises(self) -> Iterator[tuple[str, Promise]]:
        """Each promise: its name, and what finds both what it gives and what it should."""
        yield "second call", self._again
        yield "strided cotangent", partial(self._through, strided)
        yield "sliced cotangent", partial(self._through, sliced)
        yield "expanded cotangent", lambda: (self.through_graph(_each(spread, self.cotangents)), self.of_ones)
        yield "linear in the cotangent", self._linear
        yield "zero cotangent", self._zero
        if len(self.plain) > 1:
            yield "cotangent of some outputs alone", self._some
        yield "strided inputs", lambda: (self.gradients(layout=strided), self.expected)
        yield "calls between each other", self._interleaved
        for names in self.subsets():
            yield f"gradient by {', '.join(names)} alone", partial(self._by, names)
        yield "nothing given is changed", self._unchanged
        if self.own:
            yield "outputs are not inputs", self._apart

    def transforms(self) -> Iterator[tuple[str, Promise]]:
        """What the function may offer beyond autograd."""
        yield "torch.func", self._functional
        yield "vmap", self._mapped

    @cached_property
    def given_cotangents(self) -> tuple[Array, ...]:
        """The cotangents as they were before anyone could write into them."""
        return _each(torch.clone, self.cotangents)

    @cached_property
    def expected(self) -> Arrays:
        _ = self.given_cotangents
        return self.gradients()

    @cached_property
    def of_ones(self) -> Arrays:
        return self.through_graph(_each(torch.ones_like, self.cotangents))

    def _again(self) -> tuple[Arrays, Arrays]:
        expected, found = self.expected, self.gradients()
        again = dict(zip(map(str, range(len(self.plain))), self.graph[1], strict=True))
        before = dict(zip(again, self.plain, strict=True))
        return {**found, **again}, {**expected, **before}

    def _through(self, layout: Callable[[Array], Array]) -> tuple[Arrays, Arrays]:
        return self.through_graph(_each(layout, self.cotangents)), self.expected

    def _linear(self) -> tuple[Arrays, Arrays]:
        mixed = _each(lambda w: 2.5 * w - 0.75 * torch.ones_like(w), self.cotangents)
        combined = {n: 2.5 * self.expected[n] - 0.75 * self.of_ones[n] for n in self.names}
        return self.through_graph(mixed), combined

    def _zero(self) -> tuple[Arrays, Arrays]:
        nothing = {n: torch.zeros_like(g) for n, g in self.expected.items()}
        return self.through_graph(_each(torch.zeros_like, self.cotangents)), nothing

    def _some(self) -> tuple[Arrays, Arrays]:
        """Σ over outputs of the gradient under one cotangent alone, the others None."""
        shares = [
            self.gradients(tuple(w if k == i else None for k, w in enumerate(self.cotangents)))
            for i in range(len(self.cotangents))
        ]
        total = {n: sum((s[n] for s in shares[1:]), shares[0][n]) for n in self.names}
        return total, self.expected

    def _interleaved(self) -> tuple[Arrays, Arrays]:
        """The gradient of a first call, pulled after a second call at the same values in another order."""
        given = self.leaves()
        y = self.outputs(given)
        with torch.no_grad():
            other = {n: x.reshape(-1).flip(0).reshape(x.shape) for n, x in self.inputs.items()}
            real = {n: (0.75 * other[n]).requires_grad_() for n in self.names}
        try:
            self.outputs({**other, **real})
        except Exception:  # indices in another order may fit nothing: then only the real inputs move
            self.outputs({**self.inputs, **real})
        return pulled(y, {n: given[n] for n in self.names}, self.cotangents), self.expected

    def _unchanged(self) -> tuple[Arrays, Arrays]:
        given = self.leaves()  # copies: a backward may write into what the forward kept of them
        pulled(self.outputs(given), {n: given[n] for n in self.names}, self.cotangents)
        numbered = {f"cotangent {i}": w for i, w in enumerate(self.cotangents)}
        before = {f"cotangent {i}": w for i, w in enumerate(self.given_cotangents)}
        return {**given, **numbered}, {**self.before, **before}

    def _by(self, names: tuple[str, ...]) -> tuple[Arrays, Arrays]:
        return self.gradients(names=names), {n: self.expected[n] for n in names}

    def subsets(self) -> Iterator[tuple[str, ...]]:
        """Each input alone, and all but each; every subset where there are few."""
        names, n = self.names, len(self.names)
        if n > _MANY:  # modules of sixty parameters: the first, the last, and those between by turns
            some = [names[k * (n - 1) // (_MANY - 1)] for k in range(_MANY)]
            yield from ((name,) for name in some)
            yield from (tuple(m for m in names if m != name) for name in (some[0], some[-1]))
            return
        for size in range(1, n) if n <= 3 else (1, n - 1):
            yield from combinations(names, size)

    def _apart(self) -> tuple[Arrays, Arrays]:
        """1 for an output in an input's memory."""
        taken = {x.untyped_storage().data_ptr() for x in self.inputs.values() if x.numel()}
        shares = [float(y.numel() > 0 and y.untyped_storage().data_ptr() in taken) for y in self.plain]
        found = {f"output {i}": torch.tensor(s) for i, s in enumerate(shares)}
        return found, {n: torch.zeros(()) for n in found}

    def _functional(self) -> tuple[Arrays, Arrays]:
        values = tuple(self.inputs[n].detach() for n in self.names)
        return _offered(lambda: self._vjp(values)), self.expected

    def _vjp(self, values: tuple[Array, ...]) -> Arrays:
        pull = torch.func.vjp(self._of_names, *values)[1]
        return dict(zip(self.names, pull(self.cotangents), strict=True))

    def _of_names(self, *values: Array) -> tuple[Array, ...]:
        return self.outputs({**self.inputs, **dict(zip(self.names, values, strict=True))})

    def _mapped(self) -> tuple[Arrays, Arrays]:
        """Outputs over a batch of two against each alone."""
        first = tuple(self.inputs[n].detach() for n in self.names)
        second = tuple(0.5 * x + 0.25 * x.abs() for x in first)
        stacked = tuple(torch.stack(pair) for pair in zip(first, second, strict=True))
        found = _offered(lambda: torch.func.vmap(self._of_names)(*stacked))
        with torch.no_grad():
            alone = [self._of_names(*values) for values in (first, second)]
        names = [f"output {i}" for i in range(len(found))]
        expected = [torch.stack(pair) for pair in zip(*alone, strict=True)]
        return dict(zip(names, found, strict=True)), dict(zip(names, expected, strict=True))


def _offered(run: Callable[[], Offered]) -> Offered:
    try:
        return run()
    except (RuntimeError, NotImplementedError) as error:
        raise Refused(str(error).strip().splitlines()[0][:160]) from error


def strided(w: Array) -> Array:
    """The same values, axes laid out in reverse order in memory; one axis, every second place."""
    if w.ndim < 2:
        return sliced(w)
    axes = tuple(reversed(range(w.ndim)))
    return w.permute(axes).contiguous().permute(axes)


def sliced(w: Array) -> Array:
    """The same values as every second one of a larger tensor."""
    wide = torch.full((*w.shape, 2), float("nan") if w.is_floating_point() else 0, dtype=w.dtype)
    wide[..., 0] = w
    return wide[..., 0]


def spread(w: Array) -> Array:
    """Ones that share one place in memory, as ``sum`` sends them."""
    return torch.ones((), dtype=w.dtype).expand(w.shape)


def _each(change: Callable[[Array], Array], tensors: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(change(w) for w in tensors)


def rows(
    bound: Contract, case: str, tolerance: float = CONTRACT, seed: int = 0, *, transforms: bool = False
) -> Iterator[Row]:
    """Each promise as a row; one that raises has failed, one that is not offered does not apply."""
    for name, found_and_expected in (*bound.promises(), *(bound.transforms() if transforms else ())):
        yield row(f"contract, {name}", case, found_and_expected, max(tolerance, LOOSER.get(name, 0.0)), seed)


def transform_rows(bound: Contract, case: str, seed: int = 0) -> Iterator[Row]:
    """What the function may offer beyond autograd, alone."""
    for name, found_and_expected in bound.transforms():
        yield row(f"contract, {name}", case, found_and_expected, LOOSER[name], seed)


def row(check: str, case: str, promise: Promise, tolerance: float, seed: int) -> Row:
    try:
        found, expected = (_arrays(a) for a in promise())
    except Refused as refused:
        return Row(check, case, NOT_APPLICABLE, reason=f"not offered: {refused}", seed=seed)
    except Exception as error:
        words = str(error).strip().splitlines() or [""]
        return Row(check, case, FAILED, seed=seed, detail=f"{type(error).__name__}: {words[0]}")
    meaning = next((words for name, words in BREACHES.items() if check.endswith(name)), "")
    compared = compare(check, case, found, expected, tolerance, seed=seed, suggest=not meaning)
    if compared.status != FAILED or not meaning:
        return compared
    return replace(compared, detail=f"{compared.detail}: {meaning}")


def _arrays(tensors: Arrays) -> dict[str, np.ndarray]:
    return {n: x.to(torch.float64).numpy(force=True) for n, x in tensors.items()}
