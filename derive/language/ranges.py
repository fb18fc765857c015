"""Extents that must be equal, indices that must be in range: solved, proved, or left as a requirement."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable

from sympy import Add, Expr, Integer

from derive.language.floors import expanded, sign, tidy
from derive.language.tables import Agreement, Bound, Build, RangeCheck, Scope, is_unknown
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Size,
    Where,
    free_letters,
    reads,
    walk,
)  # fmt: skip

CORNERS = 64


def agree(name: str, bound: Bound, lo: Expr, hi: Expr, node: ast.AST, scope: Scope) -> None:
    """The letter's range must be this one."""
    assert bound.lo is not None and bound.hi is not None
    build = scope.build
    message = f"the letter {name} runs over {{left}} and over {{right}}"
    mend = "use two letters, or state one range: " + f"{name} < …"
    if bound.lo != lo:
        raise scope.error(f"the letter {name} starts at {bound.lo} and at {lo}", node, "read it shifted")
    unify(build, bound.hi - bound.lo, hi - lo, message, mend, node, scope)


def unify(
    build: Build, a: Expr, b: Expr, message: str, mend: str, node: ast.AST, scope: Scope, called: bool = False
) -> None:
    """Make two extents equal by solving an unknown one, or file the agreement for later."""
    a, b = build.find(a), build.find(b)
    if a == b:
        return
    if is_unknown(b) and not is_unknown(a):
        a, b = b, a
    if is_unknown(a) and a not in b.free_symbols:
        build.solved[a] = b
        return
    build.agreements.append(Agreement(a, b, message, mend, node, scope, called))


class Facts:
    """What is known at the end: solved extents and the definitions of derived sizes."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.derived = dict(build.sizes)

    def solve(self, e: Expr) -> Expr:
        """e with every solved extent put in."""
        if not self.build.solved:
            return e
        for _ in range(50):
            unknown = {s: self.build.solved[s] for s in e.free_symbols if s in self.build.solved}
            if not unknown:
                return e
            e = e.xreplace(unknown)
        return e

    def unfold(self, e: Expr) -> Expr:
        """e in terms of the inputs' sizes alone."""
        e = self.solve(e)
        for _ in range(50):
            known = {s: self.derived[s] for s in e.free_symbols if s in self.derived}
            if not known:
                return tidy(e)
            e = self.solve(e.xreplace(known))
        return e

    def sign(self, e: Expr, least: int = 1) -> int | None:
        """The sign of e as it stands, or in terms of the inputs' sizes."""
        e = self.solve(e)
        known = sign(e, least)
        return sign(self.unfold(e), least) if known is None else known

    def equal(self, a: Expr, b: Expr) -> bool:
        return a == b or difference(self.unfold(a), self.unfold(b)) == 0


def difference(a: Expr, b: Expr) -> Expr:
    return expanded(a - b)


def settle_agreements(build: Build) -> None:
    """Every pair of extents that had to agree: proved, refused, or required of the inputs."""
    facts = Facts(build)
    again = True
    while again:  # solving one unknown may let another pair be solved
        again = False
        waiting, build.agreements = build.agreements, []
        for a in waiting:
            before = len(build.solved)
            left, right = facts.solve(a.left), facts.solve(a.right)
            unify(build, left, right, a.message, a.mend, a.node, a.scope, a.called)
            again = again or len(build.solved) > before
    for a in build.agreements:
        _decide_agreement(a, facts)
    build.agreements = []


def _decide_agreement(a: Agreement, facts: Facts) -> None:
    left, right = facts.solve(a.left), facts.solve(a.right)
    if facts.equal(left, right):
        return
    gap = difference(facts.unfold(left), facts.unfold(right))
    inputs_differ = isinstance(left, Size) and isinstance(right, Size) and not _is_derived(left, right, facts)
    if gap.is_Integer or inputs_differ:
        raise a.scope.error(a.message.format(left=left, right=right), a.node, a.mend)
    _require(facts.build, Compare("==", left, right))


def _is_derived(left: Expr, right: Expr, facts: Facts) -> bool:
    return left in facts.derived or right in facts.derived


def _require(build: Build, condition: Expr) -> None:
    if condition not in build.requirements:
        build.requirements.append(condition)


# ------------------------------------------------------------------------------ corners


def corners(e: Expr, bounds: Iterable[Bound], facts: Facts) -> list[Expr] | None:
    """The values among which e is least over its letters' ranges; None if it may be less elsewhere."""
    e = facts.solve(e)
    ranges: dict[Expr, tuple[Expr, Expr]] = {}
    points = _without_absolutes(_remainders_as_letters(e, ranges))
    if not all(monotone(p) for p in points):
        return None
    by_letter = {b.letter: b for b in bounds}
    while any(free_letters(p) for p in points):
        letter = _innermost({s.name: s for p in points for s in free_letters(p)}, by_letter)
        if letter not in ranges:
            bound = by_letter.get(letter)
            if bound is None or bound.lo is None or bound.hi is None or letter in free_letters(bound.hi):
                return None
            ranges[letter] = (facts.solve(bound.lo), facts.solve(bound.hi) - 1)
        points = list(dict.fromkeys(q for p in points for q in _least(p, letter, *ranges[letter])))
        if len(points) > CORNERS:
            return None
    return points


def _innermost(letters: dict[str, Letter], by_letter: dict[Letter, Bound]) -> Letter:
    """A letter on which the range of no other one depends."""
    inside = {s for a in letters.values() if a in by_letter for s in _range_letters(by_letter[a])}
    free = [a for name, a in sorted(letters.items()) if a not in inside]
    return free[0] if free else letters[min(letters)]


def _range_letters(bound: Bound) -> set[Letter]:
    return {s for end in (bound.lo, bound.hi) if end is not None for s in free_letters(end)}


def _least(e: Expr, letter: Letter, low: Expr, high: Expr) -> list[Expr]:
    """e at the end of the letter's range where it is least; at both where that is not known."""
    if letter not in free_letters(e):
        return [e]
    slope = e.coeff(letter, 1) if _affine(expanded(e)) else None
    known = sign(slope) if slope is not None and not free_letters(slope) else None
    if known == 1:
        return [e.xreplace({letter: low})]
    if known == -1:
        return [e.xreplace({letter: high})]
    return [e.xreplace({letter: low}), e.xreplace({letter: high})]


def _remainders_as_letters(index: Expr, ranges: dict[Expr, tuple[Expr, Expr]]) -> Expr:
    """``e % m`` lies in [0, m): a letter of its own."""
    found = [n for n in walk(index) if isinstance(n, Modulo) and free_letters(n)]
    mapping = {}
    for n, remainder in zip(itertools.count(), found):
        letter = Letter(f"?r{n}")
        ranges[letter] = (Integer(0), remainder.args[1] - 1)
        mapping[remainder] = letter
    return index.xreplace(mapping) if mapping else index


def _without_absolutes(e: Expr) -> list[Expr]:
    """``r − |a|`` is the lesser of r − a and r + a; ``r + |a|`` is r at least."""
    for term in Add.make_args(e):
        factor, rest = term.as_coeff_Mul()
        if type(rest).__name__ == "abs" and free_letters(rest):
            others, a = e - term, rest.args[0]
            ends = [others] if factor.is_positive else [others + factor * a, others - factor * a]
            return [p for end in ends for p in _without_absolutes(end)]
    return [e]


def monotone(e: Expr) -> bool:
    """Whether e is monotone in each of its letters: affine, ``//`` by letter-free divisors, min and max."""
    if isinstance(e, Letter) or not free_letters(e):
        return True
    if e.is_Add:
        shared = [free_letters(a) for a in e.args]
        apart = all(not (a & b) for a, b in itertools.combinations(shared, 2))
        return all(monotone(a) for a in e.args) and (apart or all(_affine(a) for a in e.args))
    if e.is_Mul:
        return sum(bool(free_letters(a)) for a in e.args) == 1 and all(monotone(a) for a in e.args)
    if isinstance(e, FloorDiv):
        return not free_letters(e.args[1]) and monotone(e.args[0])
    return type(e).__name__ in ("max", "min") and all(monotone(a) for a in e.args)


def _affine(e: Expr) -> bool:
    if isinstance(e, Letter) or not free_letters(e):
        return True
    return (e.is_Mul or e.is_Add) and all(_affine(a) for a in e.args)


def settle_checks(build: Build) -> None:
    """Every index that stands outside a reduction of its letters: proved in range, refused, or required."""
    facts = Facts(build)
    for check in build.checks:
        _decide_check(check, facts)
    for bound, (lo, hi), around, node, scope in build.fits:
        _decide_fit(bound, lo, hi, around, node, scope, facts)
    build.checks, build.fits = [], []


def _decide_check(check: RangeCheck, facts: Facts) -> None:
    lo = Integer(check.slot.origin - check.slot.below)
    hi = facts.solve(check.slot.hi)
    below = corners(check.index - lo, check.bounds, facts)
    above = corners(hi - 1 - check.index, check.bounds, facts)
    if below is None or above is None:
        mend = "guard it: padded(x[…], value), or where(condition, x[…], value)"
        raise check.scope.error(f"cannot tell whether the index {check.index} is in range", check.node, mend)
    for gap in below:
        _decide(gap, Compare("<=", lo, gap + lo), check, facts)
    for gap in above:
        _decide(gap, Compare("<", hi - 1 - gap, hi), check, facts)


def _decide(gap: Expr, condition: Expr, check: RangeCheck, facts: Facts) -> None:
    known = facts.sign(gap)
    if known == 1:
        return
    if known == -1:
        extent = facts.solve(check.slot.extent)
        mend = "guard it: padded(x[…], 0), or state a smaller range on the left side"
        if check.recurrent:
            mend = f"give the step before the first: {check.recurrent}[-1] = …"
        message = f"the index {check.index} is read out of range: the axis has extent {extent}"
        raise check.scope.error(message, check.node, mend)
    require_unless_empty(condition, check.bounds, check.index, facts)


def require_unless_empty(condition: Expr, bounds: Iterable[Bound], index: Expr, facts: Facts) -> None:
    """The inputs must satisfy a condition, unless a letter of the index has no values."""
    letters = free_letters(index)
    empty = []
    for bound in bounds:
        if bound.letter in letters and bound.lo is not None and bound.hi is not None:
            lo, hi = facts.unfold(bound.lo), facts.unfold(bound.hi)
            if not free_letters(lo) and not free_letters(hi) and not (hi - lo).is_Integer:
                empty.append(Compare("<=", hi, lo))
    _require(facts.build, Logic("or", *empty, condition) if empty else condition)


def _decide_fit(
    bound: Bound, lo: Expr, hi: Expr, around: tuple[Bound, ...], node: ast.AST, scope: Scope, facts: Facts
) -> None:
    """A stated range must lie within the axis it is read on."""
    assert bound.lo is not None and bound.hi is not None
    lo, hi = facts.solve(lo), facts.solve(hi)
    others = [b for b in around if b is not bound]
    lows = corners(bound.lo - lo, others, facts)
    highs = corners(hi - bound.hi, others, facts)
    if lows is None or highs is None:
        mend = f"bind it bare and filter: {bound.letter}, {bound.lo} <= {bound.letter}, {bound.letter} < {bound.hi}"
        raise scope.error(f"cannot tell whether {bound.letter} stays in its axis", node, mend)
    gaps = [(gap, Compare("<=", lo, gap + lo)) for gap in lows]
    gaps += [(gap, Compare("<=", hi - gap, hi)) for gap in highs]
    for gap, c in gaps:
        known = facts.sign(gap)
        if known == -1:
            message = f"the letter {bound.letter} runs up to {bound.hi}, but the axis it reads has extent {hi - lo}"
            raise scope.error(message, node, "state a range that fits, or read it under a guard: padded(x[…], 0)")
        if known is None:
            inside = facts.solve(bound.lo) + facts.solve(bound.hi)
            require_unless_empty(c, others, inside, facts)


def prove(gap: Expr, binds: Iterable[Bind], facts: Facts) -> bool:
    """Whether ``gap >= 0`` for every value of the bound letters."""
    if any(True for _ in reads(gap)) or any(isinstance(n, (Where, Hyper)) for n in walk(gap)):
        return False
    points = corners(gap, [Bound(e.letter, e.lo, e.hi, ast.Pass()) for e in binds], facts)
    return points is not None and all(facts.sign(p, least=0) == 1 for p in points)
