"""Statements as nests of loops: ``T[o] = start``, ``T[target] op= body`` at a term's points, ``T[o] = finish``.

A term is gathered (its target is the point itself) or pushed: where conditions say which point a summed value belongs
to, the value is added there instead of being looked for from every point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sympy import Add, Basic, Expr, Integer, Mul

from derive.lower.kernels.pushed import Points, affine, is_affordable, scheduled, solved
from derive.program import (
    INF,
    Bind,
    Compare,
    Fresh,
    Letter,
    Logic,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    Where,
    free_letters,
    reads,
    rebuild,
    rename_bound,
    substitute,
    walk,
)

#: What a reduction begins with.
STARTS: dict[str, Expr] = {
    "sum": Integer(0), "prod": Integer(1), "max": -INF, "amax": -INF, "min": INF, "amin": INF,
}  # fmt: skip
#: Reductions that give the place of what another one gives.
PLACES = {"argmax": "max", "argmin": "min"}


class NoNest(Exception):
    """A statement that is no nest of loops."""


@dataclass(frozen=True)
class Term:
    """``T[target] op= body`` at each point of ``entries``, ranges and conditions from the outermost in.

    Entries from ``inner`` on run at one point of T.  ``place``: the row-major position among the reduction's ranges.
    """

    op: str
    target: tuple[Expr, ...]
    entries: tuple[Basic, ...]
    inner: int
    body: Expr
    place: Expr


@dataclass(frozen=True)
class Nest:
    """A tensor by loops; ``place`` is another tensor beside it: where its reduction found the value."""

    tensor: Tensor
    binds: tuple[Bind, ...]
    start: Expr
    terms: tuple[Term, ...] = ()
    finish: Expr | None = None
    place: Tensor | None = None

    @property
    def name(self) -> str:
        return self.tensor.name

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(b.letter for b in self.binds)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if self.place is None else (self.name, self.place.name)

    @property
    def expressions(self) -> tuple[Basic, ...]:
        """Everything a nest evaluates."""
        found = [e for t in self.terms for e in (*t.entries, *t.target, t.body)]
        return (self.start, *found, *(() if self.finish is None else (self.finish,)))


def nests_of(statement: Statement, program: Program, fresh: Fresh) -> tuple[Nest, ...]:
    """The nests that compute a statement, the last one its own.  NoNest where it is none."""
    tensor = statement.tensor
    if any(p.below or p.origin for r in _all_reads(statement) for p in _parts(r, program)) or not tensor.parts:
        raise NoNest
    binds, rhs = _one_piece(statement, fresh)
    rhs = rebuild(rhs, _counted)
    work = Work(fresh, program.tensors)
    own = _nest(tensor, binds, rhs, work)
    return (*work.found, own)


def _all_reads(statement: Statement) -> Iterator[Read]:
    yield Read(statement.name)
    for piece in statement.pieces:
        for e in (*piece.entries, piece.rhs):
            yield from reads(e)


def _parts(r: Read, program: Program) -> tuple[Part, ...]:
    return program.tensors[r.tensor].parts


# ------------------------------------------------------------------------------ pieces


def _one_piece(s: Statement, fresh: Fresh) -> tuple[tuple[Bind, ...], Expr]:
    """All pieces as one right side: the first whose positions and conditions hold."""
    letters = tuple(
        next((p.indices[k] for p in s.pieces if isinstance(p.indices[k], Letter)), None) or fresh.letter("k")
        for k in range(len(s.tensor.parts))
    )
    if len(set(letters)) < len(letters):
        raise NoNest
    binds = tuple(Bind(x, 0, part.extent) for x, part in zip(letters, s.tensor.parts, strict=True))
    rhs: Expr | None = Integer(0) if s.zero_elsewhere else None
    for piece in reversed(s.pieces):
        conditions, value = _piece(piece, binds)
        if rhs is None or not conditions:
            rhs = value
            continue
        rhs = Where(conditions[0] if len(conditions) == 1 else Logic("and", *conditions), value, rhs)
    return binds, rhs if rhs is not None else Integer(0)


def _piece(piece: Piece, binds: tuple[Bind, ...]) -> tuple[list[Basic], Expr]:
    ranges = {b.letter: (b.lo, b.hi) for b in piece.binds}
    renaming: dict[Basic, Expr] = {}
    conditions: list[Basic] = []
    for index, b in zip(piece.indices, binds, strict=True):
        if isinstance(index, Letter):
            if ranges.get(index) != (0, b.hi) or index in renaming:
                raise NoNest
            renaming[index] = b.letter
        else:
            conditions.append(Compare("==", b.letter, index))
    return [*conditions, *(substitute(c, renaming) for c in piece.conditions)], substitute(piece.rhs, renaming)


# ------------------------------------------------------------------------------ right sides


@dataclass(frozen=True)
class Work:
    """Names not in use, the program's tensors, and the nests that a statement's own one reads."""

    fresh: Fresh
    tensors: dict[str, Tensor]
    found: list[Nest] = field(default_factory=list)


def _nest(tensor: Tensor, binds: tuple[Bind, ...], rhs: Expr, work: Work) -> Nest:
    """``rest + Σ …``, ``f(one reduction)``, or a map of reductions that are tensors of their own."""
    if isinstance(rhs, Reduce) and rhs.op in PLACES:
        best = Tensor(work.fresh.name(f"{tensor.name}_best"), tensor.axes, "real")
        op = PLACES[rhs.op]
        return Nest(best, binds, STARTS[op], (_term(binds, rhs, op, work),), place=tensor)
    inside = list(dict.fromkeys(_outermost(rhs)))
    if not inside:
        return _covered(tensor, binds, rhs)
    guarded = {r: _under(r, rhs) for r in inside}
    if any(r != g for r, g in guarded.items()):
        return _nest(tensor, binds, _sum_of(rhs.xreplace(guarded)), work)
    if any(r.op not in STARTS for r in inside):
        raise NoNest
    terms = Add.make_args(rhs)
    sums = [t for t in terms if isinstance(t, Reduce) and t.op == "sum"]
    if tensor.kind == "real" and len(sums) == len(inside) and not any(_outermost(t) for t in terms if t not in sums):
        rest = Add(*(t for t in terms if t not in sums))
        return Nest(tensor, binds, rest, tuple(_term(binds, r, "sum", work) for r in sums))
    if tensor.kind == "real" and len(inside) == 1:
        (only,) = inside
        finish = None if rhs == only else rhs.xreplace({only: Read(tensor.name, *(b.letter for b in binds))})
        term = _term(binds, _by_axes(binds, only, work), only.op, work)
        return Nest(tensor, binds, STARTS[only.op], (term,), finish)
    for r in inside:
        free = tuple(b for b in binds if b.letter in r.free_symbols)
        own = Tensor(work.fresh.name(f"{tensor.name}_{r.op}"), tuple((Part(b.hi),) for b in free))
        work.found.append(_nest(own, free, r, work))
        rhs = rhs.xreplace({r: Read(own.name, *(b.letter for b in free))})
    return Nest(tensor, binds, rhs)


def _covered(tensor: Tensor, binds: tuple[Bind, ...], rhs: Expr) -> Nest:
    """``where(in range, a, b)``: b, covered by a in a box; a map where the condition is no box."""
    if tensor.kind != "real" or not isinstance(rhs, Where):
        return Nest(tensor, binds, rhs)
    condition, then, otherwise = rhs.args
    sides = tuple(_conjuncts(condition))
    if any(True for _ in reads(otherwise)):
        return Nest(tensor, binds, rhs)
    letters = [free_letters(c) for c in sides]
    if any(not isinstance(c, Compare) or c.op not in ("<", "<=") or any(True for _ in reads(c)) for c in sides):
        return Nest(tensor, binds, rhs)
    if any(
        len(x) > 2 or any(affine(c.args[2] - c.args[1], y) is None for y in x)
        for c, x in zip(sides, letters, strict=True)
    ):
        return Nest(tensor, binds, rhs)
    if not any(binds[-1].letter in x for x in letters):
        return Nest(tensor, binds, rhs)
    points = Points(binds, (), sides, then)
    entries, inner = scheduled(points)
    return Nest(tensor, binds, otherwise, (Term("set", points.targets, entries, inner, then, Integer(0)),))


def _counted(e: Basic) -> Basic:
    """``count[…](1)`` is ``sum[…](1)``."""
    return Reduce("sum", e.entries, e.body) if isinstance(e, Reduce) and e.op == "count" and e.body == 1 else e


def _under(r: Reduce, rhs: Expr) -> Reduce:
    """A reduction that reads only where its value is asked for."""
    (guards, *others) = dict.fromkeys(_guards(rhs, r, ()))
    if others:
        raise NoNest
    said = tuple(g for g in guards if g not in r.entries)
    return Reduce(r.op, (*said, *r.entries), r.body) if said else r


def _guards(e: Basic, r: Reduce, above: tuple[Basic, ...]) -> Iterator[tuple[Basic, ...]]:
    """The conditions above each occurrence of a reduction."""
    if e == r:
        yield above
    elif isinstance(e, Where):
        condition, then, otherwise = e.args
        yield from _guards(condition, r, above)
        yield from _guards(then, r, (*above, condition))
        yield from _guards(otherwise, r, (*above, Logic("not", condition)))
    else:
        for a in e.args:
            yield from _guards(a, r, above)


def _sum_of(e: Expr) -> Expr:
    """``where(c, Σ …, 0)`` with c among the sum's own conditions is the sum."""
    if isinstance(e, Where) and isinstance(e.args[1], Reduce) and e.args[1].op == "sum" and e.args[2] == 0:
        return e.args[1] if e.args[0] in e.args[1].filters else e
    return e


def _by_axes(binds: tuple[Bind, ...], e: Reduce, work: Work) -> Reduce:
    """A window that moves with the point along several axes: the last axis of what the others reduce to."""
    outside, last = e.binds[:-1], e.binds[-1]
    moving = all(free_letters(b.lo) | free_letters(b.hi) for b in e.binds)
    if not outside or not moving or e.filters or not isinstance(e.body, Read) or e.body.indices[-1] != last.letter:
        return e
    if any(last.letter in b.free_symbols for b in outside) or last.letter in free_letters(Mul(*e.body.indices[:-1])):
        return e
    used = {x for n in (*outside, *e.body.indices) for x in free_letters(n)}
    along = Bind(last.letter, 0, work.tensors[e.body.tensor].parts[-1].extent)
    kept = (*(b for b in binds if b.letter in used), along)
    rows = Tensor(work.fresh.name("rows"), tuple((Part(b.hi),) for b in kept))
    work.found.append(_nest(rows, kept, Reduce(e.op, outside, e.body), work))
    return Reduce(e.op, (last,), Read(rows.name, *(b.letter for b in kept)))


def _outermost(e: Basic) -> list[Reduce]:
    if isinstance(e, Reduce):
        return [e]
    return [r for a in e.args for r in _outermost(a)]


def _term(binds: tuple[Bind, ...], e: Reduce, op: str, work: Work) -> Term:
    """The points of a reduction, pushed where conditions say which point they belong to."""
    if any(isinstance(n, Reduce) for x in e.entries for n in walk(x)):
        raise NoNest
    points = _opened(Points(binds, e.binds, tuple(c for f in e.filters for c in _conjuncts(f)), e.body), op)
    points = solved(points, work.fresh) if op == "sum" else points
    points = _read_inside(points, work)
    if not is_affordable(points):
        raise NoNest
    entries, inner = scheduled(points)
    return Term(op, points.targets, entries, inner, points.body, _position(e.binds))


def _read_inside(points: Points, work: Work) -> Points:
    """Reductions within the body as tensors of their own, over the letters that they depend on."""
    loops = (*points.plain, *points.bound)
    for r in dict.fromkeys(_outermost(points.body)):
        free = tuple(b for b in loops if b.letter in free_letters(r))
        if any(b.lo != 0 or free_letters(b.hi) for b in free) or not free_letters(r) <= {b.letter for b in free}:
            raise NoNest
        own = Tensor(work.fresh.name(f"window_{r.op}"), tuple((Part(b.hi),) for b in free))
        work.found.append(_nest(own, free, rename_bound(r, work.fresh), work))
        points = replace(points, body=points.body.xreplace({r: Read(own.name, *(b.letter for b in free))}))
    return points


def _conjuncts(c: Basic) -> Iterable[Basic]:
    if isinstance(c, Logic) and c.op == "and":
        return [d for a in c.conditions for d in _conjuncts(a)]
    return [c]


def _opened(points: Points, op: str) -> Points:
    """``Σ a·where(c, b, 0)`` as a sum of a·b where c holds."""
    for factor in Mul.make_args(points.body) if op == "sum" else ():
        if isinstance(factor, Where) and factor.args[2] == 0:
            others = Mul(*(f for f in Mul.make_args(points.body) if f is not factor), factor.args[1])
            more = (*points.filters, *_conjuncts(factor.args[0]))
            return _opened(replace(points, body=others, filters=more), op)
    return points


def _position(binds: tuple[Bind, ...]) -> Expr:
    """Row-major, among the ranges as they are written."""
    place: Expr = Integer(0)
    for b in binds:
        place = place * (b.hi - b.lo) + (b.letter - b.lo)
    return place
