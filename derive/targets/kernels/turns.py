"""A kernel run once a turn of a loop, on slices that move along their arrays: addresses are known before the loop."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

from derive.targets.kernels.native import Native, Unfit, precision

Array = Any  # a torch tensor
Place = tuple[int, int] | None
#: Fewer entries in a turn than this are as fast in one thread.
ENTRIES = 1 << 14


class Turns(Native):
    """A kernel; called with its arrays it gives what runs it for one turn."""

    def turns(
        self, arrays: Sequence[Array], places: Sequence[Place], integers: Sequence, reals: Sequence,
        turn: int | None, start: int, stop: int,
    ) -> Callable[[int], None]:  # fmt: skip
        """``run(t)`` for start ≤ t < stop: each array's slice at by·t + at, or the whole of it."""
        import torch

        dtype, turns = precision(arrays), max(stop - start, 1)
        given = [self._given(a, kind, dtype) for a, kind in zip(arrays, self.general.kinds, strict=False)]
        outside = [torch.zeros(turns, dtype=torch.int64) for _ in self.general.checks]
        places = [*places, *((1, -start) for _ in outside)]
        table, entries = _addresses([*given, *outside], places, start, turns)
        whole = _numbers(integers, turn, start, turns)
        real = (ctypes.c_double * max(len(reals), 1))(*map(float, reals))
        threads = torch.get_num_threads() if entries >= ENTRIES else 1
        entry = self._entries.get((self.general.name, dtype, ())) or self._entry(self.general, dtype)
        function, held = entry.function, (given, table, whole)
        step, leap = table.strides[0], whole.strides[0]
        first, number = table.ctypes.data - start * step, whole.ctypes.data - start * leap

        def run(t: int, _held: Any = held) -> None:
            function(first + t * step, number + t * leap, real, threads)

        run.judge = functools.partial(_judge, outside)  # type: ignore[attr-defined]
        return run


def _judge(outside: Sequence[Array]) -> None:
    if any(bool(counts.any()) for counts in outside):
        raise Unfit("an index is out of range: array code says which")


def _addresses(given: Sequence[Array], places: Sequence[Place], start: int, turns: int) -> tuple[Any, int]:
    """Where each turn's arrays begin, a row a turn, and how many entries a turn has.

    A slice that is outside its array stands where nobody looks at it: its place is the nearest inside.
    """
    import numpy as np

    first, steps, lengths, entries = [], [], [], 0
    for a, place in zip(given, places, strict=True):
        n, (by, at) = (1, (0, 0)) if place is None else (a.shape[0], place)
        size = a.numel() // n
        entries += size
        steps.append(size * a.element_size())
        first.append(a.data_ptr())
        lengths.append((by, at + by * start, n - 1))
    by, at, last = np.array(lengths, np.int64).T
    rows = np.arange(turns)[:, None] * by + at
    table = np.array(first, np.int64) + np.minimum(np.maximum(rows, 0), last) * np.array(steps, np.int64)
    return table, entries


def _numbers(integers: Sequence, turn: int | None, start: int, turns: int) -> Any:
    """The kernel's whole numbers, a row a turn."""
    import numpy as np

    whole = np.empty((turns, max(len(integers), 1)), np.int64)
    whole[:, : len(integers)] = integers
    if turn is not None:
        whole[:, turn] = range(start, start + turns)
    return whole
