"""Mutations of reductions and guards: ranges, filters, accumulation.  A docstring is the rewrite."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Integer

from derive.program import Bind, Compare, Fresh, Logic, Reduce, Where, names_in, substitute
from derive.verify.mutation.places import Edit, Place


def missing_reduction(place: Place) -> Iterator[Edit]:
    """Σᵢ f(i) → f(0)."""
    for e, _ in place.those(Reduce):
        if e.op not in ("sum", "prod", "max", "min", "amax", "amin"):
            continue
        for b in e.binds:
            entries = [substitute(x, {b.letter: b.lo}) for x in e.entries if x != b]
            body = substitute(e.body, {b.letter: b.lo})
            yield from place.swap(e, _reduced(e.op, entries, body))


def loop_bound(place: Place) -> Iterator[Edit]:
    """Σ over 0 ≤ i < n → Σ over 0 ≤ i < n − 1, or 1 ≤ i < n."""
    for e, _ in place.those(Reduce):
        for b in e.binds:
            for shorter in (Bind(b.letter, b.lo, b.hi - 1), Bind(b.letter, b.lo + 1, b.hi)):
                yield from place.swap(e, Reduce(e.op, [shorter if x == b else x for x in e.entries], e.body))


def mask_missing(place: Place) -> Iterator[Edit]:
    """Σ[i, c] f → Σ[i] f;  where(c, a, b) → a, or b;  an equation's own condition dropped."""
    for e, _ in place.those(Reduce):
        for c in e.filters:
            entries = [place.safe(x) for x in e.entries if x != c]
            yield from place.swap(e, Reduce(e.op, entries, place.safe(e.body)))
    for w, _ in place.those(Where):
        yield from place.swap(w, place.safe(w.args[1]))
        yield from place.swap(w, place.safe(w.args[2]))
    for c in place.piece.conditions:
        kept = tuple(x for x in place.piece.entries if x != c)
        yield from place.conditions(kept, c, Integer(1))


def mask_inverted(place: Place) -> Iterator[Edit]:
    """Σ[i, c] f → Σ[i, not c] f;  where(c, a, b) → where(c, b, a)."""
    for e, _ in place.those(Reduce):
        for c in e.filters:
            entries = [Logic("not", c) if x == c else place.safe(x) for x in e.entries]
            yield from place.swap(e, Reduce(e.op, entries, place.safe(e.body)))
    for w, _ in place.those(Where):
        yield from place.swap(w, Where(w.args[0], place.safe(w.args[2]), place.safe(w.args[1])))


def overwrite(place: Place) -> Iterator[Edit]:
    """Σᵢ f(i) → f(the last i): ``=`` where ``+=`` is meant."""
    fresh = Fresh(names_in(place.program))
    for e, _ in place.those(Reduce):
        if e.op != "sum":
            continue
        for b in e.binds:
            again = fresh.letter(b.letter)
            copies = [substitute(x, {b.letter: again}) for x in e.filters]
            last = Reduce("max", [Bind(again, b.lo, b.hi), *copies], again)
            yield from place.swap(e, Reduce("sum", [*e.entries, Compare("==", b.letter, last)], e.body))


def _reduced(op: str, entries: list[Basic], body: Basic) -> Basic:
    """The reduction over what is still bound; with nothing bound the filters are a guard."""
    if any(isinstance(x, Bind) for x in entries):
        return Reduce(op, entries, body)
    for condition in reversed(entries):
        body = Where(condition, body, Integer(0))
    return body
