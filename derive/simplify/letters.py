"""Renaming: letters in polynomials replaced, and patterns in which every index is a slot."""

from __future__ import annotations

from sympy import Basic, Symbol

from derive.program import Letter, walk
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import ONE, Atom, Frozen, Monomial, Polynomial, accumulate

Mapping = dict[Letter, Basic]


def remap(algebra: Algebra, p: Polynomial, mapping: Mapping) -> Polynomial:
    """p with letters replaced by index expressions; canonical letters inside sums are out of reach."""
    result: Polynomial = {}
    for mono, c in p.items():
        accumulate(result, remap_monomial(algebra, mono, mapping), c)
    return result


def remap_monomial(algebra: Algebra, mono: Monomial, mapping: Mapping) -> Polynomial:
    kept: list = []
    result: Polynomial = {(): ONE}
    for a, e in mono:
        if algebra.letters[a].isdisjoint(mapping):
            kept.append((a, e))
        else:
            result = algebra.times(result, algebra.power(remap_atom(algebra, a, mapping), e))
    return algebra.times(result, {tuple(kept): ONE}) if kept else result


def remap_atom(algebra: Algebra, a: int, mapping: Mapping) -> Polynomial:
    """An atom in other letters."""
    atom = algebra.atoms[a]
    if atom.kind == "read":
        return algebra.read(atom.head, *(i.xreplace(mapping) for i in atom.args))
    if atom.kind == "symbol":
        return number_of(algebra, atom.head.xreplace(mapping))
    if atom.kind in ("guard", "opaque"):
        e = atom.head.xreplace(mapping)
        if atom.head in algebra.bound_names:
            algebra.bound_names.setdefault(e, algebra.bound_names[atom.head])
        return algebra.guard(e) if atom.kind == "guard" else algebra.opaque(e)
    if atom.kind == "sum":
        binds = tuple((b, lo.xreplace(mapping), hi.xreplace(mapping)) for b, lo, hi in atom.head)
        body = remap_monomial(algebra, atom.args[0], mapping)
        ((mono, c),) = body.items()
        result = algebra.intern("sum", binds, mono)
        algebra.hints.setdefault(result, algebra.hints[a])
        return algebra.atom(result) if c == 1 else {((result, 1),): c}
    parts = [remap(algebra, dict(f), mapping) for f in atom.args]
    return rebuild(algebra, atom, parts)


def rebuild(algebra: Algebra, atom: Atom, parts: list[Polynomial]) -> Polynomial:
    """A call, an exponential or a base with other arguments."""
    if atom.kind == "call":
        return algebra.call(atom.head, *parts)
    return algebra.exponential(parts[0]) if atom.kind == "exp" else parts[0]


def number_of(algebra: Algebra, e: Basic) -> Polynomial:
    """An index expression used as a number."""
    if isinstance(e, Symbol):
        return algebra.symbol(e)
    if e.is_Rational:
        return {(): ONE * e.p / e.q} if e.p else {}
    if e.is_Add:
        return algebra.plus(*(number_of(algebra, x) for x in e.args))
    if e.is_Mul:
        result: Polynomial = {(): ONE}
        for x in e.args:
            result = algebra.times(result, number_of(algebra, x))
        return result
    return algebra.opaque(e)


# ------------------------------------------------------------------------------ patterns


class Pattern:
    """An atom with every index replaced by a slot, and what stood in the slots.

    An index free of bound letters is one slot; of others the letters are.  Two atoms are instances of one
    another when their keys are equal and their slots agree.  ``inside``: the atom stands in a sum, whose
    letters are slots like others.
    """

    def __init__(self, algebra: Algebra, a: int, inside: bool = False) -> None:
        self.algebra, self.inside = algebra, inside
        self.slots: dict[Basic, Letter] = {}
        self.key = self._key(a)

    def _slot(self, e: Basic) -> Letter:
        return self.slots.setdefault(e, Letter(f"%s{len(self.slots)}"))

    def _fixed(self, letter: Letter) -> bool:
        return letter.name.startswith("%") and not self.inside

    def _index(self, e: Basic) -> Basic:
        letters = self.algebra.letters_of(e)
        if not any(self._fixed(x) for x in letters):
            return self._slot(e) if letters else e
        return self._letters(e)

    def _letters(self, e: Basic) -> Basic:
        free = self.algebra.letters_of(e)
        met = dict.fromkeys(x for x in walk(e) if x in free and not self._fixed(x))
        return e.xreplace({x: self._slot(x) for x in met})

    def _key(self, a: int) -> tuple:
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            return (atom.head, *map(self._index, atom.args))
        if atom.kind == "sum":
            binds = tuple((b, self._letters(lo), self._letters(hi)) for b, lo, hi in atom.head)
            return ("sum", binds, self._monomial(atom.args[0]))
        if atom.kind in ("symbol", "guard", "opaque"):
            return (atom.kind, self._letters(atom.head))
        if atom.kind == "number":
            return atom
        return (atom.kind, atom.head, *map(self._polynomial, atom.args))

    def _monomial(self, mono: Monomial) -> tuple:
        rank = self.algebra.rank
        return tuple((self._key(a), e) for a, e in sorted(mono, key=lambda ae: (rank[ae[0]], ae[1], ae[0])))

    def _polynomial(self, frozen: Frozen) -> tuple:
        rank = self.algebra.rank

        def order(term: tuple) -> tuple:
            mono, c = term
            return sorted((rank[a], e) for a, e in mono), c

        return tuple((self._monomial(m), c) for m, c in sorted(frozen, key=order))


def match(pattern: Pattern, instance: Pattern) -> Mapping | None:
    """The letters of the pattern for which it is the instance, or None."""
    if pattern.key != instance.key or len(pattern.slots) != len(instance.slots):
        return None
    pairs = list(zip(pattern.slots, instance.slots, strict=True))
    mapping = {p: i for p, i in pairs if isinstance(p, Letter)}
    return mapping if all(p.xreplace(mapping) == i for p, i in pairs) else None


def unify(pattern: Basic, instance: Basic, variables: Mapping) -> bool:
    """Whether the pattern becomes the instance for some value of the variables; fills in what it finds.

    ``variables`` maps each letter that may be chosen to its value, or to itself while that is open.
    """
    if pattern in variables:
        if variables[pattern] == pattern:  # type: ignore[index]
            variables[pattern] = instance  # type: ignore[index]
        return variables[pattern] == instance  # type: ignore[index]
    if pattern == instance:
        return True
    alike = type(pattern) is type(instance) and len(pattern.args) == len(instance.args) and bool(pattern.args)
    return alike and all(unify(p, i, variables) for p, i in zip(pattern.args, instance.args, strict=True))
