"""Masks kept narrow: ``where(c[n], a[n]·x[n, k], 0)`` is ``where(c[n], a[n], 0)·x[n, k]``, one pass over x.

Only factors that are finite whenever what is read is may leave a mask: ∞·0 is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Basic, Expr, Integer, Mul, Pow, exp, log

from derive.lower.points import conjuncts, factors_of
from derive.lower.reads import stays
from derive.lower.scope import Scope
from derive.program import Compare, Letter, Logic, Read, Reduce, Where, reads, walk

Term = tuple[tuple[Basic, ...], Expr, Expr]


def may_be_infinite(e: Basic) -> bool:
    """Whether e divides by, or takes the exponential or the logarithm of, something that is read."""
    return any(
        (isinstance(n, (log, exp)) or (isinstance(n, Pow) and not (n.exp.is_Rational and n.exp > 0)))
        and any(True for _ in reads(n))
        for n in walk(e)
    )


def narrowed(e: Expr, scope: Scope) -> Expr | None:
    """A sum, or one term, with its masks over as few letters as their conditions have; None if nothing is gained."""
    kept: list[Expr] = []
    sums: dict[Expr, list[Expr]] = {}
    for term in Add.make_args(e):
        parts = _terms(term, (), scope) if term.has(Where) else None
        if parts is None or not all(conditions for conditions, _, _ in parts):
            kept.append(term)
            continue
        for conditions, narrow, wide in parts:
            sums.setdefault(wide, []).append(Where(_all_of(conditions), narrow, Integer(0)))
    if not any(wide != 1 for wide in sums):
        return None
    return Add(*kept, *(Mul(wide, Add(*merged(terms))) for wide, terms in sums.items()))


def merged(terms: Sequence[Expr]) -> list[Expr]:
    """``where(c, a, 0) + where(d, a, 0)`` for c and d that exclude each other as ``where(c or d, a, 0)``."""
    out: list[Expr] = []
    for t in terms:
        k = next((k for k, s in enumerate(out) if _alike(s, t)), None)
        if k is None:
            out.append(t)
        else:
            first = out[k]
            out[k] = Where(Logic("or", first.args[0], t.args[0]), t.args[1], Integer(0))
    return out


def _alike(a: Expr, b: Expr) -> bool:
    """Whether both are masks of one value with conditions that exclude each other."""
    if not (isinstance(a, Where) and isinstance(b, Where)) or a.args[1:] != b.args[1:] or a.args[2] != 0:
        return False
    ours, theirs = conjuncts(a.args[0]), conjuncts(b.args[0])
    return any(Logic("not", c) in theirs for c in ours) or any(Logic("not", c) in ours for c in theirs)


def _terms(e: Expr, conditions: tuple[Basic, ...], scope: Scope) -> list[Term] | None:
    """e as masked narrow factors times wide ones; None if a wide one may not leave its mask."""
    if isinstance(e, Add):
        found = [_terms(t, conditions, scope) for t in e.args]
        return None if any(f is None for f in found) else [t for f in found if f is not None for t in f]
    factors = factors_of(e)
    for f in factors:
        if isinstance(f, Where) and f.args[2] == 0:
            rest = Mul(*(g for g in factors if g is not f), f.args[1])
            return _terms(rest, (*conditions, *conjuncts(f.args[0])), scope)
    letters = set(scope.letters_of(_all_of(conditions))) if conditions else set()
    wide = [f for f in factors if not set(scope.letters_of(f)) <= letters]
    narrow = Mul(*(f for f in factors if f not in wide))
    if any(may_be_infinite(f) or not _everywhere(f, scope) for f in wide) or (wide and not scope.letters_of(narrow)):
        return None
    return [(conditions, narrow, Mul(*wide))]


def _everywhere(e: Expr, scope: Scope) -> bool:
    """Whether e may be read where no condition holds: at bare letters, whose ranges are stored."""
    if any(isinstance(n, (Reduce, Where, Compare)) for n in walk(e)):
        return False
    if any(r.tensor in scope.given for r in reads(e)):
        return False
    return all(
        isinstance(i, Letter) and stays(i, part, scope)
        for r in reads(e)
        if r.tensor not in scope.numbers
        for i, part in zip(r.indices, scope.tensors[r.tensor].parts, strict=True)
    )


def _all_of(conditions: Sequence[Basic]) -> Basic:
    unique = tuple(dict.fromkeys(conditions))
    return unique[0] if len(unique) == 1 else Logic("and", *unique)


def clipped(e: Where, scope: Scope) -> tuple[Expr, Expr | None, Expr | None] | None:
    """``where(x ≤ a, f(a), where(b ≤ x, f(b), f(x)))`` with f rising as (f(x), f(a), f(b)): f(x) between the two.

    One bound alone is as good; the other is None.
    """
    found = _pieces(e, scope)
    if found is None:
        return None
    x, bounds, f = found
    slope = f.coeff(x, 1)
    rest = (f - slope * x).expand()
    if rest.has(x) or not (slope.is_number and slope > 0) or not scope.is_number(rest):
        return None
    if any((slope * at + rest - value).expand() != 0 for at, value in bounds.values()):
        return None
    low, high = (bounds[side][1] if side in bounds else None for side in (True, False))
    return f, low, high


def _pieces(e: Where, scope: Scope) -> tuple[Read, dict[bool, tuple[Expr, Expr]], Expr] | None:
    """What is read; by side, below or above, a bound and the value beyond it, below first; the value between."""
    first = _bound(e.args[0], scope)
    if first is None:
        return None
    x, at, below = first
    bounds, f = {below: (at, e.args[1])}, e.args[2]
    second = _bound(f.args[0], scope) if isinstance(f, Where) and below else None
    if second is not None and second[0] == x and not second[2]:
        bounds[False], f = (second[1], f.args[1]), f.args[2]
    return x, bounds, f


def _bound(c: Basic, scope: Scope) -> tuple[Read, Expr, bool] | None:
    """``x ≤ a`` or ``a ≤ x``, x read and a a number: x, a and whether values below a are meant."""
    if not isinstance(c, Compare) or c.op not in ("<", "<="):
        return None
    a, b = c.args[1:]
    if isinstance(a, Read) and scope.is_number(b) and not scope.is_number(a):
        return a, b, True
    if isinstance(b, Read) and scope.is_number(a) and not scope.is_number(b):
        return b, a, False
    return None
