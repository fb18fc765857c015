"""One phase as C: a parallel pass over the rows, and sums over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sympy import Basic, Expr

from derive.lower.kernels.records import Loop, Phase
from derive.program import Bind, Read
from derive.targets.kernels.expressions import AND, CHOICE, EQUAL, OR, UNARY, NoLoop, Text
from derive.targets.kernels.places import ROW, Places, groups_of
from derive.targets.kernels.types import START, TYPES

if TYPE_CHECKING:
    from derive.targets.kernels.source import Printer

BLOCK = 4096
_NOTHING: Mapping[Basic, Basic] = {}


class Pass(Places):
    """One parallel pass over the rows."""

    #: How many rows one thread does alone.
    alone = 1

    def __init__(self, printer: Printer, phase: Phase, flat: bool) -> None:
        super().__init__(printer, phase, groups_of(phase, flat))

    def write(self) -> None:
        e = self.p.emit
        rows = " * ".join(self.p.integer(b.hi) for b in self.phase.lead) or "1"
        e(1, "{")
        e(2, f"const int64_t rows = {rows};")
        sizes = {n: self.size(self.extents(n)) for n in self.sums}
        e(2, f"const int64_t partial = {' + '.join(sizes.values()) or '0'};")
        if sizes:
            e(2, "double *sums = calloc((size_t)threads * partial, sizeof(double));")
        e(2, f"#pragma omp parallel num_threads(rows > {self.alone} ? threads : 1)")
        e(2, "{")
        e(3, "const int64_t thread = omp_get_thread_num(), team = omp_get_num_threads();")
        e(3, "const int64_t first = rows * thread / team, last = rows * (thread + 1) / team;")
        begin = "thread * partial"
        for n, size in sizes.items():
            e(3, f"double *restrict {self.sum_of(n)} = sums + {begin};")
            begin += f" + {size}"
        self.body()
        e(2, "}")
        self._finish(sizes)
        e(1, "}")

    def body(self) -> None:
        """A thread's rows, ``first`` to ``last``."""
        raise NotImplementedError

    def sum_of(self, n: str) -> str:
        return f"{self.p.name(n)}sum"

    def _finish(self, sizes: dict[str, str]) -> None:
        """Sums over the rows: the threads' parts added up, in their order."""
        e, begin = self.p.emit, "0"
        for n, size in sizes.items():
            kind = TYPES[self.p.tensors[n].kind]
            if not self.is_held(n):
                raise NoLoop("a sum over rows that nobody wants")
            e(2, f"for (int64_t k = 0; k < {size}; k++) {{")
            e(3, "double total = 0;")
            e(3, f"for (int64_t t = 0; t < threads; t++) total += sums[t * partial + {begin} + k];")
            e(3, f"{self.p.name(n)}[k] = ({kind})total;")
            e(2, "}")
            begin += f" + {size}"
        if sizes:
            e(2, "free(sums);")

    def letters_of_row(self, separate: bool) -> None:
        """What the rows' letters are called."""
        self.p.symbols[ROW] = "row"
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

    # ------------------------------------------------------------ one value

    def value(self, depth: int, loop: Loop, rhs: Expr) -> None:
        """``const real y = …;``"""
        name = f"{self.p.name(loop.name)}here"
        self.p.emit(depth, f"const {TYPES[loop.tensor.kind]} {name} = {self.side(loop)(rhs).text};")
        self.local[loop.name] = name

    def side(self, loop: Loop) -> Callable[[Expr], Text]:
        """How a right side of the tensor's kind is printed."""
        sides = {"index": self.p.print.integer, "bool": self.p.print.condition}
        return sides.get(loop.tensor.kind, self.p.print.real)

    def store(self, depth: int, loop: Loop, value: str, known: Mapping[Basic, Basic] = _NOTHING) -> None:
        """Where somebody else will look for it; ``known``: letters that have a value."""
        if self.is_held(loop.name) or loop.name in self.buffers:
            held, self.local = self.local, {}
            where = self.place(Read(loop.name, *(known.get(x, x) for x in loop.letters)))
            self.local = held
            self.p.emit(depth, f"{where} = {value};")

    def added(self, depth: int, target: str, loop: Loop, filters: Sequence[Basic]) -> None:
        """A term of a sum."""
        self.p.emit(depth, self.step(target, loop, filters))

    def filters(self, conditions: Sequence[Basic]) -> Text | None:
        """The conditions as one."""
        if not conditions:
            return None
        parts = [self.p.print.condition(f) for f in conditions]
        return parts[0] if len(parts) == 1 else Text(" && ".join(p.at(EQUAL) for p in parts), AND)

    def step(self, name: str, loop: Loop, conditions: Sequence[Basic], shared: bool = False) -> str:
        """One point of a reduction; where a condition fails, its neutral value: a choice, no branch."""
        only = self.filters(conditions)
        if loop.op == "count":
            return f"{name} += {only.at(OR) if only else 1};"
        if loop.op in ("any", "all"):
            truth = self.p.print.condition(loop.rhs)
            if loop.op == "any":
                return f"{name} |= {truth.at(UNARY) if not only else f'{only.at(EQUAL)} && {truth.at(EQUAL)}'};"
            return f"{name} &= {truth.at(UNARY) if not only else f'!{only.at(UNARY)} || {truth.at(EQUAL)}'};"
        value = self.p.print.real(loop.rhs)
        if only:
            value = Text(f"{only.at(OR)} ? {value.at(OR)} : {START[loop.op][0]}", CHOICE)
        if loop.op in ("sum", "prod"):
            return f"{name} {'+=' if loop.op == 'sum' else '*='} {value.text};"
        sign = ">" if loop.op in ("max", "amax") else "<"
        test = f"const real here = {value.text};"
        if shared:
            return f"{{ {test} {name} = here {sign} {name} || here != here ? here : {name}; }}"
        return f"{{ {test} {name} = {name} {sign} here ? {name} : here; {name}nan |= here != here; }}"


class Flat(Pass):
    """Nothing but maps and their sums: the rows themselves are the vector loop, a block at a time."""

    alone = BLOCK

    def body(self) -> None:
        e = self.p.emit
        self.letters_of_row(False)
        ranges = {b.letter: b.hi for b in self.phase.lead}
        still = self.within(ranges, dict.fromkeys(ranges, 1), 1)
        parts = {n: f"{self.p.name(n)}part" for n in self.sums}
        inside = self.p.apart(lambda: self._row(parts))
        for line in still.lines[0]:
            e(3, line)
        e(3, f"for (int64_t block = first; block < last; block += {BLOCK}) {{")
        e(4, f"const int64_t end = block + {BLOCK} < last ? block + {BLOCK} : last;")
        for part in parts.values():
            e(4, f"real {part} = 0;")
        clause = f" reduction(+:{', '.join(parts.values())})" if parts else ""
        e(4, f"#pragma omp simd{clause}")
        e(4, "for (int64_t row = block; row < end; row++) {")
        for line in still.lines[1]:
            e(5, line)
        self.p.lines += inside
        e(4, "}")
        for n, part in parts.items():
            e(4, f"{self.sum_of(n)}[0] += {part};")
        e(3, "}")

    def _row(self, parts: dict[str, str]) -> None:
        for loop in self.phase.loops:
            self.value(5, loop, loop.rhs)
        for n, loop in self.sums.items():
            self.added(5, parts[n], loop, [f for f in loop.entries if not isinstance(f, Bind)])
        for loop in self.phase.loops:  # last: a result may lie over an array that was read
            self.store(5, loop, self.local[loop.name])
