"""Richardson probes: a gradient against differences of the forward, with a tolerance that is measured.

φ(h) = ⟨dy, f(x + h·v)⟩ along a random direction v.  Central differences at h = 1e-2, 3e-3, … 1e-5 are extrapolated
three at a time; the step that agrees best with itself is taken.  A probe may be off by ten times what the differences
are off by themselves: what is left between two extrapolations, and rounding (of inputs and outputs, and as measured
by how slopes of smaller steps scatter).  Where that stays large, or the one-sided slopes differ, there is a
kink: *inconclusive*, resampled by the caller, never passed in silence.

Directions have random signs and sizes between ½ and 3/2: a wrong entry never hides behind a small number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

Arrays = Mapping[str, np.ndarray]
Forward = Callable[[dict[str, np.ndarray]], Arrays]
Pullback = Callable[[Arrays], Arrays]

DIRECTIONS = 3
#: Of more inputs than these, so many are probed alone.
MANY = 16
RATIO = 10**0.5
STEPS = tuple(10.0**-e for e in np.arange(2.0, 5.01, 0.5))
#: The steps of the second opinion, between those of the first.
BETWEEN = tuple(h / 1.7 for h in STEPS)
#: A gradient is held to its own rounding, but to no more than this of the Jacobian's entries.
ENTRYWISE = 1e-8
_EPS = float(np.finfo(float).eps)
_TIGHT = 2e-10
_SURE = 1e-6


@dataclass(frozen=True)
class Claim:
    """A forward, the gradient claimed for it at ``inputs`` under ``cotangents``, and how to claim it under others."""

    forward: Forward
    pullback: Pullback | None
    inputs: Arrays
    cotangents: Arrays
    gradient: Arrays
    sizes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def middle(self) -> Arrays:
        """The outputs at the inputs themselves."""
        return self.forward({n: np.array(x) for n, x in self.inputs.items()})

    def under(self, cotangents: Arrays) -> Claim:
        """The claim under other cotangents."""
        assert self.pullback is not None
        other = replace(self, cotangents=cotangents, gradient=self.pullback(cotangents))
        other.__dict__["middle"] = self.middle
        return other


@dataclass(frozen=True)
class Slope:
    """dφ/dh at 0: what extrapolation may be off by, what rounding may add, the step, whether a kink was seen."""

    value: float
    truncation: float
    rounding: float = 0.0
    step: float = 0.0
    kinked: bool = False

    @property
    def estimate(self) -> float:
        return self.truncation + self.rounding


@dataclass(frozen=True)
class Probe:
    """One direction: the derivative the gradient promises, the one differences show, and what may lie between."""

    inputs: tuple[str, ...]
    analytic: float
    slope: Slope
    scale: float
    exactness: float = 0.0
    direction: Arrays = field(default_factory=dict, repr=False, compare=False)

    @property
    def error(self) -> float:
        error = float(abs(self.analytic - self.slope.value))
        return error if np.isfinite(error) else np.inf

    @property
    def tolerance(self) -> float:
        return float(10 * self.slope.estimate + self.exactness)

    @property
    def conclusive(self) -> bool:
        """Whether differences are sharp enough to tell; a gradient that is no number is wrong whatever they say."""
        if not np.isfinite(self.analytic):
            return np.isfinite(self.slope.value)
        return not self.slope.kinked and bool(10 * self.slope.estimate <= _SURE * self.scale + 1e-8)

    @property
    def tight(self) -> bool:
        return not self.slope.kinked and bool(10 * self.slope.estimate <= _TIGHT * self.scale + 1e-13)

    @property
    def passed(self) -> bool:
        return self.conclusive and self.error <= self.tolerance

    def because(self) -> str:
        """Where the tolerance comes from, in words."""
        s = self.slope
        return (
            f"tolerance {self.tolerance:.1e} = 10·({s.truncation:.1e} left by extrapolation at h = {s.step:.0e}"
            f" + {s.rounding:.1e} rounding) + {self.exactness:.1e} rounding of the gradient"
        )


class Line:
    """f along x + h·v, paired with the cotangents; what it is worth at each step is remembered."""

    def __init__(self, claim: Claim, direction: Arrays) -> None:
        self.claim, self.direction = claim, direction
        self.seen: dict[float, tuple[float, float]] = {}

    def _at(self, h: float) -> Arrays:
        inputs, direction = self.claim.inputs, self.direction
        return self.claim.forward({n: x + h * direction[n] if n in direction else x for n, x in inputs.items()})

    def differences(self, h: float) -> tuple[float, float]:
        """(φ(h) − φ(−h)) / 2h, and the jump of the one-sided slopes (φ(h) + φ(−h) − 2φ(0)) / h.

        Outputs are subtracted before they are paired, so that what they share does not round.
        """
        if h not in self.seen:
            above, below, middle = self._at(h), self._at(-h), self.claim.middle
            slope = jump = 0.0
            with np.errstate(all="ignore"):
                for n, dy in self.claim.cotangents.items():
                    up, down, at = (np.asarray(y[n], dtype=float).ravel() for y in (above, below, middle))
                    weight = np.ravel(dy)
                    slope += float(np.dot(up - down, weight))
                    jump += float(np.dot((up - at) - (at - down), weight))
            self.seen[h] = slope / (2 * h), jump / h
        return self.seen[h]

    @cached_property
    def floor(self) -> float:
        """What φ rounds by: half a unit in the last place of every input and output, independently, three sigma."""
        total = 0.0
        with np.errstate(all="ignore"):
            for n, dy in self.claim.cotangents.items():
                total += float(np.sum((np.ravel(self.claim.middle[n]) * np.ravel(dy)) ** 2))
            for n, v in self.direction.items():
                x, g = np.ravel(self.claim.inputs[n]), np.ravel(self.claim.gradient[n])
                total += float(np.sum((x * np.nan_to_num(g, posinf=0.0, neginf=0.0)) ** 2 * (np.ravel(v) != 0)))
        return 1.5 * _EPS * total**0.5 if np.isfinite(total) else 0.0

    def slopes(self, steps: tuple[float, ...] = STEPS) -> Iterator[Slope]:
        """One slope for each three steps in a row."""
        for k in range(2, len(steps)):
            yield self.extrapolated(steps[k - 2 : k + 1])

    def extrapolated(self, steps: tuple[float, ...]) -> Slope:
        """d + c₂h² + c₄h⁴ + …: two levels of elimination; what the second changed, and by how much it may again."""
        (a, _), (b, _), (c, jump) = (self.differences(h) for h in steps)
        q = RATIO**2
        first, second = (q * b - a) / (q - 1), (q * c - b) / (q - 1)
        third = (q * q * second - first) / (q * q - 1)
        last, before = abs(third - second), abs(second - c)
        shrunk = min(1.0, 3 * q * last / before) if before > 0 else 1.0
        left = last * shrunk if np.isfinite(last) else np.inf
        return Slope(third, left, 1.3 * self.floor / steps[-1], steps[-1], self._kinked(steps, jump))

    def _kinked(self, steps: tuple[float, ...], jump: float) -> bool:
        """A smooth function's jump falls with h; at a kink it stays."""
        before = abs(self.differences(steps[0])[1])
        noise = 20 * self.floor / steps[-1] + 1e-7 * max(abs(self.differences(steps[-1])[0]), 1e-2)
        return bool(abs(jump) > 0.5 * before and abs(jump) > noise)


def directions(claim: Claim, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """K directions over all inputs jointly, then one in each input alone."""
    rng = np.random.default_rng([seed, 7])
    names = tuple(claim.gradient)
    alone = names if len(names) <= MANY else names[:: -(-len(names) // MANY)]
    for chosen in [names] * DIRECTIONS + ([(n,) for n in alone] if len(names) > 1 else []):
        yield {n: bounded(rng, np.shape(claim.inputs[n])) for n in chosen}


def bounded(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random signs, sizes between ½ and 3/2."""
    return np.asarray((rng.integers(0, 2, shape) * 2 - 1) * rng.uniform(0.5, 1.5, shape))


def probes(claim: Claim, seed: int = 0) -> tuple[Probe, ...]:
    """Every direction's probe; one that fails is asked for a second opinion before it counts."""
    return tuple(probe(claim, direction) for direction in directions(claim, seed))


def probe(claim: Claim, direction: Arrays) -> Probe:
    """The first sharp extrapolation that agrees; if none does, all of them, and those of the steps between."""
    line, blank = Line(claim, direction), _blank(claim, direction)
    best = blank
    for slope in line.slopes():
        best = min(best, replace(blank, slope=slope), key=lambda p: (p.slope.kinked, _estimate(p.slope)))
        if best.tight and best.passed:
            return best
    return best if best.passed else _second_opinion(line, best)


def _estimate(slope: Slope) -> float:
    return slope.estimate if np.isfinite(slope.estimate) else np.inf


def _blank(claim: Claim, direction: Arrays) -> Probe:
    """The probe before any difference is taken."""
    with np.errstate(all="ignore"):
        parts = [np.ravel(claim.gradient[n]) * np.ravel(v) for n, v in direction.items()]
        analytic = float(sum(np.sum(p) for p in parts))
        scale = float(sum(np.sum(p * p) for p in parts)) ** 0.5
        exactness = 64 * _EPS * float(sum(np.sum(np.abs(p)) for p in parts)) + 1e-14
    scale, exactness = (x if np.isfinite(x) else 0.0 for x in (scale, exactness))
    return Probe(tuple(direction), analytic, Slope(np.nan, np.inf), scale, exactness, direction)


def _second_opinion(line: Line, first: Probe) -> Probe:
    """All steps, and the steps between: the slope counts for as much as both agree, rounding as measured."""
    slopes = [list(line.slopes(steps)) for steps in (STEPS, BETWEEN)]
    found = [min(each, key=_estimate) for each in slopes]
    best = min(found, key=_estimate)
    apart = abs(found[0].value - found[1].value)
    if not np.isfinite(apart):
        apart = np.inf
    finer = [s for each in slopes for s in each if s.step < best.step]
    rounding = max([best.rounding, *(abs(s.value - best.value) * s.step / best.step for s in finer)])
    kinked = any(s.kinked for each in slopes for s in each if s.step > 1.5e-5)
    slope = Slope(best.value, max(best.truncation, apart), rounding, best.step, kinked)
    scale = max(first.scale, abs(best.value)) if np.isfinite(best.value) else first.scale
    return replace(first, slope=slope, scale=scale)
