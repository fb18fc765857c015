"""E m[t] = (1 − aᵗ)·E c where every step's c has the same expectation: the bias of a moving average to its start.

Whether the rule frees itself of that factor is read from it: m = x·(1 − aᵗ) put into what reads m leaves no aᵗ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Basic, Dummy, Expr, Integer, Pow, Symbol

from derive.program import Compare, Hyper, Letter, Program, Read, Statement, Tensor, Where, walk
from derive.theorems.algebra import ONE, ZERO, cancelled, vanishes
from derive.theorems.closed import Linear, geometric, linear_states, moves
from derive.theorems.rule import Rule, hypers_of
from derive.theorems.theorem import Claim, Expectation, Said, Theorem, say


def expectations(rule: Rule) -> Iterator[Theorem]:
    """The expectation of each moving average of what does not depend on the parameters' own equation."""
    for found in linear_states(rule):
        if found.equation.name == rule.parameter or not found.steady or found.drive == 0:
            continue
        factor = _factor(found)
        if factor is not None and moves(found.drive, found.equation.t) and _reads(found.drive):
            yield _theorem(rule, found, factor)


def _factor(found: Linear) -> Expr | None:
    """How many times E c the state is at step t, start aside: the sum of the weights."""
    t, a = found.equation.t, found.a
    if found.first is None:
        weights = geometric(a, t)
        return None if weights is None else _times(found.gain, weights, a)
    ratio = cancelled(found.first / found.drive.xreplace({t: Integer(1)}))
    weights = geometric(a, t)
    if weights is None or _reads(ratio):
        return None
    return ratio * a ** (t - 1) + _times(found.gain, weights.xreplace({t: t - 1}), a)


def _times(gain: Expr, weights: Expr, a: Expr) -> Expr:
    """gain·weights, the 1 − a of an average taken out of the fraction."""
    return weights * (1 - a) if vanishes(gain - (1 - a)) else gain * weights


def _theorem(rule: Rule, found: Linear, factor: Expr) -> Theorem:
    t, name = found.equation.t, found.equation.name
    mean = Expectation(found.drive)
    start = found.before_sum() if found.first is None else ZERO
    claims = [Claim(Expectation(found.equation.now), factor * mean + start)]
    proof = [_weights(found, factor)]
    biased = 1 - found.a**t
    verdict: str = ""
    zero: tuple[str, ...] = ()
    if found.first is None and start == 0 and found.a != ONE:
        verdict, zero = _correction(rule, found)
        proof += [say(_VERDICTS[verdict], *_terms(rule, found))] if verdict else []
        if verdict == "exact" or verdict == "at eps 0":
            scale = factor / biased
            claims.append(Claim(Expectation(found.equation.now / biased), scale * mean))
    if found.a != ONE and factor != biased:
        proof.append(say("As {} grows the factor tends to {}.", t, _limit(found)))
    assumes = [say("every step's {} has the same expectation", found.drive)]
    assumes += [say("{} = 0", Hyper(name)) for name in zero]
    setting = _stationary(rule, found)
    tested = (Claim(found.equation.now, _strip(factor * mean + start, found, setting)),)
    title = "the expectation of {}" + (", and its bias" if verdict else "")
    return Theorem(
        "expectation", say(title.format(name)), tuple(claims), setting, tuple(proof), tuple(assumes), tested=tested,
        data=(verdict,), steady=("mean",),
    )  # fmt: skip


def _weights(found: Linear, factor: Expr) -> Said:
    return say("the expectation of the weighted sum is the sum of its weights times {}, and the weights add up to {}: "
               "both obey G[{}] = {} · G[{}] + {}.", Expectation(found.drive), factor, found.equation.t, found.a,
               found.equation.t - 1, found.gain)  # fmt: skip


def _limit(found: Linear) -> Expr:
    return cancelled(found.gain / (1 - found.a))


#: What the equations do about the bias.
_VERDICTS = {
    "exact": "What reads {0} divides it by exactly {1}: put {0} = {2} there, and no power of {3} is left.",
    "at eps 0": "What reads {0} divides it by exactly {1}: put {0} = {2} there, and no power of {3} is left.",
    "other": "The bias stays: what reads {0} divides it by something else than {1}; put {0} = {2} there, and a power "
    "of {3} is left.",
    "none": "The bias stays: what reads {0} does not divide it by {1}.",
}


def _terms(rule: Rule, found: Linear) -> tuple[Basic, ...]:
    biased = 1 - found.a**found.equation.t
    return found.equation.now, biased, Symbol("x") * biased, found.a


def _correction(rule: Rule, found: Linear) -> tuple[str, tuple[str, ...]]:
    """Whether every reader of the state cancels the factor; "exact", "at eps 0", "other" or "none"."""
    t = found.equation.t
    power = found.a**t
    f, x = Dummy("f", positive=True), Dummy("x", positive=True)
    bodies = [e.body for e in rule.equations.values() if e.name != found.equation.name
              and any(n == found.equation.now for n in walk(e.body))]  # fmt: skip
    if not bodies:
        return "", ()
    put = [b.xreplace({power: 1 - f, found.equation.now: x * f}) for b in bodies]
    if not any(_left(b, f, found.a, t) for b in put):
        return "exact", ()
    lone = [h for b in put for n in walk(b) if isinstance(n, Add) for h in n.args if isinstance(h, Hyper)]
    for h in dict.fromkeys(lone):
        if not any(_left(b.xreplace({h: ZERO}), f, found.a, t) for b in put):
            return "at eps 0", (h.name,)
    seen = any(n.exp.has(t) for b in bodies for n in walk(b) if isinstance(n, Pow) and n.base == found.a)
    return ("other" if seen else "none"), ()


def _left(e: Expr, f: Basic, a: Expr, t: Letter) -> bool:
    """Whether the factor, or another power of a in t, is still there."""
    powers = (n for n in walk(e) if isinstance(n, Pow) and n.base == a and any(m == t for m in walk(n.exp)))
    return any(n == f for n in walk(e)) or any(True for _ in powers)


def _stationary(rule: Rule, found: Linear) -> Program:
    """The state alone, driven by an input: whatever is constant there is what the theorem speaks of."""
    program, name = rule.program, found.equation.name
    statement = program.definitions[name]
    axes = tuple(tuple(replace(p, below=0) for p in axis) for axis in statement.tensor.axes)
    mean = Tensor("mean", axes)
    value = Read("mean", *found.equation.indices)
    body = found.a * found.equation.before + found.gain * value
    if found.first is not None:
        ratio = cancelled(found.first / found.drive.xreplace({found.equation.t: Integer(1)}))
        body = Where(Compare("==", found.equation.t, ONE), ratio * value, body)
    base = [p for p in statement.pieces if p.indices[found.equation.at].is_Integer]
    main = next(p for p in statement.pieces if p not in base)
    pieces = (*base, replace(main, rhs=body.xreplace(dict(zip(found.equation.indices, main.indices, strict=True)))))
    started = [t for t in program.inputs if any(r.tensor == t.name for p in pieces for r in _reads(p.rhs))]
    return replace(
        program, name=f"{program.name}_{name}", inputs=(*started, mean), outputs=(name,), laws=(), updates=(),
        statements=(Statement(statement.tensor, pieces, statement.zero_elsewhere),), role="layer", requirements=(),
    )  # fmt: skip


def _strip(e: Expr, found: Linear, setting: Program) -> Expr:
    return e.xreplace({Expectation(found.drive): Read("mean", *found.equation.indices)})


def _reads(e: Basic) -> list[Read]:
    return [n for n in walk(e) if isinstance(n, Read)]


__all__ = ["expectations", "hypers_of"]
