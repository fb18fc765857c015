"""A pass over rows that have loops of their own: nests, each of all loops over the same ranges."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Integer

from derive.lower.kernels.records import Loop
from derive.lower.kernels.short import at
from derive.program import Bind, Letter, substitute
from derive.targets.kernels.expressions import PLUS
from derive.targets.kernels.grouping import Group, Member
from derive.targets.kernels.passes import Pass
from derive.targets.kernels.types import START, TYPES

#: The depth at which a row's own lines stand.
ROW_DEPTH = 4


class Nested(Pass):
    """A row at a time, nest after nest."""

    def body(self) -> None:
        e = self.p.emit
        for n in self.buffers:
            kind = TYPES[self.p.tensors[n].kind]
            size = self.size(self.inner_extents(n))
            e(3, f"{kind} *restrict {self.p.name(n)} = malloc((size_t)({size}) * sizeof({kind}));")
        e(3, "for (int64_t row = first; row < last; row++) {")
        if self.lead:
            self.letters_of_row(True)
        for group in self.groups:
            self._group(group)
        e(3, "}")
        for n in self.buffers:
            e(3, f"free({self.p.name(n)});")

    # ------------------------------------------------------------ a nest

    def _group(self, group: Group) -> None:
        self.nest = tuple(Letter(f"v{k}") for k in range(len(group.extents)))
        self.p.symbols.update({x: x.name for x in self.nest})
        members = [self._in_nest(m) for m in group.members]
        self.local = {n: t for n, t in self.local.items() if not self.phase.inner(self.rows[n])}
        levels = {**dict.fromkeys(self.lead, 0), **{x: k + 1 for k, x in enumerate(self.nest)}}
        ranges = {**{b.letter: b.hi for b in self.phase.lead}, **dict(zip(self.nest, group.extents, strict=True))}
        still = self.within(ranges, levels, len(self.nest))
        reductions = [m for m in members if m.kind == "reduction"]
        inside = self.p.apart(lambda: self._member_lines(ROW_DEPTH + len(self.nest), members))
        vector = not any(m.kind == "map" and m.loop.op and m.loop.bound for m in members)
        for k in range(len(self.nest) + 1):
            for line in still.lines[k]:
                self.p.emit(ROW_DEPTH + k, line)
            self._begin_at(k, members)
            if k < len(self.nest):
                self._head(k, group, self._clauses(reductions) if vector and k == len(self.nest) - 1 else None)
        self.p.lines += inside
        for k in reversed(range(len(self.nest) + 1)):
            if k < len(self.nest):
                self.p.emit(ROW_DEPTH + k, "}")
            for m in reductions:
                if self._level(m) == k:
                    self._end(ROW_DEPTH + k, m)

    def _head(self, k: int, group: Group, clauses: str | None) -> None:
        if clauses is not None:
            self.p.emit(ROW_DEPTH + k, f"#pragma omp simd{clauses}")
        letter, extent = self.nest[k], self.p.integer(group.extents[k])
        self.p.emit(ROW_DEPTH + k, f"for (int64_t {letter} = 0; {letter} < {extent}; {letter}++) {{")

    def _begin_at(self, k: int, members: Sequence[Member]) -> None:
        """What is set before the k-th loop."""
        for m in members:
            if m.kind == "reduction" and self._level(m) == k:
                self._begin(ROW_DEPTH + k, m)
            if k == 0 and m.kind in ("columns", "points") and m.loop.name in self.rows:
                self._begin_columns(m)

    def _level(self, m: Member) -> int:
        """How many of the nest's letters a reduction keeps."""
        return len(self.phase.inner(m.loop))

    def _in_nest(self, m: Member) -> Member:
        mapping = dict(zip(m.nest, self.nest, strict=True))
        loop = m.loop
        new = Loop(
            loop.tensor, tuple(substitute(b, mapping) for b in loop.binds), substitute(loop.rhs, mapping), loop.op,
            tuple(substitute(e, mapping) for e in loop.entries),
        )  # fmt: skip
        return Member(new, m.kind, self.nest, tuple(substitute(e, mapping) for e in m.inner))

    # ------------------------------------------------------------ reductions

    def _begin(self, depth: int, m: Member) -> None:
        start, sign = START[m.loop.op]
        name = self._accumulator(m)
        kind = "int64_t" if m.loop.op in ("any", "all", "count") else "real"
        self.p.emit(depth, f"{kind} {name} = {start};")
        if sign in ("max", "min"):
            self.p.emit(depth, f"int {name}nan = 0;")

    def _accumulator(self, m: Member) -> str:
        return f"{self.p.name(m.loop.name)}part" if m.loop.name in self.sums else f"{self.p.name(m.loop.name)}value"

    def _clauses(self, reductions: Sequence[Member]) -> str:
        by: dict[str, list[str]] = {}
        for m in reductions:
            sign, name = START[m.loop.op][1], self._accumulator(m)
            by.setdefault(sign, []).append(name)
            if sign in ("max", "min"):
                by.setdefault("|", []).append(f"{name}nan")
        return "".join(f" reduction({sign}:{', '.join(names)})" for sign, names in by.items())

    def _end(self, depth: int, m: Member) -> None:
        name = self._accumulator(m)
        if START[m.loop.op][1] in ("max", "min"):
            self.p.emit(depth, f"if ({name}nan) {name} = NAN;")
        if m.loop.name in self.sums:
            self.p.emit(depth, f"{self._sum_at(m.loop)} += {name};")
            return
        if self._level(m) == 0:
            self.local[m.loop.name] = name
        self.store(depth, m.loop, name)

    def _sum_at(self, loop: Loop) -> str:
        """The thread's own part of an entry of a sum over rows."""
        return f"{self.sum_of(loop.name)}[{self.linear(loop.letters, [b.hi for b in loop.binds])}]"

    def _begin_columns(self, m: Member) -> None:
        start, _ = START[m.loop.op or "sum"]
        name = self.p.name(m.loop.name)
        size = self.size(self.inner_extents(m.loop.name))
        base = f"{name} + row * {size}" if m.loop.name not in self.buffers else name
        kind = TYPES[m.loop.tensor.kind]
        self.p.emit(ROW_DEPTH, f"{kind} *restrict {name}columns = {base};")
        self.p.emit(ROW_DEPTH, f"for (int64_t k = 0; k < {size}; k++) {name}columns[k] = {start};")

    # ------------------------------------------------------------ a point of the nest

    def _member_lines(self, depth: int, members: Sequence[Member]) -> None:
        for m in members:
            self._member_line(depth, m)

    def _member_line(self, depth: int, m: Member) -> None:
        loop, e = m.loop, self.p.emit
        if m.kind == "reduction":
            e(depth, self.step(self._accumulator(m), loop, m.inner))
        elif m.kind == "columns" and loop.name in self.sums:
            e(depth, self.step(self._sum_at(loop), loop, m.inner))
        elif m.kind == "columns":
            e(depth, self.step(self._column(loop, {}), loop, m.inner, shared=True))
        elif m.kind == "values":
            self._values(depth, m)
        elif m.kind == "points":
            self._point(depth, m)
        elif loop.op and loop.bound:
            self._window(depth, m)
        elif loop.name in self.sums:
            self.added(depth, self._sum_at(loop), loop, [f for f in loop.entries if not isinstance(f, Bind)])
        else:
            self.value(depth, loop, loop.rhs)
            self.store(depth, loop, self.local[loop.name])

    def _column(self, loop: Loop, mapping: dict[Basic, Basic]) -> str:
        kept = self.phase.inner(loop)
        where = self.linear([substitute(b.letter, mapping) for b in kept], [b.hi for b in kept])
        return f"{self.p.name(loop.name)}columns[{where}]"

    def _point(self, depth: int, m: Member) -> None:
        """The one entry along its letter that is not 0."""
        letter, at, *conditions = m.inner
        only = self.filters(conditions)
        head = f"if ({only.text}) " if only else ""
        self.p.emit(depth, f"{head}{self._column(m.loop, {letter: at})} = {self.side(m.loop)(m.loop.rhs).text};")

    def _values(self, depth: int, m: Member) -> None:
        """One line for each value of a short letter."""
        loop, (letter, extent) = m.loop, m.inner
        names = [f"{self.p.name(loop.name)}here{k}" for k in range(int(extent))]
        for k, name in enumerate(names):
            value = self.side(loop)(at(loop.rhs, letter, k)).text
            self.p.emit(depth, f"const {TYPES[loop.tensor.kind]} {name} = {value};")
        for k, name in enumerate(names):
            self.store(depth, loop, name, {letter: Integer(k)})

    def _window(self, depth: int, m: Member) -> None:
        """A reduction at each point, by loops of its own."""
        loop, e = m.loop, self.p.emit
        start, sign = START[loop.op]
        name = f"{self.p.name(loop.name)}here"
        kind = "int64_t" if loop.op in ("any", "all", "count") else "real"
        e(depth, f"{kind} {name} = {start};")
        inside = depth
        for k, entry in enumerate(m.inner):
            if isinstance(entry, Bind):
                self.p.symbols[entry.letter] = letter = self.p.name(f"at_{entry.letter}")
                lo, hi = (self.p.print.integer(x).at(PLUS) for x in (entry.lo, entry.hi))
                if k == len(m.inner) - 1 and sign in "+*|&" and not entry.hi.is_Integer:
                    e(inside, f"#pragma omp simd reduction({sign}:{name})")
                e(inside, f"for (int64_t {letter} = {lo}; {letter} < {hi}; {letter}++)")
            else:
                e(inside, f"if ({self.p.print.condition(entry).text})")
            inside += 1
        e(inside, self.step(name, loop, (), shared=True))
        if loop.name in self.sums:
            e(depth, f"{self._sum_at(loop)} += {name};")
            return
        self.local[loop.name] = name
        self.store(depth, loop, name)
