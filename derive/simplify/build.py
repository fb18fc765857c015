"""Polynomials back into expressions, in the form a person would write: common factors outside, guards outermost."""

from __future__ import annotations

from fractions import Fraction

from sympy import Add, Basic, Expr, Integer, Mul, Pow, Rational, exp

from derive.program import Bind, Letter, Logic, Read, Reduce, Where, bound_letters
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import ONE, Exponent, Frozen, Monomial, Polynomial, accumulate
from derive.simplify.cost import LEAF, cost
from derive.simplify.factor import Terms, clearing, collected, common, content, divide, is_guard, split
from derive.simplify.letters import remap_monomial
from derive.simplify.sums import covered, nesting

Names = frozenset[str]


class Builder:
    """Expressions from polynomials; ``reserved`` are names no letter may take."""

    def __init__(self, algebra: Algebra, reserved: Names = frozenset()) -> None:
        self.algebra, self.reserved = algebra, reserved

    def __call__(self, p: Polynomial, letters: tuple[Letter, ...] = ()) -> Expr:
        """p as an expression, where these letters are in scope."""
        return self.factored(list(p.items()), frozenset(x.name for x in letters))

    # ------------------------------------------------------------------------- sums of terms

    def factored(self, terms: Terms, taken: Names) -> Expr:
        """a·b + a·c → a·(b + c)"""
        if not terms:
            return Integer(0)
        terms = self.merged(terms)
        if len(terms) == 1:
            return self.product(*terms[0], taken)
        shared = tuple(f for f in terms[0][0] if is_guard(self.algebra, f[0]) and all(f in m for m, _ in terms))
        if shared:
            inside = self.factored([(tuple(f for f in m if f not in shared), c) for m, c in terms], taken)
            return Where(self.condition(shared, taken), inside, 0)
        made = self.divided(terms, common(self.algebra, terms), taken)
        lengths = clearing(self.algebra, terms)
        if not lengths:
            return made
        cleared = self.divided(terms, {**common(self.algebra, terms), **lengths}, taken)
        return cleared if cost(cleared) <= cost(made) + LEAF * len(lengths) else made

    def divided(self, terms: Terms, shared: dict[int, Exponent], taken: Names) -> Expr:
        """The terms with a common factor before them."""
        number = content(terms)
        if not shared and number == 1:
            return self.added(terms, taken)
        rest = [(divide(m, shared), c / number) for m, c in terms]
        return Mul(self.product(tuple(sorted(shared.items())), number, taken), self.added(rest, taken))

    def added(self, terms: Terms, taken: Names) -> Expr:
        """Terms without a common factor: first those without a guard, then one ``where`` for each guard."""
        groups: dict[Monomial, Terms] = {}
        for mono, c in terms:
            guards = tuple(f for f in mono if is_guard(self.algebra, f[0]))
            groups.setdefault(guards, []).append((tuple(f for f in mono if f not in guards), c))
        free = groups.pop((), [])
        parts = [self.unguarded(free, taken)] if free else []
        while groups:
            guards = next(iter(groups))
            inside = self.factored(groups.pop(guards), taken)
            other = self._other(guards)
            otherwise = self.factored(groups.pop(other), taken) if other in groups else Integer(0)
            if inside != 0 or otherwise != 0:
                parts.append(Where(self.condition(guards, taken), inside, otherwise))
        return Add(*parts)

    def _other(self, guards: Monomial) -> Monomial | None:
        opposite = self.algebra.opposite.get(guards[0][0]) if len(guards) == 1 else None
        return None if opposite is None else ((opposite, 1),)

    def unguarded(self, terms: Terms, taken: Names) -> Expr:
        """The shortest of: a product of sums, cofactors of the cotangents collected, the most shared atom outside."""
        if len(terms) < 3:
            return Add(*(self.product(m, c, taken) for m, c in terms))
        product = split(self.algebra, terms)
        if product is not None:
            return Mul(*(self.factored(factor, taken) for factor in product))
        groups = collected(self.algebra, terms)
        if groups is None or len(groups) == len(terms) or len(groups) == 1:
            return self.shared(terms, taken)
        return min(self.collected(groups, taken), self.shared(terms, taken), key=cost)

    def collected(self, groups: list[tuple[Terms, Terms]], taken: Names) -> Expr:
        """p·(u + v) + q·w"""
        alone = [term for cofactor, group in groups if len(cofactor) == 1 for term in group]
        parts = [Mul(self.factored(p, taken), self.factored(u, taken)) for p, u in groups if len(p) > 1]
        return Add(*parts, self.shared(alone, taken) if alone else Integer(0))

    def shared(self, terms: Terms, taken: Names) -> Expr:
        """a·b + a·c + d → a·(b + c) + d, by the atom that most terms share"""
        counts: dict[tuple[int, bool], int] = {}
        for mono, _ in terms:
            for a, e in mono:
                if not is_guard(self.algebra, a):
                    counts[a, e > 0] = counts.get((a, e > 0), 0) + 1
        best = max(counts, key=lambda k: (counts[k], -k[0]), default=None)
        if len(terms) < 3 or best is None or counts[best] < 2:
            return Add(*(self.product(m, c, taken) for m, c in terms))
        a, up = best
        having = [(m, c) for m, c in terms if any(b == a and (e > 0) == up for b, e in m)]
        rest = [(m, c) for m, c in terms if (m, c) not in having]
        return Add(self.factored(having, taken), self.shared(rest, taken) if rest else Integer(0))

    def merged(self, terms: Terms) -> Terms:
        """Σ a·b + Σ a·c → Σ a·(b + c), under equal ranges and guards and beside equal factors"""
        groups: dict[tuple, Terms] = {}
        for mono, c in terms:
            sums = [a for a, e in mono if self.algebra.atoms[a].kind == "sum" and e == 1]
            key: tuple = (mono,)
            if len(sums) == 1:
                key = (tuple(f for f in mono if f[0] != sums[0]), self._shape(sums[0]))
            groups.setdefault(key, []).append((mono, c))
        result: Terms = []
        for key, group in groups.items():
            result += self._merge(key[0], group) if len(group) > 1 else group
        return result

    def _shape(self, a: int) -> tuple:
        """A sum's ranges and guards."""
        atom = self.algebra.atoms[a]
        ranges = tuple((b.name.split("_")[-1], lo, hi) for b, lo, hi in atom.head)
        return ranges, tuple(f for f in atom.args[0] if is_guard(self.algebra, f[0]))

    def _merge(self, outside: Monomial, group: Terms) -> Terms:
        algebra = self.algebra
        atoms = [next(a for a, e in mono if (a, e) not in outside) for mono, _ in group]
        height = max(algebra.height[a] for a in atoms)
        body: Polynomial = {}
        for a, (_, c) in zip(atoms, group, strict=True):
            mapping = _lifted(algebra, a, height)
            accumulate(body, remap_monomial(algebra, algebra.atoms[a].args[0], mapping), c)
        terms = sorted(body.items())
        if not self._worth_merging([algebra.atoms[a].args[0] for a in atoms], terms):
            return group
        lead = terms[0][1]
        mapping = _lifted(algebra, atoms[0], height)
        binds = tuple(
            (mapping[b], lo.xreplace(mapping), hi.xreplace(mapping)) for b, lo, hi in algebra.atoms[atoms[0]].head
        )
        joined = algebra.intern("joined", binds, tuple((m, c / lead) for m, c in terms))
        algebra.hints.setdefault(joined, algebra.hints[atoms[0]])
        return [(tuple(sorted((*outside, (joined, 1)))), lead)]

    def _worth_merging(self, bodies: list[Monomial], terms: Terms) -> bool:
        """Statistics of the same rows, or sums alike but for factors of the same letters."""
        if not terms:
            return False
        stripped = [(tuple(f for f in m if not is_guard(self.algebra, f[0])), c) for m, c in terms]
        shared = common(self.algebra, stripped)
        letters = {self.algebra.letters_in(divide(m, shared)) for m, _ in stripped}
        return all(covered(self.algebra, m) for m in bodies) or (bool(shared) and len(letters) == 1)

    # ------------------------------------------------------------------------- one term

    def product(self, mono: Monomial, c: Fraction, taken: Names) -> Expr:
        """One term: its guards outermost."""
        guards = tuple(f for f in mono if is_guard(self.algebra, f[0]))
        factors = [self.power(a, e, taken) for a, e in mono if (a, e) not in guards]
        value = Mul(Rational(c.numerator, c.denominator), *factors)
        return Where(self.condition(guards, taken), value, 0) if guards else value

    def condition(self, guards: Monomial, taken: Names) -> Basic:
        conditions = [self.named(self.algebra.atoms[a].head, taken) for a, _ in guards]
        conditions.sort(key=nesting)
        return conditions[0] if len(conditions) == 1 else Logic("and", *conditions)

    def power(self, a: int, e: Exponent, taken: Names) -> Expr:
        base = self.atom(a, taken)
        return base if e == 1 else Pow(base, Rational(Fraction(e).numerator, Fraction(e).denominator))

    def atom(self, a: int, taken: Names) -> Expr:
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            return Read(atom.head, *atom.args)
        if atom.kind == "number":
            return Integer(atom.head)
        if atom.kind == "opaque":
            return self.named(atom.head, taken)
        if atom.kind in ("sum", "joined"):
            return self.sum(a, taken)
        if atom.kind == "symbol":
            return atom.head
        parts = [self.frozen(f, taken) for f in atom.args]
        return atom.head(*parts) if atom.kind == "call" else exp(parts[0]) if atom.kind == "exp" else parts[0]

    def frozen(self, frozen: Frozen, taken: Names) -> Expr:
        return self.factored(list(frozen), taken)

    def sum(self, a: int, taken: Names) -> Expr:
        """Σ, its letters called what they were called where that is free."""
        atom, hints = self.algebra.atoms[a], self.algebra.hints[a]
        mapping: dict[Letter, Letter] = {}
        for (b, _, _), (_, hint) in zip(atom.head, hints, strict=True):
            mapping[b] = self._name(hint, taken)
            taken = taken | {mapping[b].name}
        binds = [Bind(mapping[b], lo.xreplace(mapping), hi.xreplace(mapping)) for b, lo, hi in atom.head]
        order = sorted(range(len(binds)), key=lambda n: hints[n][0])
        frozen = [(atom.args[0], ONE)] if atom.kind == "sum" else list(atom.args[0])
        body = [term for m, c in frozen for term in _scaled(remap_monomial(self.algebra, m, mapping), c)]
        everywhere = [f for f in body[0][0] if is_guard(self.algebra, f[0])]
        filters = tuple(f for f in everywhere if all(f in m for m, _ in body))
        body = [(tuple(f for f in m if f not in filters), c) for m, c in body]
        conditions = sorted((self.named(self.algebra.atoms[g].head, taken) for g, _ in filters), key=nesting)
        op = "count" if body == [((), ONE)] else "sum"
        return Reduce(op, (*(binds[n] for n in order), *conditions), self.factored(body, taken))

    def named(self, e: Basic, taken: Names) -> Basic:
        """An opaque expression with its bound letters called what they were called."""
        bound = bound_letters(e)
        hints = self.algebra.bound_names.get(e, tuple("ijklmn"[n % 6] for n in range(len(bound))))
        mapping: dict[Basic, Basic] = {}
        for b, hint in zip(bound, hints, strict=True):
            mapping[b] = self._name(hint, taken)
            taken = taken | {mapping[b].name}
        return e.xreplace(mapping) if mapping else e

    def _name(self, hint: str, taken: Names) -> Letter:
        base = hint
        head, _, tail = hint.rpartition("_")
        if head and tail.isdigit():
            base = head
        if base == "..." and base in taken:
            base = "*p"
        n, name = 0, base
        while name in taken or (name != hint and name in self.reserved):
            n += 1
            name = f"{base}_{n}"
        return Letter(name)


def _scaled(p: Polynomial, c: Fraction) -> Terms:
    return [(m, k * c) for m, k in p.items()]


def _lifted(algebra: Algebra, a: int, height: int) -> dict[Letter, Letter]:
    """A sum's letters, named as those of a sum of another height."""
    return {b: Letter(f"%{height}_{n}") for n, (b, _, _) in enumerate(algebra.atoms[a].head)}
