"""One phase as C: a parallel pass over the rows; loops over the same ranges are one loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sympy import Basic, Expr, Integer

from derive.lower.kernels.records import Loop, Phase, is_flat
from derive.program import Bind, Letter, Read, reads, substitute
from derive.targets.kernels.expressions import PLUS, TIMES, NoLoop, Text
from derive.targets.kernels.grouping import Group, Member, grouped

if TYPE_CHECKING:
    from derive.targets.kernels.source import Printer

TYPES = {"real": "real", "const": "real", "index": "int64_t", "bool": "uint8_t"}
#: First value, and the pragma's operator, of each reduction.
START = {
    "sum": ("0", "+"), "count": ("0", "+"), "prod": ("1", "*"),
    "max": ("-INFINITY", "max"), "amax": ("-INFINITY", "max"),
    "min": ("INFINITY", "min"), "amin": ("INFINITY", "min"),
    "any": ("0", "|"), "all": ("1", "&"),
}  # fmt: skip
BLOCK = 4096


class Pass:
    """One parallel pass over the rows."""

    def __init__(self, printer: Printer, phase: Phase) -> None:
        self.p, self.phase = printer, phase
        self.lead = tuple(b.letter for b in phase.lead)
        self.count = len(self.lead)
        self.rows = {loop.name: loop for loop in phase.loops}
        self.sums = {loop.name: loop for loop in phase.sums}
        self.p.place = self.place  # type: ignore[method-assign]
        self.local: dict[str, str] = {}
        self.partial: dict[str, str] = {}
        self.nest: tuple[Letter, ...] = ()
        self.flat = is_flat(phase)
        self.groups = [] if self.flat else grouped(phase)
        self.buffers = [] if self.flat else self._buffered()

    # ------------------------------------------------------------ where a value is

    def place(self, r: Read) -> str:
        """The C lvalue of an entry."""
        inner = r.indices[self.count :]
        if self.p.is_number(r.tensor):
            return self.p.name(r.tensor)
        if r.tensor in self.rows and r.tensor in self.local and inner == self.nest[: len(inner)]:
            return self.local[r.tensor]
        if r.tensor in self.buffers:
            return f"{self.p.name(r.tensor)}[{self.linear(inner, self._extents(r.tensor)[self.count :])}]"
        return f"{self.p.name(r.tensor)}[{self.offset(r)}]"

    def _extents(self, name: str) -> tuple[Expr, ...]:
        return tuple(part.extent for part in self.p.tensors[name].parts)

    def offset(self, r: Read) -> str:
        """Row-major; rows that stay together are one index."""
        extents = self._extents(r.tensor)
        leading = tuple(b.hi for b in self.phase.lead)
        if self.lead and r.indices[: self.count] == self.lead and extents[: self.count] == leading:
            return self.linear((_ROW, *r.indices[self.count :]), (Integer(0), *extents[self.count :]))
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

    def _buffered(self) -> list[str]:
        """Rows' values that another group reads and nobody outside holds."""
        found = []
        for k, group in enumerate(self.groups):
            for m in group.members:
                name = m.loop.name
                inner = m.loop.binds[self.count :]
                held = name in self.p.kernel.outputs or name in self.p.across
                if name in self.sums or held or not inner:
                    continue
                others = [o for j, g in enumerate(self.groups) if j != k for o in g.members]
                if m.kind in ("columns", "points") or any(
                    r.tensor == name for o in others for e in o.loop.expressions for r in reads(e)
                ):
                    found.append(name)
        return found

    # ------------------------------------------------------------ writing

    def write(self) -> None:
        e = self.p.emit
        rows = " * ".join(self.p.integer(b.hi) for b in self.phase.lead) or "1"
        e(1, "{")
        e(2, f"const int64_t rows = {rows};")
        sizes = {n: self._size(self._extents(n)) for n in self.sums}
        e(2, f"const int64_t partial = {' + '.join(sizes.values()) or '0'};")
        if sizes:
            e(2, "double *sums = calloc((size_t)threads * partial, sizeof(double));")
        e(2, "#pragma omp parallel num_threads(threads)")
        e(2, "{")
        e(3, "const int64_t thread = omp_get_thread_num(), team = omp_get_num_threads();")
        e(3, "const int64_t first = rows * thread / team, last = rows * (thread + 1) / team;")
        begin = "thread * partial"
        for n, size in sizes.items():
            e(3, f"double *restrict {self._sum(n)} = sums + {begin};")
            begin += f" + {size}"
        (self._write_flat if self.flat else self._write_rows)()
        e(2, "}")
        self._finish(sizes)
        e(1, "}")

    def _size(self, extents: Iterable[Expr]) -> str:
        return " * ".join(self.p.integer(x) for x in extents) or "1"

    def _sum(self, n: str) -> str:
        return f"{self.p.name(n)}sum"

    def _finish(self, sizes: dict[str, str]) -> None:
        """Sums over the rows: the threads' parts added up, in their order."""
        e, begin = self.p.emit, "0"
        for n, size in sizes.items():
            kind = TYPES[self.p.tensors[n].kind]
            if n not in self.p.arrays:
                raise NoLoop("a sum over rows that nobody wants")
            e(2, f"for (int64_t k = 0; k < {size}; k++) {{")
            e(3, "double total = 0;")
            e(3, f"for (int64_t t = 0; t < threads; t++) total += sums[t * partial + {begin} + k];")
            e(3, f"{self.p.name(n)}[k] = ({kind})total;")
            e(2, "}")
            begin += f" + {size}"
        if sizes:
            e(2, "free(sums);")

    # ------------------------------------------------------------ elementwise

    def _write_flat(self) -> None:
        """Nothing but maps and their sums: the rows themselves are the vector loop, a block at a time."""
        e = self.p.emit
        self._letters_of_row(False)
        e(3, f"for (int64_t block = first; block < last; block += {BLOCK}) {{")
        e(4, f"const int64_t end = block + {BLOCK} < last ? block + {BLOCK} : last;")
        parts = []
        for n in self.sums:
            e(4, f"real {self.p.name(n)}part = 0;")
            parts.append(f"{self.p.name(n)}part")
        clause = f" reduction(+:{', '.join(parts)})" if parts else ""
        e(4, f"#pragma omp simd{clause}")
        e(4, "for (int64_t row = block; row < end; row++) {")
        for loop in self.phase.loops:
            self._value(5, loop, loop.rhs)
        for n, loop in self.sums.items():
            self._added(5, f"{self.p.name(n)}part", loop)
        for loop in self.phase.loops:  # last: a result may lie over an array that was read
            self._store(5, loop, self.local[loop.name])
        e(4, "}")
        for n in self.sums:
            e(4, f"{self._sum(n)}[0] += {self.p.name(n)}part;")
        e(3, "}")

    def _added(self, depth: int, target: str, loop: Loop) -> None:
        filters = [f for f in loop.entries if not isinstance(f, Bind)]
        value = "1" if loop.op == "count" else self.p.print.real(loop.rhs).text
        self.p.emit(depth, f"{self._if(filters)}{target} += {value};")

    def _if(self, filters: Sequence[Basic]) -> str:
        if not filters:
            return ""
        return f"if ({' && '.join(self.p.print.condition(f).at(5) for f in filters)}) "

    # ------------------------------------------------------------ rows

    def _letters_of_row(self, separate: bool) -> None:
        self.p.symbols[_ROW] = "row"
        if self.count == 1:
            self.p.symbols[self.lead[0]] = "row"
            return
        for x in self.lead:
            self.p.symbols[x] = f"{x}"
        if not separate:
            return
        rest = "row"
        lines: list[str] = []
        for b in reversed(self.phase.lead[1:]):
            lines.append(f"const int64_t {b.letter} = ({rest}) % {self.p.print.integer(b.hi).at(1)};")
            rest = f"{rest} / {self.p.print.integer(b.hi).at(1)}"
        lines.append(f"const int64_t {self.lead[0]} = {rest};")
        for line in lines:
            self.p.emit(4, f"{line} (void){line.split()[2]};")

    def _write_rows(self) -> None:
        e = self.p.emit
        for n in self.buffers:
            kind = TYPES[self.p.tensors[n].kind]
            size = self._size(self._extents(n)[self.count :])
            e(3, f"{kind} *restrict {self.p.name(n)} = malloc((size_t)({size}) * sizeof({kind}));")
        e(3, "for (int64_t row = first; row < last; row++) {")
        if self.lead:
            self._letters_of_row(True)
        for group in self.groups:
            self._group(group)
        e(3, "}")
        for n in self.buffers:
            e(3, f"free({self.p.name(n)});")

    def _group(self, group: Group) -> None:
        self.nest = tuple(Letter(f"v{k}") for k in range(len(group.extents)))
        for k, letter in enumerate(self.nest):
            self.p.symbols[letter] = f"v{k}"
        members = [self._in_nest(m) for m in group.members]
        self.local = {n: t for n, t in self.local.items() if not self._inner(n)}
        reductions = [m for m in members if m.kind == "reduction"]
        for m in reductions:
            self._begin(m)
        for m in members:
            if m.kind in ("columns", "points"):
                self._begin_columns(m)
        depth = 4
        for k, (letter, extent) in enumerate(zip(self.nest, group.extents, strict=True)):
            if k == len(self.nest) - 1 and not any(m.kind == "map" and m.loop.op and m.loop.bound for m in members):
                self.p.emit(depth, f"#pragma omp simd{self._clauses(reductions)}")
            self.p.emit(depth, f"for (int64_t {letter} = 0; {letter} < {self.p.integer(extent)}; {letter}++) {{")
            depth += 1
        for m in members:
            self._member_line(depth, m)
        for _ in group.extents:
            depth -= 1
            self.p.emit(depth, "}")
        for m in reductions:
            self._end(m)

    def _inner(self, n: str) -> bool:
        return n in self.rows and len(self._extents(n)) > self.count

    def _in_nest(self, m: Member) -> Member:
        mapping = dict(zip(m.nest, self.nest, strict=True))
        loop = m.loop
        new = Loop(
            loop.tensor, tuple(substitute(b, mapping) for b in loop.binds), substitute(loop.rhs, mapping), loop.op,
            tuple(substitute(e, mapping) for e in loop.entries),
        )  # fmt: skip
        return Member(new, m.kind, self.nest, tuple(substitute(e, mapping) for e in m.inner))

    def _begin(self, m: Member) -> None:
        start, _ = START[m.loop.op]
        name = self._accumulator(m)
        kind = "int64_t" if m.loop.op in ("any", "all", "count") else "real"
        self.p.emit(4, f"{kind} {name} = {start};")
        if START[m.loop.op][1] in ("max", "min"):
            self.p.emit(4, f"int {name}nan = 0;")

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

    def _end(self, m: Member) -> None:
        name = self._accumulator(m)
        if START[m.loop.op][1] in ("max", "min"):
            self.p.emit(4, f"if ({name}nan) {name} = NAN;")
        if m.loop.name in self.sums:
            self.p.emit(4, f"{self._sum(m.loop.name)}[0] += {name};")
            return
        self.local[m.loop.name] = name
        self._store(4, m.loop, name)

    def _store(self, depth: int, loop: Loop, value: str) -> None:
        """Where somebody else will look for it."""
        name = loop.name
        if name in self.p.kernel.outputs or name in self.p.across or name in self.buffers:
            held, self.local = self.local, {}
            where = self.place(Read(name, *loop.letters))
            self.local = held
            self.p.emit(depth, f"{where} = {value};")

    def _begin_columns(self, m: Member) -> None:
        start, _ = START[m.loop.op or "sum"]
        name = self.p.name(m.loop.name)
        inner = self._extents(m.loop.name)[self.count :]
        base = f"{name} + row * {self._size(inner)}" if m.loop.name not in self.buffers else name
        kind = TYPES[m.loop.tensor.kind]
        self.p.emit(4, f"{kind} *restrict {name}columns = {base};")
        self.p.emit(4, f"for (int64_t k = 0; k < {self._size(inner)}; k++) {name}columns[k] = {start};")

    def _member_line(self, depth: int, m: Member) -> None:
        loop, e = m.loop, self.p.emit
        if m.kind == "reduction":
            e(depth, self._step(self._accumulator(m), loop, m.inner))
            return
        if m.kind == "columns":
            kept = loop.binds[self.count :]
            where = self.linear([b.letter for b in kept], [b.hi for b in kept])
            e(depth, self._step(f"{self.p.name(loop.name)}columns[{where}]", loop, m.inner, branch=True))
            return
        if m.kind == "points":
            self._point(depth, m)
        elif loop.op and loop.bound:
            self._window(depth, m)
        elif loop.name in self.sums:
            where = self.linear(loop.letters, [b.hi for b in loop.binds])
            self._added(depth, f"{self._sum(loop.name)}[{where}]", loop)
        else:
            self._map(depth, loop, loop.rhs)

    def _point(self, depth: int, m: Member) -> None:
        """The one entry along its letter that is not 0."""
        letter, at, *conditions = m.inner
        kept = m.loop.binds[self.count :]
        where = self.linear([substitute(b.letter, {letter: at}) for b in kept], [b.hi for b in kept])
        head = self._if(conditions)
        self.p.emit(depth, f"{head}{self.p.name(m.loop.name)}columns[{where}] = {self._side(m.loop)(m.loop.rhs).text};")

    def _step(self, name: str, loop: Loop, filters: Sequence[Basic], branch: bool = False) -> str:
        """One point of a reduction."""
        head = self._if(filters)
        if loop.op == "count":
            return f"{head}{name} += 1;"
        if loop.op in ("any", "all"):
            value = self.p.print.condition(loop.rhs)
            return f"{head}{name} {'|=' if loop.op == 'any' else '&='} {value.at(1)};"
        value = self.p.print.real(loop.rhs)
        if loop.op in ("sum", "prod"):
            return f"{head}{name} {'+=' if loop.op == 'sum' else '*='} {value.text};"
        sign = ">" if loop.op in ("max", "amax") else "<"
        test = f"const real here = {value.text};"
        if branch:
            return f"{head}{{ {test} {name} = here {sign} {name} || here != here ? here : {name}; }}"
        return f"{head}{{ {test} {name} = {name} {sign} here ? {name} : here; {name}nan |= here != here; }}"

    def _window(self, depth: int, m: Member) -> None:
        """A reduction at each point, by loops of its own."""
        loop, e = m.loop, self.p.emit
        start, _ = START[loop.op]
        name = f"{self.p.name(loop.name)}here"
        kind = "int64_t" if loop.op in ("any", "all", "count") else "real"
        e(depth, f"{kind} {name} = {start};")
        inside, sign = depth, START[loop.op][1]
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
        e(inside, self._step(name, loop, (), branch=True))
        if loop.name in self.sums:
            where = self.linear(loop.letters, [b.hi for b in loop.binds])
            e(depth, f"{self._sum(loop.name)}[{where}] += {name};")
            return
        self.local[loop.name] = name
        self._store(depth, loop, name)

    def _map(self, depth: int, loop: Loop, rhs: Expr) -> None:
        """``const real y = …;``, kept where somebody else will look for it."""
        self._value(depth, loop, rhs)
        self._store(depth, loop, self.local[loop.name])

    def _side(self, loop: Loop) -> Callable[[Expr], Text]:
        """How a right side of the tensor's kind is printed."""
        sides = {"index": self.p.print.integer, "bool": self.p.print.condition}
        return sides.get(loop.tensor.kind, self.p.print.real)

    def _value(self, depth: int, loop: Loop, rhs: Expr) -> None:
        kind = TYPES[loop.tensor.kind]
        name = f"{self.p.name(loop.name)}here"
        self.p.emit(depth, f"const {kind} {name} = {self._side(loop)(rhs).text};")
        self.local[loop.name] = name


_ROW = Letter("row")
