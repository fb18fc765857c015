"""A letter over a composite axis taken apart: ``Σ i < G·P  x[i // P, i % P] → Σ g < G, p < P  x[g, p]``."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer, Symbol

from derive.language.ranges import Facts
from derive.language.reads import unflatten
from derive.language.tables import Build, Row, Slot
from derive.program import Bind, Fresh, Letter, Piece, Read, Reduce, free_letters, piece_expressions, rebuild, walk

Group = tuple[Letter, int, tuple[Slot, ...]]


def split_letters(build: Build, facts: Facts) -> None:
    """Every summed letter that is only read as the parts of one composite becomes those parts' letters."""
    rows = {r.name: r for r in build.rows}
    if not any(len(d.slots) > 1 for r in build.rows for d in r.dims):
        return
    for row in build.rows:
        row.pieces = [_split_piece(p, rows, facts) for p in row.pieces]


def _split_piece(piece: Piece, rows: dict[str, Row], facts: Facts) -> Piece:
    own = set(piece.letters)
    found: dict[Letter, list[tuple[Slot, ...]]] = {}
    for e in (*piece.entries, piece.rhs):
        for read in walk(e):
            if isinstance(read, Read):
                for letter, _, slots in _groups(read, rows[read.tensor]):
                    if letter not in own:
                        found.setdefault(letter, []).append(slots)
    for letter, shapes in found.items():
        if all(_same(shapes[0], s, facts) for s in shapes[1:]):
            piece = _split(piece, letter, shapes[0], rows)
    return piece


def _groups(read: Read, row: Row) -> list[Group]:
    """Composite axes read at the parts of one letter: (letter, first index, slots)."""
    out: list[Group] = []
    at = 0
    for dim in row.dims:
        indices = read.indices[at : at + len(dim.slots)]
        letters = {s for i in indices for s in free_letters(i)}
        if len(dim.slots) > 1 and len(letters) == 1:
            (letter,) = letters
            if list(indices) == unflatten(letter, dim.slots):
                out.append((letter, at, dim.slots))
        at += len(dim.slots)
    return out


def _same(a: tuple[Slot, ...], b: tuple[Slot, ...], facts: Facts) -> bool:
    return len(a) == len(b) and all(facts.equal(s.extent, t.extent) for s, t in zip(a, b, strict=True))


def _split(piece: Piece, letter: Letter, slots: tuple[Slot, ...], rows: dict[str, Row]) -> Piece:
    """The piece with the letter's parts in its place, or as it was if the letter is used otherwise too."""
    fresh = Fresh(s.name for e in piece_expressions(piece) for s in walk(e) if isinstance(s, Symbol))
    parts = [fresh.letter(_name(s)) for s in slots]

    def take_apart(e: Expr) -> Expr:
        if isinstance(e, Read):
            indices = list(e.indices)
            for found, at, _ in _groups(e, rows[e.tensor]):
                if found == letter:
                    indices[at : at + len(parts)] = parts
            return Read(e.args[0], *indices)
        if isinstance(e, Reduce) and letter in e.letters:
            return Reduce(e.args[0], [x for entry in e.entries for x in _entry(entry, letter, parts, slots)], e.body)
        return e

    entries, rhs = tuple(rebuild(e, take_apart) for e in piece.entries), rebuild(piece.rhs, take_apart)
    if any(letter in walk(e) for e in (*entries, rhs)):
        return piece
    return replace(piece, entries=entries, rhs=rhs)


def _entry(entry: Expr, letter: Letter, parts: list[Letter], slots: tuple[Slot, ...]) -> list[Expr]:
    if isinstance(entry, Bind) and entry.letter == letter:
        return [Bind(p, Integer(0), s.extent) for p, s in zip(parts, slots, strict=True)]
    return [entry]


def _name(slot: Slot) -> str:
    base = str(slot.extent).split("_")[0].lower()
    return base if base.isidentifier() and len(base) <= 3 else "i"
