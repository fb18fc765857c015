"""What reverse and forward mode share: what is active, the walk, names, and the finished program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from keyword import kwlist

from sympy import Basic, Expr

from derive.calculus.affine import Ranges
from derive.calculus.kept import Kept
from derive.calculus.occurrences import Occurrence, Occurrences
from derive.calculus.pieces import own_points
from derive.errors import CannotDerive, Place, UnknownName
from derive.functions import FUNCTIONS
from derive.order import strongly_connected
from derive.program import (
    REDUCTIONS,
    Fresh,
    Hyper,
    Letter,
    Part,
    Piece,
    Program,
    Size,
    Statement,
    Tensor,
    bound_letters,
    names_in,
    reads,
    tensors_read,
    walk,
)

#: Words of the language that cannot name a tensor or a letter.
RESERVED = frozenset({*kwlist, *FUNCTIONS, *REDUCTIONS, "mean", "where", "padded", "constant", "inf"})


def wanted_inputs(program: Program, wrt: Sequence[str] | None) -> tuple[str, ...]:
    """The inputs to differentiate by: those named, or every differentiable one; real hyperparameters on request."""
    able = {t.name for t in program.inputs if t.differentiable}
    able |= {s.name for p in program.parameters if p.value is None and p.kind == "Real" for s in p.symbols}
    if wrt is None:
        return tuple(t.name for t in program.inputs if t.differentiable)
    for name in wrt:
        if name not in able:
            near = get_close_matches(name, sorted(able), 1)
            raise UnknownName(
                f"{program.name} has no differentiable input {name!r}",
                mend=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(able)) or 'none'}",
            )
    return tuple(dict.fromkeys(wrt))


def prefixed(prefix: str, name: str) -> str:
    """The name of a derivative; ``betas[0]`` gives ``dbetas_0``."""
    return prefix + name.replace("[", "_").replace("]", "")


class Derivation:
    """One derivation of one program by the inputs named."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.program, self.wrt = program, tuple(wrt)
        self.fresh = Fresh(RESERVED | names_in(program))
        self.kept = Kept(program, self.fresh)
        self.outputs = tuple(n for n in dict.fromkeys(program.outputs) if program.tensor(n).differentiable)
        self.derived_sizes = tuple(size for size, _ in program.sizes)
        self.active = self._active()
        self._walk = Occurrences(self.active, self.fresh, self.kept)

    def occurrences(self, statement: Statement) -> Iterator[tuple[Piece, tuple[Basic, ...], list[Occurrence]]]:
        """For each piece the points that are its own, and every active read in its right side."""
        for n, piece in enumerate(statement.pieces):
            own = own_points(piece, statement.pieces[:n])
            yield piece, own or (), [] if own is None else self._found(statement.name, piece, own)

    def _found(self, name: str, piece: Piece, own: tuple[Basic, ...]) -> list[Occurrence]:
        try:
            return self._walk.of(name, piece, own)
        except CannotDerive as error:
            file, _, line = self.program.origin.rpartition(":")
            place = Place(file, int(line)) if file and line.isdigit() else None
            raise CannotDerive(f"in {name}: {error.message}", place=place, mend=error.mend) from None

    @property
    def ranges(self) -> Ranges:
        """What is known before any letter is bound: the values of index tensors."""
        return self.kept.ranges

    def _active(self) -> tuple[str, ...]:
        """Real tensors between an input differentiated by and an output."""
        right = {s.name: _names_on_the_right(s) for s in self.program.statements}
        real = {t.name for t in self.program.tensors.values() if t.differentiable} | set(self.wrt)
        down = _closure(self.wrt, right, real)
        readers: dict[str, list[str]] = {}
        for name, found in right.items():
            for read in found:
                readers.setdefault(read, []).append(name)
        up = _closure(self.outputs, readers, real)
        return tuple(n for n in (*self.wrt, *right) if n in down and n in up)

    def preferred(self, name: str) -> list[str]:
        """Names for a cotangent's letters: the tensor's own letters, else its sizes in small letters."""
        parts = self.program.tensors[name].parts if name in self.program.tensors else ()
        own = self._letters_seen(name, len(parts))
        return [own[n] or _letter_of(part) for n, part in enumerate(parts)]

    def _letters_seen(self, name: str, count: int) -> list[str]:
        seen: list[str] = [""] * count
        indices = [p.indices for s in self.program.statements if s.name == name for p in s.pieces]
        if not indices:
            right = [p.rhs for s in self.program.statements for p in s.pieces]
            indices = [r.indices for e in right for r in reads(e) if r.tensor == name]
        for found in indices:
            for n, i in enumerate(found):
                if isinstance(i, Letter) and not seen[n] and i.name not in seen:
                    seen[n] = i.name
        return seen

    def tidy(self, piece: Piece, preferred: Sequence[str]) -> Piece:
        """The piece with its letters called as preferred; inner letters of those names step aside."""
        reserved = self._reserved()
        targets = [i for i in piece.indices if isinstance(i, Letter)]
        inner = dict.fromkeys(n for e in (*piece.entries, piece.rhs) for n in bound_letters(e) if n not in targets)
        fresh = Fresh((*RESERVED, *reserved))
        mapping: dict[Letter, Letter] = {}
        for letter, name in zip(targets, preferred, strict=True):
            mapping[letter] = fresh.letter(_base(name))
        for letter in inner:
            mapping[letter] = fresh.letter(_base(letter.name))
        mapping = {a: b for a, b in mapping.items() if a != b}
        new = tuple(e.xreplace(mapping) for e in piece.entries)
        return Piece(tuple(i.xreplace(mapping) for i in piece.indices), new, piece.rhs.xreplace(mapping))

    def _reserved(self) -> tuple[str, ...]:
        """Names that no letter may take: tensors, sizes, hyperparameters."""
        program = self.program
        sizes = [s.name for t in program.tensors.values() for p in t.parts for s in p.extent.free_symbols]
        sizes = [s for s in sizes if not s.startswith(("...", "*"))]
        names = [*program.tensors, *self.kept.statements, *sizes, *(s.name for s, _ in program.sizes)]
        return (*names, *(s.name for p in program.parameters for s in p.symbols), *(p.name for p in program.parameters))


def _base(name: str) -> str:
    head, _, tail = name.rpartition("_")
    return head if head and tail.isdigit() else name


def _letter_of(part: Part) -> str:
    extent: Expr = part.extent
    if isinstance(extent, Size):
        return extent.name.lower()
    return "k"


def _names_on_the_right(statement: Statement) -> tuple[str, ...]:
    """Tensors and hyperparameters in the right sides."""
    found: dict[str, None] = {}
    for piece in statement.pieces:
        for n in walk(piece.rhs):
            if isinstance(n, Hyper):
                found.setdefault(n.name)
        for r in reads(piece.rhs):
            found.setdefault(r.tensor)
    return tuple(found)


def _closure(start: Sequence[str], edges: dict, allowed: set[str]) -> set[str]:
    """Everything that leads to start: for ``edges[a]`` = what a reads, all that reads start, and so on."""
    reached = {n for n in start if n in allowed}
    grew = True
    while grew:
        grew = False
        for name, found in edges.items():
            if name not in reached and name in allowed and any(f in reached for f in found):
                reached.add(name)
                grew = True
    return reached


def finished(
    derivation: Derivation,
    derived_statements: Sequence[Statement],
    inputs: Sequence[Tensor],
    outputs: Sequence[str],
    derived: str,
) -> Program:
    """The derived program: its statements and the forward ones they read, in order."""
    program = derivation.program
    everything = [*program.statements, *derivation.kept.statements.values(), *derived_statements]
    by_name = {s.name: s for s in everything}
    graph = {s.name: tensors_read(s) for s in everything}
    needed: dict[str, None] = {}
    pending = list(outputs)
    while pending:
        name = pending.pop()
        if name in graph and name not in needed:
            needed[name] = None
            pending += graph[name]
    groups = strongly_connected({name: found for name, found in graph.items() if name in needed})
    return replace(
        program,
        name=f"{program.name}_{derived}",
        inputs=tuple(inputs),
        statements=tuple(by_name[name] for group in groups for name in group),
        outputs=tuple(outputs),
        updates=(),
        laws=(),
        derived=derived,
    )
