"""A function that is nothing but kernel calls, called again on tensors of the same shapes: the calls alone.

What a generated function works out of shapes and hyperparameters is the same every time; so the kernel calls of its
first run are written down, each pointer by what it pointed to, and made again on the new tensors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Array = Any  # a torch tensor


class Stale(Exception):
    """A tensor is not laid out as when the calls were written down, or an index is out of range."""


@dataclass(frozen=True)
class Recorded:
    """One kernel call: its arrays in the kernel's order, those of them that it made, and its numbers as C's."""

    function: Callable[..., None]
    pointers: Any
    arrays: tuple[Array, ...]
    made: tuple[Array, ...]
    whole: Any
    real: Any
    checks: tuple[Array, ...]


_LOCAL = threading.local()


@contextmanager
def recording() -> Iterator[list[Recorded]]:
    """The kernel calls that this thread makes meanwhile."""
    calls: list[Recorded] = []
    _LOCAL.calls = calls
    try:
        yield calls
    finally:
        _LOCAL.calls = None


def recorder() -> list[Recorded] | None:
    """Where calls are written down, if they are."""
    return getattr(_LOCAL, "calls", None)


@dataclass(frozen=True)
class _Again:
    """A call to make again: what it makes, and the places of its arrays among inputs and what was made before."""

    function: Callable[..., None]
    pointers: Any
    makes: tuple[tuple[tuple[int, ...], Any], ...]
    places: tuple[int, ...]
    whole: Any
    real: Any
    checks: tuple[int, ...]


@dataclass(frozen=True)
class Replay:
    """Kernel calls and which arrays are the results."""

    calls: tuple[_Again, ...]
    results: tuple[int, ...]

    def __call__(self, tensors: Sequence[Array]) -> tuple[Array, ...]:
        """The results for these tensors; raises ``Stale`` where the function itself must be asked."""
        import torch

        pool = list(tensors)
        for x in tensors:
            if not x.is_contiguous():
                raise Stale
        threads = torch.get_num_threads()
        for call in self.calls:
            for shape, dtype in call.makes:
                pool.append(torch.empty(shape, dtype=dtype))
            pointers = call.pointers(*[pool[k].data_ptr() for k in call.places])
            call.function(pointers, call.whole, call.real, threads)
            if call.checks and any(pool[k].item() for k in call.checks):
                raise Stale
        return tuple([pool[k] for k in self.results])


def replay_of(calls: Sequence[Recorded], inputs: Sequence[Array], results: Sequence[Array]) -> Replay | None:
    """The calls by places; None where an array is neither an input, nor made, nor told from another by its address."""
    places: dict[int, int] = {}
    pool: list[Array] = []

    def enter(x: Array) -> bool:
        fresh = x.is_contiguous() and x.numel() > 0 and places.setdefault(x.data_ptr(), len(pool)) == len(pool)
        pool.append(x)
        return bool(fresh)

    def place(x: Array) -> int | None:
        k = places.get(x.data_ptr())
        same = k is not None and (x.numel(), x.dtype) == (pool[k].numel(), pool[k].dtype) and x.is_contiguous()
        return k if same else None

    if not all(map(enter, inputs)):
        return None
    shapes = {y.data_ptr(): tuple(y.shape) for y in results}  # a result that is viewed is made in its last shape
    again = []
    for call in calls:
        if not all(map(enter, call.made)):
            return None
        found = [place(x) for x in call.arrays]
        checks = [place(x) for x in call.checks]
        if None in (*found, *checks):
            return None
        makes = tuple((shapes.get(x.data_ptr(), tuple(x.shape)), x.dtype) for x in call.made)
        again.append(_Again(call.function, call.pointers, makes, tuple(found), call.whole, call.real, tuple(checks)))  # type: ignore[arg-type]
    last = [place(y) for y in results]
    own = len(set(last)) == len(last) and all(k is not None and k >= len(inputs) for k in last)
    return Replay(tuple(again), tuple(last)) if own else None  # type: ignore[arg-type]
