"""What a step does when gradients, or parameters, are multiplied by c > 0: degrees of homogeneity, state by state.

degree(a·b) = degree(a) + degree(b),  degree(aᵏ) = k·degree(a),  degree(sign a) = 0,  terms of a sum agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Add, Basic, Expr, Function, Integer, Mul, Pow

from derive.functions import function_name
from derive.program import Compare, Hyper, Logic, Read, Reduce, Where, walk
from derive.theorems.algebra import ZERO, linear_in
from derive.theorems.rule import Rule
from derive.theorems.theorem import Claim, Theorem, say

#: The degree of 0, which is any degree.
ANY = "any"
Degree = Any

#: Functions whose value scales as their arguments do, and those that a scale leaves alone.
ALIKE = ("abs", "max", "min", "relu")
UNMOVED = ("sign",)

#: What is multiplied by c: (gradients' exponent, parameters' exponent).
SCALES = (((1, 0), "gradients"), ((0, 1), "parameters"))


class Mixed(Exception):
    """Terms of different degrees; ``hypers`` at 0 would mend it, or ``condition`` that always holds."""

    def __init__(self, hypers: tuple[Hyper, ...] = (), condition: Basic | None = None) -> None:
        self.hypers, self.condition = hypers, condition


def scalings(rule: Rule) -> Iterator[Theorem]:
    """The exponents of a step under each scale, where it has some."""
    if not rule.whole():
        return
    for (gradients, parameters), what in SCALES:
        found = _solved(rule, Integer(gradients), Integer(parameters))
        if found is None:
            continue
        degrees, zero, conditions = found
        step = degrees[rule.theta.name + " step"]
        if step == ANY or (parameters and step != 1):
            continue
        yield _theorem(rule, what, gradients, parameters, step, degrees, zero, conditions)


def _solved(rule: Rule, gradients: Expr, parameters: Expr) -> tuple[dict[str, Degree], list[Hyper], list[Basic]] | None:
    """Degrees of every value, the hyperparameters put to 0 and the conditions taken as true for it."""
    zero: list[Hyper] = []
    conditions: list[Basic] = []
    for _ in range(8):
        try:
            return _degrees(rule, gradients, parameters, zero, conditions), zero, conditions
        except Mixed as mixed:
            if mixed.condition is not None and mixed.condition not in conditions:
                conditions.append(mixed.condition)
            elif mixed.hypers:
                zero.append(mixed.hypers[0])
            else:
                return None
    return None


def _degrees(
    rule: Rule, gradients: Expr, parameters: Expr, zero: list[Hyper], conditions: list[Basic]
) -> dict[str, Degree]:
    known: dict[str, Degree] = dict.fromkeys(rule.equations, ANY)
    known.update(dict.fromkeys(rule.gradients, gradients))
    theta = rule.theta
    known[theta.name] = parameters
    gone = dict.fromkeys(zero, ZERO)
    others = [e for e in rule.equations.values() if e.name != theta.name]
    for _ in range(2 * len(others) + 2):
        before = dict(known)
        for e in others:
            bodies = (b.xreplace(gone) for b in (e.body, e.first, e.base) if b is not None)
            known[e.name] = _agree([(b, _degree(b, known, conditions)) for b in bodies])
        if known == before:
            break
    else:
        raise Mixed
    step = _step(rule).xreplace(gone)
    return {**known, f"{theta.name} step": _degree(step, known, conditions)}


def _step(rule: Rule) -> Expr:
    """θ[t] − θ[t − 1], its own terms cancelled."""
    theta = rule.theta
    parts = linear_in(theta.body, [theta.before])
    return theta.body - theta.before if parts is None else (parts[0][theta.before] - 1) * theta.before + parts[1]


def _agree(terms: list[tuple[Expr, Degree]]) -> Degree:
    """The degree all terms have; else which hyperparameters at 0 would leave one degree."""
    degrees = list(dict.fromkeys(d for _, d in terms if d != ANY))
    if not degrees:
        return ANY
    if len(degrees) == 1:
        return degrees[0]
    for e, _ in terms:
        for h in (n for n in Mul.make_args(e) if isinstance(n, Hyper)):
            raise Mixed((h,))
    raise Mixed


def _degree(e: Basic, known: dict[str, Degree], conditions: list[Basic]) -> Degree:
    if isinstance(e, Read):
        return known.get(e.tensor, ZERO)
    if e == 0:
        return ANY
    if not any(isinstance(n, Read) for n in walk(e)):
        return ZERO
    if isinstance(e, Add):
        return _agree([(a, _degree(a, known, conditions)) for a in e.args])
    if isinstance(e, Mul):
        degrees = [_degree(a, known, conditions) for a in e.args]
        return ANY if ANY in degrees else Add(*degrees)
    if isinstance(e, Pow):
        inner = _degree(e.base, known, conditions)
        return inner if inner == ANY else inner * e.exp
    if isinstance(e, Reduce):
        return _degree(e.body, known, conditions)
    if isinstance(e, Where):
        return _choice(e, known, conditions)
    return _function(e, known, conditions)


def _function(e: Basic, known: dict[str, Degree], conditions: list[Basic]) -> Degree:
    name = function_name(e)
    inner = [_degree(a, known, conditions) for a in e.args]
    if name in UNMOVED:
        return ZERO
    if name in ALIKE:
        return _agree(list(zip(e.args, inner, strict=True)))
    if all(d == 0 for d in inner):
        return ZERO
    raise Mixed


def _choice(e: Where, known: dict[str, Degree], conditions: list[Basic]) -> Degree:
    """A condition that a scale does not change; where its branches disagree, it is taken to hold."""
    condition, then, otherwise = e.args
    _unmoved(condition, known, conditions)
    if condition in conditions:
        return _degree(then, known, conditions)
    terms = [(b, _degree(b, known, conditions)) for b in (then, otherwise)]
    degrees = dict.fromkeys(d for _, d in terms if d != ANY)
    if len(degrees) > 1:
        raise Mixed(condition=condition)
    return next(iter(degrees), ANY)


def _unmoved(condition: Basic, known: dict[str, Degree], conditions: list[Basic]) -> None:
    """Both sides of every comparison scale alike."""
    if isinstance(condition, Compare):
        _agree([(a, _degree(a, known, conditions)) for a in condition.args[1:]])
    elif isinstance(condition, Logic):
        for c in condition.conditions:
            _unmoved(c, known, conditions)


def _theorem(
    rule: Rule, what: str, gradients: int, parameters: int, step: Expr, degrees: dict[str, Degree], zero: list[Hyper],
    conditions: list[Basic],
) -> Theorem:  # fmt: skip
    theta = rule.theta
    c = Hyper("c")
    change = Function(f"Δ{theta.name}")
    of = theta.before if parameters else Read(rule.gradients[0], *theta.indices)
    claim = Claim(change(c * of), c**step * change(of), checked=False)
    words = {0: "does not change", 1: "is multiplied by c"}.get(step, f"is multiplied by c^{step}")
    states = [rule.equations[n].now for n in rule.states if n != theta.name and degrees[n] not in (ANY, 0)]
    powers = [c ** degrees[n] for n in rule.states if n != theta.name and degrees[n] not in (ANY, 0)]
    proof = [say("c goes through the equations: " + ", ".join("{} becomes {}" for _ in states) + ";",
                 *(x for s, p in zip(states, powers, strict=True) for x in (s, p * s)))] if states else []  # fmt: skip
    proof.append(say("every term of the step then has the factor {}.", c**step))
    assumes = [say(f"all {what} are multiplied by {{}} > 0", c)]
    assumes += [say("{} = 0", h) for h in zero] + [say("{}", e) for e in conditions]
    if not parameters:
        title = f"under a scale c of the gradients the step {words}"
    else:
        title = "the step scales with the parameters"
    return Theorem(
        "scaling", say(title), (claim,), rule.program, tuple(proof), tuple(assumes), zero=tuple(h.name for h in zero),
        data=(str(gradients), str(parameters), step, *conditions),
    )  # fmt: skip
