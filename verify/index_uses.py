"""What a program does with its index inputs: the axes they select in, the numbers they are compared with."""

from __future__ import annotations

from sympy import Basic

from derive.program import Compare, Hyper, Program, Read, Where, piece_expressions, reads, walk


def index_uses(program: Program, name: str) -> tuple[list, list]:
    """Extents of the axes that an index input selects in, and numbers it is compared with."""
    bounds, special = [], []
    tensors = program.tensors
    names = _made_of(program, name)
    everything = [e for s in program.statements for p in s.pieces for e in piece_expressions(p)]
    for e in everything:
        for r in reads(e):
            for part, index in zip(tensors[r.tensor].parts, r.indices, strict=True):
                if any(q.tensor in names for q in reads(index)):
                    bounds.append(part.extent)
        for n in walk(e):
            if isinstance(n, Compare) and n.op in ("==", "!=") and _is_read(n.args[1:], name):
                special += [a for a in n.args[1:] if a.is_Integer or isinstance(a, Hyper)]
    return bounds, list(dict.fromkeys(special))


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
