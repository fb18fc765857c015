"""The points of a sum, told from where its values come instead of from where they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer, expand

from derive.program import Bind, Compare, FloorDiv, Fresh, Letter, Modulo, Read, Size, free_letters, reads, substitute


@dataclass(frozen=True)
class Points:
    """``T[outer] = op[bound, filters](body)``; ``solved`` says which outer letters are given by the others."""

    outer: tuple[Bind, ...]
    bound: tuple[Bind, ...]
    filters: tuple[Basic, ...]
    body: Expr
    solved: tuple[tuple[Letter, Expr], ...] = ()
    spans: tuple[Bind, ...] = ()

    @property
    def targets(self) -> tuple[Expr, ...]:
        known = dict(self.solved)
        return tuple(known.get(b.letter, b.letter) for b in self.outer)

    @property
    def plain(self) -> tuple[Bind, ...]:
        """Outer letters that nothing else gives."""
        given = {x for x, _ in self.solved} | {b.letter for b in self.spans}
        return tuple(b for b in self.outer if b.letter not in given)


def solved(points: Points, fresh: Fresh) -> Points:
    """Each outer letter that a condition gives, by an equation or by an interval, is solved for."""
    points = _divided(points, fresh)
    for f in points.filters:
        points = _equation(points, f)
    points = _digits(_intervals(points))
    values = dict(points.solved)
    if any(free_letters(v) & (set(values) | {b.letter for b in points.spans}) for v in values.values()):
        raise AssertionError("a solved letter is given by another")
    filters = tuple(substitute(f, values) for f in points.filters)
    extents = {b.letter: b.hi for b in points.outer}
    ranges = [c for x, v in points.solved for c in (Compare("<=", 0, v), Compare("<", v, extents[x]))]
    filters = tuple(dict.fromkeys((*ranges, *filters)))
    return replace(points, filters=filters, body=substitute(points.body, values))


def _letters(binds: Iterable[Bind]) -> set[Letter]:
    return {b.letter for b in binds}


def _free_to_solve(points: Points, letter: Basic, value: Expr) -> bool:
    """Whether an outer letter may be given by this value: of summed letters, of no solved one."""
    if letter not in _letters(points.plain) or letter in free_letters(value):
        return False
    others = {x for x, _ in points.solved}
    used = {y for _, v in points.solved for y in free_letters(v)}
    letters = free_letters(value)
    return bool(letters & _letters(points.bound)) and not letters & others and letter not in used


def _equation(points: Points, f: Basic) -> Points:
    """``index == o``: o is the index."""
    if not (isinstance(f, Compare) and f.op == "=="):
        return points
    for letter, value in (f.args[1:], f.args[:0:-1]):
        if _free_to_solve(points, letter, value):
            filters = tuple(g for g in points.filters if g is not f)
            return replace(points, filters=filters, solved=(*points.solved, (letter, value)))
    return points


def _divided(points: Points, fresh: Fresh) -> Points:
    """``e % s == 0, 0 ≤ e // s < P`` with e = ±o + r: a letter p runs over [0, P), and o = ±(s·p − r)."""
    for f in points.filters:
        if not (isinstance(f, Compare) and f.op == "==" and isinstance(f.args[1], Modulo) and f.args[2] == 0):
            continue
        e, s = f.args[1].args
        quotient = FloorDiv(e, s)
        lower = [g for g in points.filters if isinstance(g, Compare) and g.op == "<=" and g.args[2] == quotient]
        upper = [g for g in points.filters if isinstance(g, Compare) and g.op == "<" and g.args[1] == quotient]
        if len(lower) != 1 or len(upper) != 1 or free_letters(s):
            continue
        lo, hi = lower[0].args[1], upper[0].args[2]
        p = fresh.letter("p")
        grown = replace(points, bound=(*points.bound, Bind(p, lo, hi)))
        for b in points.plain:
            sign = affine(e, b.letter)
            if sign is None or sign[0] not in (1, -1) or free_letters(lo) or free_letters(hi):
                continue
            value = expand(sign[0] * (s * p - sign[1]))
            if not _free_to_solve(grown, b.letter, value):
                continue
            gone = {quotient: p}
            filters = tuple(substitute(g, gone) for g in points.filters if g not in (f, lower[0], upper[0]))
            left = replace(grown, filters=filters, body=substitute(points.body, gone))
            return _divided(replace(left, solved=(*points.solved, (b.letter, value))), fresh)
    return points


def _intervals(points: Points) -> Points:
    """``lo(p) ≤ o < hi(p)``: o runs there, within p."""
    for b in points.plain:
        lower = [f for f in points.filters if _bounds(f, b.letter, 2, points)]
        upper = [f for f in points.filters if _bounds(f, b.letter, 1, points)]
        if len(lower) != 1 or len(upper) != 1 or lower[0].op != "<=" or upper[0].op != "<":
            continue
        if any(b.letter in free_letters(v) for _, v in points.solved):
            continue
        span = Bind(b.letter, lower[0].args[1], upper[0].args[2])
        filters = tuple(f for f in points.filters if f not in (lower[0], upper[0]))
        inside = (Compare("<=", 0, b.letter), Compare("<", b.letter, b.hi))
        points = replace(points, filters=(*inside, *filters), spans=(*points.spans, span))
    return points


def _bounds(f: Basic, letter: Letter, side: int, points: Points) -> bool:
    if not isinstance(f, Compare) or f.op not in ("<", "<=") or f.args[side] != letter:
        return False
    other = free_letters(f.args[3 - side])
    return letter not in other and bool(other & _letters(points.bound)) and not other & _letters(points.spans)


def _digits(points: Points) -> Points:
    """``a == Σ c·(o − lo)`` with the coefficients of row-major places: each o is a digit of a."""
    for f in points.filters:
        if not (isinstance(f, Compare) and f.op == "=="):
            continue
        for value, e in (f.args[1:], f.args[:0:-1]):
            spans = [b for b in (*points.plain, *points.spans) if b.letter in free_letters(e)]
            inside = free_letters(value)
            if len(spans) < 2 or not set(points.spans) <= set(spans) or inside & _letters(spans):
                continue
            if not inside & _letters(points.bound):
                continue
            digits = _places(e, spans, value)
            if digits is not None:
                return _given(points, f, digits)
    return points


def _places(e: Expr, spans: Sequence[Bind], value: Expr) -> list[tuple[Bind, Expr]] | None:
    """(range, digit of the value), if e is the row-major place in the ranges."""
    digits: list[tuple[Bind, Expr]] = []
    rest, step = e, Integer(1)
    for b in reversed(spans):
        found = affine(rest, b.letter)
        if found is None or expand(found[0] - step) != 0:
            return None
        rest = expand(found[1] + found[0] * b.lo)
        length = b.hi - b.lo
        digit = FloorDiv(value, step)
        digits.insert(0, (b, digit if b is spans[0] else Modulo(digit, length)))
        step = expand(step * length)
    return digits if rest == 0 else None


def _given(points: Points, f: Basic, digits: list[tuple[Bind, Expr]]) -> Points:
    """The digits' letters solved for; the first digit is asked to be in its range."""
    (first, digit), *_ = digits
    filters = (Compare("<=", 0, digit), Compare("<", digit, first.hi - first.lo))
    left = tuple(g for g in points.filters if g is not f and not free_letters(g) & _letters(b for b, _ in digits))
    more = tuple((b.letter, b.lo + d) for b, d in digits)
    return replace(points, filters=(*filters, *left), spans=(), solved=(*points.solved, *more))


def affine(e: Expr, letter: Letter) -> tuple[Expr, Expr] | None:
    """(c, r) with e = c·letter + r, c and r free of the letter."""
    if any(letter in n.free_symbols for n in e.atoms(Read, FloorDiv, Modulo)) or not _is_polynomial(e):
        return None
    e = expand(e)
    c = e.coeff(letter, 1)
    r = expand(e - c * letter)
    return None if letter in r.free_symbols or letter in c.free_symbols else (c, r)


def _is_polynomial(e: Basic) -> bool:
    if e.is_Add or e.is_Mul:
        return all(_is_polynomial(a) for a in e.args)
    return bool(e.is_Integer or e.is_Symbol or isinstance(e, (Read, FloorDiv, Modulo)))


# ------------------------------------------------------------------------------ cost


def is_affordable(points: Points) -> bool:
    """Whether the loops do no more than read one array, a window of it at a time, and are no library's contraction."""
    loops = (*points.plain, *points.bound)
    long = {b.letter for b in loops if _is_long(b)}
    read = list(reads(points.body))
    if not read:
        return not any(_is_long(b) for b in points.bound)
    seen = [{x for i in r.indices for x in free_letters(i)} for r in read]
    if not any(long <= s for s in seen):
        return False
    bound = _letters(points.bound)
    summed = list(dict.fromkeys(r for r, s in zip(read, seen, strict=True) if s & bound))
    widest = max(summed, key=lambda r: len(_bare(r)), default=None)
    if all(r == widest or set(r.indices) <= set(_bare(widest)) for r in summed if widest is not None):
        return True
    return any(True for e in (*(v for _, v in points.solved), *(i for r in read for i in r.indices)) for _ in reads(e))


def _is_long(b: Bind) -> bool:
    """Over an array's axis; a range that depends on other letters is a window."""
    bounds = b.lo.free_symbols | b.hi.free_symbols
    return any(isinstance(s, Size) for s in bounds) and not any(isinstance(s, Letter) for s in bounds)


# ------------------------------------------------------------------------------ order


def scheduled(points: Points) -> tuple[tuple[Basic, ...], int]:
    """Ranges outermost first, each condition as soon as its letters are known; how many are not within a point."""
    loops, outer = _ordered(points)
    entries: list[Basic] = []
    known: set[Letter] = set()
    every, left, inner = _letters(loops), list(points.filters), 0
    for k, b in enumerate((None, *loops)):
        if b is not None:
            entries.append(b)
            known.add(b.letter)
        ready = [f for f in left if not (free_letters(f) & every) - known]
        left = [f for f in left if f not in ready]
        entries += sorted(ready, key=lambda f: any(True for _ in reads(f)))
        if k == outer:
            inner = len(entries)
    return tuple(entries), inner


def _ordered(points: Points) -> tuple[tuple[Bind, ...], int]:
    """The loops, and how many of them stand outside of a point's own; rows are innermost where they can be."""
    plain, bound = points.plain, points.bound
    if points.solved or points.spans:
        first = next((k for k, (a, b) in enumerate(zip(plain, points.outer, strict=False)) if a != b), len(plain))
        loops = (*plain[:first], *_sources(points, (*plain[first:], *bound)), *points.spans)
        return loops, len(loops)
    alone = {x for r in reads(points.body) for x in _bare(r)}
    long = {b.letter for b in bound if _is_long(b)} & alone
    if long:
        first = next(k for k, b in enumerate((*plain, None)) if b is None or _follows(b.letter, long, points))
        loops = (*plain[:first], *_sources(points, (*plain[first:], *bound)))
        return loops, len(loops)
    last = plain[-1] if plain else None
    asked = any(True for f in points.filters for _ in reads(f)) and all(b.hi.is_Integer for b in bound)
    if last is None or last.hi.is_Integer or asked or any(last.letter in b.free_symbols for b in bound):
        return (*plain, *bound), len(plain)
    return (*plain[:-1], *bound, last), len(plain) + len(bound)


def _follows(letter: Letter, others: set[Letter], points: Points) -> bool:
    """Whether a letter comes behind one of the others, or not at all, in the array that has most of them."""
    order = _bare(max(reads(points.body), key=lambda r: len(set(_bare(r)) & others), default=Read("")))
    return letter not in order or any(x in others for x in order[: order.index(letter)])


def _sources(points: Points, binds: tuple[Bind, ...]) -> Iterator[Bind]:
    """Letters as the array read lies in memory; windows around its last letter, numbered ones inside."""
    long = {b.letter for b in points.bound if _is_long(b)}
    read = max(reads(points.body), key=lambda r: (len(long & set(_bare(r))), len(_bare(r))), default=None)
    places = {x: k for k, x in enumerate(_bare(read))} if read is not None else {}
    numbered = [b for b in binds if b.hi.is_Integer and b.letter not in places]
    windows = [b for b in binds if b.letter not in places and b not in numbered]
    along = sorted((b for b in binds if b.letter in places), key=lambda b: places[b.letter])
    return iter((*along[:-1], *windows, *along[-1:], *numbered))


def _bare(r: Read) -> tuple[Letter, ...]:
    return tuple(i for i in r.indices if isinstance(i, Letter))
