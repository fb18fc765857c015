"""Mutations of indices: shifted, exchanged, turned round.  A docstring is the rewrite; every read stays in range."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sympy import Add, Basic, Expr, Integer

from derive.program import Compare, Hyper, Letter, Read, Reduce, Size, piece_expressions, reads, walk
from derive.verify.mutation.places import Edit, Place


def off_by_one(place: Place) -> Iterator[Edit]:
    """x[i] → x[i + 1], taken round the axis;  a < b → a ≤ b and back."""
    for r, scope in place.those(Read):
        for at, index in enumerate(r.indices):
            if not index.is_Integer:
                yield from place.swap(r, place.with_index(r, {at: index + 1}, scope))
    for c in _comparisons(place):
        other = {"<": "<=", "<=": "<"}.get(c.op)
        if other is not None:
            yield from place.throughout({c: Compare(other, *c.args[1:])})


def stale_value(place: Place) -> Iterator[Edit]:
    """h[t] → h[t − 1]: the saved value of the step (row, sample) before."""
    for r, scope in place.saved():
        if r.indices and isinstance(r.indices[0], Letter):
            yield from place.swap(r, place.with_index(r, {0: r.indices[0] - 1}, scope))


def transposed(place: Place) -> Iterator[Edit]:
    """w[i, j] → w[j, i], for every two axes of an operand of the forward."""
    for r, scope in place.saved():
        yield from _exchanged(place, r, scope, tuple(combinations(range(len(r.indices)), 2)))


def height_for_width(place: Place) -> Iterator[Edit]:
    """dy[…, p, q] → dy[…, q, p];  stride[0] ↔ stride[1]."""
    for r, scope in place.cotangents():
        n = len(r.indices)
        yield from _exchanged(place, r, scope, ((n - 2, n - 1),) if n > 1 else ())
    for a, b in combinations(_hypers(place), 2):
        if a.name.partition("[")[0] == b.name.partition("[")[0]:
            yield from place.throughout({a: b, b: a})


def stride_for_dilation(place: Place) -> Iterator[Edit]:
    """stride·p + dilation·i → dilation·p + stride·i;  2·p + 3·i → 3·p + 2·i."""
    for a, b in combinations(_hypers(place), 2):
        if a.name.partition("[")[2] == b.name.partition("[")[2]:
            yield from place.throughout({a: b, b: a})
    for e in _affine(place):
        for a, b in combinations([t for t in e.args if t.free_symbols & set(_letters(t))], 2):
            (ca, xa), (cb, xb) = a.as_coeff_Mul(), b.as_coeff_Mul()
            if abs(ca) != abs(cb):
                yield from _everywhere_safe(place, e, e - a - b + cb * xa + ca * xb)


def padding_crop(place: Place) -> Iterator[Edit]:
    """p·s + i − padding → p·s + i, in the read and its range alike."""
    for e in _affine(place):
        for a in e.args:
            if not _letters(a) and not any(isinstance(n, Size) for n in walk(a)):
                yield from _everywhere_safe(place, e, e - a)


def kernel_flip(place: Place) -> Iterator[Edit]:
    """w[i] → w[K − 1 − i], i summed."""
    outer = place.scope
    for r, scope in place.those(Read):
        for at, index in enumerate(r.indices):
            if isinstance(index, Letter) and index in scope and index not in outer:
                bind = scope[index]
                yield from place.swap(r, place.with_index(r, {at: bind.lo + bind.hi - 1 - index}, scope))


def wrong_broadcast(place: Place) -> Iterator[Edit]:
    """r[n] → r[k]: a value of some axes spread along another one."""
    for r, scope in place.those(Read):
        if not 0 < len(r.indices) < len(scope):
            continue
        for at, index in enumerate(r.indices):
            for letter in scope:
                if isinstance(index, Letter) and letter not in r.indices:
                    yield from place.swap(r, place.with_index(r, {at: letter}, scope))


def wrong_axis(place: Place) -> Iterator[Edit]:
    """Σₙ dy[n, k] → Σₙ dy[k, n]: the letter summed and one that stays change places in a read."""
    outer = place.scope
    for reduction, scope in place.those(Reduce):
        inner = {**scope, **{b.letter: b for b in reduction.binds}}
        for r in dict.fromkeys(reads(reduction.body)):
            bound = [k for k, i in enumerate(r.indices) if i in reduction.letters]
            stays = [k for k, i in enumerate(r.indices) if i in outer]
            pairs = tuple((a, b) for a in bound for b in stays)
            yield from _exchanged(place, r, inner, pairs)


def row_zero(place: Place) -> Iterator[Edit]:
    """x[i] → x[0]: every point reads the first one."""
    for r, scope in place.those(Read):
        for at, index in enumerate(r.indices):
            if not index.is_Integer:
                yield from place.swap(r, place.with_index(r, {at: Integer(0)}, scope))


# ------------------------------------------------------------------------------ small things


def _exchanged(place: Place, r: Read, scope: dict, pairs: tuple[tuple[int, int], ...]) -> Iterator[Edit]:
    for a, b in pairs:
        yield from place.swap(r, place.with_index(r, {a: r.indices[b], b: r.indices[a]}, scope))


def _everywhere_safe(place: Place, old: Expr, new: Expr) -> Iterator[Edit]:
    """An index changed in reads and conditions alike; reads that it leads out of range are taken round."""
    mapping: dict[Basic, Basic] = {old: new}
    for r in dict.fromkeys(r for e in piece_expressions(place.piece) for r in reads(e)):
        if any(old in walk(i) for i in r.indices):
            changed = {at: i.xreplace({old: new}) for at, i in enumerate(r.indices) if old in walk(i)}
            mapping[r] = place.with_index(r, changed, {})
    yield from place.throughout(mapping)


def _affine(place: Place) -> tuple[Add, ...]:
    """Sums in the indices of reads that have a letter."""
    found = [n for e in piece_expressions(place.piece) for r in reads(e) for i in r.indices for n in walk(i)]
    return tuple(dict.fromkeys(n for n in found if isinstance(n, Add) and _letters(n)))


def _letters(e: Basic) -> tuple[Letter, ...]:
    return tuple(n for n in walk(e) if isinstance(n, Letter))


def _hypers(place: Place) -> tuple[Hyper, ...]:
    """The whole hyperparameters of an equation, in order of appearance."""
    found = [n for e in piece_expressions(place.piece) for n in walk(e)]
    return tuple(dict.fromkeys(n for n in found if isinstance(n, Hyper) and n.is_integer))


def _comparisons(place: Place) -> tuple[Compare, ...]:
    return tuple(dict.fromkeys(n for e in piece_expressions(place.piece) for n in walk(e) if isinstance(n, Compare)))
