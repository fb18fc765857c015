"""The step as the minimiser of a model of the loss near θ[t − 1], shown by the model's derivative at the step.

−C·d        argmin  ⟨d, Δ⟩ + ‖Δ‖²/(2C)                 −C·n/h       argmin  ⟨n, Δ⟩ + Σ h·Δ²/(2C)
−C·sign d   argmin  ⟨d, Δ⟩  with |Δ| ≤ C               θ·exp(−C·d)  argmin  ⟨d, x⟩ + Σ (x·log(x/θ) − x)/C
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, Pow, Symbol, exp, log

from derive.functions import absolute, function_name
from derive.program import INF, Bind, Compare, Hyper, Letter, Reduce, walk
from derive.theorems.algebra import ONE, ZERO, linear_in, vanishes
from derive.theorems.rule import Rule, hypers_of, reads_of
from derive.theorems.theorem import Claim, Theorem, say

#: What is minimised over.
DELTA, POINT = Symbol("Δ", real=True), Symbol("x", positive=True)


def models(rule: Rule) -> Iterator[Theorem]:
    """The model whose minimiser the step is."""
    if not rule.whole() or not rule.elementwise():
        return
    yield from _mirror(rule)
    theta = rule.theta
    parts = linear_in(rule.opened(theta.body, (*rule.states, *rule.inner)), [theta.before])
    if parts is None or parts[1] == 0:
        return
    keep, step = parts[0][theta.before], parts[1]
    if any(isinstance(f, Reduce) for f in walk(step)):
        return
    rate = Mul(*(f for f in Mul.make_args(-step) if not reads_of(f) and hypers_of(f) and f.is_Symbol))
    if rate == ONE:
        return
    direction = -step / rate
    yield from _signed(rule, rate, direction, keep) if _sign(direction) else _quadratic(rule, rate, direction, keep)


def _sign(e: Expr) -> bool:
    return function_name(e) == "sign"


def _quadratic(rule: Rule, rate: Expr, direction: Expr, keep: Expr) -> Iterator[Theorem]:
    """⟨n, Δ⟩ + decay + h·Δ²/(2C)."""
    theta = rule.theta
    scale = Mul(*(1 / f for f in Mul.make_args(direction) if isinstance(f, Pow) and f.exp.is_negative and reads_of(f)))
    slope = direction * scale
    decay = _decay(rate, keep)
    if decay is None:
        return
    metric = scale / rate
    model = slope * DELTA + decay * scale * theta.before * DELTA + metric * DELTA**2 / 2
    step = keep * theta.before - rate * direction - theta.before
    if not vanishes(model.diff(DELTA).xreplace({DELTA: step})):
        return
    yield _theorem(rule, _QUADRATIC[(scale != 1, decay != 0)], model, metric, [])


#: (what divides the step moves, there is decay) -> what the model is called.
_QUADRATIC = {
    (False, False): "the linear model of the loss and the squared distance",
    (False, True): "the linear models of the loss and of its decay, and the squared distance",
    (True, False): "the linear model of the loss and a distance scaled entry by entry",
    (True, True): "the linear models of the loss and of its decay, and a distance scaled entry by entry",
}


def _decay(rate: Expr, keep: Expr) -> Expr | None:
    """w with keep = 1 − rate·w."""
    lost = (1 - keep).expand()
    if lost == 0:
        return ZERO
    return next((h for h in hypers_of(lost) if vanishes(lost - rate * h)), None)


def _signed(rule: Rule, rate: Expr, direction: Expr, keep: Expr) -> Iterator[Theorem]:
    inner = direction.args[0]
    theta = rule.theta
    decay = _decay(rate, keep)
    if decay is None:
        return
    box = Compare("<=", absolute(DELTA), rate)
    yield Theorem(
        "model", say("what the step minimises"),
        (Claim(theta.now - keep * theta.before, _argmin(inner * DELTA, DELTA, box), checked=False),), rule.program,
        (say("the linear model of the loss in a box: there {} is at least {}, and the step {} reaches that.",
             inner * DELTA, -rate * absolute(inner), -rate * direction),),
        (say("{} > 0", rate),), data=("box", theta.now - keep * theta.before, inner * DELTA, rate),
    )  # fmt: skip


def _argmin(model: Expr, over: Symbol, *conditions: Compare) -> Expr:
    """The least of a model, as a formula."""
    letter = Letter(over.name)
    put = {over: letter}
    return Reduce("argmin", (Bind(letter, -INF, INF), *(c.xreplace(put) for c in conditions)), model.xreplace(put))


def _mirror(rule: Rule) -> Iterator[Theorem]:
    """θ·exp(−C·d), up to what normalises it."""
    theta = rule.theta
    body = rule.opened(theta.body, ())
    ratio = body / theta.before
    if not isinstance(ratio, exp) or theta.before in reads_of(ratio):
        return
    exponent = ratio.args[0]
    rate = Mul(*(f for f in Mul.make_args(-exponent) if isinstance(f, Hyper)))
    if rate == ONE:
        return
    slope = -exponent / rate
    model = slope * POINT + (POINT * log(POINT / theta.before) - POINT) / rate
    if vanishes((slope + log(ratio) / rate).subs(log(ratio), exponent)):
        yield _theorem(rule, "the linear model of the loss and the relative entropy", model, 1 / rate,
                       [say("{} > 0", theta.before)], POINT)  # fmt: skip


def _theorem(rule: Rule, title: str, model: Expr, curvature: Expr, assumes: list, over: Symbol = DELTA) -> Theorem:
    theta = rule.theta
    of = theta.now - theta.before if over == DELTA else theta.now
    claim = Claim(of, _argmin(model, over), checked=False)
    proof = [say(title + ": the derivative {} is 0 at {} = {}, and there is one such point as {} > 0.",
                 slope_of(model, over), over, of, curvature)]  # fmt: skip
    given = [*assumes, *(say("{} > 0", h) for h in hypers_of(curvature)[:1])]
    return Theorem(
        "model",
        say("what the step minimises"),
        (claim,),
        rule.program,
        tuple(proof),
        tuple(given),
        data=("smooth", of, model),
    )


def slope_of(model: Expr, over: Symbol) -> Expr:
    """The derivative, term by term."""
    return Add(*(a.diff(over) for a in Add.make_args(model)))
