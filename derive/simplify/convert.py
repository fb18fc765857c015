"""Expressions into polynomials over atoms."""

from __future__ import annotations

from fractions import Fraction

from sympy import Add, Basic, Function, Mul, Pow, Rational, Symbol, exp

from derive.program import Bind, Read, Reduce, Where
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import ONE, Polynomial, plain
from derive.simplify.sums import sum_over


class Converter:
    """to_polynomial, remembered for every expression met."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.known: dict[Basic, Polynomial] = {}

    def __call__(self, e: Basic) -> Polynomial:
        """The normal form of e: multiplied out, guards as factors, sums split and canonical."""
        known = self.known.get(e)
        if known is None:
            known = self.known[e] = self._convert(e)
        return known

    def _convert(self, e: Basic) -> Polynomial:
        algebra = self.algebra
        if isinstance(e, Rational):
            return {(): Fraction(int(e.p), int(e.q))} if e.p else {}
        if isinstance(e, Symbol):
            return algebra.symbol(e)
        if isinstance(e, Read):
            return algebra.read(e.tensor, *e.indices)
        if isinstance(e, Add):
            return algebra.plus(*map(self, e.args))
        if isinstance(e, Mul):
            return self._product(e)
        if isinstance(e, Pow):
            return self._power(e)
        if isinstance(e, Where):
            return self._where(e)
        if isinstance(e, Reduce) and e.op in ("sum", "count"):
            return self._sum(e)
        if isinstance(e, Function):
            return algebra.call(exp if isinstance(e, exp) else type(e), *map(self, e.args))
        return algebra.opaque(e)

    def _product(self, e: Mul) -> Polynomial:
        result: Polynomial = {(): ONE}
        for factor in e.args:
            result = self.algebra.times(result, self(factor))
        return result

    def _power(self, e: Pow) -> Polynomial:
        if not isinstance(e.exp, Rational):
            return self.algebra.call(Pow, self(e.base), self(e.exp))
        q = plain(Fraction(int(e.exp.p), int(e.exp.q)))
        if isinstance(e.base, Rational) and e.base > 0 and not isinstance(q, int):
            return self.algebra.root(Fraction(int(e.base.p), int(e.base.q)), q)
        return self.algebra.power(self(e.base), q)

    def _where(self, e: Where) -> Polynomial:
        condition, then, otherwise = e.args
        algebra = self.algebra
        no = self(otherwise)
        if not no:
            return algebra.times(algebra.guard(condition), self(then))
        yes, opposite = algebra.either(condition)
        return algebra.plus(algebra.times(yes, self(then)), algebra.times(opposite, no))

    def _sum(self, e: Reduce) -> Polynomial:
        algebra = self.algebra
        binds = tuple((x.letter, x.lo, x.hi) for x in e.entries if isinstance(x, Bind))
        for letter, lo, hi in binds:
            algebra.scope[letter] = (lo, hi)
        body = self(e.body)
        for condition in e.filters:
            body = algebra.times(algebra.guard(condition), body)
        return sum_over(algebra, binds, body)
