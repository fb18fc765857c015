"""Forward values a derivative needs by name: which point won a maximum, or the maximum itself."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, Integer, Mul, Tuple

from derive.calculus.affine import Ranges
from derive.errors import CannotDerive
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
            raise CannotDerive(
                f"in {e.op} the range of {bind.letter} depends on another letter: its points have no fixed position",
                mend="give the letter its full range and write the bound as a filter",
            )
        flat = flat * (bind.hi - bind.lo) + (bind.letter - bind.lo)
    return flat


class Kept:
    """Named forward tensors for reductions, shared between all that need the same one."""

    def __init__(self, program: Program, fresh: Fresh) -> None:
        self.fresh = fresh
        self.statements: dict[str, Statement] = {}
        #: Between which values a position lies, by tensor.
        self.positions: dict[str, tuple[Expr, Expr]] = {}
        self._names: dict[Basic, str] = {}
        for statement in program.statements:
            self._register(statement)

    def _register(self, statement: Statement) -> None:
        first = statement.pieces[0]
        plain = all(isinstance(i, Letter) for i in first.indices) and not first.conditions
        if isinstance(first.rhs, Reduce) and first.rhs.op.startswith("arg"):
            self._bound(statement.name, first.rhs, certain=len(statement.pieces) == 1)
        if isinstance(first.rhs, Reduce) and plain:
            self._names.setdefault(_key(first.rhs, first.indices, first.binds, ()), statement.name)

    def _bound(self, name: str, e: Reduce, certain: bool) -> None:
        """−1 ≤ position < number of points; 0 ≤ position where there is always a point."""
        if any(free_letters(b.lo) | free_letters(b.hi) for b in e.binds):
            return
        some = certain and not e.filters
        some = some and all(Ranges().decide(Compare("<", b.lo, b.hi)) for b in e.binds)
        self.positions[name] = (Integer(0 if some else -1), Mul(*(b.hi - b.lo for b in e.binds)))

    def tensor(self, op: str, e: Reduce, scope: Sequence[Basic]) -> Expr:
        """``op[e's entries](e's body)``, read from the tensor that holds it for all letters of the scope it needs."""
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
        return self._make(wanted, binds, guards)

    def _make(self, wanted: Reduce, binds: Sequence[Bind], guards: Sequence[Basic]) -> Read:
        letters = tuple(b.letter for b in binds)
        op, index = wanted.op, wanted.op.startswith("arg")
        name = self.fresh.name(op)
        tensor = Tensor(
            name, tuple((Part(b.hi - b.lo, origin=int(b.lo)),) for b in binds), "index" if index else "real"
        )
        entries = tuple(Bind(b.letter, b.lo, b.hi) for b in binds)
        pieces = [Piece(letters, (*entries, *guards), rename_bound(wanted, self.fresh))]
        if guards:
            other = {letter: self.fresh.letter(letter) for letter in letters}
            rest = tuple(e.xreplace(other) for e in entries)
            pieces.append(Piece(tuple(other.values()), rest, Integer(-1 if index else 0)))
        if index:
            self._bound(name, wanted, certain=not guards)
        self.statements[name] = Statement(tensor, tuple(pieces))
        self._names[_key(wanted, letters, binds, guards)] = name
        return Read(name, *letters)


def _key(e: Reduce, order: Sequence[Expr], binds: Sequence[Bind], conditions: Sequence[Basic]) -> Basic:
    """e, its letters' ranges and guards with letters numbered, so that equal meanings compare equal."""
    whole = Tuple(e, *binds, *conditions)
    inside = (n for x in (e, *conditions) for n in bound_letters(x))
    numbered = {letter: Letter(f"#{n}") for n, letter in enumerate(dict.fromkeys((*order, *inside)))}
    return substitute(whole, numbered)
