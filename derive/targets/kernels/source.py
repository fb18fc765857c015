"""Kernels as C text: each phase one parallel pass over the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sympy import Basic, Expr, Pow, Symbol

from derive.lower.kernels.planes import Planes
from derive.lower.kernels.records import Kernel, Phase, is_flat
from derive.program import INF, Compare, Hyper, Letter, Logic, Read, Size, reads, walk
from derive.targets.kernels.expressions import TIMES, Expressions, NoLoop
from derive.targets.kernels.hoisting import Still
from derive.targets.kernels.nested import Nested
from derive.targets.kernels.passes import Flat, Pass
from derive.targets.kernels.plane_passes import PlanePass
from derive.targets.kernels.types import TYPES

#: What is decided point by point, as it stands.
_TRUTHS = (Compare, Logic)
PRELUDE = Path(__file__).with_name("prelude.c")


@dataclass(frozen=True)
class Source:
    """C text of a kernel and what it is called with, in order: arrays, then whole numbers, then real ones.

    ``fixed``: places of whole numbers that the text may be compiled for, where they are small.
    """

    name: str
    text: str
    arrays: tuple[str, ...]
    integers: tuple[Symbol, ...]
    reals: tuple[Symbol, ...]
    checks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    fixed: tuple[int, ...] = ()


def source(kernel: Kernel) -> Source:
    """The kernel's C function ``void name(void **arrays, int64_t *integers, double *reals, int threads)``."""
    return Printer(kernel).source()


class Printer:
    """What the passes of one kernel share: names, numbers, arrays, lines."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.names: dict[str, str] = {}
        self.symbols: dict[Symbol, str] = {}
        self.integers: dict[Symbol, None] = {}
        self.reals: dict[Symbol, None] = {}
        self.scalars: dict[Expr, tuple[str, str]] = {}
        self.tensors = {t.name: t for t in kernel.tensors}
        self.kinds = {**{t.name: t.kind for t in kernel.tensors}}
        made = [{loop.name for loop in (*p.loops, *p.sums)} for p in kernel.phases]
        self.across = [
            n for k, names in enumerate(made) for n in sorted(names)
            if n not in kernel.outputs and any(_reads_of(p, n) for j, p in enumerate(kernel.phases) if j != k)
        ]  # fmt: skip
        self.across += [n for n in kernel.checks if n not in self.across]
        #: What only the kernel's own phases hand on lies in memory of its own.
        self.own = () if self._has_planes() else tuple(n for n in self.across if n not in kernel.checks)
        self.arrays = (*kernel.inputs, *kernel.outputs, *(n for n in self.across if n not in self.own))
        self.lines: list[str] = []
        self.still: Still | None = None
        self.counted = 0

    # ---------------------------------------------------------------- names

    def name(self, which: str) -> str:
        """A C identifier."""
        if which not in self.names:
            plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in which).strip("_") or "p"
            candidate, n = f"{plain}_", 1
            while candidate in self.names.values():
                n += 1
                candidate = f"{plain}_{n}_"
            self.names[which] = candidate
        return self.names[which]

    def symbol(self, s: Symbol) -> str:
        """A letter in scope, or a number that is given."""
        if s in self.symbols:
            return self.symbols[s]
        if isinstance(s, Letter):
            raise NoLoop(f"{s} is bound nowhere")
        (self.integers if isinstance(s, Size) or s.is_integer else self.reals)[s] = None
        return self.name(f"{s}")

    def integer(self, e: Expr) -> str:
        return self.print.integer(e).at(TIMES)

    def is_number(self, which: str) -> bool:
        """An input without axes is read once."""
        return which in self.kernel.inputs and not self.tensors[which].parts

    def scalar(self, e: Expr) -> str | None:
        """The name of a value made of hyperparameters, sizes and numbers alone; computed once."""
        if e not in self.scalars:
            if not self._is_scalar(e):
                return None
            self.scalars[e] = f"c{len(self.scalars)}", self.exact.real(e).text
        return self.scalars[e][0]

    def _is_scalar(self, e: Expr) -> bool:
        if e.is_number or isinstance(e, (Size, Letter)) or e == INF or e in self.symbols:
            return False
        if isinstance(e, Symbol):
            return not e.is_integer
        if isinstance(e, Read):
            return self.is_number(e.tensor) and self.kinds[e.tensor] in ("real", "const")
        if any(isinstance(n, Letter) or n in self.symbols for n in e.free_symbols):
            return False
        return all(self.is_number(r.tensor) for r in reads(e)) and not any(isinstance(n, _TRUTHS) for n in walk(e))

    def _has_planes(self) -> bool:
        return any(isinstance(p, Planes) for p in self.kernel.phases)

    def _number(self, r: Read) -> str:
        return self.name(r.tensor)

    def emit(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def apart(self, write: Callable[[], object]) -> list[str]:
        """The lines something writes, kept for later."""
        held, self.lines = self.lines, []
        write()
        written, self.lines = self.lines, held
        return written

    # ---------------------------------------------------------------- the function

    def source(self) -> Source:
        self.print = Expressions(
            self._read, self.symbol, self.kinds.__getitem__, self.scalar, value=self._value, truth=self._truth,
            still=self._is_still,
        )  # fmt: skip
        self.exact = Expressions(self._number, self.symbol, self.kinds.__getitem__, lambda e: None, "d_", "double")
        body: list[str] = []
        for phase in self.kernel.phases:
            self.lines = []
            self.still = None
            pass_of(self, phase).write()
            body += self.lines
        own = [(self.name(n), TYPES[self.kinds[n]], self._size(n)) for n in self.own]
        head = [f"void {self.kernel.name}(void **arrays, const int64_t *integers, const double *reals, int threads) {{"]
        for k, n in enumerate(self.arrays):
            kind = TYPES[self.tensors[n].kind]
            constant = "const " if n in self.kernel.inputs else ""
            if self.is_number(n):
                wide = "double" if kind == "real" else kind
                head.append(f"  const {wide} {self.name(n)} = *({constant}{kind} *)arrays[{k}];")
                continue
            head.append(f"  {constant}{kind} *restrict {self.name(n)} = arrays[{k}];")
        head += [f"  const int64_t {self.name(str(s))} = I{k};" for k, s in enumerate(self.integers)]
        head += [f"  const double {self.name(str(s))} = reals[{k}];" for k, s in enumerate(self.reals)]
        wanted = set(re.findall(r"\bc\d+\b", "\n".join(body)))
        head += [f"  const real {name} = {value};" for name, value in self.scalars.values() if name in wanted]
        head += [f"  {kind} *restrict {n} = malloc((size_t)({size}) * sizeof({kind}));" for n, kind, size in own]
        body += [f"  free({n});" for n, _, _ in own]
        given = [f"#ifndef I{k}\n#define I{k} integers[{k}]\n#endif" for k in range(len(self.integers))]
        text = "\n".join([*given, *head, *body, "}"]) + "\n"
        return Source(
            self.kernel.name,
            text,
            self.arrays,
            tuple(self.integers),
            tuple(self.reals),
            self.kernel.checks,
            tuple(self.kinds[n] for n in self.arrays),
            tuple(k for k, s in enumerate(self.integers) if isinstance(s, Hyper) and self._shapes_code(s)),
        )

    def _size(self, name: str) -> str:
        """How many entries an array has."""
        return " * ".join(self.integer(p.extent) for p in self.tensors[name].parts) or "1"

    def _shapes_code(self, s: Hyper) -> bool:
        """Whether loops' lengths or powers of entries hang on it: known to the compiler they unroll, and are products.

        (A power of what is the same everywhere is worked out once: a step's number, new at every call, is no reason.)
        """
        return self._has_planes() or any(
            isinstance(n, Pow) and s in n.exp.free_symbols and any(reads(n.base))
            for p in self.kernel.phases
            if isinstance(p, Phase)
            for loop in (*p.loops, *p.sums)
            for n in walk(loop.rhs)
        )

    def _read(self, r: Read) -> str:
        return self.still.read(r) if self.still else self.place(r)

    def place(self, r: Read) -> str:
        raise AssertionError("set by the phase")

    def _value(self, e: Expr) -> str | None:
        return self.still.value(e) if self.still else None

    def _truth(self, e: Basic) -> str | None:
        return self.still.truth(e) if self.still else None

    def _is_still(self, e: Basic) -> bool:
        return self.still is not None and self.still.is_still(e)


def pass_of(printer: Printer, phase: Phase | Planes) -> Pass | PlanePass:
    """How the phase is written."""
    if isinstance(phase, Planes):
        return PlanePass(printer, phase)
    return Flat(printer, phase, True) if is_flat(phase) else Nested(printer, phase, False)


def _reads_of(phase: Phase, name: str) -> bool:
    return any(r.tensor == name for loop in (*phase.loops, *phase.sums) for e in loop.expressions for r in reads(e))
