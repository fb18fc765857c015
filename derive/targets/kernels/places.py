"""Where a phase's values are: in a local variable, in a row's buffer, in an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sympy import Expr, Integer

from derive.lower.kernels.records import Phase
from derive.program import Letter, Read, reads
from derive.targets.kernels.expressions import PLUS, TIMES, Text
from derive.targets.kernels.grouping import Group, grouped
from derive.targets.kernels.hoisting import Still

if TYPE_CHECKING:
    from derive.targets.kernels.source import Printer

ROW = Letter("row")


class Places:
    """The places of what one phase reads and makes."""

    def __init__(self, printer: Printer, phase: Phase, groups: Sequence[Group]) -> None:
        self.p, self.phase, self.groups = printer, phase, list(groups)
        self.lead = tuple(b.letter for b in phase.lead)
        self.count = len(self.lead)
        self.rows = {loop.name: loop for loop in phase.loops}
        self.sums = {loop.name: loop for loop in phase.sums}
        self.local: dict[str, str] = {}
        #: The nest's letters; where several axes are one loop, 0 stands for all but the last.
        self.points: tuple[Expr, ...] = ()
        self.buffers = self._buffered()

    def within(self, ranges: dict[Letter, Expr], levels: dict[Letter, int], depth: int) -> Still:
        """From here on expressions stand in a nest of so many loops."""
        self.p.still = still = Still(self.p, ranges, levels, depth, self.place)
        return still

    # ------------------------------------------------------------ entries

    def place(self, r: Read) -> str:
        """The C lvalue of an entry."""
        if self.p.is_number(r.tensor):
            return self.p.name(r.tensor)
        inner = self._inner_of(r)
        if r.tensor in self.local and inner == self.points[: len(inner)]:
            return self.local[r.tensor]
        if r.tensor in self.buffers:
            return f"{self.p.name(r.tensor)}[{self.linear(inner, self.inner_extents(r.tensor))}]"
        return f"{self.p.name(r.tensor)}[{self.offset(r)}]"

    def _inner_of(self, r: Read) -> tuple[Expr, ...]:
        """The indices that are not the rows', of what the phase makes for each row."""
        if r.tensor not in self.rows:
            return r.indices
        return tuple(
            i for i, x in zip(r.indices, self.rows[r.tensor].letters, strict=True) if x not in self.lead
        )  # fmt: skip

    def extents(self, name: str) -> tuple[Expr, ...]:
        return tuple(part.extent for part in self.p.tensors[name].parts)

    def inner_extents(self, name: str) -> tuple[Expr, ...]:
        """The sizes of a row's own part."""
        return tuple(b.hi for b in self.phase.inner(self.rows[name]))

    def offset(self, r: Read) -> str:
        """Row-major; rows that stay together are one index."""
        extents = self.extents(r.tensor)
        leading = tuple(b.hi for b in self.phase.lead)
        if self.lead and r.indices[: self.count] == self.lead and extents[: self.count] == leading:
            return self.linear((ROW, *r.indices[self.count :]), (Integer(0), *extents[self.count :]))
        return self.linear(r.indices, extents)

    def linear(self, indices: Sequence[Expr], extents: Sequence[Expr]) -> str:
        if not indices:
            return "0"
        text = self._index(indices[0], extents[0])
        for i, extent in zip(indices[1:], extents[1:], strict=True):
            scaled = f"{text.at(TIMES)} * {self.p.print.integer(extent).at(1)}"
            if i == 0:
                text = Text(scaled, TIMES)
                continue
            text = Text(f"{scaled} + {self._index(i, extent).at(TIMES)}", PLUS)
        return text.text

    def _index(self, i: Expr, extent: Expr) -> Text:
        """An index; one that data give stays inside the array."""
        text = self.p.print.integer(i)
        if any(True for _ in reads(i)):
            return Text(f"i_inside({text.text}, {self.p.print.integer(extent).text})")
        return text

    def size(self, extents: Iterable[Expr]) -> str:
        return " * ".join(self.p.integer(x) for x in extents) or "1"

    # ------------------------------------------------------------ who holds what

    def is_held(self, name: str) -> bool:
        """Whether somebody outside the phase will look for it."""
        return name in self.p.kernel.outputs or name in self.p.across

    def _buffered(self) -> list[str]:
        """Rows' values that another group reads and nobody outside holds."""
        found = []
        for k, group in enumerate(self.groups):
            for m in group.members:
                name = m.loop.name
                if name in self.sums or self.is_held(name) or not self.phase.inner(m.loop):
                    continue
                others = [o for j, g in enumerate(self.groups) if j != k for o in g.members]
                if m.kind in ("columns", "points") or any(
                    r.tensor == name for o in others for e in o.loop.expressions for r in reads(e)
                ):
                    found.append(name)
        return found


def groups_of(phase: Phase, flat: bool) -> list[Group]:
    """The nests of a row; the rows of an elementwise pass have none."""
    return [] if flat else grouped(phase)
