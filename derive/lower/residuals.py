"""What a forward keeps for its backward: a vjp program cut in two where it is cheapest.

``vjp(p)`` repeats the forward statements its cotangents read.  Cut there, the forward computes those
tensors once and hands them over: reductions, contractions, recurrences, gathers and transcendental
maps are *saved*; arithmetic on what is at hand is *recomputed*, which keeps memory small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Function, Pow

from derive.functions import function_name
from derive.program import (
    Bind,
    Fresh,
    Hyper,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    Tensor,
    names_in,
    piece_expressions,
    rebuild,
    substitute,
    tensors_read,
    walk,
)

#: Scalar functions as cheap as arithmetic: never worth the memory of a saved tensor.
CHEAP_FUNCTIONS = ("relu", "abs", "sign", "max", "min", "clamp", "floor", "ceil", "round")


@dataclass(frozen=True)
class Split:
    """``forward`` gives the primal's outputs, then what of ``saved`` is not one; ``backward`` reads ``kept`` inputs,
    ``saved`` and ``cotangents``, in that order."""

    forward: Program
    backward: Program
    kept: tuple[str, ...]
    saved: tuple[str, ...]
    cotangents: tuple[str, ...]


def split(primal: Program, vjp: Program, saving: bool = False) -> Split:
    """``vjp = backward ∘ (inputs, saved of forward, cotangents)``, with the same value at every point.

    ``saving``: whatever of the forward's own the backward reads is saved, even where it is cheap.
    """
    given = {t.name for t in primal.inputs}
    cotangents = tuple(t for t in vjp.inputs if t.name not in given)
    vjp = _without_clashes(primal, vjp, tuple(t.name for t in cotangents))
    cut = _cut(primal, vjp, tuple(t.name for t in cotangents), saving)
    fresh = Fresh(names_in(primal) | names_in(vjp))
    tensors = {name: vjp.tensor(name) for name in cut.saved}
    stored = {name: _stored(tensor, fresh) for name, tensor in tensors.items()}
    rename = {name: tensor.name for name, tensor in stored.items()}
    copies = tuple(_copy(tensors[n], t, fresh) for n, t in stored.items() if t.name != n)
    forward = replace(
        primal,
        statements=(*primal.statements, *_extra(primal, vjp, cut.saved), *copies),
        outputs=(*primal.outputs, *(name for name in rename.values() if name not in primal.outputs)),
    )
    body = tuple(rename_reads(s, rename) for s in vjp.statements if s.name in cut.late or s.name in cut.again)
    others = (*stored.values(), *cotangents)
    surely = others if len(cotangents) == 1 else tuple(stored.values())  # one of several cotangents may be absent
    kept = _for_sizes(primal, vjp, cut.kept, surely, body)
    inputs = (*(t for t in primal.inputs if t.name in kept), *others)
    backward = replace(
        vjp,
        inputs=inputs,
        statements=body,
        outputs=tuple(rename.get(o, o) for o in vjp.outputs),
        sizes=_sizes_told_twice(vjp, body, inputs, cotangents),
        parameters=_parameters_needed(vjp, body, inputs),
        requirements=(),
        updates=(),
    )
    return Split(forward, backward, kept, tuple(rename.values()), tuple(t.name for t in cotangents))


def returned(program: Program) -> tuple[str, ...]:
    """What a program's code returns: outputs, then what a module writes back."""
    return tuple(dict.fromkeys((*program.outputs, *(name for _, name in program.updates))))


def differentiable(program: Program) -> tuple[str, ...]:
    """The inputs that carry gradient."""
    return tuple(t.name for t in program.inputs if t.kind == "real")


# ------------------------------------------------------------------------------ what to keep


def dependent(vjp: Program, cotangents: Iterable[str]) -> dict[str, None]:
    """Statements that read a cotangent, however far down; the others are forward."""
    late = dict.fromkeys(cotangents)
    grown = True
    while grown:  # a recurrence may read a later member of its own group
        grown = False
        for s in vjp.statements:
            if s.name not in late and any(name in late for name in tensors_read(s)):
                late[s.name] = None
                grown = True
    return late


@dataclass(frozen=True)
class _Cut:
    """Which statements read a cotangent, and what they need of the others: inputs, saved, computed again."""

    late: dict[str, None]
    kept: tuple[str, ...]
    saved: tuple[str, ...]
    again: dict[str, None]


def _cut(primal: Program, vjp: Program, cotangents: tuple[str, ...], saving: bool) -> _Cut:
    """Walks down from the cotangent statements, stopping at inputs and at what is worth saving."""
    late, loops, definitions = dependent(vjp, cotangents), _in_a_cycle(vjp), vjp.definitions
    own = primal.definitions if saving else {}
    kept: dict[str, None] = {}
    saved: dict[str, None] = {}
    again: dict[str, None] = {}
    stack = [name for s in vjp.statements if s.name in late for name in tensors_read(s)]
    stack += [o for o in vjp.outputs if o not in late]
    for name in stack:
        if name in late or name in kept or name in saved or name in again:
            continue
        if name not in definitions:
            kept[name] = None
        elif name in primal.outputs or name in loops or name in own or not is_cheap(definitions[name]):
            saved[name] = None
        else:
            again[name] = None
            stack += tensors_read(definitions[name])
    ordered = tuple(s.name for s in vjp.statements if s.name in saved)
    return _Cut(late, tuple(t.name for t in primal.inputs if t.name in kept), ordered, again)


def is_cheap(statement: Statement) -> bool:
    """Arithmetic on reads at plain positions: no reduction, no gather, no transcendental function."""
    return all(_cheap_node(n) for p in statement.pieces for e in piece_expressions(p) for n in walk(e))


def _cheap_node(n: Basic) -> bool:
    if isinstance(n, Reduce):
        return False
    if isinstance(n, Read):
        return not any(isinstance(m, Read) for i in n.indices for m in walk(i))
    if isinstance(n, Pow):
        return bool(n.exp.is_Integer)
    return not isinstance(n, Function) or function_name(n) in CHEAP_FUNCTIONS


def _in_a_cycle(program: Program) -> dict[str, None]:
    """Tensors that read themselves, directly or round a group."""
    direct = {s.name: tensors_read(s) for s in program.statements}
    found: dict[str, None] = {}
    for name in direct:
        seen: dict[str, None] = {}
        stack = list(direct[name])
        while stack:
            other = stack.pop()
            if other in direct and other not in seen:
                seen[other] = None
                stack += direct[other]
        if name in seen:
            found[name] = None
    return found


# ------------------------------------------------------------------------------ the forward's part


def _extra(primal: Program, vjp: Program, saved: Iterable[str]) -> tuple[Statement, ...]:
    """Forward statements that only the backward's author knew of (a statistic the simplifier found)."""
    definitions, have = vjp.definitions, primal.tensors
    needed: dict[str, None] = {}
    stack = list(saved)
    for name in stack:
        if name in definitions and name not in have and name not in needed:
            needed[name] = None
            stack += tensors_read(definitions[name])
    return tuple(s for s in vjp.statements if s.name in needed)


def _without_clashes(primal: Program, vjp: Program, cotangents: tuple[str, ...]) -> Program:
    """Renames what the vjp defines otherwise than the primal does under the same name."""
    ours, late = primal.definitions, dependent(vjp, cotangents)
    fresh = Fresh(names_in(primal) | names_in(vjp))
    rename: dict[str, str] = {}
    for s in vjp.statements:
        if s.name in ours and (s.name in late or not same_meaning(ours[s.name], rename_reads(s, rename))):
            rename[s.name] = fresh.name(s.name)
    if not rename:
        return vjp
    statements = tuple(rename_reads(s, rename) for s in vjp.statements)
    return replace(vjp, statements=statements, outputs=tuple(rename.get(o, o) for o in vjp.outputs))


def same_meaning(a: Statement, b: Statement) -> bool:
    """Equal up to the names of their letters."""
    return a == b or _canonical(a) == _canonical(b)


def _canonical(statement: Statement) -> Statement:
    """Letters renamed in order of appearance."""
    pieces = []
    for piece in statement.pieces:
        seen: dict[Letter, Letter] = {}
        for e in piece_expressions(piece):
            for n in walk(e):
                if isinstance(n, Letter):
                    seen.setdefault(n, Letter(f"·{len(seen)}"))
        pieces.append(_map_piece(piece, lambda e, seen=seen: substitute(e, seen)))  # type: ignore[misc]
    return replace(statement, pieces=tuple(pieces))


# ------------------------------------------------------------------------------ tensors on the cut


def _stored(tensor: Tensor, fresh: Fresh) -> Tensor:
    """The tensor as an argument: its halo becomes ordinary points (origin − below … origin + extent − 1)."""
    if not any(part.below for part in tensor.parts):
        return replace(tensor, default=None)
    axes = tuple(
        tuple(Part(part.extent + part.below, part.origin - part.below) for part in axis) for axis in tensor.axes
    )
    return replace(tensor, name=fresh.name(f"{tensor.name}_all"), axes=axes, default=None)


def _copy(tensor: Tensor, stored: Tensor, fresh: Fresh) -> Statement:
    """``h_all[t, …] = h[t, …]`` over the halo too."""
    letters = tuple(fresh.letter(_letter_like(part, k)) for k, part in enumerate(stored.parts))
    binds = tuple(
        Bind(letter, part.origin, part.origin + part.extent) for letter, part in zip(letters, stored.parts, strict=True)
    )
    return Statement(stored, (Piece(letters, binds, Read(tensor.name, *letters)),))


def _letter_like(part: Part, position: int) -> str:
    extent = part.extent
    if isinstance(extent, Size) and extent.is_pack:
        return "..." if extent.name == "..." else extent.name.lower()
    return f"i{position}"


def _for_sizes(
    primal: Program, vjp: Program, kept: tuple[str, ...], others: tuple[Tensor, ...], body: tuple[Statement, ...]
) -> tuple[str, ...]:
    """The kept inputs, and those whose shapes alone are needed."""
    chosen = dict.fromkeys(kept)
    for t in primal.inputs:
        known = solved_sizes((*(u for u in primal.inputs if u.name in chosen), *others))
        missing = [s for s in _sizes_used(vjp, body, known) if s not in known and s not in dict(vjp.sizes)]
        if t.name not in chosen and any(s in part.extent.free_symbols for part in t.parts for s in missing):
            chosen[t.name] = None
    return tuple(t.name for t in primal.inputs if t.name in chosen)


def solved_sizes(tensors: Iterable[Tensor]) -> dict[Size, None]:
    """Sizes that shapes alone give: an axis with one unknown part tells it, a pack only axes of its own."""
    axes = [axis for t in tensors for axis in t.axes]
    known: dict[Size, None] = {}
    grown = True
    while grown:
        grown = False
        for axis in axes:
            unknown = [s for part in axis for s in _unknown(part.extent, known)]
            told = len(unknown) == 1 and any(part.extent == unknown[0] for part in axis)
            if told and (len(axis) == 1 or not unknown[0].is_pack):
                known[unknown[0]] = None
                grown = True
    return known


def _unknown(extent: Basic, known: dict[Size, None]) -> list[Size]:
    return [n for n in walk(extent) if isinstance(n, Size) and n not in known]


def _sizes_needed(program: Program, body: tuple[Statement, ...], inputs: tuple[Tensor, ...]) -> tuple:
    """The size equations still needed where shapes do not tell."""
    known = solved_sizes(inputs)
    used = _sizes_used(program, body, known)
    return tuple((size, e) for size, e in program.sizes if size in used and size not in known)


def _sizes_told_twice(
    program: Program, body: tuple[Statement, ...], inputs: tuple[Tensor, ...], cotangents: tuple[Tensor, ...]
) -> tuple:
    """The size equations needed, and those that a cotangent's shape can be held against."""
    needed = dict(_sizes_needed(program, body, inputs))
    hypers = {s for q in _parameters_needed(program, body, inputs) for s in q.symbols}
    known = solved_sizes(t for t in inputs if t not in cotangents)
    kept = []
    for size, e in program.sizes:
        if size in needed or (size not in known and all(s in known or s in hypers for s in e.free_symbols)):
            kept.append((size, e))
            known[size] = None
    wanted = {**needed, **solved_sizes(inputs)}
    for size, e in reversed(kept):
        wanted.update(dict.fromkeys(e.free_symbols) if size in wanted else {})
    return tuple((size, e) for size, e in kept if size in wanted)


def _parameters_needed(program: Program, body: tuple[Statement, ...], inputs: tuple[Tensor, ...]) -> tuple:
    """The hyperparameters the statements and sizes mention, and those that a default of one is made of."""
    sizes = dict(_sizes_needed(program, body, inputs))
    mentioned: list[Basic] = [e for s in body for piece in s.pieces for e in piece_expressions(piece)]
    mentioned += [*sizes.values(), *(part.extent for t in (*inputs, *(s.tensor for s in body)) for part in t.parts)]
    used = {n.name for e in mentioned for n in walk(e) if isinstance(n, Hyper)}
    for q in reversed(program.parameters):
        if any(s.name in used for s in q.symbols) and isinstance(q.default, Basic):
            used |= {n.name for n in walk(q.default) if isinstance(n, Hyper)}
    return tuple(q for q in program.parameters if any(s.name in used for s in q.symbols))


def _sizes_used(program: Program, body: tuple[Statement, ...], known: dict[Size, None]) -> dict[Size, None]:
    """Every size the statements mention, and those that derived sizes not known are made of."""
    found: dict[Size, None] = {}
    derived = dict(program.sizes)
    stack: list[Basic] = [part.extent for s in body for part in s.tensor.parts]
    stack += [e for s in body for piece in s.pieces for e in piece_expressions(piece)]
    for e in stack:
        for n in walk(e):
            if isinstance(n, Size) and n not in found:
                found[n] = None
                stack += [derived[n]] if n in derived and n not in known else []
    return found


# ------------------------------------------------------------------------------ renaming


def rename_reads(statement: Statement, names: dict[str, str]) -> Statement:
    """The statement with its own name and every tensor it reads renamed."""
    if not names:
        return statement

    def rename(e: Basic) -> Basic:
        if isinstance(e, Read) and e.tensor in names:
            return Read(names[e.tensor], *e.indices)
        return e

    renamed = map_expressions(statement, rename)
    return replace(renamed, tensor=replace(statement.tensor, name=names.get(statement.name, statement.name)))


def map_expressions(statement: Statement, f: Callable[[Basic], Basic]) -> Statement:
    """The statement with every expression rebuilt by f, bottom up."""
    return replace(statement, pieces=tuple(_map_piece(piece, lambda e: rebuild(e, f)) for piece in statement.pieces))


def _map_piece(piece: Piece, f) -> Piece:
    def all_of(es: Iterable[Basic]) -> Iterator[Expr]:
        return (f(e) for e in es)

    return Piece(tuple(all_of(piece.indices)), tuple(all_of(piece.entries)), f(piece.rhs))
