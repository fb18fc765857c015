"""One phase of planes as C: planes side by side, within one each nest its loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Basic, Expr, Integer

from derive.lower.kernels.nests import Nest, Term
from derive.lower.kernels.planes import Planes
from derive.lower.kernels.pushed import affine
from derive.program import Bind, Compare, Letter, Read, free_letters, reads
from derive.targets.kernels.expressions import PLUS, TIMES, UNARY, Text
from derive.targets.kernels.types import TYPES

if TYPE_CHECKING:
    from derive.targets.kernels.source import Printer

#: How one more value comes to a reduction's.
STEPS = {
    "set": "{0} = {1};",
    "sum": "{0} += {1};",
    "prod": "{0} *= {1};",
    "max": "{{ const real here = {1}; {0} = here > {0} || here != here ? here : {0}; }}",
    "min": "{{ const real here = {1}; {0} = here < {0} || here != here ? here : {0}; }}",
}
STEPS.update(amax=STEPS["max"], amin=STEPS["min"])
#: The same with the place where it was found: the first of equals, the first nan.
PLACED = (
    "{{ const real here = {1}; const int taken = {2} < 0 || here {4} {0} || (here != here && {0} == {0}); "
    "{0} = taken ? here : {0}; {2} = taken ? {3} : {2}; }}"
)
#: Within one point, where the branch is seldom taken.
SELDOM = (
    "{{ const real here = {1}; if (!({0} {4}= here) || {2} < 0) "
    "if ({2} < 0 || here {4} {0} || {0} == {0}) {{ {0} = here; {2} = {3}; }} }}"
)
BETTER = {"max": ">", "min": "<"}
#: Reductions that vector instructions do within a point, and how one starts.
SIGNS = {"sum": ("+", "0"), "prod": ("*", "1")}


class PlanePass:
    """One parallel pass over planes; without leading letters, one after the other."""

    def __init__(self, printer: Printer, phase: Planes) -> None:
        self.p, self.phase = printer, phase
        self.lead = tuple(b.letter for b in phase.lead)
        self.count = len(self.lead)
        self.p.place = self.place  # type: ignore[method-assign]
        self.local: dict[str, str] = {}
        self.asked: set[Basic] = set()
        made = [name for n in phase.nests for name in n.names]
        tables = (p for p in printer.kernel.phases if isinstance(p, Planes) and not p.lead)
        self.tables = {n.name for p in tables for n in p.nests}
        self.buffers = [n for n in made if n not in self.p.arrays]

    # ------------------------------------------------------------ where a value is

    def place(self, r: Read) -> str:
        """The C lvalue of an entry."""
        if self.p.is_number(r.tensor):
            return self.p.name(r.tensor)
        if r.tensor in self.local:
            return self.local[r.tensor]
        extents = self._extents(r.tensor)
        if r.tensor in self.buffers:
            return f"{self.p.name(r.tensor)}[{self._linear(r.indices[self.count :], extents[self.count :])}]"
        leading = tuple(b.hi for b in self.phase.lead)
        if self.lead and r.indices[: self.count] == self.lead and extents[: self.count] == leading:
            rest = self._linear((_PLANE, *r.indices[self.count :]), (Integer(0), *extents[self.count :]))
            return f"{self.p.name(r.tensor)}[{rest}]"
        return f"{self.p.name(r.tensor)}[{self._linear(r.indices, extents)}]"

    def _extents(self, name: str) -> tuple[Expr, ...]:
        return tuple(part.extent for part in self.p.tensors[name].parts)

    def _linear(self, indices: Sequence[Expr], extents: Sequence[Expr]) -> str:
        """Row-major."""
        text = Text("0")
        for k, (i, extent) in enumerate(zip(indices, extents, strict=True)):
            index = self._index(i, extent)
            scaled = Text(f"{text.at(TIMES)} * {self.p.print.integer(extent).at(UNARY)}", TIMES)
            text = index if not k else scaled if i == 0 else Text(f"{scaled.text} + {index.at(TIMES)}", PLUS)
        return text.text

    def _index(self, i: Expr, extent: Expr) -> Text:
        """An index; one that data give stays inside the array."""
        if i == _PLANE:
            return Text("plane")
        text = self.p.print.integer(i)
        known = {Compare("<=", 0, i), Compare("<", i, extent)} <= self.asked
        if not known and any(r.tensor not in self.tables for r in reads(i)):
            return Text(f"i_inside({text.text}, {self.p.print.integer(extent).text})")
        return text

    # ------------------------------------------------------------ planes

    def write(self) -> None:
        """The pass."""
        e = self.p.emit
        planes = " * ".join(self.p.integer(b.hi) for b in self.phase.lead) or "1"
        e(1, "{")
        e(2, f"const int64_t planes = {planes};")
        if self.lead:
            e(2, "#pragma omp parallel num_threads(threads)")
        e(2, "{")
        for n in self.buffers:
            kind = TYPES[self.p.tensors[n].kind]
            size = " * ".join(self.p.integer(x) for x in self._extents(n)[self.count :]) or "1"
            e(3, f"{kind} *restrict {self.p.name(n)} = malloc((size_t)({size}) * sizeof({kind}));")
        if self.lead:
            e(3, "#pragma omp for schedule(static)")
        e(3, "for (int64_t plane = 0; plane < planes; plane++) {")
        self._letters_of_plane()
        for nest in self.phase.nests:
            self._nest(nest)
        e(3, "}")
        for n in self.buffers:
            e(3, f"free({self.p.name(n)});")
        e(2, "}")
        for nest in self.phase.nests if not self.lead else ():
            if nest.name in self.p.kernel.checks:
                e(2, f"if ({self.place(Read(nest.name))}) return;")
        e(1, "}")

    def _letters_of_plane(self) -> None:
        """Each leading letter from the plane's number, the last one first."""
        rest = "plane"
        for k in reversed(range(self.count)):
            letter, extent = self.lead[k], self.p.integer(self.phase.lead[k].hi)
            name = self.p.symbols[letter] = f"plane{k}"
            if not k:
                self.p.emit(4, f"const int64_t {name} = {rest};")
                return
            self.p.emit(4, f"const int64_t {name} = {rest} % {extent}, above{k} = {rest} / {extent};")
            rest = f"above{k}"

    # ------------------------------------------------------------ nests

    def _nest(self, n: Nest) -> None:
        own = self._own(n)
        if len(n.terms) == 1 and self._is_pointwise(n, n.terms[0]):
            self._points(n, n.terms[0])
            return
        starts = [(own, n.start)]
        if n.place is not None:
            starts.append((Read(n.place.name, *n.letters), Integer(-1)))
        self._map(n, starts)
        for t in n.terms:
            self._term(n, t)
        if n.finish is not None:
            self._map(n, [(own, n.finish)])

    def _own(self, n: Nest) -> Read:
        return Read(n.name, *n.letters)

    def _map(self, n: Nest, values: Sequence[tuple[Read, Expr]]) -> None:
        """``T[o] = f`` for each point of the plane."""
        depth, inner = 4, n.binds[self.count :]
        gathered = any(True for _, v in values for r in reads(v) for i in r.indices for _ in reads(i))
        for k, b in enumerate(inner):
            if k == len(inner) - 1 and not gathered:
                self.p.emit(depth, "#pragma omp simd")
            depth = self._for(depth, b, ())
        for where, value in values:
            self.p.emit(depth, f"{self.place(where)} = {self._value(where.tensor, value)};")
        self._close(depth, 4)

    def _value(self, name: str, value: Expr) -> str:
        side = {"index": self.p.print.integer, "bool": self.p.print.condition}
        return side.get(self.p.kinds[name], self.p.print.real)(value).text

    def _is_pointwise(self, n: Nest, t: Term) -> bool:
        """Whether a term's loops pass each point once and stay there until it is whole."""
        return t.inner < len(t.entries) and t.entries[: t.inner] == n.binds and t.target == n.letters

    def _points(self, n: Nest, t: Term) -> None:
        """Each point by loops of its own."""
        depth, own = 4, self._own(n)
        for b in n.binds[self.count :]:
            depth = self._for(depth, b, ())
        outside, value, place = depth, f"{self.p.name(n.name)}here", f"{self.p.name(n.name)}place"
        self.p.emit(depth, f"real {value} = {self.p.print.real(n.start).text};")
        if n.place is not None:
            self.p.emit(depth, f"int64_t {place} = -1;")
        depth = self._entries(depth, t.entries[t.inner :], None if n.place else (t.op, value))
        self.p.emit(depth, self._step(t, value, place if n.place else None, SELDOM))
        self._close(depth, outside)
        where = self.place(own)
        self.local[n.name] = value
        self.p.emit(outside, f"{where} = {self._value(n.name, own if n.finish is None else n.finish)};")
        del self.local[n.name]
        if n.place is not None:
            self.p.emit(outside, f"{self.place(Read(n.place.name, *n.letters))} = {place};")
        self._close(outside, 4)

    def _term(self, n: Nest, t: Term) -> None:
        entries = [e for e in t.entries if not (isinstance(e, Bind) and e.letter in self.lead)]
        own = Read(n.name, *t.target)
        whole = _known(entries, t.target)
        if t.op == "sum" and any(isinstance(e, Bind) for e in entries[whole:]):
            depth = self._entries(4, entries[:whole], None)
            part = f"{self.p.name(n.name)}part"
            self.p.emit(depth, f"real {part} = 0;")
            inside = self._entries(depth, entries[whole:], ("sum", part))
            self.p.emit(inside, self._step(t, part, None))
            self._close(inside, depth)
            self.asked = set(t.entries)
            self.p.emit(depth, f"{self.place(own)} += {part};")
            self.asked = set()
            self._close(depth, 4)
            return
        depth = self._entries(4, entries, None)
        self.asked = set(t.entries)
        place = None if n.place is None else self.place(Read(n.place.name, *t.target))
        self.p.emit(depth, self._step(t, self.place(Read(n.name, *t.target)), place))
        self._close(depth, 4)

    def _step(self, t: Term, where: str, place: str | None, placed: str = PLACED) -> str:
        self.asked = set(t.entries)
        value = self.p.print.real(t.body).text
        self.asked = set()
        if place is None:
            return STEPS[t.op].format(where, value)
        return placed.format(where, value, place, self.p.print.integer(t.place).text, BETTER[t.op])

    # ------------------------------------------------------------ loops

    def _entries(self, depth: int, entries: Sequence[Basic], within: tuple[str, str] | None) -> int:
        """Ranges narrowed by the conditions that follow them, where these are affine; the others are asked."""
        k = 0
        while k < len(entries):
            e = entries[k]
            k += 1
            if not isinstance(e, Bind):
                self.p.emit(depth, f"if ({self.p.print.condition(e).text}) {{")
                depth += 1
                continue
            bounds: list[tuple[Expr, Expr]] = []
            left: list[Basic] = []
            while k < len(entries) and not isinstance(entries[k], Bind):
                known = self._bound(entries[k], e.letter)
                bounds += known
                left += [] if known else [entries[k]]
                k += 1
            if within is not None and k == len(entries) and not left and within[0] in SIGNS:
                depth = self._for(depth, e, bounds, f"#pragma omp simd reduction({SIGNS[within[0]][0]}:{within[1]})")
            else:
                depth = self._for(depth, e, bounds)
            for condition in left:
                self.p.emit(depth, f"if ({self.p.print.condition(condition).text}) {{")
                depth += 1
        return depth

    def _for(self, depth: int, b: Bind, bounds: Sequence[tuple[Expr, Expr]], pragma: str = "") -> int:
        """One loop; a bound (c, r) says c·letter + r ≥ 0."""
        e = self.p.emit
        self.p.symbols[b.letter] = letter = self.p.name(f"at {b.letter}")
        lo, hi = (self.p.print.integer(x).at(PLUS) for x in (b.lo, b.hi))
        if bounds:
            pairs = [(self.p.print.integer(c).text, self.p.print.integer(r).text) for c, r in bounds]
            for c, r in pairs:
                lo, hi = f"i_from({lo}, {c}, {r})", f"i_to({hi}, {c}, {r})"
            e(depth, f"const int64_t {letter}from = {lo}, {letter}to = {hi};")
            lo, hi = f"{letter}from", f"{letter}to"
        if pragma:
            e(depth, pragma)
        e(depth, f"for (int64_t {letter} = {lo}; {letter} < {hi}; {letter}++) {{")
        return depth + 1

    def _close(self, depth: int, to: int) -> None:
        for k in reversed(range(to, depth)):
            self.p.emit(k, "}")

    def _bound(self, condition: Basic, letter: Letter) -> list[tuple[Expr, Expr]]:
        """A comparison of whole numbers as c·letter + r ≥ 0, in a list; none if it is not affine."""
        if not (isinstance(condition, Compare) and condition.op in ("<", "<=")):
            return []
        a, b = condition.args[1:]
        if not (self.p.print.is_whole(a) and self.p.print.is_whole(b) and letter in free_letters(a) | free_letters(b)):
            return []
        found = affine(b - a - (1 if condition.op == "<" else 0), letter)
        return [] if found is None else [found]


def _known(entries: Sequence[Basic], target: Sequence[Expr]) -> int:
    """How many entries say which point of the target is meant, with what is asked of them."""
    letters = {x for e in target for x in free_letters(e)}
    last = max((k for k, e in enumerate(entries) if isinstance(e, Bind) and e.letter in letters), default=-1) + 1
    while last < len(entries) and not isinstance(entries[last], Bind):
        last += 1
    return last


_PLANE = Letter("plane")
