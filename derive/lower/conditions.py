"""Conditions on a loop's letter: decided, split into ``if``, and what they then say of the letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Add, Basic, Expr

from derive.calculus import affine
from derive.lower.points import NEUTRAL, conjuncts
from derive.lower.ranges import decide, nonnegative
from derive.lower.scope import Scope
from derive.program import Compare, Letter, Logic, Piece, Read, Reduce, Truth, Where, rebuild, substitute, walk

Span = tuple[Expr, Expr]


def all_of(conditions: Sequence[Basic]) -> Basic:
    """One condition, or their ``and``."""
    return conditions[0] if len(conditions) == 1 else Logic("and", *conditions)


def tidy(condition: Basic) -> Basic:
    """``t + 1 < T + 1`` as ``t < T``."""
    if not isinstance(condition, Compare) or condition.has(Read):
        return condition
    terms = Add.make_args((condition.args[2] - condition.args[1]).expand())
    left = Add(*(-x for x in terms if x.as_coeff_Mul()[0].is_negative))
    return Compare(condition.op, left, Add(*(x for x in terms if not x.as_coeff_Mul()[0].is_negative)))


def number_conditions(e: Basic, scope: Scope) -> list[Basic]:
    """Conditions of guards and filters that are about Python numbers alone."""
    found: dict[Basic, None] = {}
    for n in walk(e):
        conditions: tuple[Basic, ...] = ()
        if isinstance(n, Where):
            conditions = conjuncts(n.args[0])
        elif isinstance(n, Reduce):
            conditions = tuple(c for f in n.filters for c in conjuncts(f))
        found.update(dict.fromkeys(c for c in conditions if scope.is_number(c) and not isinstance(c, Truth)))
    return list(found)


def assuming(piece: Piece, condition: Basic, truth: bool) -> Piece:
    """The piece where the condition is known."""
    opposite = affine.negate(condition)

    def settle(e: Basic) -> Basic:
        if e in (condition, opposite):
            return Truth(truth if e == condition else not truth)
        if isinstance(e, Logic) and e.op == "and":
            left = [c for c in e.conditions if c != Truth(True)]
            return Truth(False) if Truth(False) in left else (all_of(left) if left else Truth(True))
        if isinstance(e, Where) and isinstance(e.args[0], Truth):
            return e.args[1] if e.args[0] else e.args[2]
        if isinstance(e, Reduce):
            if Truth(False) in e.filters and e.op in NEUTRAL and not e.op.startswith("arg"):
                return NEUTRAL[e.op]
            return Reduce(e.op, [f for f in e.entries if f != Truth(True)], e.body)
        return e

    return replace(piece, rhs=rebuild(piece.rhs, settle))


def decided(condition: Basic, letter: Letter, span: Span) -> bool | None:
    """Whether the condition holds for every, or for no, point of the range; None if that depends."""
    if (span[1] - span[0] - 1).expand() == 0:
        condition = substitute(condition, {letter: span[0]})
    return decide(condition, {letter: span})


def narrowed(span: Span, letter: Letter, condition: Basic, truth: bool) -> Span:
    """The letter's range where the condition is known to hold, or known not to."""
    if isinstance(condition, Logic) and condition.op == "and" and truth:
        for c in condition.conditions:
            span = narrowed(span, letter, c, True)
        return span
    if not isinstance(condition, Compare) or condition.has(Read) or (span[1] - span[0] - 1).expand() == 0:
        return span
    difference = affine.polynomial(condition.args[2] - condition.args[1])
    if condition.op in ("==", "!="):
        return _at_or_off(span, letter, difference, (condition.op == "==") == truth)
    if condition.op == "<":
        difference = affine.subtract(difference, affine.ONE)
    if not truth:
        difference = affine.subtract(affine.scale(difference, -1), affine.ONE)
    return _where_nonnegative(span, letter, difference)


def _where_nonnegative(span: Span, letter: Letter, a: affine.Polynomial) -> Span:
    """The range where a ≥ 0 and a is ±letter + rest."""
    halves = affine.split(a, letter)
    step = affine.constant(halves[0]) if halves else None
    if halves is None or step not in (1, -1):
        return span
    rest = affine.expression(halves[1])
    bound = -rest if step == 1 else rest + 1
    closer = bound - span[0] if step == 1 else span[1] - bound
    if not nonnegative(closer, {}):
        return span
    return (bound, span[1]) if step == 1 else (span[0], bound)


def _at_or_off(span: Span, letter: Letter, difference: affine.Polynomial, equal: bool) -> Span:
    """The range where the letter is, or is not, the one place."""
    halves = affine.split(difference, letter)
    step = affine.constant(halves[0]) if halves else None
    if halves is None or step not in (1, -1):
        return span
    place = affine.expression(affine.scale(halves[1], -int(step)))
    if equal:
        return place, place + 1
    if (span[1] - place - 1).expand() == 0:
        return span[0], place
    return (place + 1, span[1]) if (span[0] - place).expand() == 0 else span
