"""Two forms of Nesterov's momentum, one by a change of variables of the other.

θ[t] = θ[t − 1] + p·g[t] + q·b[t],   b[t] = μ·b[t − 1] + κ·g[t]
φ = θ − c·b with c = p·μ/κ   ⇒   φ[t] = φ[t − 1] + v[t],  v = k·b,  θ[t − 1] = φ[t − 1] + μ·v[t − 1]
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr

from derive.program import Hyper, Parameter, Read
from derive.theorems.algebra import ZERO, cancelled, linear_in, vanishes
from derive.theorems.closed import Linear, linear_states, moves
from derive.theorems.rule import Rule, hypers_of
from derive.theorems.theorem import Claim, Theorem, say


def lookahead(rule: Rule) -> Iterator[Theorem]:
    """The look-ahead form of a step that takes the gradient and the momentum together."""
    if rule.parameter is None:
        return
    theta = rule.theta
    for found in linear_states(rule):
        b = found.equation
        if b.name == theta.name or found.start != 0 or moves(found.a, theta.t) or found.a == 1:
            continue
        update = rule.opened(theta.body, (b.name, *_names(found.drive))) - theta.before
        parts = linear_in(update, [found.drive, b.now])
        if parts is None or not vanishes(parts[1]):
            continue
        p, q = parts[0][found.drive], parts[0][b.now]
        if p == 0 or q == 0 or moves(p, theta.t) or moves(q, theta.t):
            continue
        yield from _forms(rule, found, p, q)


def _names(e: Expr) -> tuple[str, ...]:
    return (e.tensor,) if isinstance(e, Read) else ()


def _forms(rule: Rule, found: Linear, p: Expr, q: Expr) -> Iterator[Theorem]:
    mu, kappa, b, theta = found.a, found.gain, found.equation, rule.theta
    c = cancelled(p * mu / kappa)
    k = cancelled((q - c + c / mu).expand()) if kappa == 1 else q - c + c / mu
    zero: tuple[str, ...] = ()
    if found.first is not None:
        left = (p * found.drive - (k + c - q) * found.first).xreplace({theta.t: 1})
        needed = _needed(rule, left)
        if needed is None:
            return
        zero = needed
    gone = {Hyper(n): ZERO for n in zero}
    p, q, kappa = (e.xreplace(gone) for e in (p, q, kappa))
    c = cancelled(p * mu / kappa)
    k = (q - c + c / mu).expand()
    if not vanishes(c - mu * k) or not vanishes(p - c * kappa / mu):
        return
    phi, v = rule.fresh.name("phi"), rule.fresh.name("v")
    rule.fresh.taken -= {phi, v}
    now, last = (Read(phi, *b.indices), Read(v, *b.indices)), (Read(phi, *b.before.indices), Read(v, *b.before.indices))
    meaning = {
        now[0]: theta.now - c * b.now, last[0]: theta.before - c * b.before, now[1]: k * b.now, last[1]: k * b.before,
    }  # fmt: skip
    claims = (
        Claim(now[0], meaning[now[0]]),
        Claim(now[1], meaning[now[1]]),
        Claim(now[1], mu * last[1] + k * kappa * found.drive),
        Claim(now[0], last[0] + now[1]),
        Claim(theta.before, last[0] + mu * last[1]),
    )
    tested = tuple(Claim(x.left.xreplace(meaning), x.right.xreplace(meaning), first=x.first) for x in claims[2:])
    if found.first is not None:
        tested = (Claim(tested[0].left, tested[0].right, first=2), *tested[1:])
    proof = (
        say("put {} = ({} − {})/{} into {} − {}, where {} is the step's {}: the gradient's coefficient is 0 exactly "
            "for this {}, and what is left is {} times {};", b.before, b.now, kappa * found.drive, mu, now[0], last[0],
            found.drive, found.drive, now[0], k, b.now),
        say("so the gradient, taken at {}, is taken {} ahead of {}: the two forms take the same steps.",
            theta.before, mu * last[1], last[0]),
    )  # fmt: skip
    yield Theorem(
        "nesterov", say("the look-ahead form of Nesterov's momentum"), claims, rule.program, proof,
        tuple(say("{} = 0", h) for h in gone), zero=zero, tested=tested,
    )  # fmt: skip


def _needed(rule: Rule, left: Expr) -> tuple[str, ...] | None:
    """The hyperparameters, 0 by default, that have to be 0 for this to vanish."""
    if vanishes(left):
        return ()
    for h in hypers_of(left):
        if default_of(rule, h) == 0 and vanishes(left.xreplace({h: ZERO})):
            return (h.name,)
    return None


def default_of(rule: Rule, h: Hyper) -> object:
    """A hyperparameter's default, an exact number."""
    for p in rule.program.parameters:
        found = _default(p, h)
        if found is not None:
            return found
    return None


def _default(p: Parameter, h: Hyper) -> object:
    if h not in p.symbols:
        return None
    value = p.default
    return value[p.symbols.index(h)] if isinstance(value, tuple) else value
