"""How far a step goes: |θ[t] − k·θ[t − 1]|, by what bounds its factors.

|sign x| ≤ 1;   Cauchy–Schwarz:  (Σ w·d)² ≤ (Σ w²/u)·(Σ u·d²)  for m = Σ w·d over v = Σ u·d²
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Dummy, Expr, Integer, Mul, Pow, sqrt

from derive.functions import HALF, absolute, function_name
from derive.program import Hyper, Read, walk
from derive.theorems.algebra import ONE, ZERO, linear_in, vanishes
from derive.theorems.closed import Linear, geometric, linear
from derive.theorems.rule import Rule, reads_of
from derive.theorems.theorem import Claim, Theorem, say

#: Functions that stay within −1 and 1, given how.
WITHIN = {"sign": lambda e: True, "tanh": lambda e: True, "clamp": lambda e: e.args[1:] == (Integer(-1), ONE)}


def bounds(rule: Rule) -> Iterator[Theorem]:
    """The bound of the step, decay aside."""
    if not rule.whole() or not rule.elementwise():
        return
    theta = rule.theta
    parts = linear_in(rule.opened(theta.body, (*rule.states, *rule.inner)), [theta.before])
    if parts is None:
        return
    moved = theta.now - parts[0][theta.before] * theta.before
    yield from _within(rule, moved, parts[1])
    yield from _schwarz(rule, moved, parts[1])


def _within(rule: Rule, moved: Expr, step: Expr) -> Iterator[Theorem]:
    """C·f with |f| ≤ 1."""
    factors = Mul.make_args(step)
    inner = [f for f in factors if function_name(f) in WITHIN and WITHIN[function_name(f) or ""](f)]
    if len(inner) != 1:
        return
    size = Mul(*(f for f in factors if f != inner[0] and f != -1))
    yield Theorem(
        "bound", say("no step is longer than its rate"), (Claim(absolute(moved), size, "<="),), rule.program,
        (say("the step is {} times {}, which is within −1 and 1.", size, inner[0]),),
        (say("{} ≥ 0", size),),
    )  # fmt: skip


def _schwarz(rule: Rule, moved: Expr, step: Expr) -> Iterator[Theorem]:
    """C·M/√V with M and V means of a value and of its square."""
    plain, dropped = _without_guards(step)
    for name in rule.states:
        found = linear(rule, rule.equations[name])
        if found is None or found.a == 0 or name == rule.parameter or not found.steady:
            continue
        x = Dummy("x", positive=True)
        y = Dummy("y", positive=True)
        above = _over_root(plain, found, x)
        if above is None:
            continue
        for read in reads_of(above):
            rest = above.xreplace({read: y}) / y
            if reads_of(rest) or rest.has(y):
                continue
            mean = linear(rule, rule.equations[read.tensor]) if read.tensor in rule.states else None
            value = mean.drive if mean is not None else read
            if found.drive != value**2 or (mean is not None and not _plain(mean)):
                continue
            yield _bound(rule, moved, rest, found, mean, value, dropped)
            return


def _plain(mean: Linear) -> bool:
    return mean.steady and mean.first is None and mean.start == 0


def _without_guards(step: Expr) -> tuple[Expr, tuple[Hyper, ...]]:
    """The step without the hyperparameters that are added to what divides it: without them it is longer."""
    dropped: list[Hyper] = []
    factors = []
    for f in Mul.make_args(step):
        if isinstance(f, Pow) and f.exp.is_negative and isinstance(f.base, Add):
            lone = [a for a in f.base.args if isinstance(a, Hyper)]
            if lone and any(isinstance(n, Read) for n in walk(f.base)):
                dropped += lone
                f = Pow(Add(*(a for a in f.base.args if a not in lone)), f.exp)
        factors.append(f)
    return Mul(*factors), tuple(dropped)


def _over_root(step: Expr, found: Linear, x: Expr) -> Expr | None:
    """step·√V without V, if V stands there as 1/√V."""
    t = found.equation.t
    powers = {
        n: Dummy("p", positive=True) for n in walk(step) if isinstance(n, Pow) and any(m == t for m in walk(n.exp))
    }
    names = {1 - p: Dummy("f", positive=True) for p in powers}
    put = step.xreplace(names).xreplace({found.equation.now: x})
    lifted = _split_roots(put) * x**HALF
    back = {d: f for f, d in names.items()}
    return None if lifted.has(x) else lifted.xreplace(back)


def _split_roots(e: Expr) -> Expr:
    """√(a/b)⁻¹ as powers of its factors, all positive."""
    return Mul(*(Mul(*(Pow(Pow(*b.as_base_exp()), 1) ** f.exp for b in Mul.make_args(f.base))) if f.is_Pow else f
                 for f in Mul.make_args(e)))  # fmt: skip


def _bound(
    rule: Rule, moved: Expr, rest: Expr, v: Linear, m: Linear | None, value: Expr, dropped: tuple[Hyper, ...]
) -> Theorem:
    t = v.equation.t
    rate = Mul(*(f for f in Mul.make_args(rest) if f != -1))
    gain, a = (ONE, ZERO) if m is None else (m.gain, m.a)
    ratio = a**2 / v.a
    weights = ONE if m is None else geometric(ratio, t)
    assert weights is not None
    bound = rate * gain * sqrt(weights) / sqrt(v.gain)
    last = rate * gain / sqrt(v.gain)
    length = absolute(moved)
    claims = [Claim(length, bound, "<=")]
    proof = [say("Cauchy and Schwarz on the two weighted sums: {}² ≤ {} · {}, the sum over s of the first weights "
                 "squared over the second times the second sum.", (m.equation.now if m else value),
                 gain**2 / v.gain * weights, v.equation.now)]  # fmt: skip
    if m is not None:
        proof.append(say("It is reached where the {} go as {} to the power t − s. Where only the last of them is not 0 "
                         "the step is {} long; where all are the same, {}.", value, a / v.a, last,
                         _constant(rate, m, v)))  # fmt: skip
    start = () if v.start == 0 else (say("{} ≥ 0", v.start),)
    assumes = (*(say("{} ≥ 0", h) for h in dropped), *start, say("{} > 0", v.equation.now))
    return Theorem("bound", say("how long a step can be"), tuple(claims), rule.program, tuple(proof), assumes)


def _constant(rate: Expr, m: Linear, v: Linear) -> Expr:
    """The length of a step when every value is the same."""
    t = v.equation.t
    top, bottom = geometric(m.a, t), geometric(v.a, t)
    assert top is not None and bottom is not None
    above, below = m.gain * top, v.gain * bottom
    above = 1 - m.a**t if vanishes(above - (1 - m.a**t)) else above
    below = 1 - v.a**t if vanishes(below - (1 - v.a**t)) else below
    names = {above: Dummy("u", positive=True), below: Dummy("w", positive=True)}
    put = rate.xreplace(names) * names[above] / sqrt(names[below])
    return _split_roots(put).xreplace({d: e for e, d in names.items()})
