"""Identities decided by arithmetic: an expression is 0 when the numerator of its common fraction expands to 0."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Add, Basic, Dummy, Expr, Integer, Mul, Pow, Symbol, expand, fraction, together

from derive.program import Hyper, Read, walk

#: A heuristic: an expression of more nodes than this is not decided, and its theorem not told.
BUDGET = 400

ZERO, ONE = Integer(0), Integer(1)


def vanishes(e: Expr) -> bool:
    """Whether e is identically 0, by expansion over a common denominator."""
    if sum(1 for _ in walk(e)) > BUDGET:
        return e == 0
    e = flat(e)
    if e == 0 or expand(e) == 0:
        return True
    e = expand(e)
    if not any(isinstance(n, Pow) and n.exp.could_extract_minus_sign() for n in walk(e)):
        return False
    return bool(expand(fraction(together(e))[0]) == 0)


def flat(e: Expr) -> Expr:
    """The expression over plain symbols, where SymPy's arithmetic is quickest.

    Hyperparameters, and the bases of powers that move with the step, are taken to be positive: an identity of
    rational functions that holds there holds wherever both sides have a value.
    """
    names: dict[Basic, Symbol] = {}
    for n in walk(e):
        if isinstance(n, Read):
            names.setdefault(n, Dummy(n.tensor, real=True))
        elif isinstance(n, Hyper):
            names.setdefault(n, Dummy(n.name, positive=True))
    bases = [n.base for n in walk(e) if isinstance(n, Pow) and not n.exp.is_number and isinstance(n.base, Add)]
    e = e.xreplace({b: Dummy("base", positive=True) for b in dict.fromkeys(bases)})
    return e.xreplace(names)


def linear_in(e: Expr, unknowns: Iterable[Basic]) -> tuple[dict[Basic, Expr], Expr] | None:
    """(coefficients, rest) of ``e = Σ coefficient · unknown + rest``, or None if e is not so."""
    unknowns = tuple(unknowns)
    names = {u: Dummy(f"x{n}", real=True) for n, u in enumerate(unknowns)}
    coefficients: dict[Basic, list[Expr]] = {u: [] for u in unknowns}
    back = {v: u for u, v in names.items()}
    rest: list[Expr] = []
    renamed = e.xreplace(names)
    for term in Add.make_args(_spread(renamed, frozenset(back))):
        held = [f for f in Mul.make_args(term) if f.free_symbols & back.keys()]
        if not held:
            rest.append(term)
        elif len(held) == 1 and held[0] in back:
            coefficients[back[held[0]]].append(Mul(*(f for f in Mul.make_args(term) if f != held[0])))
        else:
            return None
    return {u: Add(*c) for u, c in coefficients.items()}, Add(*rest)


def _spread(e: Expr, unknowns: frozenset[Basic]) -> Expr:
    """Products multiplied out, but only those whose sums hold an unknown: (1 − β)·g stays as it is written."""
    if isinstance(e, Add):
        return Add(*(_spread(a, unknowns) for a in e.args))
    if not isinstance(e, Mul):
        return e
    factors = [_spread(f, unknowns) if isinstance(f, Mul) else f for f in e.args]
    for n, f in enumerate(factors):
        if isinstance(f, Add) and f.free_symbols & unknowns:
            others = [*factors[:n], *factors[n + 1 :]]
            return Add(*(_spread(Mul(*others, term), unknowns) for term in f.args))
    return e


def cancelled(e: Expr) -> Expr:
    """Common factors of a quotient taken out, its form kept otherwise."""
    factors = Mul.make_args(e)
    tops = [f for f in factors if not (isinstance(f, Pow) and f.exp == -1)]
    bottoms = [f.base for f in factors if isinstance(f, Pow) and f.exp == -1]
    for f in list(tops):
        mate = next((b for b in bottoms if expand(b - f) == 0), None)
        if mate is not None:
            tops.remove(f)
            bottoms.remove(mate)
    return Mul(*tops, *(1 / b for b in bottoms))


def split_factors(e: Expr, keep: Iterable[type]) -> tuple[Expr, Expr]:
    """(factors free of these node types, the others)."""
    kinds = tuple(keep)
    free: list[Expr] = []
    held: list[Expr] = []
    for f in Mul.make_args(e):
        (held if any(isinstance(n, kinds) for n in walk(f)) else free).append(f)
    return Mul(*free), Mul(*held)
