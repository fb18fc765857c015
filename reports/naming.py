"""Long indices get a letter: ``dy[n,f,(h + padding)//stride]`` reads ``dy[n,f,p]`` where p is that."""

from __future__ import annotations

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

    def candidates(self, tensor: str, position: int) -> list[str]:
        """Names to try, best first."""
        out = []
        for name in dict.fromkeys((tensor, tensor[1:] if self.program.derived else tensor)):
            statement = self.primal.definitions.get(name)
            if statement:
                index = statement.pieces[-1].indices[position]
                out += [index.name] if isinstance(index, Letter) else []
            out += [self.usual[name, position]] if (name, position) in self.usual else []
        known = self.program.tensors.get(tensor)
        extent = known.parts[position].extent if known else None
        if isinstance(extent, Size) and len(extent.name) == 1:
            out.append(extent.name.lower())
        return [*out, *SPARE]


def _reads_backwards(program: Program) -> list[Read]:
    """Every read, last first, so that the first one has the last word."""
    return [r for s in program.statements for piece in s.pieces for r in reads(piece.rhs)][::-1]


def _is_bare(index: Expr) -> bool:
    return isinstance(index, Letter) and not index.is_pack


def named(piece: Piece, names: Names) -> Named:
    """The piece with every long index replaced by a letter."""
    taken = {n.name for e in piece_expressions(piece) for n in walk(e) if isinstance(n, Symbol)} | names.tensors
    chosen: dict[Expr, Letter] = {}
    for read in _outermost_reads(piece):
        for position, index in enumerate(read.indices):
            if index not in chosen and is_long(index):
                found = _letter(names.candidates(read.tensor, position), taken)
                chosen[index] = Letter(found)
                taken.add(found)
    for e in _decoded(piece):
        chosen[e] = Letter(_letter(list(DECODED), taken))
        taken.add(chosen[e].name)
    exact = {n for e in piece_expressions(piece) for n in walk(e) if _is_exact(n)}
    where = tuple((letter, index, _divides(index, exact)) for index, letter in chosen.items())
    return Named(substitute(piece.rhs, chosen), tuple(substitute(c, chosen) for c in piece.conditions), where)


def _decoded(piece: Piece) -> dict[Expr, None]:
    """Quotients and remainders of data (a winner's flat position, row and column), outermost, in order."""
    found: dict[Expr, None] = {}
    todo: list[Basic] = [piece.rhs, *piece.conditions][::-1]
    while todo:
        e = todo.pop()
        if isinstance(e, FloorDiv | Modulo) and any(isinstance(n, Read) for n in walk(e)):
            found.setdefault(e)
        else:
            todo += e.args[::-1]
    return found


def _outermost_reads(piece: Piece) -> list[Read]:
    return [r for e in (piece.rhs, *piece.conditions) for r in reads(e)]


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


def _letter(candidates: list[str], taken: set[str]) -> str:
    for name in candidates:
        if name not in taken:
            return name
    n = 1
    while f"p_{n}" in taken:
        n += 1
    return f"p_{n}"
