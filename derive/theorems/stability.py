"""The range of the step size on a quadratic ½λθ²: grad = λθ makes the step a linear map of θ and the states.

Its characteristic polynomial p has all roots inside the unit circle exactly when (Schur, Cohn, Jury)
p(1) > 0 and (−1)ⁿp(−1) > 0 and, for two numbers, |p(0)| < 1; each is solved for the step size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Add, Basic, Dummy, Expr, Mul, Pow, Symbol, together

from derive.functions import HALF
from derive.program import Hyper, Letter, Read, walk
from derive.theorems.algebra import BUDGET, ONE, ZERO, linear_in, vanishes
from derive.theorems.nesterov import default_of
from derive.theorems.quadratic import CURVATURE, closed_loop
from derive.theorems.rule import Rule, hypers_of, reads_of
from derive.theorems.signs import sign_of
from derive.theorems.theorem import Claim, Said, Theorem, say

#: How many numbers a step may carry along for its range to be told in closed form.
MOST = 2


@dataclass(frozen=True)
class Map:
    """θ and the states that move with it, the matrix of a step, and what was held, put to 0 or let go to do so."""

    names: tuple[str, ...]
    rows: tuple[tuple[Expr, ...], ...]
    held: tuple[str, ...]
    zero: tuple[str, ...]
    late: tuple[Expr, ...]


def stability(rule: Rule) -> Iterator[Theorem]:
    """The step sizes for which the minimum of a quadratic attracts."""
    if not rule.whole() or not rule.elementwise():
        return
    found = linear_map(rule)
    if found is None or len(found.names) > MOST or sum(1 for r in found.rows for e in r for _ in walk(e)) > BUDGET // 4:
        return
    size = _step_size(rule, found)
    if size is None:
        return
    z = Symbol("z")
    p = _characteristic(found, z)
    below = tuple(h for h in _below_one(rule, found))
    bounds = _bounds(p, z, len(found.names), size, below)
    if bounds:
        yield _theorem(rule, found, p, size, below, bounds)


def linear_map(rule: Rule) -> Map | None:
    """The step as a linear map once the gradient is λθ; states it is not linear in are held fixed."""
    held: list[str] = []
    for _ in range(len(rule.states)):
        moving = [n for n in rule.states if n not in held]
        names = _reached(rule, moving, tuple(held))
        rows, fails = [], None
        for name in names:
            row = _row(rule, name, names, tuple(held))
            if row is None:
                fails = name
                break
            rows.append(row)
        if fails is None:
            return _settled(rule, tuple(names), rows, tuple(held))
        culprit = _culprit(rule, moving, tuple(held))
        if culprit is None:
            return None
        held.append(culprit)
    return None


def _culprit(rule: Rule, moving: list[str], held: tuple[str, ...]) -> str | None:
    """A state whose own equation is not linear."""
    others = [n for n in moving if n != rule.parameter]
    for name in others:
        if _row(rule, name, moving, (*held, *(n for n in others if n != name))) is None:
            return name
    return None


def _row(rule: Rule, name: str, names: list[str], held: tuple[str, ...]) -> tuple[Expr, ...] | None:
    theta = rule.theta
    body = rule.opened(rule.equations[name].body, held)
    gradient = CURVATURE * theta.before
    body = rule.put(body, lambda r: gradient if r.tensor == rule.gradients[0] else None)
    unknowns = [rule.equations[n].before for n in names]
    parts = linear_in(body, unknowns)
    if parts is None or any(r.tensor in rule.gradients for r in reads_of(parts[1])):
        return None
    row = [parts[0][u] for u in unknowns]
    strange = [r for e in (*row, parts[1]) for r in reads_of(e) if r.tensor not in held and r.tensor in rule.states]
    return None if strange or not vanishes(parts[1]) else tuple(row)


def _reached(rule: Rule, moving: list[str], held: tuple[str, ...]) -> list[str]:
    """The parameter, and the moving states its step depends on."""
    found: list[str] = [rule.theta.name]
    for name in found:
        body = rule.opened(rule.equations[name].body, held)
        found += [r.tensor for r in reads_of(body) if r.tensor in moving and r.tensor not in found]
    return list(dict.fromkeys(found))


def _settled(rule: Rule, names: tuple[str, ...], rows: list[tuple[Expr, ...]], held: tuple[str, ...]) -> Map | None:
    """The map of late steps: powers of t that go to 0 are 0, rates that change with t are made constant."""
    t = rule.theta.t
    powers = dict.fromkeys(
        n for row in rows for e in row for n in walk(e)
        if isinstance(n, Pow) and not _moves(n.base, t) and any(m == t for m in walk(n.exp))
    )  # fmt: skip
    rows = [tuple(e.xreplace(dict.fromkeys(powers, ZERO)) for e in row) for row in rows]
    zero: list[str] = []
    if any(_moves(e, t) for row in rows for e in row):
        free = [h for row in rows for e in row for h in hypers_of(e) if default_of(rule, h) == 0]
        for h in dict.fromkeys(free):
            tried = [tuple(e.xreplace({h: ZERO}) for e in row) for row in rows]
            if not any(_moves(e, t) for row in tried for e in row):
                rows, zero = tried, [h.name]
                break
        else:
            return None
    return Map(names, tuple(rows), held, tuple(zero), tuple(p.base for p in powers))


def _moves(e: Expr, t: Letter) -> bool:
    """Whether the step itself, not only a read of it, stands in an expression."""
    if isinstance(e, Read):
        return False
    return e == t or any(_moves(a, t) for a in e.args)


def _characteristic(found: Map, z: Symbol) -> Expr:
    """det(z − M)."""
    n = len(found.names)
    if n == 1:
        return z - found.rows[0][0]
    (a, b), (c, d) = found.rows
    return z**2 - (a + d) * z + _gathered(a * d - b * c)


def _gathered(e: Expr) -> Expr:
    return e.expand()


def _step_size(rule: Rule, found: Map) -> Hyper | None:
    """The first hyperparameter that the parameter's row is linear in and that its step vanishes with."""
    row = found.rows[0]
    present = [h for e in row for h in hypers_of(e)]
    for p in rule.program.parameters:
        for h in p.symbols:
            still = [e.xreplace({h: ZERO}) for e in row]
            if h in present and vanishes(still[0] - 1) and all(vanishes(e) for e in still[1:]):
                return h
    return None


def _below_one(rule: Rule, found: Map) -> Iterator[Basic]:
    """Hyperparameters that a state shrinks by, or that stand as 1 − h: between 0 and 1."""
    for name in rule.states:
        body = rule.equations[name].body
        for n in walk(body):
            if isinstance(n, Add) and len(n.args) == 2 and ONE in n.args:
                yield from (-a for a in n.args if isinstance(-a, Hyper))
        parts = linear_in(body, [rule.equations[name].before])
        if parts is not None and isinstance(parts[0][rule.equations[name].before], Hyper):
            yield parts[0][rule.equations[name].before]
    yield from (b for b in found.late if isinstance(b, Hyper))


def _bounds(p: Expr, z: Symbol, n: int, size: Hyper, below: tuple[Basic, ...]) -> list[Expr]:
    """The upper bounds on the step size, the one that implies the others if there is one; empty if none is plain."""
    conditions = [p.xreplace({z: ONE}), (-1) ** n * p.xreplace({z: -ONE})]
    if n == 2:
        last = p.xreplace({z: ZERO})
        conditions += [1 - last, 1 + last]
    upper: list[Expr] = []
    for c in conditions:
        parts = linear_in(c.expand(), [size])
        if parts is None:
            return []
        slope, rest = parts[0][size], parts[1]
        s, r = sign_of(slope, below), sign_of(rest, below)
        if s is None or r is None or (s <= 0 and r < 0) or (s == 0 and r == 0) or (s < 0 and r == 0):
            return []
        if s < 0:
            upper.append(_fraction(rest, -slope, below))
    return _least(upper, below)


def _least(bounds: list[Expr], below: tuple[Basic, ...]) -> list[Expr]:
    kept = list(dict.fromkeys(bounds))
    for a in list(kept):
        if any(b != a and b in kept and sign_of(a - b, below) in (0, 1) for b in kept):
            kept.remove(a)
    return kept


def _fraction(top: Expr, bottom: Expr, below: tuple[Basic, ...]) -> Expr:
    """top/bottom with common factors gone, each side as a product."""
    from sympy import factor

    quotient = top / bottom
    names = {n: Dummy(str(n)) for n in walk(quotient) if isinstance(n, Read | Hyper) or (n.is_Pow and n.exp == HALF)}
    roots = {n: d for n, d in names.items() if n.is_Pow}
    plain = quotient.xreplace(roots).xreplace({n: d for n, d in names.items() if not n.is_Pow})
    found = factor(together(plain)).xreplace({d: n for n, d in names.items()})
    return Mul(*(_upright(f, below) for f in Mul.make_args(found)))


def _upright(f: Expr, below: tuple[Basic, ...]) -> Expr:
    """A factor that is negative, negated: an even number of them stands in a positive bound."""
    base, exponent = f.as_base_exp()
    return (-base) ** exponent if sign_of(base, below) == -1 else f


def _theorem(rule: Rule, found: Map, p: Expr, size: Hyper, below: tuple[Basic, ...], bounds: list[Expr]) -> Theorem:
    theta = rule.theta
    claims = tuple(Claim(size, b, "<", checked=False) for b in bounds)
    assumes = [say("the gradient is {}, that of {}, {} > 0", CURVATURE * theta.before,
                   CURVATURE * Pow(Read(theta.name), 2) / 2, CURVATURE)]  # fmt: skip
    assumes += [say("{} > 0", size)]
    small = [h for h in dict.fromkeys(below) if any(h in hypers_of(e) for row in found.rows for e in row)]
    assumes += [say("0 ≤ {} < 1", h) for h in small]
    assumes += [say("{} = 0", Hyper(n)) for n in found.zero]
    assumes += [say("{} held fixed", rule.equations[n].now) for n in found.held if _counts(found, n)]
    assumes += [say("{} so late that its powers are 0", theta.t) for _ in found.late[:1]]
    words = "the range of the step size on a quadratic"
    if any(_counts(found, n) for n in found.held):
        words += ", its scaling held"
    return Theorem(
        "stability", say(words), claims, closed_loop(rule, found.held), tuple(_proof(rule, found, p, bounds)),
        tuple(assumes),
        zero=found.zero, data=(size, *small), steady=found.held,
    )  # fmt: skip


def _counts(found: Map, name: str) -> bool:
    return any(r.tensor == name for row in found.rows for e in row for r in reads_of(e))


def _proof(rule: Rule, found: Map, p: Expr, bounds: list[Expr]) -> Iterator[Said]:
    names = [rule.equations[n].now for n in found.names]
    listed = ", ".join("{}" for _ in names)
    yield say(f"the step is a linear map of {listed} with the characteristic polynomial {{}}, and no fixed point "
              "but 0;", *names, p)  # fmt: skip
    conditions = "p(1) > 0, p(−1) > 0 and |p(0)| < 1" if len(names) == 2 else "p(1) > 0 and p(−1) < 0"
    yield say(f"its roots are inside the unit circle where {conditions} (Schur, Cohn, Jury), which is where {{}} is "
              "below the bound.", _symbol(found, rule))  # fmt: skip
    held = {rule.equations[n].now: ZERO for n in found.held if _counts(found, n)}
    if held and len(bounds) == 1:
        near = bounds[0].xreplace(held)
        yield say("At the fixed point itself {} is 0 and the bound {}: below it the minimum attracts, above it steps "
                  "stay at its distance.", next(iter(held)), near)  # fmt: skip


def _symbol(found: Map, rule: Rule) -> Basic:
    size = _step_size(rule, found)
    assert size is not None
    return size


__all__ = ["Map", "linear_map", "stability"]
