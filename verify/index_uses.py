"""What a program does with its index inputs: the axes they select in, the numbers they are compared with."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Integer

from derive.program import Compare, Hyper, Letter, Program, Read, Where, piece_expressions, reads, walk

#: What a whole number may mean: a place on an axis, where something begins, or how far it goes.
PLACE, START, LENGTH = "place", "start", "length"


def index_uses(program: Program, name: str) -> tuple[list, list]:
    """Extents of the axes that an index input selects in, and numbers it is compared with."""
    bounds, special = [], []
    tensors = program.tensors
    names = _made_of(program, name)
    everything = [e for s in program.statements for p in s.pieces for e in piece_expressions(p)]
    for e in everything:
        for r in reads(e):
            for part, index in zip(tensors[r.tensor].parts, r.indices, strict=True):
                if any(q.tensor in names for q in _outer(index)):
                    bounds.append(part.extent - _added(index))
        for n in walk(e):
            if isinstance(n, Compare) and n.op in ("==", "!=") and _is_read(n.args[1:], name):
                special += [a for a in n.args[1:] if a.is_Integer or isinstance(a, Hyper)]
            if isinstance(n, Compare) and _is_read(n.args[1:], name) and _asks_for_the_sign(n):
                special.append(Integer(-1))
    return bounds, list(dict.fromkeys(special))


def meaning(program: Program, name: str) -> str:
    """What an index input means: read beside a letter, ``x[start[n] + l]``, compared with one, ``t < length[n]``."""
    names = _made_of(program, name)
    everything = [e for s in program.statements for p in s.pieces for e in piece_expressions(p)]
    indices = [i for e in everything for r in reads(e) for i in r.indices if any(q.tensor in names for q in _outer(i))]
    if any(a.is_Add and any(isinstance(b, Letter) for b in a.args) for a in indices):
        return START
    ordered = (n for e in everything for n in walk(e) if isinstance(n, Compare) and n.op not in ("==", "!="))
    if any(any(q.tensor == name for q in reads(n)) and _letters(n) for n in ordered):
        return LENGTH
    return LENGTH if any(_added(i) for i in indices) else PLACE


def _asks_for_the_sign(n: Compare) -> bool:
    """0 ≤ t;  t < 0."""
    return (n.op == "<=" and n.args[1] == 0) or (n.op == "<" and n.args[2] == 0)


def _outer(e: Basic) -> Iterator[Read]:
    """The reads that are inside no other."""
    if isinstance(e, Read):
        yield e
    else:
        for a in e.args:
            yield from _outer(a)


def _added(index: Basic) -> int:
    """c of ``read + c``: the values that fit the axis are shifted by it."""
    return int(index.args[0]) if index.is_Add and len(index.args) == 2 and index.args[0].is_Integer else 0


def _letters(comparison: Compare) -> bool:
    """Whether one side is made of a letter outside of every read."""
    inside = {n for r in reads(comparison) for i in r.indices for n in walk(i)}
    return any(isinstance(n, Letter) and n not in inside for n in walk(comparison))


def longest(program: Program) -> int:
    """The longest axis that the definition itself fixes, as a size of the output does; 0 without one."""
    spans = [b.hi - b.lo for s in program.statements for p in s.pieces for b in p.binds]
    return max((int(n) for n in spans if n.is_Integer), default=0)


def _made_of(program: Program, name: str) -> dict[str, None]:
    """The index input and every index tensor whose values are taken from it."""
    names = {name: None}
    for s in program.statements:
        values = [n for p in s.pieces for e in _values(p.rhs) for n in walk(e) if isinstance(n, Read)]
        if s.tensor.kind == "index" and any(n.tensor in names for n in values):
            names[s.name] = None
    return names


def _values(e: Basic) -> list[Basic]:
    """What an expression may be: the branches of its choices."""
    return [v for a in e.args[1:] for v in _values(a)] if isinstance(e, Where) else [e]


def _is_read(sides: tuple, name: str) -> bool:
    return any(isinstance(a, Read) and a.tensor == name for a in sides)
