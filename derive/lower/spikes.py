"""Spikes: ``where(letter == index, v, 0)`` with an index that is data puts one value a row, and compares nothing.

``exp(a[n, c]) − where(c == target[n], 1, 0)`` is ``exp(a)`` with −1 added at ``target[n]`` in row n.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Expr, Integer, Mul

from derive.lower.arrays import Array, aligned, elementwise, expanded, real_node, scalar
from derive.lower.plan import Node
from derive.lower.points import conjuncts, factors_of, mask_of
from derive.lower.scope import Scope
from derive.program import Compare, Letter, Read, Where, free_letters


@dataclass(frozen=True)
class Spike:
    """``where(letter == index and conditions, value, 0)``; nothing but the equality has the letter."""

    letter: Letter
    index: Expr
    conditions: tuple[Basic, ...]
    value: Expr


def spike(e: Where, scope: Scope) -> Array | None:
    """A spike alone: zeros, with its values put in."""
    found = _spike(e, scope)
    if found is None or scope.letters_of(found.value) == () == scope.letters_of(found.index):
        return None
    inner = [x for x in scope.letters_of(e) if x != found.letter]
    dims = tuple(x for x in scope.order if x in inner or x == found.letter)
    zeros = Array(Node("full", (), (Integer(0), scope.extents(dims)), "real", len(dims)), dims)
    return _put(zeros, found, scope)


def spikes(e: Add, scope: Scope) -> Array | None:
    """A sum with spikes: the rest, with their values added."""
    found = {t: s for t in e.args if (s := _spike(t, scope)) is not None}
    rest = [t for t in e.args if t not in found]
    if not found or not rest or scope.is_number(Add(*rest)):
        return None
    letters = scope.letters_of(e)
    if any(s.letter not in scope.letters_of(Add(*rest)) for s in found.values()):
        return None
    base = scope.value(Add(*rest))
    if base.kind != "real" or set(base.dims) != set(letters):
        return None
    for s in found.values():
        base = _put(base, s, scope)
    return base


def _spike(term: Basic, scope: Scope) -> Spike | None:
    """The term as a spike, factors free of the letter within."""
    factors = factors_of(term)  # type: ignore[arg-type]
    for f in factors:
        if not isinstance(f, Where) or f.args[2] != 0:
            continue
        conditions = conjuncts(f.args[0])
        value = Mul(f.args[1], *(g for g in factors if g is not f))
        for c in conditions:
            pair = _equality(c, scope)
            rest = tuple(d for d in conditions if d is not c)
            if pair and not any(pair[0] in free_letters(d) for d in (value, *rest)):
                return Spike(*pair, rest, value)
    return None


def _equality(c: Basic, scope: Scope) -> tuple[Letter, Expr] | None:
    """``letter == index`` with the index data, the letter an axis."""
    if not isinstance(c, Compare) or c.op != "==":
        return None
    for letter, index in (c.args[1:], c.args[:0:-1]):
        axis = isinstance(letter, Letter) and letter in scope.ranges and letter not in scope.fixed
        if axis and index.has(Read) and letter not in free_letters(index):
            return letter, index
    return None


def _put(base: Array, s: Spike, scope: Scope) -> Array:
    """base with the values added where the index is in range and the conditions hold."""
    lo, hi = scope.ranges[s.letter]
    inside = (*s.conditions, Compare("<=", lo, s.index), Compare("<", s.index, hi))
    dims = tuple(d for d in base.dims if d != s.letter)
    mask = mask_of(inside, scope)
    assert mask is not None
    place = scope.under_guard(*s.conditions).value(s.index - lo) if s.conditions else scope.value(s.index - lo)
    place = elementwise("where", [mask, place, scalar(-1)], scope.order, "int")
    value = scope.under_guard(*inside).value(s.value)
    value = value if value.is_scalar else Array(real_node(value), value.dims)
    nodes = (base.node, expanded(place, dims, scope.extents(dims)).node, aligned(value, dims))
    axis = base.dims.index(s.letter)
    return Array(Node("put", nodes, (axis,), "real", len(base.dims)), base.dims)
