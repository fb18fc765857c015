"""Extents that must be equal, indices that must be in range: solved, proved, or left as a requirement."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable

from sympy import Expr, Integer, expand

from derive.language.tables import Agreement, Bound, Build, RangeCheck, Scope, is_unknown
from derive.program import (
    Bind, Compare, FloorDiv, Hyper, Letter, Logic, Modulo, Size, Truth, Where, free_letters, reads, walk,
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
                return e
            e = self.solve(e.xreplace(known))
        return e

    def equal(self, a: Expr, b: Expr) -> bool:
        return a == b or difference(self.unfold(a), self.unfold(b)) == 0


def difference(a: Expr, b: Expr) -> Expr:
    return expand(a - b)


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
    if gap.is_Integer or (inputs_differ and not a.called):
        raise a.scope.error(a.message.format(left=left, right=right), a.node, a.mend)
    _require(facts.build, Compare("==", left, right))


def _is_derived(left: Expr, right: Expr, facts: Facts) -> bool:
    return left in facts.derived or right in facts.derived


def _require(build: Build, condition: Expr) -> None:
    if condition not in build.requirements:
        build.requirements.append(condition)


# ------------------------------------------------------------------------------ sign and corners


def sign(e: Expr) -> int | None:
    """1: certainly ≥ 0; −1: certainly < 0; None: unknown.  Sizes and letters' extents are at least 0."""
    e = expand(e)
    if e.is_Rational:
        return 1 if e >= 0 else -1
    terms = e.args if e.is_Add else (e,)
    constant = sum((t for t in terms if t.is_Rational), Integer(0))
    others = [t for t in terms if not t.is_Rational]
    if all(_nonnegative(t) for t in others):
        floor = constant + sum((t.as_coeff_Mul()[0] for t in others if _positive(t)), Integer(0))
        return 1 if floor >= 0 else None
    if all(_nonnegative(-t) for t in others) and constant < 0:
        return -1
    return None


def _positive(t: Expr) -> bool:
    """Whether a term is at least its coefficient: a product of sizes that are at least 1."""
    coefficient, rest = t.as_coeff_Mul()
    return coefficient > 0 and all(isinstance(f.as_base_exp()[0], Size) for f in rest.as_ordered_factors())


def _nonnegative(t: Expr) -> bool:
    coefficient, rest = t.as_coeff_Mul()
    if coefficient < 0:
        return False
    for factor in rest.as_ordered_factors() if rest != 1 else ():
        base, _ = factor.as_base_exp()
        if isinstance(base, (Size, Modulo)):
            continue
        if isinstance(base, FloorDiv) and sign(base.args[0]) == 1 and sign(base.args[1]) == 1:
            continue
        return False
    return True


def corners(index: Expr, bounds: Iterable[Bound], facts: Facts) -> list[Expr] | None:
    """The values of an index at the corners of its letters' ranges; None if its extremes may lie elsewhere."""
    index = facts.solve(index)
    ranges: dict[Expr, tuple[Expr, Expr]] = {}
    index = _remainders_as_letters(index, ranges)
    if not monotone(index):
        return None
    by_letter = {b.letter: b for b in bounds}
    pending = sorted(free_letters(index), key=lambda s: s.name)
    for letter in pending:
        if letter in ranges:
            continue
        bound = by_letter.get(letter)
        if bound is None or bound.lo is None or bound.hi is None:
            return None
        ranges[letter] = (facts.solve(bound.lo), facts.solve(bound.hi) - 1)
    points = [index]
    for letter in sorted(ranges, key=lambda s: s.name, reverse=True):
        ends = dict.fromkeys(ranges[letter])
        points = [p.xreplace({letter: e}) for p in points for e in ends]
        if len(points) > CORNERS:
            return None
    while any(free_letters(p) for p in points):  # ends that depend on other letters
        letter = sorted({s for p in points for s in free_letters(p)}, key=lambda s: s.name)[0]
        if letter not in by_letter or len(points) > CORNERS:
            return None
        bound = by_letter[letter]
        if bound.lo is None or bound.hi is None or letter in free_letters(bound.hi):
            return None
        ends = dict.fromkeys((facts.solve(bound.lo), facts.solve(bound.hi) - 1))
        points = [p.xreplace({letter: e}) for p in points for e in ends]
    return list(dict.fromkeys(facts.unfold(p) for p in points))


def _remainders_as_letters(index: Expr, ranges: dict[Expr, tuple[Expr, Expr]]) -> Expr:
    """``e % m`` lies in [0, m): a letter of its own."""
    found = [n for n in walk(index) if isinstance(n, Modulo) and free_letters(n)]
    mapping = {}
    for n, remainder in zip(itertools.count(), found):
        letter = Letter(f"?r{n}")
        ranges[letter] = (Integer(0), remainder.args[1] - 1)
        mapping[remainder] = letter
    return index.xreplace(mapping) if mapping else index


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
    hi = facts.unfold(check.slot.hi)
    points = corners(check.index, check.bounds, facts)
    if points is None:
        mend = "guard it: padded(x[…], value), or where(condition, x[…], value)"
        raise check.scope.error(f"cannot tell whether the index {check.index} is in range", check.node, mend)
    for point in points:
        for gap, c in ((point - lo, Compare("<=", lo, point)), (hi - 1 - point, Compare("<", point, hi))):
            _decide(gap, c, check, facts)


def _decide(gap: Expr, condition: Expr, check: RangeCheck, facts: Facts) -> None:
    known = sign(gap)
    if known == 1:
        return
    if known == -1:
        extent = facts.solve(check.slot.extent)
        mend = "guard it: padded(x[…], 0), or state a smaller range on the left side"
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
    lows = corners(bound.lo, others, facts)
    highs = corners(bound.hi, others, facts)
    if lows is None or highs is None:
        mend = f"bind it bare and filter: {bound.letter}, {bound.lo} <= {bound.letter}, {bound.letter} < {bound.hi}"
        raise scope.error(f"cannot tell whether {bound.letter} stays in its axis", node, mend)
    gaps = [(low - lo, Compare("<=", facts.unfold(lo), low)) for low in lows]
    gaps += [(facts.unfold(hi) - high, Compare("<=", high, facts.unfold(hi))) for high in highs]
    for gap, c in gaps:
        known = sign(gap)
        if known == -1:
            message = f"the letter {bound.letter} runs up to {bound.hi}, but the axis it reads has extent {hi - lo}"
            raise scope.error(message, node, "state a range that fits, or read it under a guard: padded(x[…], 0)")
        if known is None:
            inside = facts.solve(bound.lo) + facts.solve(bound.hi)
            require_unless_empty(c, others, inside, facts)


def prove(condition: Expr, binds: Iterable[Bind], facts: Facts) -> bool:
    """Whether ``a <= b`` or ``a < b`` holds for every value of the bound letters."""
    if not isinstance(condition, Compare) or condition.op not in ("<", "<="):
        return False
    a, b = condition.args[1:]
    gap = b - a - (1 if condition.op == "<" else 0)
    if any(True for _ in reads(gap)) or any(isinstance(n, (Where, Hyper)) for n in walk(gap)):
        return False
    bounds = [Bound(e.letter, e.lo, e.hi, ast.Pass()) for e in binds]
    points = corners(gap, bounds, facts)
    return points is not None and all(sign(p) == 1 for p in points)


def true(condition: Expr) -> bool:
    return isinstance(condition, Truth) and bool(condition)
