"""Rules for atoms, and their application everywhere: in products, in functions' arguments, under sums."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.program import Letter
from derive.simplify.algebra import ONE, Algebra, OverBudget, Polynomial, accumulate
from derive.simplify.letters import Pattern, match, rebuild, remap
from derive.simplify.sums import opened, sum_over

_DEPTH = 30


@dataclass
class Rules:
    """What an atom may be said as: reads by tensor name, other atoms by pattern; sums that stay as they are."""

    algebra: Algebra
    reads: dict[str, tuple[tuple[Letter, ...], Polynomial]] = field(default_factory=dict)
    patterns: dict[tuple, tuple[Pattern, Polynomial]] = field(default_factory=dict)
    frozen: dict[tuple, None] = field(default_factory=dict)

    def add(self, a: int, letters: tuple[Letter, ...], image: Polynomial) -> None:
        """Atom a, for every value of the letters, is the image; the first rule for an atom stays."""
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            self.reads.setdefault(atom.head, (atom.args, image))
        else:
            pattern = Pattern(self.algebra, a)
            self.patterns.setdefault(pattern.key, (pattern, image))

    def copy(self) -> Rules:
        return Rules(self.algebra, dict(self.reads), dict(self.patterns), dict(self.frozen))

    def image(self, a: int) -> Polynomial | None:
        """The atom said otherwise, or None."""
        atom = self.algebra.atoms[a]
        if atom.kind == "read":
            if atom.head not in self.reads:
                return None
            letters, image = self.reads[atom.head]
            return remap(self.algebra, image, dict(zip(letters, atom.args, strict=True)))
        if not self.patterns or atom.kind not in ("call", "exp", "base", "sum"):
            return None
        instance = Pattern(self.algebra, a)
        if instance.key not in self.patterns:
            return None
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
        if all(self.atom(a) is None for mono in p for a, _ in mono):
            return p
        result: Polynomial = {}
        for mono, c in p.items():
            term: Polynomial = {tuple(f for f in mono if self.atom(f[0]) is None): ONE}
            for a, e in mono:
                image = self.atom(a)
                if image is not None:
                    term = self.algebra.times(term, self.algebra.power(image, e))
            accumulate(result, term, c)
        return result

    def atom(self, a: int) -> Polynomial | None:
        """The last form of an atom, None where it is its own."""
        if a not in self.known:
            self.depth += 1
            if self.depth > _DEPTH:
                raise OverBudget
            self.known[a] = self._atom(a)
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
