"""Elimination of letters through equality filters, over the integers.

``sum[…, i, …, a(i) == k](f(i))`` becomes ``f`` at the solution of ``a(i) = k``, under the conditions that
remain: a divisibility test, the range of i.  Nothing is dropped: what cannot be solved stays a filter.
Of several letters the one goes whose range is largest, so that the smallest iteration space is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Add, Basic, Expr, Integer, Mul, Pow, Symbol
from sympy.core.symbol import Str

from derive.calculus.affine import (
    ONE,
    Polynomial,
    Ranges,
    add,
    divide,
    expression,
    mentions,
    multiply,
    polynomial,
    rest,
    scale,
    split,
    subtract,
    whole_part,
)
from derive.calculus.solve import Problem, Solution, is_safe, solutions
from derive.program import Bind, Compare, FloorDiv, Fresh, Letter, Logic, Modulo, Read, Reduce, Where, walk


@dataclass(frozen=True)
class Move:
    """One letter solved for: ``letter = value`` uses up ``equality``; ``conditions`` and ``binds`` take its place.

    ``entries``, ``body``: what the reduction is afterwards.
    """

    letter: Letter
    equality: Basic | None
    value: Expr
    conditions: tuple[Basic, ...]
    binds: tuple[Bind, ...]
    entries: tuple[Basic, ...]
    body: Expr


def fold(reduce: Reduce, ranges: Ranges | None = None, fresh: Fresh | None = None) -> Expr:
    """A sum with its equality filters solved: Σ_j [j == k] f(j) → f(k) where k is in j's range."""
    if reduce.op != "sum":
        return reduce
    fresh = fresh or Fresh(n.name for n in walk(reduce) if isinstance(n, Symbol))
    solved = eliminate(reduce.entries, reduce.body, ranges or Ranges(), fresh=fresh)
    if solved is None:
        return Integer(0)
    return summation(*solved)


def eliminate(
    entries: Iterable[Basic],
    body: Expr,
    outer: Ranges,
    left: Sequence[Letter] = (),
    derived: Sequence[Expr] = (),
    fresh: Fresh | None = None,
    moves: list[Move] | None = None,
) -> tuple[tuple[Basic, ...], Expr] | None:
    """Entries and body with every letter gone that an equality filter determines; None: no points at all.

    ``outer``: ranges of the letters bound outside; ``derived``, ``left``: letters over those extents, then
    those letters, are eliminated by preference; ``moves`` is told each step, if given.
    """
    state, fresh = list(entries), fresh or Fresh()
    state, body = _renamed(state, body, outer, moves)
    if not any(isinstance(e, Compare) and e.op == "==" for e in state) and not any(map(_is_point, state)):
        return settle(state, body, outer)
    while True:
        solution = min(solutions(Problem(state, outer, left, derived, fresh)), key=lambda s: s.cost, default=None)
        if solution is None:
            return settle(state, body, outer)
        before = state
        state, body = _apply(solution, state, body)
        if moves is not None:
            moves.append(_move(solution, before, state, body))


def _move(solution: Solution, before: Sequence[Basic], entries: Sequence[Basic], body: Expr) -> Move:
    numerator, divisor = expression(solution.numerator), expression(solution.divisor)
    value = numerator if solution.divisor == ONE else FloorDiv(numerator, divisor)
    known = {replaced(e, solution.letter, solution.numerator, solution.divisor) for e in before}
    new = tuple(e for e in entries if not isinstance(e, Bind) and e not in known)
    return Move(solution.letter, solution.equality, value, new, solution.binds, tuple(entries), body)


def _renamed(entries: list[Basic], body: Expr, outer: Ranges, moves: list[Move] | None) -> tuple[list[Basic], Expr]:
    """All filters ``l == k`` with k a letter of outside at once: l is k."""
    bound = {e.letter: e for e in entries if isinstance(e, Bind)}
    renamed: dict[Letter, Letter] = {}
    used: list[Basic] = []
    for e in entries:
        if not isinstance(e, Compare) or e.op != "==":
            continue
        a, b = e.args[1:] if e.args[1] in bound else (e.args[2], e.args[1])
        if a in bound and a not in renamed and isinstance(b, Letter) and b not in bound:
            renamed[a] = b
            used.append(e)
    if not renamed:
        return entries, body
    result: list[Basic] = []
    asked: dict[Letter, list[Basic]] = {}
    for e in entries:
        if isinstance(e, Bind) and e.letter in renamed:
            k = renamed[e.letter]
            if outer.known.get(k) != (e.lo, e.hi):
                asked[e.letter] = [Compare("<=", e.lo, k), Compare("<", k, e.hi)]
                result += asked[e.letter]
        elif e not in used:
            result.append(e)
    new, body = ordered(e.xreplace(renamed) for e in result), body.xreplace(renamed)
    if moves is not None:
        for a, e in zip(renamed, used, strict=True):
            moves.append(Move(a, e, renamed[a], tuple(asked.get(a, ())), (), tuple(new), body))
    return new, body


def _is_point(e: Basic) -> bool:
    return isinstance(e, Bind) and subtract(polynomial(e.hi), polynomial(e.lo)) == ONE


def _apply(solution: Solution, entries: list[Basic], body: Expr) -> tuple[list[Basic], Expr]:
    letter, numerator, divisor = solution.letter, solution.numerator, solution.divisor
    exact = divisor == ONE
    value = expression(numerator) if exact else FloorDiv(expression(numerator), expression(divisor))
    result: list[Basic] = []
    for e in entries:
        if e is solution.equality:
            result += [replaced(c, letter, numerator, divisor) for c in solution.remaining]
        elif isinstance(e, Bind) and e.letter == letter:
            result += solution.binds
            if not exact:
                result.append(Compare("==", Modulo(expression(numerator), expression(divisor)), 0))
            if solution.ranged:
                result += [Compare("<=", e.lo, value), Compare("<", value, e.hi)]
        else:
            result.append(replaced(e, letter, numerator, divisor))
    return ordered(result), replaced(body, letter, numerator, divisor)


def replaced(e: Basic, letter: Letter, numerator: Polynomial, divisor: Polynomial) -> Basic:
    """e with letter → numerator/divisor; a multiple of the divisor cancels exactly, the rest is floored."""
    if e == letter:
        value = expression(numerator)
        return value if divisor == ONE else FloorDiv(value, expression(divisor))
    if not e.args or isinstance(e, Str) or not mentions(e, (letter,)):
        return e
    if isinstance(e, Add | Mul) and _is_index_arithmetic(e):
        halves = split(polynomial(e), letter)
        ratio = divide(halves[0], divisor) if halves else None
        if halves and ratio is not None:
            return expression(add(multiply(ratio, numerator), halves[1]))
    args = [replaced(a, letter, numerator, divisor) for a in e.args]
    return whole_part(*args) if isinstance(e, FloorDiv) else rest(*args) if isinstance(e, Modulo) else e.func(*args)


_INDEX_NODES = (Add, Mul, Pow, Symbol, Integer, FloorDiv, Modulo)


def _is_index_arithmetic(e: Basic) -> bool:
    return isinstance(e, _INDEX_NODES) and all(_is_index_arithmetic(a) for a in e.args)


def ordered(entries: Iterable[Basic]) -> list[Basic]:
    """Conditions in their order; a letter is bound at the latest before its first use."""
    entries = list(entries)
    binds = {e.letter: e for e in entries if isinstance(e, Bind)}
    placed: dict[Letter, None] = {}
    result: list[Basic] = []

    def place_letters(e: Basic) -> None:
        used = {n for n in walk(e) if isinstance(n, Letter)}
        for letter in binds:
            if letter in used and letter not in placed:
                place(binds[letter])

    def place(bind: Bind) -> None:
        placed[bind.letter] = None
        place_letters(bind)
        result.append(bind)

    for e in entries:
        if not isinstance(e, Bind):
            place_letters(e)
            result.append(e)
        elif e.letter not in placed:
            place(e)
    return result


def settle(entries: Sequence[Basic], body: Expr, outer: Ranges) -> tuple[tuple[Basic, ...], Expr] | None:
    """Entries without the conditions that always hold; None if one never does."""
    ranges = outer.extended(e for e in entries if isinstance(e, Bind))
    if any(isinstance(n, FloorDiv | Modulo) for e in (*entries, body) for n in walk(e)):
        entries, body = [ranges.reduced(e) for e in entries], ranges.reduced(body)
    inner = [e.letter for e in entries if isinstance(e, Bind)]
    entries = [e if isinstance(e, Bind) or mentions(e, inner) else _plainer(e, ranges) for e in entries]
    whole = [isinstance(e, Compare) and all(map(ranges.whole, e.args[1:])) for e in entries]
    equal = [n for n, e in enumerate(entries) if whole[n] and e.op == "=="]
    kept: dict[Basic, None] = {}
    for n, e in enumerate(entries):
        verdict = None if isinstance(e, Bind) else ranges.decide(e)
        if verdict is False:
            return None
        if verdict is None:
            # what e guards must not be read before the equality is tested
            near = [m for m in equal if all(map(is_safe, entries[n + 1 : m]))] if whole[n] else []
            if not _implied(e, [subtract(*map(polynomial, entries[m].args[1:])) for m in near], ranges):
                kept.setdefault(e)
    return tuple(kept), body


def _plainer(e: Basic, ranges: Ranges) -> Basic:
    """t + 1 < T + 1 → t < T."""
    if not isinstance(e, Compare) or not all(map(ranges.whole, e.args[1:])):
        return e
    a, b = map(polynomial, e.args[1:])
    common = {m: c for m, c in b.items() if m in a}
    return Compare(e.op, expression(subtract(a, common)), expression(subtract(b, common))) if common else e


def _implied(e: Basic, equalities: list[Polynomial], ranges: Ranges) -> bool:
    """Whether an equality kept as a filter carries e: from a == k and 0 ≤ k follows 0 ≤ a."""
    if not isinstance(e, Compare) or e.op not in ("<", "<="):
        return False
    data = {n for n in walk(e) if isinstance(n, Read)}
    difference = subtract(polynomial(e.args[2]), polynomial(e.args[1]))
    if e.op == "<":
        difference = subtract(difference, ONE)
    for equality in equalities:
        known = {n for m in equality for x, _ in m for n in walk(x) if isinstance(n, Read)}
        apart = (add(difference, scale(equality, factor)) for factor in (1, -1))
        if data <= known and any(map(ranges.nonnegative, apart)):
            return True
    return False


def summation(entries: Sequence[Basic], body: Expr) -> Expr:
    """sum[entries](body); conditions that no bound letter occurs in guard the whole."""
    bound = [e.letter for e in entries if isinstance(e, Bind)]
    outside: list[Basic] = []
    inside: list[Basic] = []
    for e in entries:
        hoistable = not isinstance(e, Bind) and not mentions(e, bound)
        if hoistable and any(isinstance(n, Read | Reduce) for n in walk(e)):
            hoistable = all(isinstance(other, Bind) for other in inside)
        (outside if hoistable else inside).append(e)
    if body == 0:
        return body
    return guarded(outside, Reduce("sum", inside, body) if bound else body)


def guarded(conditions: Sequence[Basic], e: Expr) -> Expr:
    """where(all conditions, e, 0)."""
    if not conditions or e == 0:
        return e
    return Where(conditions[0] if len(conditions) == 1 else Logic("and", *conditions), e, Integer(0))
