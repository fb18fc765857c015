"""Long indices get a letter: ``dy[n,f,(h + padding)//stride]`` reads ``dy[n,f,p]`` where p is that."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Expr, Symbol

from derive.program import (
    Compare,
    FloorDiv,
    Letter,
    Modulo,
    Piece,
    Program,
    Read,
    Size,
    piece_expressions,
    reads,
    substitute,
    walk,
)
from derive.record import record

#: Letters for an axis that has none of its own.
SPARE = ("p", "q", "u", "v", "r", "s", "a", "b", "c", "d", "e")

#: Letters for the row and column that a flat position stands for.
DECODED = ("u", "v", "r", "s", "a", "b")

#: An index with more symbols and signs than this is long: ``t - 1`` and ``p + i`` are not.
LONG = 4


@record
class Named:
    """A piece with named indices: ``where`` lists (letter, expression, divides exactly?)."""

    rhs: Expr
    guard: tuple[Basic, ...]
    where: tuple[tuple[Letter, Expr, bool], ...]


class Names:
    """Which letter an axis goes by: the primal's own, else its size in lower case, else a spare one."""

    def __init__(self, program: Program, primal: Program) -> None:
        self.program = program
        self.tensors = set(program.tensors)
        self.primal = primal
        self.usual = {
            (r.tensor, k): i.name for r in _reads_backwards(primal) for k, i in enumerate(r.indices) if _is_bare(i)
        }

    def long_indices(self, piece: Piece) -> Iterator[tuple[Expr, tuple[str, ...]]]:
        """Every index that is better named, and the letters it may go by."""
        for e in (piece.rhs, *piece.conditions):
            for read in reads(e):
                for position, index in enumerate(read.indices):
                    if is_long(index):
                        yield index, self.candidates(read.tensor, position)

    def of(self, tensor: str, position: int) -> tuple[str, ...]:
        """The letters an axis goes by, best first: of the tensor, or of the one it is the derivative of."""
        derived = self.program.derived
        source = tensor.rpartition("_")[0] if tensor.rpartition("_")[2].isdigit() else tensor
        found: dict[str, None] = {}
        for name in (tensor, *((tensor[1:], source[1:]) if derived else ())):
            statement = self.primal.definitions.get(name)
            if statement and position < len(statement.tensor.parts):
                index = statement.pieces[-1].indices[position]
                found.update({index.name: None} if isinstance(index, Letter) else {})
            found.update({self.usual[name, position]: None} if (name, position) in self.usual else {})
        known = self.program.tensors.get(tensor)
        extent = known.parts[position].extent if known else None
        if isinstance(extent, Size) and len(extent.name) == 1:
            found[extent.name.lower()] = None
        return tuple(found)

    def candidates(self, tensor: str, position: int) -> tuple[str, ...]:
        """Names to try, best first."""
        return (*self.of(tensor, position), *SPARE)


def _reads_backwards(program: Program) -> list[Read]:
    """Every read, last first, so that the first one has the last word."""
    return [r for s in program.statements for piece in s.pieces for r in reads(piece.rhs)][::-1]


def _is_bare(index: Expr) -> bool:
    return isinstance(index, Letter)


def named(piece: Piece, names: Names) -> Named:
    """The piece with every long index, and every quotient of data, replaced by a letter."""
    taken = {n.name for e in piece_expressions(piece) for n in walk(e) if isinstance(n, Symbol)} | names.tensors
    exact = {n for e in piece_expressions(piece) for n in walk(e) if _is_exact(n)}
    where: list[tuple[Letter, Expr, bool]] = []
    for choices in (_decoded, names.long_indices):
        chosen: dict[Basic, Letter] = {}
        for index, candidates in choices(piece):
            if index not in chosen:
                chosen[index] = Letter(_letter(candidates, taken))
                taken.add(chosen[index].name)
                where.append((chosen[index], index, _divides(index, exact)))
        entries = tuple(substitute(e, chosen) for e in piece.entries)
        piece = Piece(piece.indices, entries, substitute(piece.rhs, chosen))
    return Named(piece.rhs, piece.conditions, tuple(where))


def _decoded(piece: Piece) -> Iterator[tuple[Expr, tuple[str, ...]]]:
    """Quotients and remainders of data (a winner's flat position, row and column), outermost, in order."""
    todo: list[Basic] = [piece.rhs, *piece.conditions][::-1]
    while todo:
        e = todo.pop()
        if isinstance(e, FloorDiv | Modulo) and any(isinstance(n, Read) for n in walk(e)):
            yield e, DECODED
        else:
            todo += e.args[::-1]


def is_long(index: Expr) -> bool:
    """Whether an index is better named than written in place."""
    nodes = list(walk(index))
    if any(isinstance(n, Read) for n in nodes):
        return False
    return any(isinstance(n, FloorDiv) for n in nodes) or sum(1 for n in nodes if not n.args) >= LONG


def has_quotient(piece: Piece) -> bool:
    """Whether some index is a quotient; those are always named."""
    return any(isinstance(n, FloorDiv) for r in reads(piece.rhs) for i in r.indices for n in walk(i))


def _is_exact(e: Basic) -> bool:
    return isinstance(e, Compare) and e.op == "==" and isinstance(e.args[1], Modulo) and e.args[2] == 0


def _divides(index: Expr, exact: set[Basic]) -> bool:
    """Whether a condition says that this quotient leaves no remainder."""
    return isinstance(index, FloorDiv) and Compare("==", Modulo(*index.args), 0) in exact


def _letter(candidates: tuple[str, ...], taken: set[str]) -> str:
    for name in candidates:
        if name not in taken:
            return name
    n = 1
    while f"p_{n}" in taken:
        n += 1
    return f"p_{n}"
