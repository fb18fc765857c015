"""Richardson probes: a gradient against differences of the forward, with a derived tolerance.

φ(h) = ⟨dy, f(x + h·v)⟩ along a Gaussian direction v; three levels of central differences are extrapolated, h runs
from 1e-2 to 1e-5 until two levels agree, and the h where they agree best is taken.  What is left between them is the
error estimate: a gradient fails above ``1e-8·scale + 10·estimate + 1e-11``.  Where the estimate stays large there is a
kink near, and the probe is *inconclusive*: resampled by the caller, never passed in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]
Forward = Callable[[dict[str, np.ndarray]], Arrays]

DIRECTIONS = 3
_STEPS = tuple(10.0**-e for e in np.arange(2.0, 5.01, 0.5))
_LISTED = 16


@dataclass(frozen=True)
class Slope:
    """dφ/dh at 0, and how far it may be off."""

    value: float
    estimate: float


@dataclass(frozen=True)
class Probe:
    """One direction: the derivative the gradient promises, the one differences show, and what may lie between."""

    inputs: tuple[str, ...]
    analytic: float
    slope: Slope
    detail: str = ""

    @property
    def error(self) -> float:
        return abs(self.analytic - self.slope.value)

    @property
    def scale(self) -> float:
        return max(abs(self.analytic), abs(self.slope.value))

    @property
    def tolerance(self) -> float:
        return 1e-8 * self.scale + 10 * self.slope.estimate + 1e-11

    @property
    def conclusive(self) -> bool:
        return bool(10 * self.slope.estimate <= 1e-6 * self.scale + 1e-8)

    @property
    def passed(self) -> bool:
        return self.conclusive and self.error <= self.tolerance


def slope(phi: Callable[[float], float]) -> Slope:
    """φ′(0) by three-level Richardson extrapolation at the step that agrees best with itself.

    Central differences cannot see a kink exactly at 0, so the jump between the one-sided slopes is added: it
    vanishes with h where φ is smooth.
    """
    best = Slope(np.nan, np.inf)
    for h in _STEPS:
        best = min(best, _extrapolated(phi, h), key=lambda s: s.estimate)
        if best.estimate <= 1e-10 * abs(best.value) + 1e-13:
            break
    middle = phi(0.0)
    wide, narrow = (abs(phi(h) + phi(-h) - 2 * middle) / (2 * h) for h in (1e-4, 1e-5))
    kinked = narrow > 0.5 * wide and narrow > 1e-7 * max(abs(best.value), 1e-2)
    return Slope(best.value, best.estimate + narrow) if kinked else best


def _extrapolated(phi: Callable[[float], float], h: float) -> Slope:
    d = [(phi(h / 2**k) - phi(-h / 2**k)) * 2**k / (2 * h) for k in range(3)]
    second = [(4 * d[k + 1] - d[k]) / 3 for k in range(2)]
    third = (16 * second[1] - second[0]) / 15
    estimate = abs(third - second[1])
    return Slope(third, estimate if np.isfinite(estimate) else np.inf)


def probes(forward: Forward, gradient: Arrays, inputs: Arrays, cotangents: Arrays, seed: int = 0) -> tuple[Probe, ...]:
    """K directions over all inputs jointly, then one direction in each input alone."""
    rng = np.random.default_rng([seed, 7])
    names = tuple(gradient)
    choices = [names] * DIRECTIONS + ([(n,) for n in names] if len(names) > 1 else [])
    return tuple(_probe(forward, gradient, inputs, cotangents, chosen, rng) for chosen in choices)


def _probe(
    forward: Forward,
    gradient: Arrays,
    inputs: Arrays,
    cotangents: Arrays,
    chosen: tuple[str, ...],
    rng: np.random.Generator,
) -> Probe:
    direction = {n: rng.normal(size=np.shape(inputs[n])) for n in chosen}
    analytic = float(sum(np.sum(gradient[n] * direction[n]) for n in chosen))
    return Probe(chosen, analytic, slope(along(forward, inputs, direction, cotangents)))


def along(forward: Forward, inputs: Arrays, direction: Arrays, cotangents: Arrays) -> Callable[[float], float]:
    """φ(h) = ⟨dy, f(x + h·v)⟩."""

    def phi(h: float) -> float:
        moved = {n: x + h * direction[n] if n in direction else x for n, x in inputs.items()}
        y = forward(moved)
        return float(sum(np.sum(np.asarray(y[n]) * dy) for n, dy in cotangents.items()))

    return phi


def localise(forward: Forward, gradient: Arrays, inputs: Arrays, cotangents: Arrays, sizes: Mapping) -> str:
    """The worst entry in words: which input, which index, both values, and what their ratio suggests."""
    worst: tuple[float, str] = (-1.0, "")
    for name, found in gradient.items():
        indices = list(np.ndindex(np.shape(inputs[name])))
        indices = indices[:: len(indices) // _LISTED + 1]
        for index in indices:
            direction = {name: np.zeros(np.shape(inputs[name]))}
            direction[name][index] = 1.0
            true = slope(along(forward, inputs, direction, cotangents)).value
            analytic = float(np.asarray(found)[index])
            if not abs(analytic - true) <= worst[0]:
                at = ", ".join(map(str, index))
                worst = (
                    abs(analytic - true),
                    f"d{name}[{at}]: analytic {analytic:.10g}, numeric {true:.10g}{hint(analytic, true, sizes)}",
                )
    return worst[1]


def hint(analytic: float, true: float, sizes: Mapping) -> str:
    """What the ratio analytic / true suggests."""
    if true == 0 or not np.isfinite(analytic) or abs(analytic - true) < 1e-6 * abs(true):
        return ""
    ratio = analytic / true
    known = [(-1.0, "the sign"), (0.0, "a path is dropped"), (2.0, "counted twice"), (0.5, "half is missing")]
    for size, n in sizes.items():
        if n > 1:
            known += [(float(n), f"a sum over {size} where a mean is meant"), (1.0 / n, f"an extra 1/{size}")]
    for value, words in known:
        if abs(ratio - value) < 1e-5 * max(abs(value), 1e-3):
            return f", ratio {ratio:.6g}: {words}"
    return f", ratio {ratio:.6g}"
