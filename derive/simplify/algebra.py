"""Sums of products of atoms: the arithmetic every rewrite is said in.

A *polynomial* is ``{monomial: rational}``, a monomial a sorted tuple of ``(atom, exponent)``; atoms are
interned, so a monomial is a tuple of small integers.  An atom is a read, a symbol, a function of
polynomials, a power's base, a canonical sum, a guard (an idempotent factor standing for a domain, never
for a number) or anything else, opaque.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import count
from math import gcd
from typing import Any

from sympy import Basic, Symbol, exp, log

from derive.program import Compare, Letter, Logic, Size, Truth, bound_letters, free_letters
from derive.simplify.atoms import (
    ONE,
    Atom,
    Exponent,
    Monomial,
    Polynomial,
    RangeFact,
    accumulate,
    add_term,
    bare,
    freeze,
    plain,
    rank_of,
    scaled,
)

#: A heuristic: an expansion beyond this many terms is given up, and the mechanical form kept.
BUDGET = 160
POSITIVE_FUNCTIONS = ("sigmoid", "softplus", "cosh")


class OverBudget(Exception):
    """A normal form grew too large; the caller keeps what it had."""


class Algebra:
    """The table of atoms and the arithmetic over them.

    ``formal``: a division may leave the guard it stands under for a while, in the hope that it cancels.
    """

    def __init__(self, formal: bool = True) -> None:
        self.formal = formal
        self.atoms: list[Atom] = []
        self.letters: list[frozenset[Letter]] = []
        self.height: list[int] = []
        self.rank: list[str] = []
        self.ids: dict[Atom, int] = {}
        self.hints: dict[int, tuple[tuple[int, str], ...]] = {}
        self.scope: dict[Letter, tuple[Basic, Basic]] = {}
        self.facts: list[RangeFact] = []
        self.positive_names: dict[str, None] = {}
        self.positive_sums: dict[int, None] = {}
        self.bound_names: dict[Basic, tuple[str, ...]] = {}
        self.linear: dict[str, None] = {}
        self._letters_of: dict[Basic, frozenset[Letter]] = {}
        self._temporary = count()
        self._special: set[int] = set()
        self.opposite: dict[int, int] = {}

    # ------------------------------------------------------------------------- atoms

    def intern(self, kind: str, head: Any, *args: Any) -> int:
        """The number of an atom, a new one if it was not met before."""
        atom = Atom(kind, head, args)
        known = self.ids.get(atom)
        if known is not None:
            return known
        number = self.ids[atom] = len(self.atoms)
        self.atoms.append(atom)
        self.letters.append(self._atom_letters(atom))
        self.height.append(self._atom_height(atom))
        self.rank.append(rank_of(atom))
        if kind in ("guard", "number", "exp", "base"):
            self._special.add(number)
        return number

    def letters_of(self, e: Basic) -> frozenset[Letter]:
        """Free letters of an expression, remembered."""
        known = self._letters_of.get(e)
        if known is None:
            known = self._letters_of[e] = frozenset(free_letters(e))
        return known

    def inner(self, atom: Atom) -> Iterable[Monomial]:
        """The monomials an atom is made of."""
        if atom.kind == "sum":
            return atom.args
        if atom.kind == "joined":
            return (m for m, _ in atom.args[0])
        return (m for frozen in atom.args for m, _ in frozen) if atom.kind in ("call", "exp", "base") else ()

    def _atom_letters(self, atom: Atom) -> frozenset[Letter]:
        if atom.kind == "read":
            return frozenset().union(*map(self.letters_of, atom.args))
        if atom.kind in ("symbol", "guard", "opaque"):
            return self.letters_of(atom.head)
        found = frozenset().union(*(self.letters[a] for m in self.inner(atom) for a, _ in m))
        if atom.kind in ("sum", "joined"):
            ranges = (self.letters_of(e) for _, lo, hi in atom.head for e in (lo, hi))
            found = found.union(*ranges) - {letter for letter, _, _ in atom.head}
        return found

    def _atom_height(self, atom: Atom) -> int:
        deepest = max((self.height[a] for m in self.inner(atom) for a, _ in m), default=0)
        return deepest + (atom.kind == "sum")

    def letters_in(self, mono: Monomial) -> frozenset[Letter]:
        return frozenset().union(*(self.letters[a] for a, _ in mono))

    def temporary(self, hint: str) -> Letter:
        """A letter met nowhere else, that remembers what it is called."""
        return Letter(f"~{next(self._temporary)}:{hint.rsplit(':', 1)[-1]}")

    def is_linear(self, a: int) -> bool:
        """Whether an atom is a cotangent or a tangent, or a sum of some."""
        atom = self.atoms[a]
        if atom.kind == "read":
            return atom.head in self.linear
        return any(self.is_linear(b) for m in self.inner(atom) for b, _ in m)

    # ------------------------------------------------------------------------- constructors

    def atom(self, number: int, exponent: Exponent = 1) -> Polynomial:
        return {((number, exponent),): ONE}

    def symbol(self, s: Symbol) -> Polynomial:
        return self.atom(self.intern("symbol", s))

    def read(self, name: str, *indices: Basic) -> Polynomial:
        return self.atom(self.intern("read", name, *indices))

    def guard(self, condition: Basic) -> Polynomial:
        """The factor that stands for "where condition"."""
        if isinstance(condition, Truth):
            return {(): ONE} if condition else {}
        if isinstance(condition, Logic) and condition.op == "and":
            result: Polynomial = {(): ONE}
            for c in condition.conditions:
                result = self.times(result, self.guard(c))
            return result
        return self.atom(self.intern("guard", self.canonical(condition)))

    def either(self, condition: Basic) -> tuple[Polynomial, Polynomial]:
        """The factors for a condition, kept whole, and for its opposite; together they are nothing."""
        if isinstance(condition, Truth):
            return ({(): ONE}, {}) if condition else ({}, {(): ONE})
        if isinstance(condition, Logic) and condition.op == "not":
            no, yes = self.either(condition.conditions[0])
            return yes, no
        condition = self.canonical(condition)
        first, second = self.intern("guard", condition), self.intern("guard", Logic("not", condition))
        self.opposite[first], self.opposite[second] = second, first
        return self.atom(first), self.atom(second)

    def canonical(self, e: Basic) -> Basic:
        """e with its bound letters named by position, so that renamed copies are equal; t + 1 < T + 1 → t < T."""
        bound = bound_letters(e)
        if bound:
            named = tuple(bare(b.name) for b in bound)
            e = e.xreplace({b: Letter(f"%o{i}") for i, b in enumerate(bound)})
            if not any(name.startswith("%") for name in named):
                self.bound_names.setdefault(e, named)
        if isinstance(e, Compare) and e.args[1].is_Add and e.args[2].is_Add:
            a, b = (x.as_coeff_Add()[0] for x in e.args[1:])
            least = min(a, b) if a * b > 0 and a.is_Integer and b.is_Integer else 0
            e = Compare(e.op, e.args[1] - least, e.args[2] - least)
        return e

    def opaque(self, e: Basic) -> Polynomial:
        return self.atom(self.intern("opaque", self.canonical(e)))

    def call(self, cls: Any, *arguments: Polynomial) -> Polynomial:
        """A scalar function; ``exp`` and ``log`` undo one another."""
        if cls is exp:
            return self.exponential(arguments[0])
        if cls is log and len(arguments[0]) == 1:
            ((mono, c),) = arguments[0].items()
            if c == 1 and len(mono) == 1 and mono[0][1] == 1 and self.atoms[mono[0][0]].kind == "exp":
                return dict(self.atoms[mono[0][0]].args[0])
        return self.atom(self.intern("call", cls, *map(freeze, arguments)))

    def exponential(self, p: Polynomial) -> Polynomial:
        """exp(a + c·log b) → b**c · exp(a) · exp(2·a) → exp(a)**2"""
        rest: Polynomial = {}
        result: Polynomial = {(): ONE}
        for mono, c in p.items():
            atom = self.atoms[mono[0][0]] if len(mono) == 1 and mono[0][1] == 1 else None
            if atom and atom.kind == "call" and atom.head is log:
                result = self.times(result, self.power(dict(atom.args[0]), plain(c)))
            else:
                rest[mono] = c
        if not rest:
            return result
        whole = gcd(*(c.numerator for c in rest.values())) if all(c.denominator == 1 for c in rest.values()) else 1
        number = self.intern("exp", None, freeze(scaled(rest, Fraction(1, whole))))
        return self.times(result, self.atom(number, whole))

    # ------------------------------------------------------------------------- arithmetic

    def plus(self, *terms: Polynomial) -> Polynomial:
        result: Polynomial = {}
        for p in terms:
            accumulate(result, p)
        return result

    def times(self, a: Polynomial, b: Polynomial) -> Polynomial:
        result: Polynomial = {}
        for m, c in a.items():
            for n, d in b.items():
                self._product(result, m, n, c * d)
        if len(result) > BUDGET:
            raise OverBudget
        return result

    def _product(self, into: Polynomial, m: Monomial, n: Monomial, c: Fraction) -> None:
        if not m or not n:
            add_term(into, m or n, c)
            return
        merged = dict(m)
        shared = False
        for a, e in n:
            if a in merged:
                shared = shared or a in self._special
                merged[a] += e
            else:
                merged[a] = e
        special = self._special.intersection(merged)
        if special and (shared or self._meets(special)):
            accumulate(into, self._settle(merged), c)
        else:
            add_term(into, tuple(sorted((a, plain(e)) for a, e in merged.items() if e)), c)

    def _meets(self, special: set[int]) -> bool:
        """Whether a product holds two exponentials, or a guard and its opposite."""
        return (
            sum(self.atoms[a].kind == "exp" for a in special) > 1
            or any(self.opposite.get(a) in special for a in special)
        )  # fmt: skip

    def _settle(self, merged: dict[int, Exponent]) -> Polynomial:
        """g·g → g · √2·√2 → 2 · B**-1·B**2 → B, multiplied out · exp a·exp(b − a) → exp b"""
        result: Polynomial = {
            tuple(sorted((a, plain(e)) for a, e in merged.items() if e and a not in self._special)): ONE
        }
        exponentials: list[tuple[int, Exponent]] = []
        for a in sorted(self._special.intersection(merged)):
            e, atom = merged[a], self.atoms[a]
            if atom.kind == "guard":
                if self.opposite.get(a) in merged:
                    return {}
                result = self._attach(result, a, 1)
            elif atom.kind == "exp":
                exponentials.append((a, e))
            elif atom.kind == "number":
                whole = e.__floor__()
                result = self._attach(scaled(result, Fraction(atom.head) ** whole), a, e - whole)
            elif e == int(e) and e > 0:
                for _ in range(int(e)):
                    result = self.times(result, dict(atom.args[0]))
            else:
                result = self._attach(result, a, e)
        return self._exponentials(result, exponentials)

    def _exponentials(self, result: Polynomial, factors: list[tuple[int, Exponent]]) -> Polynomial:
        """Merged into one where something cancels; else each stays, so that it may be known by name."""
        argument: Polynomial = {}
        met: dict[Monomial, None] = {}
        for a, e in factors:
            met.update(dict.fromkeys(m for m, _ in self.atoms[a].args[0]))
            accumulate(argument, dict(self.atoms[a].args[0]), Fraction(e))
        if len(argument) == len(met) and all(e > 0 for _, e in factors):
            for a, e in factors:
                result = self._attach(result, a, e)
            return result
        return self.times(result, self.exponential(argument)) if argument else result

    def _attach(self, p: Polynomial, a: int, e: Exponent) -> Polynomial:
        if not e:
            return p
        if any(b == a for m in p for b, _ in m):
            return self.times(p, self.atom(a, e))
        return {tuple(sorted((*m, (a, plain(e))))): c for m, c in p.items()}

    def power(self, p: Polynomial, q: Exponent) -> Polynomial:
        """p**q: distributed over a product where that is allowed, multiplied out where it is short."""
        if q == 1 or not p:
            return p
        if q == 0:
            return {(): ONE}
        if len(p) == 1:
            ((mono, c),) = p.items()
            done = self._monomial_power(mono, c, q)
            if done is not None:
                return done
        elif q == int(q) and 0 < q <= 4 and len(p) ** q <= 64:
            result = p
            for _ in range(int(q) - 1):
                result = self.times(result, p)
            return result
        return self.atom(self.intern("base", None, freeze(p)), q)

    def _monomial_power(self, mono: Monomial, c: Fraction, q: Exponent) -> Polynomial | None:
        kinds = {self.atoms[a].kind for a, _ in mono}
        whole = q == int(q)
        if "guard" in kinds and not (whole and q > 0):
            return None
        if not whole and not (c > 0 and all(self.positive(a) for a, _ in mono)):
            return None
        number: Polynomial = {(): c ** int(q)} if whole else self.root(c, q)
        merged = {a: e * q for a, e in mono}
        if kinds & {"guard", "number", "exp", "base"}:
            return self.times(number, self._settle(merged))
        return self.times(number, {tuple((a, plain(e)) for a, e in merged.items()): ONE})

    def root(self, c: Fraction, q: Exponent) -> Polynomial:
        """c**q for c > 0, as a rational times powers of integers below one."""
        result: Polynomial = {(): ONE}
        for n, sign in ((c.numerator, 1), (c.denominator, -1)):
            if n != 1:
                result = self.times(result, self._settle({self.intern("number", n): sign * q}))
        return result

    # ------------------------------------------------------------------------- signs

    def positive(self, a: int) -> bool:
        """Whether an atom is known to be positive (not: nonzero in floating point)."""
        atom = self.atoms[a]
        if atom.kind == "symbol":
            return isinstance(atom.head, Size)
        if atom.kind == "read":
            return atom.head in self.positive_names
        if atom.kind == "call":
            return getattr(atom.head, "__name__", "") in POSITIVE_FUNCTIONS
        return atom.kind in ("number", "exp") or a in self.positive_sums

    def positive_monomial(self, mono: Monomial) -> bool:
        """Positive, counting the base of a root as positive: its power is taken."""
        return all(self.positive(a) or e != int(e) for a, e in mono)
