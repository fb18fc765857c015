"""From rows to records: unknown extents put in, unit parts dropped, means written out, statements ordered."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer

from derive.language.ranges import Facts, prove
from derive.language.tables import Build, Dim, Row, Slot, is_unknown
from derive.program import (
    Axis,
    Bind,
    Compare,
    Letter,
    Part,
    Piece,
    Read,
    Reduce,
    Size,
    Statement,
    Tensor,
    free_letters,
    rebuild,
    substitute,
    walk,
)  # fmt: skip


def settle_extents(build: Build) -> None:
    """Extents that only stated ranges or literals give: ``k[s < S]``, ``k[S <= s < S + T]`` make S + T."""
    for row in build.rows:
        for slot in row.slots:
            extent = build.find(slot.extent)
            if is_unknown(extent) and (slot.stated or slot.literals):
                found = _chain(slot)
                if found is not None:
                    build.solved[extent] = found


def _chain(slot: Slot) -> Expr | None:
    end: Expr = Integer(slot.origin)
    while end.is_Integer and int(end) in slot.literals:
        end = end + 1
    left = list(slot.stated)
    while True:
        following = next(((lo, hi) for lo, hi in left if lo == end), None)
        if following is None:
            break
        left.remove(following)
        end = following[1]
    return None if left or end == slot.origin else end - slot.origin


def refuse_unknown(build: Build, facts: Facts) -> None:
    """Every extent must be known by now."""
    for row in build.rows:
        for position, slot in enumerate(row.slots):
            extent = facts.solve(slot.extent)
            if any(is_unknown(s) for s in extent.free_symbols):
                assert row.definition is not None
                shape = ", ".join(_spell(s, facts) for s in row.slots)
                message = f"the extent of axis {position + 1} of {row.name} is not known from its reads"
                raise row.definition.error(message, row.node, f"declare it: {row.name}: Real[{shape}]")
            slot.extent = extent


def _spell(slot: Slot, facts: Facts) -> str:
    extent = facts.solve(slot.extent)
    return "…" if any(is_unknown(s) for s in extent.free_symbols) else str(extent)


def solve_all(build: Build, facts: Facts) -> None:
    """Unknown extents put into every piece."""
    if not build.solved:
        return
    solved = {u: facts.solve(u) for u in build.solved}
    for row in build.rows:
        row.pieces = [
            Piece(
                tuple(substitute(i, solved) for i in p.indices),
                tuple(substitute(e, solved) for e in p.entries),
                substitute(p.rhs, solved),
            )
            for p in row.pieces
        ]
    build.sizes[:] = [(s, e.xreplace(solved)) for s, e in build.sizes]
    build.requirements[:] = [r.xreplace(solved) for r in build.requirements]


# ------------------------------------------------------------------------------ unit parts


def drop_units(build: Build) -> None:
    """``[1, C]`` → ``C``: a part of extent 1 in a composite goes, its letter becomes 0; beside a lone pack it stays."""
    dropped: dict[str, tuple[int, ...]] = {}
    for row in build.rows:
        gone: list[int] = []
        at = 0
        for dim in row.dims:
            slots = dim.slots
            unit = [i for i, s in enumerate(slots) if s.extent == 1 and not s.below and not s.origin]
            if len(slots) > 1 and unit:
                rest = [s for i, s in enumerate(slots) if i not in unit]
                joined = len(rest) == 1 and isinstance(rest[0].extent, Size) and rest[0].extent.is_pack
                gone += [at + i for i in (unit if rest and not joined else unit[1:])]
            at += len(slots)
        if gone:
            dropped[row.name] = tuple(gone)
    if not dropped:
        return
    for row in build.rows:
        row.pieces = [_drop_in_piece(row.name, p, dropped) for p in row.pieces]
        if row.name in dropped:
            row.items = _without(row, dropped[row.name])


def _without(row: Row, gone: tuple[int, ...]) -> tuple:
    dims, at = [], 0
    for dim in row.dims:
        slots = dim.slots
        dims.append(Dim(tuple(s for i, s in enumerate(slots) if at + i not in gone)))
        at += len(slots)
    return tuple(dims)


def _drop_in_piece(name: str, piece: Piece, dropped: dict[str, tuple[int, ...]]) -> Piece:
    zero: dict[Letter, Integer] = {}
    units = _unit_letters(piece)

    def drop(e: Expr) -> Expr:
        if isinstance(e, Read) and e.tensor in dropped:
            return Read(e.args[0], *_keep(e.indices, dropped[e.tensor], zero, units))
        return e

    rhs = rebuild(piece.rhs, drop)
    entries = tuple(rebuild(e, drop) for e in piece.entries)
    indices = piece.indices
    if name in dropped:
        indices = tuple(_keep(indices, dropped[name], zero, units))
    if not zero:
        return Piece(indices, entries, rhs)
    entries = tuple(e for e in entries if not (isinstance(e, Bind) and e.letter in zero))
    rhs = rebuild(rhs, lambda e: _unbind(e, zero))
    indices = tuple(substitute(i, zero) for i in indices)
    return Piece(indices, tuple(substitute(e, zero) for e in entries), substitute(rhs, zero))


def _unit_letters(piece: Piece) -> dict[Letter, None]:
    """Letters whose range is [0, 1)."""
    binds = [e for x in (*piece.entries, piece.rhs) for e in walk(x) if isinstance(e, Bind)]
    return {b.letter: None for b in binds if b.lo == 0 and b.hi == 1}


def _keep(indices: tuple[Expr, ...], gone: tuple[int, ...], zero: dict, units: dict[Letter, None]) -> list[Expr]:
    for i in gone:
        if isinstance(indices[i], Letter) and indices[i] in units:
            zero.setdefault(indices[i], Integer(0))
    return [e for i, e in enumerate(indices) if i not in gone]


def _unbind(e: Expr, zero: dict[Letter, Integer]) -> Expr:
    """A reduction without the letters that are 0."""
    if not isinstance(e, Reduce) or not any(b.letter in zero for b in e.binds):
        return e
    entries = tuple(x for x in e.entries if not (isinstance(x, Bind) and x.letter in zero))
    if any(isinstance(x, Bind) for x in entries):
        return Reduce(e.args[0], entries, e.body)
    first = e.binds[0]
    return Reduce(e.args[0], (Bind(Letter(first.letter.name + "_1"), 0, 1), *entries), e.body)


# ------------------------------------------------------------------------------ means, provable filters


def write_out(build: Build, facts: Facts) -> None:
    """Filters that always hold go; mean is sum over count."""
    for row in build.rows:
        row.pieces = [_write_piece(p, facts) for p in row.pieces]


def _write_piece(piece: Piece, facts: Facts) -> Piece:
    if not any(isinstance(e, Reduce) for e in walk(piece.rhs)):
        return piece
    return replace(piece, rhs=_write(piece.rhs, piece.binds, facts))


def _write(e: Expr, binds: tuple[Bind, ...], facts: Facts) -> Expr:
    if not e.args or not any(isinstance(n, Reduce) for n in walk(e)):
        return e
    if isinstance(e, Reduce):
        inside = (*binds, *e.binds)
        always = _always(e.entries, inside, facts)
        entries = tuple(x if isinstance(x, Bind) else _write(x, inside, facts) for x in e.entries if x not in always)
        body = _write(e.body, inside, facts)
        return _mean(entries, body) if e.op == "mean" else Reduce(e.args[0], entries, body)
    return e.func(*(_write(a, binds, facts) if isinstance(a, Expr) else a for a in e.args))


def _always(entries: tuple, binds: tuple[Bind, ...], facts: Facts) -> list[Expr]:
    """Pairs ``lo <= e`` and ``e < hi`` that hold for all values of the letters."""
    ranges = [x for x in entries if isinstance(x, Compare)]
    out: list[Expr] = []
    for low in ranges:
        for high in ranges:
            if low.op == "<=" and high.op == "<" and low.args[2] == high.args[1] and low.args[1].is_Integer:
                index = low.args[2]
                if prove(index - low.args[1], binds, facts) and prove(high.args[2] - 1 - index, binds, facts):
                    out += [low, high]
    return out


def _mean(entries: tuple, body: Expr) -> Expr:
    """``mean[…](b) → sum[…](b) / count``, the count a product of extents when nothing is filtered."""
    binds = [e for e in entries if isinstance(e, Bind)]
    bound = {b.letter for b in binds}
    plain = len(binds) == len(entries) and not any(free_letters(x) & bound for b in binds for x in (b.lo, b.hi))
    if not plain:
        return Reduce("sum", entries, body) / Reduce("count", entries, 1)
    total: Expr = Integer(1)
    for b in binds:
        total = total * (b.hi - b.lo)
    if total == 0:
        return Reduce("sum", entries, body) / Reduce("count", entries, 1)
    return Reduce("sum", entries, body) / total


# ------------------------------------------------------------------------------ records


def tensor_of(row: Row) -> Tensor:
    """A row as a record."""
    axes: list[Axis] = []
    for item in row.items:
        for dim in (item,) if isinstance(item, Dim) else item.dims:
            axes.append(tuple(Part(s.extent, s.origin, s.below) for s in dim.slots))
    return Tensor(row.name, tuple(axes), row.kind or "real", row.default, row.optional)


def statement_of(row: Row) -> Statement:
    """All pieces of a tensor, those with more literal parts first."""
    order = sorted(row.pieces, key=lambda p: -sum(i.is_Integer for i in p.indices))
    return Statement(tensor_of(row), tuple(order))
