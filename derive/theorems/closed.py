"""m[t] = a·m[t − 1] + c[t]  ⇒  m[t] = aᵗ·m[0] + Σ s ≤ t  aᵗ⁻ˢ·c[s], proved by induction on t."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sympy import Basic, Expr, Integer, Mul, Symbol, fraction, together

from derive.program import Bind, Letter, Read, Reduce, walk
from derive.theorems.algebra import ONE, ZERO, cancelled, linear_in, split_factors, vanishes
from derive.theorems.rule import Equation, Rule
from derive.theorems.theorem import Claim, Said, Theorem, say


@dataclass(frozen=True)
class Linear:
    """A state's recurrence ``a·before + gain·drive``, a free of the state; ``start`` is its value at 0.

    ``first``: what the first step gives instead, None if nothing special.
    """

    equation: Equation
    a: Expr
    gain: Expr
    drive: Expr
    start: Expr
    first: Expr | None

    @property
    def added(self) -> Expr:
        """What a step adds."""
        return self.gain * self.drive

    @property
    def begins(self) -> int:
        """The first step that the sum runs over."""
        return 1 if self.first is None else 2

    @property
    def steady(self) -> bool:
        """Whether every step shrinks the state alike."""
        return not moves(self.a, self.equation.t)

    def kept(self, s: Expr) -> Expr:
        """What is left at step t of the state at step s: a^(t − s), or the product of every step's a since."""
        t = self.equation.t
        if self.steady:
            return self.a ** (t - s)
        top, bottom = fraction(together(self.a))
        if vanishes(top - bottom.xreplace({t: t - 1})) and not any(isinstance(n, Read) for n in walk(self.a)):
            return bottom.xreplace({t: s}) / bottom  # a[t] = q[t − 1]/q[t]: the product telescopes
        r = Letter("r")
        return Reduce("prod", (Bind(r, s + 1, t + 1),), self.a.xreplace({t: r}))

    def weighted(self, s: Letter) -> Expr:
        """gain · Σ s ≤ t  kept(s) · drive[s]."""
        t = self.equation.t
        body = self.kept(s) * self.drive.xreplace({t: s})
        shared, inside = self.gain, body
        if not self.steady:
            shared, inside = _out_of_sum(cancelled(self.gain.xreplace({t: s}) * body), s)
        return shared * Reduce("sum", (Bind(s, Integer(self.begins), t + 1),), inside)

    def before_sum(self) -> Expr:
        """What the past before the sum contributes at step t."""
        begin, value = (ZERO, self.start) if self.first is None else (ONE, self.first)
        return value * self.kept(begin) if value != 0 else ZERO


def linear_states(rule: Rule) -> Iterator[Linear]:
    """Every state whose recurrence is linear in it with a constant coefficient."""
    for name in rule.states:
        found = linear(rule, rule.equations[name])
        if found is not None:
            yield found


def linear(rule: Rule, equation: Equation) -> Linear | None:
    """The state's recurrence, if it is linear in the state with a coefficient that does not move."""
    parts = linear_in(equation.body, [equation.before])
    if parts is None or equation.base is None:
        return None
    a, added = parts[0][equation.before], parts[1]
    if a == 0 or any(isinstance(n, Read) and n.tensor == equation.name for e in (a, added) for n in walk(e)):
        return None
    if any(isinstance(n, Letter) and n != equation.t and n in equation.indices for n in free_of_reads(a)):
        return None
    gain, drive = split_factors(added, (Read, Letter))
    first = equation.first
    if first is not None and _same_without_first(equation, a, first, added):
        first = None
    return Linear(equation, a, gain, drive, equation.base, first)


def _same_without_first(equation: Equation, a: Expr, first: Expr, added: Expr) -> bool:
    """Whether the first step's own equation says what the others say."""
    return vanishes(first - a * equation.base - added.xreplace({equation.t: Integer(1)}))


def moves(e: Expr, t: Letter) -> bool:
    """Whether a value reads a tensor or the step."""
    return any(isinstance(n, Read) or n == t for n in walk(e))


def free_of_reads(e: Expr) -> Iterator[Basic]:
    """The nodes of an expression outside of its reads' indices."""
    if not isinstance(e, Read):
        yield e
        for a in e.args:
            yield from free_of_reads(a)


def _out_of_sum(e: Expr, s: Letter) -> tuple[Expr, Expr]:
    """(factors without the letter, the others)."""
    factors = Mul.make_args(e)
    free = [f for f in factors if not any(n == s for n in walk(f))]
    return Mul(*free), Mul(*(f for f in factors if f not in free))


def closed_form(found: Linear, s: Letter) -> Expr:
    """The state at step t as a weighted sum over the steps so far."""
    return found.before_sum() + found.weighted(s)


def holds(found: Linear, s: Letter) -> bool:
    """Induction: the form is right at its first step, and from t − 1 to t it grows as the recurrence does."""
    t = found.equation.t
    kept = found.kept(s)
    if isinstance(kept, Reduce):  # the product over nothing is 1; one more factor is a[t]
        (bind,) = kept.binds
        return bind.lo == s + 1 and bind.hi == t + 1 and kept.body.xreplace({bind.letter: t}) == found.a
    return vanishes(kept - found.a * kept.xreplace({t: t - 1})) and vanishes(kept.xreplace({s: t}) - 1)


def closed_forms(rule: Rule) -> Iterator[Theorem]:
    """The weighted sum each linear state is."""
    for found in linear_states(rule):
        s = Letter(rule.fresh.name("s"))
        rule.fresh.taken.discard(s.name)
        if found.drive == 0 or not holds(found, s):
            continue
        left, right = found.equation.now, closed_form(found, s)
        yield Theorem(
            "closed form", _title(rule, found), (Claim(left, right),), rule.program, tuple(_proof(found, s)),
            plain=found.equation.name == rule.parameter,
        )  # fmt: skip


def _title(rule: Rule, found: Linear) -> Said:
    name = say(found.equation.name).text
    if found.equation.name == rule.parameter:
        return say(f"{name} is its start and every step since" + (", shrunk" if found.a != 1 else ""))
    if found.a == 1:
        return say(f"{name} is the sum of all steps so far")
    if not found.steady:
        return say(f"{name} is a weighted sum")
    return say(f"{name} is an exponentially weighted sum")


def _proof(found: Linear, s: Letter) -> Iterator[Said]:
    t = found.equation.t
    begin = Integer(found.begins - 1)
    if found.first is None:
        yield say("by induction: at {} = {} the sum is empty and {} is left;", t, begin, found.start)
    else:
        yield say("by induction: at {} = {} the sum is empty and {} is left;", t, begin, found.first)
    if not found.steady:
        yield say("the form at {} is {} times the form at {}, and one more term, {}, as the recurrence says.",
                  t, found.a, t - 1, found.added)  # fmt: skip
    elif found.a == ONE:
        yield say("the sum up to {} is the sum up to {} and one more term, {}, as the recurrence says.", t, t - 1,
                  found.added)  # fmt: skip
    else:
        yield say("the form at {} is {} times the form at {}, and the term of {} = {}, {}, as the recurrence says.",
                  t, found.a, t - 1, s, t, found.added)  # fmt: skip


def geometric(a: Expr, n: Expr) -> Expr | None:
    """Σ s = 1 … n  aⁿ⁻ˢ = (1 − aⁿ)/(1 − a), by its own recurrence G(n) = a·G(n − 1) + 1."""
    if a == ONE:
        return n
    return (1 - a**n) / (1 - a) if _geometric_lemma() else None


@cache
def _geometric_lemma() -> bool:
    """(1 − aⁿ)/(1 − a) = a·(1 − aⁿ⁻¹)/(1 − a) + 1, and it is 0 at n = 0: once, for every a."""
    a, n = Symbol("a", positive=True), Symbol("n", integer=True)
    form = (1 - a**n) / (1 - a)
    return vanishes(form - a * form.xreplace({n: n - 1}) - 1) and form.xreplace({n: ZERO}) == 0


__all__ = ["Linear", "closed_form", "closed_forms", "geometric", "linear", "linear_states", "moves"]
