"""A progress bar on stderr, drawn in place on a terminal and kept quiet elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

WIDTH = 32


def progress(items: Sequence[Item], title: str) -> Iterator[Item]:
    """The items, with a bar redrawn about ten times a second; elsewhere than on a terminal one line at the end."""
    drawn, begun, live = 0.0, time.perf_counter(), sys.stderr.isatty()
    for done, item in enumerate(items):
        now = time.perf_counter()
        if live and now - drawn > 0.1:
            drawn = now
            _draw(title, done, len(items), now - begun)
        yield item
    _draw(title, len(items), len(items), time.perf_counter() - begun)
    print(file=sys.stderr)


def _draw(title: str, done: int, total: int, seconds: float) -> None:
    filled = WIDTH * done // max(total, 1)
    bar = "█" * filled + "·" * (WIDTH - filled)
    print(f"\r{title:>6} {bar} {done}/{total} steps, {seconds:.1f} s", end="", file=sys.stderr, flush=True)
