"""Where differences do not tell: gradients that are not finite, and points made to lie on kinks.

At a kink a gradient must lie between the slopes on its two sides; along a direction in which the function is smooth all
the same, it must be the slope.  That is asked under cotangents of one sign, so that no two kinks make up for each
other, and of gradients written by hand: the chain rule itself breaks it where kinks of parts cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from derive.verify.bound import Bound
from derive.verify.probes import Claim, Line, directions, probe
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Row

CHECK = "gradient on a kink"
#: Entries of one input that are looked at one by one.
_MOST = 16
_NEAR = (1e-4, 1e-6)


@dataclass(frozen=True)
class _Sides:
    """The slopes of φ on the two sides of a point, along one entry; nan where they do not settle."""

    left: float
    right: float

    @property
    def settled(self) -> bool:
        return bool(np.isfinite(self.left) and np.isfinite(self.right))

    @property
    def smooth(self) -> bool:
        return self.settled and abs(self.left - self.right) <= 1e-3 * max(abs(self.left), abs(self.right), 1e-3)

    def holds(self, value: float) -> bool:
        slack = 1e-3 * max(abs(self.left), abs(self.right), 1e-3)
        return min(self.left, self.right) - slack <= value <= max(self.left, self.right) + slack


def not_finite(bound: Bound, case: str, exact: bool = True) -> Row | None:
    """A gradient that is no number: wrong where the function has a slope there, else for the user to know."""
    bad = next(((n, g) for n, g in bound.expected.items() if not bool(g.isfinite().all())), None)
    if bad is None:
        return None
    name, g = bad
    if not exact:
        reason = f"the gradient by {name} is not finite, and the precision is too coarse to tell whether it should be"
        return Row("finite gradient", case, INCONCLUSIVE, reason=reason, seed=bound.seed)
    claim = bound.claim()
    places = [tuple(int(i) for i in at) for at in (~g.isfinite()).nonzero()[:_MOST]]
    sides = [(at, _sides(claim, name, at)) for at in places]
    for at, s in sides:
        if s.smooth:
            words = f"d{_at(name, at)} is {float(g[at]):g} where the forward is smooth, of slope {s.right:.6g}"
            return Row("finite gradient", case, FAILED, seed=bound.seed, detail=words)
    at, s = sides[0]
    words = f"d{_at(name, at)} is {float(g[at]):g}"
    if s.settled:
        reason = f"{words}, at a kink: the slopes on its two sides are {s.left:.6g} and {s.right:.6g}"
        return Row("finite gradient", case, INCONCLUSIVE, reason=reason, seed=bound.seed)
    reason = f"{words}: the forward has no finite slope there either"
    return Row("finite gradient", case, NOT_APPLICABLE, reason=reason, seed=bound.seed)


def structured(bound: Bound) -> bool:
    """Whether the function changes its slope within a hundred millionth of the point: wider differences mislead."""
    claim = bound.claim()
    lines = [Line(claim, direction) for direction in directions(claim, bound.seed)]
    try:
        return any(_changes(line) for line in lines)
    except Exception:  # the function refuses inputs so near: nothing is known
        return False


def _changes(line: Line) -> bool:
    near, far = (line.differences(h)[0] for h in (1e-8, 1e-4))
    size = max(abs(near), abs(far), 1e-3) + 1e3 * line.floor / 1e-8
    return not abs(near - far) <= 1e-2 * size


def rows(bound: Bound, case: str) -> Iterator[Row]:
    """One row: entries on a kink between their slopes, and each input moved as a whole."""
    if not bound.own:
        return
    claim = bound.claim()
    claim = claim.under({n: np.abs(w) for n, w in claim.cotangents.items()})
    looked = 0
    for name in bound.names:
        x, before = claim.inputs[name], looked
        for at in _suspects(np.asarray(x)):
            s, value = _sides(claim, name, at), float(np.asarray(claim.gradient[name])[at])
            if not s.settled or s.smooth:
                continue
            looked += 1
            if not s.holds(value):
                words = f"d{_at(name, at)} is {value:.6g} at a kink whose slopes are {s.left:.6g} and {s.right:.6g}"
                yield Row(CHECK, case, FAILED, seed=bound.seed, detail=f"{words}: no convention lies outside of them")
                return
        together = probe(claim, {name: np.ones(np.shape(x))}) if looked > before else None
        if together is not None and together.conclusive and not together.passed:
            words = f"all of {name} moved alike: analytic {together.analytic:.10g}, numeric {together.slope.value:.10g}"
            detail = f"{words}; at ties the shares of a gradient must add up to one"
            yield Row(CHECK, case, FAILED, together.error, together.tolerance, seed=bound.seed, detail=detail)
            return
    if looked:
        words = f"{looked} entries on kinks lie between the slopes on their two sides"
        yield Row(CHECK, case, PASSED, reason=words, seed=bound.seed)


def _suspects(x: np.ndarray) -> list[tuple[int, ...]]:
    """Entries that are zero, or equal to another of the same input."""
    values, counts = np.unique(x, return_counts=True)
    shared = np.isin(x, values[counts > 1]) | (x == 0)
    return [tuple(int(i) for i in at) for at in np.argwhere(shared)[:_MOST]]


def _sides(claim: Claim, name: str, at: tuple[int, ...]) -> _Sides:
    """The slopes on both sides, each from two distances that must agree."""
    return _Sides(_side(claim, name, at, -1.0), _side(claim, name, at, 1.0))


def _side(claim: Claim, name: str, at: tuple[int, ...], sign: float) -> float:
    slopes = []
    for h in _NEAR:
        moved = {n: np.array(x) for n, x in claim.inputs.items()}
        moved[name][at] += sign * h
        y = claim.forward(moved)
        with np.errstate(all="ignore"):
            rise = sum(float(np.sum((y[n] - claim.middle[n]) * dy)) for n, dy in claim.cotangents.items())
        slopes.append(sign * rise / h)
    far, near = slopes
    agree = abs(far - near) <= 1e-2 * max(abs(far), abs(near), 1e-3)
    return near if agree else float("nan")


def _at(name: str, at: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, at))}]" if at else name
