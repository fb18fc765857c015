"""Decay in the gradient against decay of the parameter: the two rules' steps subtracted.

    L2: g = grad + w·θ,  θ ← θ + U(g)        decoupled: g = grad,  θ ← (1 − lr·w)·θ + U(g)

The twin is made of the program at hand; what does not vanish of the difference is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Add, Expr, Float, Integer, Mul, Symbol

from derive.program import Hyper, Read, walk
from derive.theorems.algebra import ONE, ZERO, linear_in, vanishes
from derive.theorems.closed import moves
from derive.theorems.nesterov import default_of
from derive.theorems.quadratic import hold
from derive.theorems.rule import Rule, hypers_of, reads_of
from derive.theorems.theorem import Claim, Said, Theorem, say


@dataclass(frozen=True)
class Decay:
    """The decay's hyperparameter, the step size, and whether it enters through the gradient."""

    weight: Hyper
    size: Hyper
    coupled: bool


def decays(rule: Rule) -> Iterator[Theorem]:
    """What the other kind of decay would do differently."""
    found = _decay(rule) if rule.parameter is not None else None
    if found is None:
        return
    held = _held(rule)
    theta, gradient = rule.theta, Read(rule.gradients[0], *rule.theta.indices)
    plain = rule.opened(theta.body, held).xreplace({found.weight: ZERO})
    parts = linear_in(plain, [gradient])
    if parts is None or parts[0][gradient] == 0:
        return
    per_gradient = parts[0][gradient]
    sign = _sign(rule, per_gradient)
    factor = found.size + sign * per_gradient  # the step is linear in the gradient, which is moved by w·θ
    per = 1 + Add(*(sign * a / found.size for a in Add.make_args(per_gradient)))
    held = tuple(n for n in held if any(r.tensor == n for r in reads_of(per)))
    states = [n for n in rule.states if n not in (theta.name, *held) and _reaches(rule, n, gradient.tensor)]
    yield _theorem(rule, found, ZERO if not reads_of(factor) and vanishes(factor) else per, held, states)


def _sign(rule: Rule, e: Expr) -> int:
    """1 where the step goes down the gradient at the default numbers, −1 where it goes up."""
    numbers = {h: default_of(rule, h) for h in hypers_of(e)}
    known = {h: Float(v, 15) for h, v in numbers.items() if isinstance(v, Expr)}
    others = {s: Integer(2) for s in e.xreplace(known).atoms(Symbol)}
    value = e.xreplace(dict.fromkeys(reads_of(e), ONE)).xreplace(known).xreplace(others)
    return -1 if value.is_positive else 1


def _theorem(rule: Rule, found: Decay, per: Expr, held: tuple[str, ...], states: list[str]) -> Theorem:
    theta = rule.theta
    same = per == 0
    left = Read("L2", *theta.indices) - Read("decoupled", *theta.indices)
    right = ZERO if same else found.size * found.weight * per * theta.before
    title = (
        "L2 and decoupled decay take the same steps"
        if same and not states
        else ("L2 and decoupled decay differ" if not same else "L2 and decoupled decay differ from the second step on")
    )
    assumes = [say("both at the same parameters and states")]
    assumes += [say("{} held the same for both", rule.equations[n].now) for n in held]
    return Theorem(
        "decay", say(title), (Claim(left, right, checked=False),), hold(rule.program, held),
        tuple(_proof(rule, found, same, held, states)),
        tuple(assumes), data=(found.weight, found.size, "L2" if found.coupled else "decoupled", right), steady=held,
    )  # fmt: skip


def _proof(rule: Rule, found: Decay, same: bool, held: tuple[str, ...], states: list[str]) -> Iterator[Said]:
    theta, gradient = rule.theta, Read(rule.gradients[0], *rule.theta.indices)
    other = gradient + found.weight * theta.before
    shrunk = (1 - found.size * found.weight) * theta.before
    if found.coupled:
        yield say("decoupled decay steps from {0} with the gradient {1}, where this rule steps from {2} with {3};",
                  shrunk, gradient, theta.before, other)  # fmt: skip
    else:
        yield say("L2 would step from {2} with the gradient {3}, where this rule steps from {0} with {1};",
                  shrunk, gradient, theta.before, other)  # fmt: skip
    yield say("subtracted and expanded, the two steps leave what is printed.")
    if held and not same:
        names = ", ".join("{}" for _ in held)
        yield say(f"They agree only where what divides the step is constant and 1; {names} divides the decay of L2 as "
                  "it does the gradient, so what has large gradients decays less.",
                  *(rule.equations[n].now for n in held))  # fmt: skip
    if states:
        names = ", ".join("{}" for _ in states)
        yield say(f"But L2 adds its decay to {names} too, and there it is kept for later steps.",
                  *(rule.equations[n].now for n in states))  # fmt: skip


def _decay(rule: Rule) -> Decay | None:
    """Where a hyperparameter times the parameter enters: a gradient, or the parameter's own equation."""
    theta = rule.theta
    size = _step_size(rule)
    if size is None:
        return None
    parts = linear_in(theta.body, [theta.before])
    if parts is not None and theta.before in parts[0]:
        lost = (1 - parts[0][theta.before]).expand()
        for h in hypers_of(lost):
            if vanishes(lost - size * h):
                return Decay(h, size, False)
    for equation in rule.equations.values():
        gradient = Read(rule.gradients[0], *equation.indices)
        if equation.name in rule.states or not any(n == gradient for n in walk(equation.body)):
            continue
        inside = linear_in(equation.body, [theta.before, gradient])
        if inside and isinstance(inside[0][theta.before], Hyper) and inside[0][gradient] == 1 and inside[1] == 0:
            return Decay(inside[0][theta.before], size, True)
    return None


def _step_size(rule: Rule) -> Hyper | None:
    """The hyperparameter the whole step is proportional to, decay aside."""
    parts = linear_in(rule.theta.body, [rule.theta.before])
    if parts is None:
        return None
    common = [f for f in Mul.make_args(parts[1]) if isinstance(f, Hyper)]
    return common[0] if common else None


def _held(rule: Rule) -> tuple[str, ...]:
    """States that are no linear function of the gradients: what scales the step."""
    gradient = rule.gradients[0]
    found: list[str] = []
    for name in rule.states:
        if name == rule.parameter:
            continue
        e = rule.equations[name]
        body = rule.opened(e.body, tuple(n for n in rule.states if n != name))
        unknowns = [r for r in reads_of(body) if r.tensor in (gradient, *rule.states) and r.tensor not in found]
        parts = linear_in(body, unknowns)
        if parts is None or any(moves(c, e.t) for c in parts[0].values()):
            found.append(name)
    return tuple(found)


def _reaches(rule: Rule, name: str, gradient: str) -> bool:
    """Whether a state takes the gradient in and the parameter's step reads it."""
    body = rule.opened(rule.equations[name].body, tuple(n for n in rule.states if n != name))
    step = rule.opened(rule.theta.body, rule.states)
    return any(r.tensor == gradient for r in reads_of(body)) and any(r.tensor == name for r in reads_of(step))
