"""Mutations of update rules: where eps stands, bias, decay, the first step, state.  A docstring is the rewrite.

No rule is known by its name: the parameter is the tensor returned, a state is what reads itself one step back, a
hyperparameter is what the definition says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Expr, Integer, Mul, Pow, Rational

from derive.functions import maximum
from derive.program import Hyper, Letter, Read, Where, piece_expressions, reads, substitute, walk
from derive.verify.mutation.places import Edit, Place, with_statement

_HALF = Rational(1, 2)


def eps_moved(place: Place) -> Iterator[Edit]:
    """√a + eps → √(a + eps);  √(a + eps) → √a + eps."""
    for e, _ in place.those(Add):
        for root in (a for a in e.args if isinstance(a, Pow) and a.exp == _HALF):
            for eps in (a for a in e.args if _real_hyper(a)):
                yield from place.swap(e, e - root - eps + Pow(root.base + eps, _HALF))
    for p, _ in place.those(Pow):
        if abs(p.exp) == _HALF and isinstance(p.base, Add):
            for eps in (a for a in p.base.args if _real_hyper(a)):
                yield from place.swap(p, Pow(Pow(p.base - eps, _HALF) + eps, 2 * p.exp))


def bias_uncorrected(place: Place) -> Iterator[Edit]:
    """1 − βᵗ → 1;  1 − βᵗ → 1 − β;  1 − βᵗ → 1 − βᵗ⁻¹ with the first step's at t = 1."""
    for e, _ in place.those(Add):
        for a in e.args:
            power = next((n for n in walk(a) if isinstance(n, Pow) and isinstance(n.exp, Letter)), None)
            if power is not None and not any(isinstance(n, Read) for n in walk(e)):
                yield from place.swap(e, e - a)
                yield from place.swap(e, substitute(e, {power: power.base}))
                yield from place.swap(e, substitute(e, {power: Pow(power.base, power.exp + 1)}))


def decay_decoupled(place: Place) -> Iterator[Edit]:
    """g = λθ + ∇, θ ← θ − lr·… becomes g = ∇, θ ← θ − lr·λθ − lr·…;  and back."""
    theta, own = _parameter(place), place.statement.name
    update = _updating(place, theta)
    rate = _rate(update)
    if rate is None:
        return
    if own != theta:
        for e, _ in place.those(Add):
            for a in e.args:
                if _decay(a, theta):
                    moved = update.rhs - rate * _renamed(a, place, update)
                    yield from _both(place, e, e - a, update, moved)
    elif isinstance(place.rhs, Add):
        for a in place.rhs.args:
            decay = a / -rate
            if a.has(rate) and _decay(decay, theta) and not decay.has(rate):
                yield from _into_the_gradient(place, a, decay)


def decay_order(place: Place) -> Iterator[Edit]:
    """θ ← θ − lr·λθ − U → (1 − lr·λ)(θ − U): the decay also shrinks the step."""
    theta = _parameter(place)
    if place.statement.name != theta or not isinstance(place.rhs, Add):
        return
    for a in place.rhs.args:
        lagged = next((r for r in reads(a) if r.tensor == theta), None)
        if _decay(a, theta) and lagged is not None:
            rest = place.rhs - a - lagged
            yield from place.root(place.rhs + a / lagged * rest)


def first_step(place: Place) -> Iterator[Edit]:
    """where(t == 1, a, b) → b: the first step is damped like every other."""
    for w, _ in place.those(Where):
        if any(isinstance(n, Letter) for n in walk(w.args[0])) and not list(reads(w.args[0])):
            yield from place.swap(w, w.args[2])
            yield from place.swap(w, w.args[1])


def state_not_stored(place: Place) -> Iterator[Edit]:
    """m[t − 1] → 0: every step starts from nothing."""
    for r, _ in place.those(Read):
        if r.tensor == place.statement.name != _parameter(place):
            yield from place.swap(r, Integer(0))


def running_maximum(place: Place) -> Iterator[Edit]:
    """max(u[t − 1], v[t]) → v[t], and → max(u[t − 1], v[t − 1])."""
    for e, _ in place.those(maximum):
        lagged = [a for a in e.args if isinstance(a, Read) and a.tensor == place.statement.name]
        for other in (a for a in e.args if lagged and a not in lagged):
            yield from place.swap(e, other)
            if isinstance(other, Read):
                yield from place.swap(e, substitute(e, {other: Read(other.tensor, *lagged[0].indices)}))


def maximized(place: Place) -> Iterator[Edit]:
    """∇ → −∇: the step goes up where it should go down."""
    gradient = place.program.inputs[-1].name
    for r, _ in place.those(Read):
        if r.tensor == gradient:
            yield from place.swap(r, -r)


# ------------------------------------------------------------------------------ small things


def _parameter(place: Place) -> str:
    """The tensor that the rule returns."""
    return place.program.outputs[0]


def _updating(place: Place, theta: str) -> Place:
    """The equation of the parameter's step: the one that reads the parameter."""
    statement = place.program.definitions[theta]
    at = next(k for k, p in enumerate(statement.pieces) if any(r.tensor == theta for r in reads(p.rhs)))
    return replace(place, statement=statement, at=at)


def _real_hyper(e: Expr) -> bool:
    return isinstance(e, Hyper) and not e.is_integer


def _rate(update: Place) -> Hyper | None:
    """The hyperparameter that multiplies the step."""
    terms = update.rhs.args if isinstance(update.rhs, Add) else (update.rhs,)
    for term in terms:
        factors = term.args if isinstance(term, Mul) else ()
        for factor in factors:
            if _real_hyper(factor):
                return factor
    return None


def _decay(term: Expr, theta: str) -> bool:
    """Whether a term is a number of hyperparameters times the parameter."""
    if not isinstance(term, Mul):
        return False
    read = [a for a in term.args if isinstance(a, Read)]
    rest = [a for a in term.args if not isinstance(a, Read)]
    return len(read) == 1 and read[0].tensor == theta and any(isinstance(n, Hyper) for a in rest for n in walk(a))


def _renamed(term: Expr, place: Place, update: Place) -> Expr:
    """A term of one equation in the letters of another of the same axes."""
    return substitute(term, dict(zip(place.piece.indices, update.piece.indices, strict=True)))


def _both(place: Place, old: Expr, new: Expr, other: Place, rhs: Expr) -> Iterator[Edit]:
    """Two equations changed at once."""
    if place.piece.indices != other.piece.indices and len(place.piece.indices) != len(other.piece.indices):
        return
    for edit in place.swap(old, new):
        statement = edit.program.definitions[other.statement.name]
        pieces = list(statement.pieces)
        pieces[other.at] = replace(pieces[other.at], rhs=rhs)
        changed = with_statement(edit.program, replace(statement, pieces=tuple(pieces)))
        yield Edit(edit.statement, f"{edit.words}, and decay beside the step", changed)


def _into_the_gradient(place: Place, term: Expr, decay: Expr) -> Iterator[Edit]:
    """The decay leaves the step and joins the gradient wherever that is read first."""
    gradient = place.program.inputs[-1].name
    for s in place.program.statements:
        for at, p in enumerate(s.pieces):
            found = next((r for e in piece_expressions(p) for r in reads(e) if r.tensor == gradient), None)
            if found is None or s.name == place.statement.name or len(p.indices) != len(place.piece.indices):
                continue
            other = replace(place, statement=s, at=at)
            added = _renamed(decay, place, other)
            yield from _both(place, place.rhs, place.rhs - term, other, substitute(p.rhs, {found: found + added}))
            return
