"""What an inner loop leaves as it is, computed before that loop; an array's entries, read once.

An expression's level is that of the innermost letter in it.  Entries that stand inside their arrays are read whether
or not a condition asks for them, so that a choice between values is no branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sympy import Basic, Expr, Integer, Symbol

from derive.program import Compare, Letter, Logic, Read, reads
from derive.targets.kernels.types import TYPES

if TYPE_CHECKING:
    from derive.targets.kernels.source import Printer


class Still:
    """Values that stay the same within a nest of loops, by the level of the loop that changes them."""

    def __init__(
        self, printer: Printer, ranges: Mapping[Letter, Expr], levels: Mapping[Letter, int], depth: int,
        place: Callable[[Read], str],
    ) -> None:  # fmt: skip
        self.p, self.ranges, self.levels, self.place = printer, ranges, levels, place
        self.lines: list[list[str]] = [[] for _ in range(depth + 1)]
        self.at = depth
        self.known: dict[Basic, str] = {}
        self.found: dict[Basic, int | None] = {}

    def level(self, e: Basic) -> int | None:
        """The loop after whose head the value is known; None if it stays where it stands."""
        if e not in self.found:
            self.found[e] = self._level(e)
        return self.found[e]

    def _level(self, e: Basic) -> int | None:
        letters = [x for x in e.free_symbols if isinstance(x, Letter)]
        if any(x not in self.levels for x in letters) or not all(self._is_inside(r) for r in reads(e)):
            return None
        return max((self.levels[x] for x in letters), default=0)

    def _is_inside(self, r: Read) -> bool:
        """Whether each index is inside whatever the conditions around it."""
        pairs = zip(r.indices, self.p.tensors[r.tensor].parts, strict=True)
        return all(self._is_within(i, p.extent) for i, p in pairs)

    def _is_within(self, i: Expr, extent: Expr) -> bool:
        """A letter over the whole axis, a number below its size, data (which are held inside where they are read)."""
        if isinstance(i, Letter):
            return self.ranges.get(i) == extent
        if isinstance(i, Integer):
            return i == 0 or bool(extent.is_Integer and 0 <= i < extent)
        return any(True for _ in reads(i))

    def is_still(self, e: Basic) -> bool:
        """Whether the loop being written leaves it as it is."""
        level = self.level(e)
        return level is not None and level < self.at

    # ---------------------------------------------------------------- names

    def value(self, e: Expr) -> str | None:
        """The name of a real value that the loop leaves as it is."""
        if isinstance(e, (Symbol, Read)) or e.is_number or not self.is_still(e):
            return None
        return self._named(e, "real", lambda: self.p.print.real(e).text)

    def truth(self, e: Basic) -> str | None:
        """The name of a truth value that the loop leaves as it is."""
        if not isinstance(e, (Compare, Logic)) or not self.is_still(e):
            return None
        return self._named(e, "int", lambda: self.p.print.condition(e).text)

    def read(self, r: Read) -> str:
        """An entry, read where all its letters are known."""
        level = self.level(r)
        if level is None or level > self.at:
            return self.place(r)
        with self._outside(level):
            text = self.place(r)
        if text.isidentifier():
            return text
        return self._named(r, TYPES[self.p.tensors[r.tensor].kind], lambda: text)

    def _named(self, e: Basic, kind: str, text: Callable[[], str]) -> str:
        if e not in self.known:
            level = self.level(e)
            assert level is not None
            with self._outside(level):
                written = text()
            self.p.counted += 1
            self.known[e] = f"h{self.p.counted}"
            self.lines[level].append(f"const {kind} {self.known[e]} = {written};")
        return self.known[e]

    @contextmanager
    def _outside(self, level: int) -> Iterator[None]:
        held, self.at = self.at, level
        try:
            yield
        finally:
            self.at = held
