"""Statements as maps and bare reductions: the loops of a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sympy import Basic, Expr, Function, Integer, Pow

from derive.lower.kernels.phases import phases_of
from derive.lower.kernels.records import Kernel, Loop
from derive.lower.kernels.sharing import shared
from derive.lower.kernels.short import term_by_term
from derive.program import (
    Bind,
    Compare,
    Fresh,
    Letter,
    Logic,
    Part,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    Where,
    names_in,
    reads,
    rebuild,
    substitute,
    walk,
)


def kernel(name: str, statements: Sequence[Statement], program: Program, wanted: Iterable[str]) -> Kernel | None:
    """The statements as phases of loops; None if nothing would be computed together."""
    loops = [loop for s in statements for loop in _normal(s, Fresh(names_in(program)))]
    kept = set(wanted)
    loops = _needed(shared(_inlined(loops, kept), kept), kept)
    fresh = Fresh({*names_in(program), *(loop.name for loop in loops)})
    checks = [check for loop in loops for check in checks_of(loop, program.tensors, fresh)]
    checks = list({(c.entries, c.rhs): c for c in checks}.values())
    loops = [*loops, *checks]
    tensors = {**program.tensors, **{loop.name: loop.tensor for loop in loops}}
    phases = phases_of(loops)
    if phases is None:
        return None
    own = [loop.name for loop in loops]
    read = dict.fromkeys(r.tensor for loop in loops for e in loop.expressions for r in reads(e))
    inputs = tuple(n for n in read if n not in own)
    used = (*inputs, *own)
    outputs = tuple(n for n in own if n in kept)
    if not _has_precision([tensors[n] for n in inputs]) and _has_precision([tensors[n] for n in own]):
        return None
    return Kernel(name, phases, tuple(tensors[n] for n in used), inputs, outputs, tuple(c.name for c in checks))


def _needed(loops: Sequence[Loop], kept: set[str]) -> list[Loop]:
    """The loops without those that nobody reads."""
    needed, result = set(kept), []
    for loop in reversed(loops):
        if loop.name in needed:
            needed |= {r.tensor for e in loop.expressions for r in reads(e)}
            result.append(loop)
    return result[::-1]


def _has_precision(tensors: Iterable[Tensor]) -> bool:
    """Whether one of them is of real numbers: it is the inputs' precision that a kernel computes in."""
    return any(t.kind in ("real", "const") for t in tensors)


def _normal(s: Statement, fresh: Fresh) -> Iterator[Loop]:
    """A statement as maps and bare reductions: each inner reduction a tensor of its own."""
    (piece,) = s.pieces
    rhs = term_by_term(piece.rhs)
    if piece.conditions:
        condition = piece.conditions[0] if len(piece.conditions) == 1 else Logic("and", *piece.conditions)
        rhs = Where(condition, rhs, 0)
    order = {i: k for k, i in enumerate(piece.indices)}
    binds = tuple(sorted(piece.binds, key=lambda b: order[b.letter]))
    yield from _split(s.tensor, binds, rhs, fresh)


def _split(tensor: Tensor, binds: tuple[Bind, ...], rhs: Expr, fresh: Fresh) -> Iterator[Loop]:
    if isinstance(rhs, Reduce):
        found: list[Loop] = []
        inner = (*binds, *rhs.binds)
        entries = tuple(_outlined(e, inner, tensor.name, fresh, found) for e in rhs.entries)
        body = _outlined(rhs.body, inner, tensor.name, fresh, found)
        yield from found
        yield Loop(tensor, binds, body, rhs.op, entries)
        return
    found = []
    rhs = _outlined(rhs, binds, tensor.name, fresh, found)
    yield from found
    yield Loop(tensor, binds, rhs)


def _outlined(e: Basic, binds: tuple[Bind, ...], near: str, fresh: Fresh, found: list[Loop]) -> Basic:
    """The expression with each reduction read from a tensor of its own."""
    if isinstance(e, Reduce):
        free = tuple(b for b in binds if b.letter in e.free_symbols)
        kind = {"any": "bool", "all": "bool", "count": "index"}.get(e.op, "real")
        tensor = Tensor(fresh.name(f"{near}_{e.op}"), tuple((Part(b.hi),) for b in free), kind)
        known = next((f for f in found if (f.op, f.entries, f.rhs) == (e.op, e.entries, e.body)), None)
        if known is not None:
            return Read(known.name, *(b.letter for b in known.binds))
        found.extend(_split(tensor, free, e, fresh))
        return Read(tensor.name, *(b.letter for b in free))
    if not e.args or not any(isinstance(n, Reduce) for n in walk(e)):
        return e
    return e.func(*(_outlined(a, binds, near, fresh, found) for a in e.args))


def checks_of(loop: Loop, tensors: dict[str, Tensor], fresh: Fresh) -> Iterator[Loop]:
    """``count[letters, guards, not 0 <= index < extent]`` for each data-dependent index of a loop."""
    binds = (*loop.binds, *loop.bound)
    guards = [e for e in loop.entries if not isinstance(e, Bind)]
    for e in loop.expressions:
        for read, conditions in _guarded(e, tuple(guards) if e is loop.rhs else ()):
            if read.tensor not in tensors:
                continue
            for index, part in zip(read.indices, tensors[read.tensor].parts, strict=True):
                if any(True for _ in reads(index)) and not _is_within(index, part.extent, conditions):
                    letters = index.free_symbols
                    own = tuple(b for b in binds if b.letter in letters)
                    known = tuple(c for c in conditions if _letters(c) <= {b.letter for b in own})
                    outside = Logic("or", Compare("<", index, 0), Compare("<=", part.extent, index))
                    tensor = Tensor(fresh.name(f"{read.tensor}_outside"), (), "index")
                    yield Loop(tensor, (), Integer(1), "count", (*own, *known, outside))


def _is_within(index: Expr, extent: Expr, conditions: Sequence[Basic]) -> bool:
    """Whether the conditions say that an index is in its range."""
    return {Compare("<=", 0, index), Compare("<", index, extent)} <= set(conditions)


def _letters(e: Basic) -> set[Basic]:
    return {s for s in e.free_symbols if isinstance(s, Letter)}


def _guarded(e: Basic, conditions: tuple[Basic, ...]) -> Iterator[tuple[Read, tuple[Basic, ...]]]:
    """The reads of an expression and the conditions they stand under."""
    if isinstance(e, Where):
        condition, then, otherwise = e.args
        yield from _guarded(condition, conditions)
        both = isinstance(condition, Logic) and condition.op == "and"
        yield from _guarded(then, (*conditions, *(condition.conditions if both else (condition,))))
        yield from _guarded(otherwise, (*conditions, Logic("not", condition)))
        return
    if isinstance(e, Logic) and e.op == "and":
        for k, c in enumerate(e.conditions):
            yield from _guarded(c, (*conditions, *e.conditions[:k]))
        return
    if isinstance(e, Read):
        yield e, conditions
    for a in e.args:
        yield from _guarded(a, conditions)


def _inlined(loops: Sequence[Loop], kept: set[str]) -> list[Loop]:
    """Cheap maps that nobody outside wants, written out where they are read."""
    result: list[Loop] = []
    cheap: dict[str, Loop] = {}
    for loop in loops:
        entries = tuple(_written_out(e, cheap) for e in loop.entries)
        loop = replace(loop, rhs=_written_out(loop.rhs, cheap), entries=entries)
        if not loop.op and loop.name not in kept and loop.letters and _is_cheap(loop.rhs):
            cheap[loop.name] = loop
        else:
            result.append(loop)
    return result


def _written_out(e: Basic, cheap: dict[str, Loop]) -> Basic:
    if not any(r.tensor in cheap for r in reads(e)):
        return e

    def one(n: Basic) -> Basic:
        if isinstance(n, Read) and n.tensor in cheap:
            loop = cheap[n.tensor]
            return substitute(loop.rhs, dict(zip(loop.letters, n.indices, strict=True)))
        return n

    return rebuild(e, one)


def _is_cheap(e: Basic) -> bool:
    """Sums, products and quotients of a few reads."""
    powers = [n for n in walk(e) if isinstance(n, Pow) and n.exp not in (-1, 2)]
    calls = [n for n in walk(e) if isinstance(n, Function) or n.is_Function]
    return not powers and not calls and sum(1 for _ in walk(e)) < 60
