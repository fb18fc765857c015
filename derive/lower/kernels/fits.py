"""Which statements loops compute without doing more than reading their arrays.

No sum is a contraction: each runs over axes of an array it reads, or over a window whose size is a hyperparameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Basic, Expr, Function

from derive.functions import function_name
from derive.program import Bind, Piece, Program, Read, Reduce, Size, Statement, Tensor, reads, tensors_read, walk

REDUCTIONS = ("sum", "max", "min", "amax", "amin", "any", "all", "count", "prod")
#: Scalar functions that loops do not have.
MISSING = ("digamma", "polygamma")
#: As many points are summed wherever they are read, without an array of their own.
FEW = 8


def runs(program: Program, numbers: Iterable[str]) -> Iterator[tuple[Statement, ...]]:
    """Maximal runs of consecutive statements that fit; ``numbers`` are Python's, and stand in no run.

    What stands in no run, or is a single value, and needs nothing of a run, does not end it: it is worked out before.
    """
    aside = frozenset(numbers)
    run: list[Statement] = []
    for s in program.statements:
        fitting = s.name not in aside and fits(s, program, aside)
        if fitting:
            run.append(s)
            continue
        passed = s.name in aside or not s.tensor.parts
        if run and not (passed and not set(tensors_read(s)) & {r.name for r in run}):
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


def fits(statement: Statement, program: Program, numbers: frozenset[str] = frozenset(), windows: bool = False) -> bool:
    """Whether loops compute the statement without doing more than reading its arrays, or a few times that.

    ``windows``: sums over a few points are taken wherever these are read.
    """
    if len(statement.pieces) != 1 or (not statement.tensor.parts and not _sums(statement)):
        return False
    (piece,) = statement.pieces
    if piece.conditions and not statement.zero_elsewhere:
        return False
    if any(p.below or p.origin for p in statement.tensor.parts) or not _whole(piece, statement.tensor):
        return False
    tensors = program.tensors
    expressions = [*piece.conditions, piece.rhs]
    if any(not _plain(r, tensors, numbers) for e in expressions for r in reads(e)):
        return False
    if any(function_name(n) in MISSING for e in expressions for n in walk(e) if isinstance(n, Function)):
        return False
    return all(_affordable(e, piece.binds, tensors, windows) for e in expressions)


def _sums(statement: Statement) -> bool:
    return any(isinstance(n, Reduce) for p in statement.pieces for n in walk(p.rhs))


def _whole(piece: Piece, tensor: Tensor) -> bool:
    """Each index a letter of its own that runs over its whole part."""
    ranges = {b.letter: (b.lo, b.hi) for b in piece.binds}
    pairs = zip(piece.indices, tensor.parts, strict=True)
    return len(set(piece.indices)) == len(piece.indices) and all(ranges.get(i) == (0, p.extent) for i, p in pairs)


def _plain(read: Read, tensors: dict[str, Tensor], numbers: frozenset[str]) -> bool:
    return read.tensor not in numbers and all(not p.below and not p.origin for p in tensors[read.tensor].parts)


def _affordable(e: Basic, outer: tuple[Bind, ...], tensors: dict[str, Tensor], windows: bool) -> bool:
    """Whether each reduction's points are those of an array it reads, or a window about one."""
    for node in walk(e):
        if not isinstance(node, Reduce):
            continue
        if node.op not in REDUCTIONS:
            return False
        if windows and all((b.hi - b.lo).is_Integer and b.hi - b.lo <= FEW for b in node.binds):
            continue
        long = {b.letter for b in (*_around(e, node, outer), *node.binds) if b.hi.free_symbols & _sizes(b.hi)}
        if not any(long <= set(r.indices) for r in reads(node.body)) and not _free_of(node, outer):
            return False
    return True


def _sizes(e: Expr) -> set:
    return {s for s in e.free_symbols if isinstance(s, Size)}


def _free_of(node: Reduce, outer: tuple[Bind, ...]) -> bool:
    """A sum that is the same for every point, over one array's points."""
    if set(node.free_symbols) & {b.letter for b in outer}:
        return False
    long = {b.letter for b in node.binds if _sizes(b.hi)}
    inside = [*node.filters, node.body]
    return any(long <= set(r.indices) for e in inside for r in reads(e))


def _around(e: Basic, node: Reduce, outer: tuple[Bind, ...]) -> tuple[Bind, ...]:
    """The binds of the reductions that a node stands in, and the outer ones it depends on."""
    if e == node:
        return tuple(b for b in outer if b.letter in node.free_symbols)
    inner = e.binds if isinstance(e, Reduce) else ()
    for a in e.args:
        if any(n == node for n in walk(a)):
            return _around(a, node, (*outer, *inner))
    return outer
