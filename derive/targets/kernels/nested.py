"""A pass over rows that have loops of their own: nests, each of all loops over the same ranges."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, Integer, Mul

from derive.lower.kernels.records import Loop
from derive.lower.kernels.short import at
from derive.program import Bind, Letter, substitute
from derive.targets.kernels.expressions import PLUS
from derive.targets.kernels.grouping import Group, Member
from derive.targets.kernels.joining import joined
from derive.targets.kernels.passes import BLOCK, Pass
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
        self._open(group)
        members = [self._in_nest(m) for m in group.members]
        self.local = {n: t for n, t in self.local.items() if not self.phase.inner(self.rows[n])}
        depth = len(self.loops)
        levels = {**dict.fromkeys(self.lead, 0), **{x: k + 1 for k, (x, _) in enumerate(self.loops)}}
        ranges = {**{b.letter: b.hi for b in self.phase.lead}, **self._last_axes(group)}
        still = self.within(ranges, levels, depth)
        vector = not any(m.kind == "map" and m.loop.op and m.loop.bound for m in members)
        self.cascaded = [m.loop.name for m in members if vector and depth and m.kind == "reduction" and _is_sum(m)]
        below = ROW_DEPTH + depth + bool(self.cascaded)
        inside = self.p.apart(lambda: self._member_lines(below, members))
        for k in range(depth + 1):
            for line in still.lines[k]:
                self.p.emit(ROW_DEPTH + k + (k == depth and bool(self.cascaded)), line)
            self._begin_at(k, members)
            if k < depth:
                self._head(k, members, vector and k == depth - 1)
        self.p.lines += inside
        for k in reversed(range(depth + 1)):
            if k < depth:
                self._foot(k, members, k == depth - 1)
            for m in members:
                if m.kind == "reduction" and self._level(m) == k:
                    self._end(ROW_DEPTH + k, m)

    def _open(self, group: Group) -> None:
        """The nest's loops: letters and lengths; and the letters by the group's positions."""
        self.runs = joined(group, self.phase, {n: self.extents(n) for n in self.p.tensors})
        self.loops = [(Letter(f"v{k}"), Mul(*(group.extents[i] for i in run))) for k, run in enumerate(self.runs)]
        self.points = tuple(
            x if i == run[-1] else Integer(0) for (x, _), run in zip(self.loops, self.runs, strict=True) for i in run
        )
        self.p.symbols.update({x: x.name for x, _ in self.loops})

    def _last_axes(self, group: Group) -> dict[Letter, Expr]:
        """The size of the axis at which each loop's letter stands."""
        return {x: group.extents[run[-1]] for (x, _), run in zip(self.loops, self.runs, strict=True)}

    def _head(self, k: int, members: Sequence[Member], vector: bool) -> None:
        letter, extent = self.loops[k]
        size, depth = self.p.integer(extent), ROW_DEPTH + k
        start, end = "0", size
        if vector and self.cascaded:
            self.p.emit(depth, f"for (int64_t from = 0; from < {size}; from += {BLOCK}) {{")
            depth, start, end = depth + 1, "from", "to"
            self.p.emit(depth, f"const int64_t to = {size} - from < {BLOCK} ? {size} : from + {BLOCK};")
            for n in self.cascaded:
                self.p.emit(depth, f"real {self._accumulator(n)} = 0;")
        if vector:
            reductions = [m for m in members if m.kind == "reduction"]
            self.p.emit(depth, f"#pragma omp simd{self._clauses(reductions)}")
        self.p.emit(depth, f"for (int64_t {letter} = {start}; {letter} < {end}; {letter}++) {{")

    def _foot(self, k: int, members: Sequence[Member], innermost: bool) -> None:
        depth = ROW_DEPTH + k
        if innermost and self.cascaded:
            self.p.emit(depth + 1, "}")
            for n in self.cascaded:
                self.p.emit(depth + 1, f"{self._accumulator(n)}total += {self._accumulator(n)};")
        self.p.emit(depth, "}")

    def _begin_at(self, k: int, members: Sequence[Member]) -> None:
        """What is set before the k-th loop."""
        for m in members:
            if m.kind == "reduction" and self._level(m) == k:
                self._begin(ROW_DEPTH + k, m)
            if k == 0 and m.kind in ("columns", "points") and m.loop.name in self.rows:
                self._begin_columns(m)

    def _level(self, m: Member) -> int:
        """How many of the nest's loops are over letters that a reduction keeps."""
        kept = len(self.phase.inner(m.loop))
        return sum(1 for run in self.runs if run[-1] < kept)

    def _in_nest(self, m: Member) -> Member:
        mapping = dict(zip(m.nest, self.points, strict=True))
        loop = m.loop
        new = Loop(
            loop.tensor, tuple(substitute(b, mapping) for b in loop.binds), substitute(loop.rhs, mapping), loop.op,
            tuple(substitute(e, mapping) for e in loop.entries),
        )  # fmt: skip
        return Member(new, m.kind, m.nest, tuple(substitute(e, mapping) for e in m.inner))

    # ------------------------------------------------------------ reductions

    def _begin(self, depth: int, m: Member) -> None:
        start, sign = START[m.loop.op]
        name = self._accumulator(m.loop.name)
        if m.loop.name in self.cascaded:
            self.p.emit(depth, f"double {name}total = {start};")
            return
        kind = "int64_t" if m.loop.op in ("any", "all", "count") else "real"
        self.p.emit(depth, f"{kind} {name} = {start};")
        if sign in ("max", "min"):
            self.p.emit(depth, f"int {name}nan = 0;")

    def _accumulator(self, n: str) -> str:
        return f"{self.p.name(n)}part" if n in self.sums else f"{self.p.name(n)}value"

    def _clauses(self, reductions: Sequence[Member]) -> str:
        by: dict[str, list[str]] = {}
        for m in reductions:
            sign, name = START[m.loop.op][1], self._accumulator(m.loop.name)
            by.setdefault(sign, []).append(name)
            if sign in ("max", "min"):
                by.setdefault("|", []).append(f"{name}nan")
        return "".join(f" reduction({sign}:{', '.join(names)})" for sign, names in by.items())

    def _end(self, depth: int, m: Member) -> None:
        name = self._accumulator(m.loop.name)
        total = f"{name}total" if m.loop.name in self.cascaded else name
        if m.loop.name in self.sums:
            self.p.emit(depth, f"{self._sum_at(m.loop)} += {total};")
            return
        if total != name:
            self.p.emit(depth, f"const real {name} = (real){total};")
        if START[m.loop.op][1] in ("max", "min"):
            self.p.emit(depth, f"if ({name}nan) {name} = NAN;")
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
            e(depth, self.step(self._accumulator(loop.name), loop, m.inner))
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


def _is_sum(m: Member) -> bool:
    """Whether values are added up: a block at a time, and the blocks' sums in double precision."""
    return m.loop.op == "sum"
