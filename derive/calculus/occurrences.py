"""One walk of a right side: every read of a differentiable tensor, and what lies on the way to it.

For ``sum[i, c](a[i]*x[i + 1])`` the walk lists x at ``i + 1`` with entries ``(i, c)`` and factor ``a[i]``:
d rhs = Σ_entries factor · dx[index].  Both modes of differentiation are written from this list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sympy import Abs, Add, Basic, Expr, Function, Integer, Mul, Pow, log
from sympy.core.symbol import Str

from derive.calculus.affine import negate
from derive.calculus.kept import Kept, position
from derive.calculus.refusal import refusal
from derive.functions import function_name, partial, sign
from derive.program import (
    Compare,
    FloorDiv,
    Fresh,
    Hyper,
    Logic,
    Modulo,
    Piece,
    Read,
    Reduce,
    Stop,
    Truth,
    Where,
    rename_bound,
    walk,
)

ZERO, ONE = Integer(0), Integer(1)

_IN_THE_LANGUAGE = "with the functions and reductions of the language"

#: Functions that are flat between their jumps: their derivative is truly 0.
FLAT = ("floor", "ceil", "round", "sign")
#: Reductions whose value is a position, a number of points or a truth value: flat as well.
FLAT_REDUCTIONS = ("argmax", "argmin", "count", "any", "all")


@dataclass(frozen=True)
class Occurrence:
    """``tensor[indices]`` under ``entries`` (binds and conditions, in order), with ∂rhs/∂read = factor."""

    tensor: str
    indices: tuple[Expr, ...]
    entries: tuple[Basic, ...]
    factor: Expr


class Occurrences:
    """The walk over one program's right sides, for the tensors named in ``active``."""

    def __init__(self, active: Sequence[str], fresh: Fresh, kept: Kept) -> None:
        self.active = dict.fromkeys(active)
        self.fresh, self.kept = fresh, kept
        self._carries: dict[Basic, bool] = {}

    def of(self, name: str, piece: Piece, own: tuple[Basic, ...]) -> list[Occurrence]:
        """All occurrences in the right side of one of a tensor's pieces, which holds at the points ``own``."""
        self.owner, self.outer = name, own
        self.value = {piece.rhs: Read(name, *piece.indices)}
        return list(self._walk(piece.rhs, (), ONE))

    def carries(self, e: Basic) -> bool:
        """Whether an active tensor is read anywhere in e."""
        known = self._carries.get(e)
        if known is None:
            if isinstance(e, Read):
                known = e.tensor in self.active or any(map(self.carries, e.indices))
            elif isinstance(e, Hyper):
                known = e.name in self.active
            else:
                known = not isinstance(e, Str) and any(map(self.carries, e.args))
            self._carries[e] = known
        return known

    def _walk(self, e: Basic, entries: tuple[Basic, ...], factor: Expr) -> Iterator[Occurrence]:
        if not self.carries(e):
            return
        for kind, rule in RULES:
            if isinstance(e, kind):
                yield from rule(self, e, entries, factor)
                return
        raise refusal(f"no derivative is known for {type(e).__name__}", e, f"write it {_IN_THE_LANGUAGE}")

    def _through(self, e: Basic, entries: tuple, factor: Expr, by: Expr) -> Iterator[Occurrence]:
        """On to e with one more factor; the whole right side is read back, bound letters of the copy renamed."""
        if by == 0:
            return
        by = by.xreplace(self.value)
        yield from self._walk(e, entries, factor if by == 1 else factor * self.copy(by))

    def copy(self, e: Basic) -> Basic:
        """e with its own bound letters renamed."""
        return rename_bound(e, self.fresh) if any(isinstance(n, Reduce) for n in walk(e)) else e

    def _read(self, e: Read, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        if any(map(self.carries, e.indices)):
            mend = "indices are made of letters, sizes and Index tensors: declare the data Index or write constant()"
            raise refusal("real data stands inside an index", e, mend)
        conditions, factor = domain(factor)
        yield Occurrence(e.tensor, e.indices, (*entries, *conditions), factor)

    def _hyper(self, e: Hyper, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        conditions, factor = domain(factor)
        yield Occurrence(e.name, (), (*entries, *conditions), factor)

    def _add(self, e: Add, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        for a in e.args:
            yield from self._walk(a, entries, factor)

    def _mul(self, e: Mul, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        for n, a in enumerate(e.args):
            if self.carries(a):
                yield from self._through(a, entries, factor, Mul(*e.args[:n], *e.args[n + 1 :]))

    def _pow(self, e: Pow, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        base, exponent = e.args
        yield from self._through(base, entries, factor, exponent * base ** (exponent - 1))
        if self.carries(exponent):
            slope = log(base) * e
            if not base.is_positive:  # 0**y does not move with y, though log 0 does
                slope = Where(Compare("==", base, ZERO), ZERO, slope)
            yield from self._through(exponent, entries, factor, slope)

    def _function(self, e: Function, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        name = function_name(e)
        if name is None:
            raise refusal(f"the function {type(e).__name__} has no derivative here", e, f"write it {_IN_THE_LANGUAGE}")
        if name in FLAT:
            return
        if name == "polygamma" and self.carries(e.args[0]):
            raise refusal("polygamma has no derivative by its order", e, "only its argument may be real data")
        for n, a in enumerate(e.args):
            if self.carries(a):
                yield from self._through(a, entries, factor, partial(e, n))

    def _absolute(self, e: Abs, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        yield from self._through(e.args[0], entries, factor, sign(e.args[0]))

    def _where(self, e: Where, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        condition, then, otherwise = e.args
        yield from self._walk(then, (*entries, self.copy(condition)), factor)
        yield from self._walk(otherwise, (*entries, self.copy(negate(condition))), factor)

    def _reduce(self, e: Reduce, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        if e.op in FLAT_REDUCTIONS or not self.carries(e.body):
            return
        yield from REDUCE_RULES[e.op](self, e, entries, factor)

    def _inside(self, e: Reduce, entries: tuple) -> tuple[Basic, ...]:
        """The entries on the way into e; conditions that bind letters are copies."""
        return (*entries, *(self.copy(x) for x in e.entries))

    def _sum(self, e: Reduce, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        yield from self._walk(e.body, self._inside(e, entries), factor)

    def _first(self, e: Reduce, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        """max, min: the point whose position is the kept argmax."""
        winner = self.kept.tensor("arg" + e.op, e, (*self.outer, *entries), self.owner)
        here = Compare("==", winner, position(e))
        yield from self._walk(e.body, (*self._inside(e, entries), here), factor)

    def _even(self, e: Reduce, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        """amax, amin: every point equal to the extreme, over the number of them."""
        extreme = self.kept.tensor(e.op, e, (*self.outer, *entries), self.owner)
        ties = Reduce("count", (*e.entries, Compare("==", e.body, extreme)), ONE)
        here = Compare("==", self.copy(e.body), extreme)
        yield from self._walk(e.body, (*self._inside(e, entries), here), factor / self.copy(ties))

    def _prod(self, e: Reduce, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        """prod: × the product over every other point, right where factors are 0."""
        other = {letter: self.fresh.letter(letter) for letter in e.letters}
        differs = [Compare("!=", mine, letter) for letter, mine in other.items()]
        elsewhere = differs[0] if len(differs) == 1 else Logic("or", *differs)
        rest = Reduce("prod", (*(x.xreplace(other) for x in e.entries), elsewhere), e.body.xreplace(other))
        yield from self._through(e.body, self._inside(e, entries), factor, rest)

    def _flat(self, e: Basic, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        yield from ()

    def _integer_only(self, e: Basic, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        mend = "for real data write a - b*floor(a/b), or wrap the data in constant()"
        raise refusal("real data stands in an integer operation", e, mend)

    def _condition(self, e: Basic, entries: tuple, factor: Expr) -> Iterator[Occurrence]:
        raise refusal("a condition is used as a number", e, "write where(condition, 1, 0)")


Rule = Callable[[Occurrences, Basic, tuple[Basic, ...], Expr], Iterator[Occurrence]]

#: What to do at each kind of node; the first row that fits applies.
RULES: tuple[tuple[type | tuple[type, ...], Rule], ...] = (
    (Read, Occurrences._read),
    (Hyper, Occurrences._hyper),
    (Add, Occurrences._add),
    (Mul, Occurrences._mul),
    (Pow, Occurrences._pow),
    (Abs, Occurrences._absolute),
    (Function, Occurrences._function),
    (Where, Occurrences._where),
    (Reduce, Occurrences._reduce),
    (Stop, Occurrences._flat),
    ((FloorDiv, Modulo), Occurrences._integer_only),
    ((Compare, Logic, Truth), Occurrences._condition),
)

#: What to do at each differentiable reduction.
REDUCE_RULES: dict[str, Rule] = {
    "sum": Occurrences._sum,
    "prod": Occurrences._prod,
    "max": Occurrences._first,
    "min": Occurrences._first,
    "amax": Occurrences._even,
    "amin": Occurrences._even,
}


def domain(factor: Expr) -> tuple[list[Basic], Expr]:
    """factor·where(c, a, 0) → (c, factor·a): a guard is a domain, never a 0/1 factor."""
    conditions: list[Basic] = []
    rest: list[Expr] = []
    for a in Mul.make_args(factor):
        while isinstance(a, Where):
            condition, value = _support(a)
            if condition is None:
                break
            conditions.append(condition)
            more, a = domain(value)
            conditions += more
        rest.append(a)
    return conditions, Mul(*rest) if conditions else factor


def _support(e: Expr) -> tuple[Basic | None, Expr]:
    """(where e's text is not literally 0, e there); None: everywhere."""
    if not isinstance(e, Where):
        return None, e
    c, then, otherwise = e.args
    if otherwise == 0:
        return c, then
    if then == 0:
        return negate(c), otherwise
    (in_then, then), (in_otherwise, otherwise) = _support(then), _support(otherwise)
    if in_then is None and in_otherwise is None:
        return None, e
    first = c if in_then is None else Logic("and", c, in_then)
    second = negate(c) if in_otherwise is None else Logic("and", negate(c), in_otherwise)
    if in_then is None:  # c or … : the second is only asked where c fails
        second = in_otherwise if in_otherwise is not None else second
    return _either(first, second), Where(c, then, otherwise)


def _either(a: Basic, b: Basic) -> Basic:
    """p < q or p == q → p ≤ q."""
    pair = isinstance(a, Compare) and isinstance(b, Compare) and (a.op, b.op) == ("<", "==")
    if pair and set(a.args[1:]) == set(b.args[1:]):
        return Compare("<=", *a.args[1:])
    return Logic("or", a, b)
