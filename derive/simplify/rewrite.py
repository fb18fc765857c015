"""Rules for atoms, and their application everywhere: in products, in functions' arguments, under sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sympy import Basic

from derive.program import Letter
from derive.simplify.algebra import Algebra, OverBudget
from derive.simplify.atoms import ONE, Monomial, Polynomial, accumulate
from derive.simplify.kernels import Kernel, kernel, taken_apart
from derive.simplify.letters import Pattern, match, rebuild, remap, unify
from derive.simplify.sums import movable, opened, sum_over

_DEPTH = 30


class GuardedRule(NamedTuple):
    """A rule that holds beside factors that vanish unless the guards do; some letters may be any."""

    pattern: Pattern
    image: Polynomial
    guards: tuple[Basic, ...]


class Support(NamedTuple):
    """A tensor is zero where one of the guards does not hold."""

    letters: tuple[Letter, ...]
    guards: tuple[Basic, ...]


@dataclass
class Rules:
    """What an atom may be said as: reads by tensor name, other atoms by pattern; sums that stay as they are."""

    algebra: Algebra
    reads: dict[str, tuple[tuple[Letter, ...], Polynomial]] = field(default_factory=dict)
    patterns: dict[tuple, tuple[Pattern, Polynomial]] = field(default_factory=dict)
    frozen: dict[tuple, None] = field(default_factory=dict)
    guarded: dict[tuple, GuardedRule] = field(default_factory=dict)
    supports: dict[str, Support] = field(default_factory=dict)
    kernels: list[Kernel] = field(default_factory=list)

    def add(self, a: int, letters: tuple[Letter, ...], image: Polynomial) -> None:
        """Atom a, for every value of the letters, is the image; the first rule for an atom stays."""
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            self.reads.setdefault(atom.head, (atom.args, image))
        else:
            pattern = Pattern(self.algebra, a)
            self.patterns.setdefault(pattern.key, (pattern, image))
            known = kernel(self.algebra, a, letters, image) if atom.kind == "exp" else None
            self.kernels += [known] if known else []

    def add_guarded(self, a: int, image: Polynomial, guards: tuple[Basic, ...]) -> None:
        """A rule for an atom beside factors that imply the guards."""
        pattern = Pattern(self.algebra, a)
        self.guarded.setdefault(pattern.key, GuardedRule(pattern, image, guards))

    def copy(self) -> Rules:
        return replace(
            self,
            reads=dict(self.reads),
            patterns=dict(self.patterns),
            frozen=dict(self.frozen),
            guarded=dict(self.guarded),
            supports=dict(self.supports),
            kernels=list(self.kernels),
        )

    def image(self, a: int) -> Polynomial | None:
        """The atom said otherwise, or None."""
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            if atom.head not in self.reads:
                return None
            letters, image = self.reads[atom.head]
            if not image:
                return {}
            return remap(self.algebra, image, dict(zip(letters, atom.args, strict=True)))
        if not self.patterns or atom.kind not in ("call", "exp", "base", "sum"):
            return None
        instance = Pattern(self.algebra, a)
        if instance.key not in self.patterns:
            return taken_apart(self.algebra, a, self.kernels) if atom.kind == "exp" else None
        pattern, image = self.patterns[instance.key]
        mapping = match(pattern, instance)
        return None if mapping is None else remap(self.algebra, image, mapping)

    def is_frozen(self, a: int) -> bool:
        return bool(self.frozen) and Pattern(self.algebra, a).key in self.frozen


class Rewriter:
    """Applies rules until nothing changes; what was done to an atom is remembered."""

    def __init__(self, algebra: Algebra, rules: Rules) -> None:
        self.algebra, self.rules = algebra, rules
        self.known: dict[int, Polynomial | None] = {}
        self.depth = 0

    def __call__(self, p: Polynomial) -> Polynomial:
        """p with every atom in its last form."""
        if not self.rules.guarded and not self.rules.supports:
            return self._once(p)
        for _ in range(_DEPTH):
            changed = self._once(p)
            if changed == p:
                return p
            p = changed
        raise OverBudget

    def _once(self, p: Polynomial) -> Polynomial:
        if not self.rules.supports and all(self.atom(a) is None for mono in p for a, _ in mono):
            return p
        result: Polynomial = {}
        for mono, c in p.items():
            accumulate(result, self._monomial(without_implied_guards(self.rules, mono)), c)
        return result

    def _monomial(self, mono: Monomial) -> Polynomial:
        images = [self.atom(a) for a, _ in mono]
        if self.rules.guarded:
            images = [
                guarded_image(self.rules, a, mono) if i is None else i for i, (a, _) in zip(images, mono, strict=True)
            ]
        result: Polynomial = {tuple(f for f, i in zip(mono, images, strict=True) if i is None): ONE}
        for (_, e), image in zip(mono, images, strict=True):
            if image is not None:
                result = self.algebra.times(result, self.algebra.power(image, e))
        return result

    def atom(self, a: int) -> Polynomial | None:
        """The last form of an atom, None where it is its own."""
        if a not in self.known:
            if self.depth > _DEPTH:
                raise OverBudget
            self.depth += 1
            try:
                self.known[a] = self._atom(a)
            finally:
                self.depth -= 1
        return self.known[a]

    def _atom(self, a: int) -> Polynomial | None:
        image = self.rules.image(a)
        if image is None:
            image = self.within(a)
        return None if image is None else self(image)

    def within(self, a: int) -> Polynomial | None:
        """The atom with its parts rewritten, None if they are as they were."""
        atom = self.algebra.atoms[a]
        if atom.kind == "sum":
            if self.rules.is_frozen(a) or not self._may_change(a):
                return None
            return self.reopened(a)
        if atom.kind not in ("call", "exp", "base"):
            return None
        parts = [dict(f) for f in atom.args]
        changed = [self(p) for p in parts]
        return None if changed == parts else rebuild(self.algebra, atom, changed)

    def _may_change(self, a: int) -> bool:
        (mono,) = self.algebra.atoms[a].args
        return any(
            self.algebra.atoms[b].kind != "read" or self.algebra.atoms[b].head in self.rules.reads for b, _ in mono
        )

    def reopened(self, a: int) -> Polynomial | None:
        """A sum with its body rewritten."""
        binds, body = opened(self.algebra, a)
        changed = self(body)
        return None if changed == body else sum_over(self.algebra, binds, changed)


# ------------------------------------------------------------------------------ guards


def holding(rules: Rules, mono: Monomial, *, deep: bool) -> Iterator[Basic]:
    """Conditions that hold wherever the monomial is not zero; ``deep``: for some point of its sums too."""
    algebra = rules.algebra
    for a, e in mono:
        atom = algebra.atoms[a]
        if atom.kind == "guard":
            yield atom.head
        elif atom.kind == "read" and e > 0 and atom.head in rules.supports:
            support = rules.supports[atom.head]
            mapping = dict(zip(support.letters, atom.args, strict=True))
            yield from (g.xreplace(mapping) for g in support.guards)
        elif deep and atom.kind == "sum" and e > 0:
            yield from holding(rules, atom.args[0], deep=True)


def without_implied_guards(rules: Rules, mono: Monomial) -> Monomial:
    """g·p → p, where p is zero outside g and the rest may be evaluated there"""
    algebra = rules.algebra
    guards = [f for f in mono if algebra.atoms[f[0]].kind == "guard"]
    others = tuple(f for f in mono if f not in guards)
    if not guards or not all(movable(algebra, *f) for f in others):
        return mono
    implied = list(holding(rules, others, deep=False))
    return tuple(f for f in mono if algebra.atoms[f[0]].head not in implied)


def guarded_image(rules: Rules, a: int, mono: Monomial) -> Polynomial | None:
    """What an atom is beside factors that imply the rule's guards."""
    algebra = rules.algebra
    if algebra.atoms[a].kind not in ("call", "exp", "base", "sum"):
        return None
    instance = Pattern(algebra, a)
    rule = rules.guarded.get(instance.key)
    mapping = match(rule.pattern, instance) if rule else None
    if rule is None or mapping is None:
        return None
    beside = list(holding(rules, tuple(f for f in mono if f[0] != a), deep=True))
    for guard in rule.guards:
        open_letters = {x: x for x in algebra.letters_of(guard) if x not in mapping}
        wanted = guard.xreplace(mapping)
        if not any(unify(wanted, found, dict(open_letters)) for found in beside):
            return None
    return remap(algebra, rule.image, mapping)
