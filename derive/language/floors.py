"""Whole-number facts: ``//`` brought to one form, signs of extents proved."""

from __future__ import annotations

from math import prod

from sympy import Add, Expr, Integer, expand

from derive.program import FloorDiv, Hyper, Letter, Modulo, Size, Where, rebuild, walk

TERMS = 500


def expanded(e: Expr) -> Expr:
    """e multiplied out, unless that makes too many terms."""
    return expand(e) if _terms(e) <= TERMS else e


def _terms(e: Expr) -> int:
    """About how many terms e has when multiplied out."""
    if e.is_Add:
        return min(sum(_terms(a) for a in e.args), TERMS + 1)
    if e.is_Mul:
        return min(prod(_terms(a) for a in e.args), TERMS + 1)
    if e.is_Pow and e.args[1].is_Integer and e.args[1] > 1:
        base = _terms(e.args[0])
        return 1 if base == 1 else TERMS + 1 if e.args[1] > 8 else min(base ** int(e.args[1]), TERMS + 1)
    return 1


def tidy(e: Expr) -> Expr:
    """``(a + k·b)//b → a//b + k`` and ``(a//b)//c → a//(b·c)``, for literal b, c > 0."""
    if not any(isinstance(n, FloorDiv) for n in walk(e)):
        return e
    return expanded(rebuild(e, _tidy))


def _tidy(e: Expr) -> Expr:
    if not isinstance(e, FloorDiv):
        return e
    a, b = expanded(e.args[0]), e.args[1]
    if not (b.is_Integer and b > 0):
        return e
    if isinstance(a, FloorDiv) and a.args[1].is_Integer and a.args[1] > 0:
        return _tidy(FloorDiv(a.args[0], a.args[1] * b))
    whole, rest = Integer(0), Integer(0)
    for term in a.args if a.is_Add else (a,):
        coefficient, factor = term.as_coeff_Mul()
        if coefficient.is_Integer:
            quotient, remainder = divmod(int(coefficient), int(b))
            if factor != 1 and remainder:
                quotient, remainder = 0, int(coefficient)
            whole, rest = whole + quotient * factor, rest + remainder * factor
        else:
            rest = rest + term
    return FloorDiv(rest, b) + whole


def sign(e: Expr, least: int = 1) -> int | None:
    """1: certainly ≥ 0; −1: certainly < 0; None: unknown.  Sizes are at least ``least``."""
    e = expanded(e)
    for term in Add.make_args(e):
        factor, choice = term.as_coeff_Mul()
        if type(choice).__name__ in ("min", "max"):
            lesser = (type(choice).__name__ == "min") == (factor > 0)
            return _sign_of_choice([sign(e - term + factor * a, least) for a in choice.args], lesser)
    known = _linear_sign(e, least)
    if known is None and any(isinstance(n, FloorDiv) for n in walk(e)):
        lower = _bound(e, 1)
        if lower is not None and _linear_sign(lower, least) == 1:
            return 1
        upper = _bound(-e, 1)
        if upper is not None and _linear_sign(expanded(upper - 1), least) == 1:
            return -1
    return known


def _sign_of_choice(signs: list[int | None], lesser: bool) -> int | None:
    """The sign of the lesser (or the greater) of values whose signs are these."""
    one_decides, all_decide = (-1, 1) if lesser else (1, -1)
    if one_decides in signs:
        return one_decides
    return all_decide if all(s == all_decide for s in signs) else None


def _bound(e: Expr, depth: int) -> Expr | None:
    """A lower bound of e without //: ``a − b + 1 ≤ b·(a//b) ≤ a``."""
    for n in [t for t in walk(e) if isinstance(t, FloorDiv)]:
        a, b = n.args
        coefficient = e.coeff(n, 1)
        if not (b.is_Integer and b > 0 and coefficient.is_Rational) or (e - coefficient * n).has(n):
            continue
        replaced = expanded(e - coefficient * n + coefficient * (a if coefficient < 0 else a - b + 1) / b)
        if not any(isinstance(t, FloorDiv) for t in walk(replaced)):
            return replaced
        return _bound(replaced, depth + 1) if depth < 8 else None
    return None


def _linear_sign(e: Expr, least: int) -> int | None:
    if e.is_Rational:
        return 1 if e >= 0 else -1
    terms = e.args if e.is_Add else (e,)
    constant = sum((t for t in terms if t.is_Rational), Integer(0))
    others = [t for t in terms if not t.is_Rational]
    if all(_nonnegative(t) for t in others):
        floor = constant + least * sum((t.as_coeff_Mul()[0] for t in others if _positive(t)), Integer(0))
        return 1 if floor >= 0 else None
    if all(_nonnegative(-t) for t in others):
        ceiling = constant - least * sum(((-t).as_coeff_Mul()[0] for t in others if _positive(-t)), Integer(0))
        return -1 if ceiling < 0 else None
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


def integer_valued(e: Expr) -> bool:
    """Whether an expression without reads is a whole number by its form."""
    if e.is_Integer or isinstance(e, (Size, Letter, FloorDiv, Modulo)):
        return True
    if isinstance(e, Hyper):
        return bool(e.is_integer)
    if isinstance(e, Where):
        return integer_valued(e.args[1]) and integer_valued(e.args[2])
    name = type(e).__name__
    if name in ("floor", "ceil"):
        return True
    if e.is_Add or e.is_Mul or name in ("max", "min", "abs"):
        return all(integer_valued(a) for a in e.args)
    if e.is_Pow:
        return integer_valued(e.args[0]) and bool(e.args[1].is_Integer and e.args[1] >= 0)
    return False
