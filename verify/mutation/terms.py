"""Mutations of values: signs, terms, factors, constants, cotangents.  A docstring is the rewrite."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Integer, Mul, Pow, Rational

from derive.functions import absolute
from derive.program import Read, Reduce, Size, walk
from derive.verify.mutation.places import Edit, Place


def sign_flip(place: Place) -> Iterator[Edit]:
    """f → −f;  a + b → b − a."""
    if place.is_real:
        yield from place.root(-place.rhs)
    for e, _ in place.sums():
        for a in e.args:
            yield from place.swap(e, e - 2 * a)


def dropped_term(place: Place) -> Iterator[Edit]:
    """a + b → b."""
    for e, _ in place.sums():
        for a in e.args:
            yield from place.swap(e, e - a)


def dropped_factor(place: Place) -> Iterator[Edit]:
    """a[i]·f → f, where a is a value of the forward."""
    saved = {r for r, _ in place.saved()}
    for e, _ in place.those(Mul):
        for a in e.args:
            if a in saved or (isinstance(a, Pow) and a.base in saved):
                yield from place.swap(e, e / a)


def lost_cotangent(place: Place) -> Iterator[Edit]:
    """dy[i]·f → f."""
    for r, _ in place.cotangents():
        yield from place.swap(r, Integer(1))


def detached_path(place: Place) -> Iterator[Edit]:
    """dz[i]·f → 0: what comes back through z is cut off;  dx → 0."""
    for r, _ in place.cotangents():
        yield from place.swap(r, Integer(0))
    if place.is_real and place.statement.name not in place.known:
        yield from place.root(Integer(0))


def double_count(place: Place) -> Iterator[Edit]:
    """a + b → 2a + b;  Σᵢ f → Σᵢ f + Σᵢ f;  f → 2f."""
    for e, _ in place.sums():
        for a in e.args:
            yield from place.swap(e, e + a)
    for r, _ in place.those(Reduce):
        if r.op == "sum":
            yield from place.swap(r, 2 * r)
    if place.is_real:
        yield from place.root(2 * place.rhs)


def scaled(excess: Rational, place: Place) -> Iterator[Edit]:
    """f → (1 + s)·f;  a + b → (1 + s)·a + b."""
    if place.is_real:
        yield from place.root((1 + excess) * place.rhs)
    for e, _ in place.sums():
        for a in e.args:
            yield from place.swap(e, e + excess * a)


def nonlinear(place: Place) -> Iterator[Edit]:
    """dy → dy + dy²/1000;  dy → dy·|dy|."""
    for r, _ in place.cotangents():
        yield from place.swap(r, r + r**2 / 1000)
        yield from place.swap(r, r * absolute(r))


def wrong_count(place: Place) -> Iterator[Edit]:
    """N → N − 1 and N → M where a size is a number;  count[i, c]() → count[i]()."""
    sizes = _sizes(place)
    for e, _ in place.those(Size):
        for other in (e - 1, *(s for s in sizes if s != e)):
            yield from place.swap(e, other)
    for e, _ in place.those(Reduce):
        if e.op == "count" and e.filters:
            yield from place.swap(e, Reduce("count", e.binds, e.body))


def sum_for_mean(place: Place) -> Iterator[Edit]:
    """f/N → f;  f → f/N;  Σᵢ f → Σᵢ f / N."""
    for e, _ in place.those(Pow):
        if isinstance(e.exp, Integer) and e.exp < 0 and _counts(e.base):
            yield from place.swap(e, Integer(1))
    for r, _ in place.those(Reduce):
        if r.op == "sum":
            for b in r.binds:
                yield from place.swap(r, r / (b.hi - b.lo))
    if place.is_real:
        for size in _sizes(place)[:2]:
            yield from place.root(place.rhs / size)


def wrong_saved(place: Place) -> Iterator[Edit]:
    """y[i] → x[i]: another value of the forward with the same axes is read in a saved one's place."""
    tensors = place.program.tensors
    for r, _ in place.saved():
        for name in sorted(place.known - {r.tensor}):
            t = tensors.get(name)
            alike = t is not None and t.kind == "real" and t.parts == place.parts(r)
            if alike and name != place.statement.name and _earlier(place, name):
                yield from place.swap(r, Read(name, *r.indices))


def _earlier(place: Place, name: str) -> bool:
    """Whether a tensor is an input or defined before this equation's (so that no circle arises)."""
    names = [s.name for s in place.program.statements]
    return name not in names or names.index(name) < names.index(place.statement.name)


def _sizes(place: Place) -> tuple[Size, ...]:
    """The sizes of the inputs, in order of appearance."""
    parts = [p.extent for t in place.program.inputs for p in t.parts]
    return tuple(dict.fromkeys(e for e in parts if isinstance(e, Size)))


def _counts(e: Basic) -> bool:
    """Whether a divisor is how many there are: a reduction, or made of sizes alone."""
    if isinstance(e, Reduce):
        return True
    return any(isinstance(n, Size) for n in walk(e)) and not any(isinstance(n, Read) for n in walk(e))
