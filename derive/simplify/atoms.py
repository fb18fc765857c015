"""Atoms and the polynomials made of them: records and the arithmetic that needs no table."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from sympy import Basic

from derive.program import Letter

Exponent = int | Fraction
Monomial = tuple[tuple[int, Exponent], ...]
Polynomial = dict[Monomial, Fraction]
Frozen = tuple[tuple[Monomial, Fraction], ...]

ONE = Fraction(1)


class Atom(NamedTuple):
    """``kind`` is symbol, number, read, call, exp, base, sum, joined, guard or opaque; the rest depends on it.

    read: tensor name, indices · call: SymPy class, frozen arguments · exp, base: a frozen polynomial ·
    sum: ((letter, lo, hi), …) in canonical letters, one monomial · joined: sums with one range, for printing ·
    guard, opaque: an expression.
    """

    kind: str
    head: Any
    args: tuple = ()


class RangeFact(NamedTuple):
    """``lo ≤ index < hi`` where the guards hold, for every value of the letters."""

    index: Basic
    lo: Basic
    hi: Basic
    letters: tuple[Letter, ...]
    guards: tuple[Basic, ...]


def plain(q: Exponent) -> Exponent:
    """An exponent as an int where it is one."""
    return q.numerator if isinstance(q, Fraction) and q.denominator == 1 else q


def accumulate(into: Polynomial, p: Polynomial, factor: Fraction = ONE) -> None:
    """into += factor · p"""
    for mono, c in p.items():
        add_term(into, mono, c * factor)


def add_term(into: Polynomial, mono: Monomial, c: Fraction) -> None:
    total = into.get(mono, 0) + c
    if total:
        into[mono] = total
    elif mono in into:
        del into[mono]


def scaled(p: Polynomial, c: Fraction) -> Polynomial:
    return {m: k * c for m, k in p.items()}


def freeze(p: Polynomial) -> Frozen:
    """A polynomial as part of an atom."""
    return tuple(sorted(p.items()))


def bare(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def rank_of(atom: Atom) -> str:
    """A name for an atom that does not depend on letters or on when it was met."""
    if atom.kind in ("read", "symbol", "number"):
        return f"{atom.kind} {atom.head}"
    if atom.kind == "call":
        return f"call {atom.head.__name__}"
    return f"{atom.kind} {len(atom.args)}"
