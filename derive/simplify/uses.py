"""Where derived tensors are read: point by point, under a sum that one factor covers, or in a contraction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from derive.program import tensors_read
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import Monomial, Polynomial
from derive.simplify.sums import covered

if TYPE_CHECKING:
    from derive.simplify.draft import Draft

#: A heuristic: what is at most this long may be repeated.
TERMS, FACTORS = 2, 6


class Uses:
    """For every derived tensor, the places that read it."""

    def __init__(self, draft: Draft) -> None:
        self.places: dict[str, list[bool]] = {name: [] for name in draft.derived}
        self.kept: dict[str, None] = {}
        for name in draft.derived:
            if name in draft.inlined:
                continue
            if name not in draft.forms:
                self.kept.update(dict.fromkeys(tensors_read(draft.program.definitions[name])))
                continue
            found = dict.fromkeys(
                place for form in draft.forms[name] for mono in form for place in _reads(draft.algebra, mono, None)
            )
            for a, inside in found:
                tensor = draft.algebra.atoms[a].head
                if tensor in self.places:
                    self.places[tensor].append(inside is not None and _contraction(draft.algebra, inside))

    def once(self, name: str) -> bool:
        return len(self.places[name]) <= 1

    def contracted(self, name: str) -> bool:
        return any(self.places[name])

    def pinned(self, name: str) -> bool:
        """Read by a statement that stays as it was written."""
        return name in self.kept

    @staticmethod
    def read_by(draft: Draft, name: str) -> dict[str, None]:
        algebra = draft.algebra
        return dict.fromkeys(
            algebra.atoms[a].head for form in draft.forms[name] for mono in form for a, _ in _reads(algebra, mono, None)
        )


def _reads(algebra: Algebra, mono: Monomial, inside: int | None) -> Iterator[tuple[int, int | None]]:
    """Every read, and the outermost contraction (else the innermost sum) it stands in."""
    for a, _ in mono:
        atom = algebra.atoms[a]
        if atom.kind == "read":
            yield a, inside
        elif atom.kind == "sum":
            keep = inside is not None and _contraction(algebra, inside)
            yield from _reads(algebra, atom.args[0], inside if keep else a)
        else:
            for inner in algebra.inner(atom):
                yield from _reads(algebra, inner, inside)


def _contraction(algebra: Algebra, a: int) -> bool:
    return not covered(algebra, algebra.atoms[a].args[0])


def contracts(algebra: Algebra, form: Iterable[Monomial]) -> bool:
    """Whether a right side holds a sum over derived tensors that is more than a statistic."""
    sums = [a for mono in form for a, _ in mono if algebra.atoms[a].kind == "sum" and algebra.is_linear(a)]
    return any(_contraction(algebra, a) or contracts(algebra, algebra.atoms[a].args) for a in sums)


def small(form: Polynomial) -> bool:
    return len(form) <= TERMS and sum(len(m) for m in form) <= FACTORS


def scalar_multiple(algebra: Algebra, form: Polynomial) -> bool:
    """Whether a right side is one read times scalars: what may be put into a contraction."""
    if len(form) != 1:
        return False
    (mono,) = form
    kinds = [algebra.atoms[a].kind for a, _ in mono if algebra.letters[a]]
    return kinds == ["read"] and not any(algebra.atoms[a].kind == "guard" for a, _ in mono)
