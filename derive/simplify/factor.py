"""Factors of sums of terms: what all share, products of sums, equal cofactors of the cotangents."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from derive.program import Size
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import Exponent, Monomial

Terms = list[tuple[Monomial, Fraction]]


def common(algebra: Algebra, terms: Terms) -> dict[int, Exponent]:
    """The factor all terms have.  Where all stand under guards there is none: a guard is no 0/1 factor."""
    present = [dict(m) for m, _ in terms]
    found: dict[int, Exponent] = {}
    if all(any(is_guard(algebra, a) for a in m) for m in present):
        return found
    for a in present[0]:
        exponents = [m.get(a, 0) for m in present]
        if min(exponents) > 0:
            found[a] = min(exponents)
        elif max(exponents) < 0:
            found[a] = max(exponents)
    return found


def clearing(algebra: Algebra, terms: Terms) -> dict[int, Exponent]:
    """Lengths that stand in the denominator of all terms but one: 1/K is to go before the sum."""
    present = [dict(m) for m, _ in terms]
    found: dict[int, Exponent] = {}
    for a in dict.fromkeys(a for m in present for a in m):
        exponents = sorted(m.get(a, 0) for m in present)
        if isinstance(algebra.atoms[a].head, Size) and exponents[-2] < 0 <= exponents[-1]:
            found[a] = exponents[-2]
    return found if len(terms) > 2 else {}


def divide(mono: Monomial, by: dict[int, Exponent]) -> Monomial:
    rest = dict(mono)
    for a, e in by.items():
        rest[a] = rest.get(a, 0) - e
    return tuple(sorted((a, e) for a, e in rest.items() if e))


def content(terms: Terms) -> Fraction:
    """The rational factor all coefficients share, with their sign where it is one."""
    coefficients = [c for _, c in terms]
    top = gcd(*(c.numerator for c in coefficients))
    bottoms = {c.denominator for c in coefficients}
    found = Fraction(top, bottoms.pop()) if len(bottoms) == 1 else Fraction(1)
    return -found if all(c < 0 for c in coefficients) else found


def is_guard(algebra: Algebra, a: int) -> bool:
    return algebra.atoms[a].kind == "guard"


def primitive(algebra: Algebra, terms: Terms) -> tuple[Monomial, Fraction, Terms]:
    """terms = factor · coefficient · rest, where the rest has no common factor and begins with a 1."""
    shared = common(algebra, terms)
    rest = sorted((divide(m, shared), c) for m, c in terms)
    lead = rest[0][1]
    return tuple(sorted(shared.items())), lead, [(m, c / lead) for m, c in rest]


def split(algebra: Algebra, terms: Terms) -> tuple[Terms, Terms] | None:
    """a·p + b·p·z → (a + b·z)·p, where p is a sum"""
    if len(terms) < 4 or len(terms) % 2:
        return None
    for a in dict.fromkeys(a for m, _ in terms for a, _ in m if not is_guard(algebra, a)):
        groups: dict[Exponent, Terms] = {}
        for m, c in terms:
            groups.setdefault(dict(m).get(a, 0), []).append((m, c))
        if len(groups) != 2 or len({len(g) for g in groups.values()}) != 1:
            continue
        (m, c, p), (n, d, q) = (primitive(algebra, g) for g in groups.values())
        if p == q:
            return [(m, c), (n, d)], p
    return None


def collected(algebra: Algebra, terms: Terms) -> list[tuple[Terms, Terms]] | None:
    """u·p + v·p + w·q → [(p, u + v), (q, w)] for cotangents u, v, w; None if a term has not just one."""
    by_cotangent: dict[int, Terms] = {}
    for m, c in terms:
        linear = [a for a, _ in m if algebra.is_linear(a)]
        if len(linear) != 1 or (linear[0], 1) not in m:
            return None
        by_cotangent.setdefault(linear[0], []).append((m, c))
    groups: dict[tuple, Terms] = {}
    for group in by_cotangent.values():
        shared, lead, rest = primitive(algebra, group)
        groups.setdefault(tuple(rest), []).append((shared, lead))
    return [(list(cofactor), group) for cofactor, group in groups.items()]
