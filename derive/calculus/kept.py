"""Forward values a derivative needs by name: which point won a maximum, or the maximum itself."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, Integer, Mul, Tuple

from derive.calculus.affine import Ranges
from derive.calculus.refusal import refusal
from derive.program import (
    Bind,
    Compare,
    Fresh,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Statement,
    Tensor,
    bound_letters,
    free_letters,
    rename_bound,
    substitute,
)


def position(e: Reduce) -> Expr:
    """The row-major position of the point among the ranges of e's letters, in bracket order."""
    flat: Expr = Integer(0)
    letters = set(e.letters)
    for n, bind in enumerate(e.binds):
        if (free_letters(bind.lo) | (free_letters(bind.hi) if n else set())) & letters:
            mend = "give the letter its full range and write the bound as a filter"
            raise refusal(f"the range of {bind.letter} depends on another letter, so points have no position", e, mend)
        flat = flat * (bind.hi - bind.lo) + (bind.letter - bind.lo)
    return flat


def known_ranges(program: Program) -> Ranges:
    """What is known of the values of a program's index tensors: that they are whole, and where positions lie."""
    data: dict[str, tuple[Expr, Expr] | None] = {t.name: None for t in program.tensors.values() if t.kind == "index"}
    data.update((s.name, _positions(s)) for s in program.statements if s.name in data)
    return Ranges(data=data)


def _positions(statement: Statement) -> tuple[Expr, Expr] | None:
    """−1 ≤ position < number of points; 0 ≤ position where there is always a point."""
    first, others = statement.pieces[0], statement.pieces[1:]
    e = first.rhs
    if not isinstance(e, Reduce) or not e.op.startswith("arg") or any(p.rhs != -1 for p in others):
        return None
    if any(free_letters(b.lo) | free_letters(b.hi) for b in e.binds):
        return None
    some = not others and not e.filters and all(Ranges().decide(Compare("<", b.lo, b.hi)) for b in e.binds)
    return Integer(0 if some else -1), Mul(*(b.hi - b.lo for b in e.binds))


class Kept:
    """Named forward tensors for reductions, shared between all that need the same one."""

    def __init__(self, program: Program, fresh: Fresh) -> None:
        self.fresh = fresh
        self.statements: dict[str, Statement] = {}
        self.ranges = known_ranges(program)
        self._names: dict[Basic, str] = {}
        for statement in program.statements:
            self._register(statement)

    def _register(self, statement: Statement) -> None:
        first = statement.pieces[0]
        if isinstance(first.rhs, Reduce) and all(isinstance(i, Letter) for i in first.indices):
            key = _key(first.rhs, first.indices, first.binds, first.conditions)
            self._names.setdefault(key, statement.name)

    def tensor(self, op: str, e: Reduce, scope: Sequence[Basic], owner: str) -> Expr:
        """``op[e's entries](e's body)``, read from the tensor that holds it for all letters of the scope it needs.

        ``owner``: the tensor whose equation it stands in, for the name.
        """
        wanted = Reduce(op, e.entries, e.body)
        free = free_letters(wanted)
        binds = [x for x in scope if isinstance(x, Bind) and x.letter in free]
        letters = tuple(b.letter for b in binds)
        guards = [x for x in scope if not isinstance(x, Bind) and free_letters(x) <= set(letters)]
        for conditions in ((), guards):
            found = self._names.get(_key(wanted, letters, binds, conditions))
            if found:
                return Read(found, *letters)
        if not all(b.lo.is_Integer and not free_letters(b.hi) for b in binds):
            return rename_bound(wanted, self.fresh)  # no tensor has such a shape: said again where it is needed
        return self._make(wanted, binds, guards, owner)

    def _make(self, wanted: Reduce, binds: Sequence[Bind], guards: Sequence[Basic], owner: str) -> Read:
        letters = tuple(b.letter for b in binds)
        op, index = wanted.op, wanted.op.startswith("arg")
        name = self.fresh.name(f"{op}_{owner}")
        tensor = Tensor(
            name, tuple((Part(b.hi - b.lo, origin=int(b.lo)),) for b in binds), "index" if index else "real"
        )
        entries = tuple(Bind(b.letter, b.lo, b.hi) for b in binds)
        pieces = [Piece(letters, (*entries, *guards), wanted)]
        if guards:
            other = {letter: self.fresh.letter(letter) for letter in letters}
            rest = tuple(e.xreplace(other) for e in entries)
            pieces.append(Piece(tuple(other.values()), rest, Integer(-1 if index else 0)))
        self.statements[name] = Statement(tensor, tuple(pieces))
        if index:
            self.ranges = Ranges(data={**self.ranges.data, name: _positions(self.statements[name])})
        self._names[_key(wanted, letters, binds, guards)] = name
        return Read(name, *letters)


def _key(e: Reduce, order: Sequence[Expr], binds: Sequence[Bind], conditions: Sequence[Basic]) -> Basic:
    """e, its letters' ranges and guards with letters numbered, so that equal meanings compare equal."""
    whole = Tuple(e, *binds, *conditions)
    inside = (n for x in (e, *conditions) for n in bound_letters(x))
    numbered = {letter: Letter(f"#{n}") for n, letter in enumerate(dict.fromkeys((*order, *inside)))}
    return substitute(whole, numbered)
