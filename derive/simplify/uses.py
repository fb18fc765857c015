"""Where derived tensors are read: point by point, under a sum that one factor covers, or in a contraction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.program import tensors_read
from derive.simplify.algebra import Algebra, Monomial, Polynomial

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
            for form in draft.forms[name]:
                for mono in form:
                    for tensor, contraction in _reads(draft.algebra, mono, False):
                        if tensor in self.places:
                            self.places[tensor].append(contraction)

    def once(self, name: str) -> bool:
        return len(self.places[name]) <= 1

    def contracted(self, name: str) -> bool:
        return any(self.places[name])

    def pinned(self, name: str) -> bool:
        """Read by a statement that stays as it was written."""
        return name in self.kept

    @staticmethod
    def read_by(draft: Draft, name: str) -> dict[str, None]:
        return dict.fromkeys(
            tensor for form in draft.forms[name] for mono in form for tensor, _ in _reads(draft.algebra, mono, False)
        )


def _reads(algebra: Algebra, mono: Monomial, contraction: bool) -> Iterator[tuple[str, bool]]:
    for a, _ in mono:
        atom = algebra.atoms[a]
        if atom.kind == "read":
            yield atom.head, contraction
        elif atom.kind == "sum":
            yield from _reads(algebra, atom.args[0], contraction or not covered(algebra, atom.args[0]))
        else:
            for inner in algebra.inner(atom):
                yield from _reads(algebra, inner, contraction)


def covered(algebra: Algebra, body: Monomial) -> bool:
    """Whether one factor holds every letter of a sum's body: a statistic of that factor's rows."""
    letters = algebra.letters_in(body)
    filtered = any(algebra.atoms[a].kind == "guard" for a, _ in body)
    return not filtered and any(letters <= algebra.letters[a] for a, _ in body)


def contracts(algebra: Algebra, form: Polynomial) -> bool:
    """Whether a right side holds a sum that is more than a statistic."""
    return any(
        algebra.atoms[a].kind == "sum"
        and (not covered(algebra, algebra.atoms[a].args[0]) or contracts(algebra, _body(algebra, a)))
        for mono in form
        for a, _ in mono
    )


def _body(algebra: Algebra, a: int) -> Polynomial:
    return {algebra.atoms[a].args[0]: 1}  # type: ignore[dict-item]


def small(form: Polynomial) -> bool:
    return len(form) <= TERMS and sum(len(m) for m in form) <= FACTORS
