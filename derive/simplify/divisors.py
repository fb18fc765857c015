"""What a program divides by and exponentiates, and so what a rewrite may: nothing else is known to be finite."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Basic

from derive.simplify.algebra import Algebra
from derive.simplify.atoms import Exponent, Monomial, Polynomial
from derive.simplify.letters import Pattern, match, unify

Guards = tuple[Basic, ...]


@dataclass
class Divisors:
    """Divisors met: everywhere, or only where guards hold."""

    algebra: Algebra
    always: dict[object, None] = field(default_factory=dict)
    under: dict[tuple, list[tuple[Pattern, Guards]]] = field(default_factory=dict)
    exponentials: dict[tuple, None] = field(default_factory=dict)

    def note(self, p: Polynomial | tuple, guards: Guards = ()) -> None:
        """Every factor below the line in p, and what logarithms are taken of."""
        for mono in p:
            held = self.held(mono, guards)
            for a, e in mono:
                self._note_factor(a, e, held)

    def _note_factor(self, a: int, e: Exponent, guards: Guards) -> None:
        atom = self.algebra.atoms[a]
        if atom.kind == "exp":
            self.exponentials[Pattern(self.algebra, a, inside=True).key] = None
        if e < 0 and not guards:
            self.always[self._name(a)] = None
        elif e < 0:
            pattern = Pattern(self.algebra, a, inside=True)
            known = self.under.setdefault(pattern.key, [])
            if all(guards != g for _, g in known):
                known.append((pattern, guards))
        self.note(tuple(self.algebra.inner(atom)), guards)
        if atom.kind == "call" and atom.head.__name__ == "log" and len(atom.args[0]) == 1:
            for b, _ in atom.args[0][0][0]:
                self._note_factor(b, -1, guards)

    def held(self, mono: Monomial, guards: Guards = ()) -> Guards:
        """The guards a monomial's factors stand under."""
        own = tuple(self.algebra.atoms[a].head for a, _ in mono if self.algebra.atoms[a].kind == "guard")
        return (*guards, *own)

    def _name(self, a: int) -> object:
        atom = self.algebra.atoms[a]
        return atom.head if atom.kind in ("read", "symbol") else Pattern(self.algebra, a, inside=True).key

    # ------------------------------------------------------------------------- asking

    def nonvanishing(self, a: int) -> bool:
        """Whether the atom is divided by everywhere, or is a length, a number or an exponential kept whole."""
        atom = self.algebra.atoms[a]
        if atom.kind in ("number", "exp") or (atom.kind == "symbol" and self.algebra.positive(a)):
            return True
        return self._name(a) in self.always

    def guards_for(self, a: int) -> list[Guards]:
        """Sets of guards, in the atom's letters, under which it may be divided by: () for everywhere; fewest first."""
        if self.nonvanishing(a):
            return [()]
        instance = Pattern(self.algebra, a, inside=True)
        found = []
        for pattern, guards in self.under.get(instance.key, ()):
            mapping = match(pattern, instance)
            if mapping is not None:
                found.append(tuple(g.xreplace(mapping) for g in guards))
        return sorted(found, key=len)

    def divisible(self, mono: Monomial) -> bool:
        """Whether a product may be divided by everywhere: its factors above the line do not vanish."""
        return all(e < 0 or self.nonvanishing(a) for a, e in mono)

    def guards_of(self, mono: Monomial) -> Guards | None:
        """Guards under which the product may be divided by."""
        found: Guards = ()
        for a, e in mono:
            choices = self.guards_for(a) if e > 0 else [()]
            if not choices:
                return None
            found += choices[0]
        return tuple(dict.fromkeys(found))

    def covers(self, p: Polynomial | tuple, guards: Guards = ()) -> bool:
        """Whether every division in p is one of these, under the guards it needs, and every exponential too."""
        for mono in p:
            held = self.held(mono, guards)
            for a, e in mono:
                if (e < 0 and not self._allowed(a, held)) or not self._bounded(a):
                    return False
                if not self.covers(tuple(self.algebra.inner(self.algebra.atoms[a])), held):
                    return False
        return True

    def _bounded(self, a: int) -> bool:
        """An exponential may overflow unless the program takes it already, or a law says what it sums to."""
        return self.algebra.atoms[a].kind != "exp" or Pattern(self.algebra, a, inside=True).key in self.exponentials

    def _allowed(self, a: int, held: Guards) -> bool:
        return any(self._implied(a, needed, held) for needed in self.guards_for(a))

    def _implied(self, a: int, needed: Guards, held: Guards) -> bool:
        letters = self.algebra.letters[a]
        opens = [{x: x for x in self.algebra.letters_of(g) if x not in letters} for g in needed]
        return all(any(unify(g, h, dict(o)) for h in held) for g, o in zip(needed, opens, strict=True))
