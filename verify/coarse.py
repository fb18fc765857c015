"""Probes of a function that computes in less than float64: wide steps, and a tolerance that owns up to the rounding.

A factor, a sign or a dropped path is found; what lies below a hundredth of the gradient may not be, and the row says
how far it can see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.bound import Bound, label
from derive.verify.probes import Arrays, Claim, Line, Slope, bounded, directions
from derive.verify.verdict import FAILED, INCONCLUSIVE, PASSED, Row

#: From far apart to near: where the rounding is coarse, the best step is wide.
_STEPS = tuple(10.0**-e for e in np.arange(0.5, 4.01, 0.5))
#: What a probe must be able to see, as a part of the gradient; how many directions must agree that it is wrong.
_COARSEST, _AGREED = 0.2, 3
#: Agreement at one step to this part of the gradient is agreement: what is further off may be kinks.
_CLOSE = 0.01
_EPS = float(np.finfo(float).eps)


class _Rough(Line):
    """A line along which every value rounds by ``eps``."""

    eps: float = _EPS

    @cached_property
    def floor(self) -> float:
        return Line.floor.func(self) * self.eps / _EPS  # type: ignore[attr-defined,no-any-return]


@dataclass(frozen=True)
class _Seen:
    inputs: tuple[str, ...]
    analytic: float
    slope: Slope
    scale: float
    exactness: float

    @property
    def error(self) -> float:
        error = abs(self.analytic - self.slope.value)
        return error if np.isfinite(error) else np.inf

    @property
    def tolerance(self) -> float:
        return 10 * self.slope.estimate + self.exactness

    @property
    def conclusive(self) -> bool:
        return bool(self.tolerance <= _COARSEST * self.scale + 1e-6)

    @property
    def wrong(self) -> bool:
        return self.conclusive and self.error > self.tolerance


def rows(bound: Bound, case: str, eps: float, check: str = "probes") -> Iterator[Row]:
    """One row: directions over all inputs and over each, as sharp as the precision lets them be.

    Wide steps may cross kinks, so that an input is blamed only when other directions in it blame it too.
    """
    claim = _claim(bound)
    seen = [_one(claim, direction, eps) for direction in directions(claim, bound.seed)]
    suspects = dict.fromkeys(s.inputs for s in seen if s.wrong)
    wrong = [worst for names in suspects if (worst := _confirmed(claim, names, bound.seed, eps)) is not None]
    worst = max(wrong or seen, key=lambda s: s.error - s.tolerance)
    words = f"in this precision differences see {worst.tolerance / (worst.scale or 1):.0e} of the gradient"
    if wrong:
        detail = (
            f"gradient by {', '.join(wrong[-1].inputs)} along a random direction: analytic {wrong[-1].analytic:.5g}, "
            f"numeric {wrong[-1].slope.value:.5g}, ratio {wrong[-1].analytic / (wrong[-1].slope.value or np.nan):.4g}; "
            f"{words}"
        )
        yield Row(check, case, FAILED, worst.error, worst.tolerance, seed=bound.seed, detail=detail)
    elif suspects or not all(s.conclusive for s in seen):
        reason = "the precision is too coarse here to tell by differences, or a kink is near"
        yield Row(check, case, INCONCLUSIVE, worst.error, worst.tolerance, reason, bound.seed)
    else:
        yield Row(check, case, PASSED, worst.error, worst.tolerance, words, bound.seed)


def _confirmed(claim: Claim, names: tuple[str, ...], seed: int, eps: float) -> _Seen | None:
    """The mildest of several other directions in these inputs, if all of them are wrong."""
    rng = np.random.default_rng([seed, 37])
    others = [_one(claim, {n: bounded(rng, np.shape(claim.inputs[n])) for n in names}, eps) for _ in range(_AGREED)]
    return min(others, key=lambda s: s.error) if all(s.wrong for s in others) else None


def _claim(bound: Bound) -> Claim:
    """The function in its own precision, its values as float64."""

    def forward(moved: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {
            n: torch.from_numpy(np.asarray(moved[n])).to(x.dtype) if n in moved else x for n, x in bound.inputs.items()
        }
        with torch.no_grad():
            return {label(i): _array(y) for i, y in enumerate(bound.outputs(given))}

    cotangents = {label(i): _array(w) for i, w in enumerate(bound.cotangents)}
    gradient = {n: _array(g) for n, g in bound.expected.items()}
    return Claim(forward, None, {n: _array(bound.inputs[n]) for n in bound.names}, cotangents, gradient)


def _array(x: Array) -> np.ndarray:
    return x.detach().to(torch.float64).numpy()


def _one(claim: Claim, direction: Arrays, eps: float) -> _Seen:
    line = _Rough(claim, direction)
    line.eps = eps
    parts = [np.ravel(claim.gradient[n]) * np.ravel(v) for n, v in direction.items()]
    scale = float(sum(np.sum(p * p) for p in parts)) ** 0.5
    exactness = 64 * eps * float(sum(np.sum(np.abs(p)) for p in parts)) + 1e-14
    analytic = float(sum(np.sum(p) for p in parts))
    found = list(_slopes(line))
    sharp = [s for s in found if 10 * s.estimate <= _COARSEST * scale]
    best = sharp[-1] if sharp else min(found, key=lambda s: s.estimate if np.isfinite(s.estimate) else np.inf)
    near = min(found, key=lambda s: abs(analytic - s.value) + 10 * s.rounding)
    if abs(analytic - near.value) + 10 * near.rounding <= _CLOSE * scale:
        best = Slope(near.value, abs(analytic - near.value) / 10, near.rounding, near.step)  # kinks lie further off
    scale = max(scale, abs(best.value)) if np.isfinite(best.value) else scale
    return _Seen(tuple(direction), analytic, best, scale, exactness)


def _slopes(line: Line) -> Iterator[Slope]:
    """The difference at each step, off by at most what it differs from those of the two steps before, and rounding."""
    for k in range(2, len(_STEPS)):
        (a, _), (b, _), (c, _) = (line.differences(h) for h in _STEPS[k - 2 : k + 1])
        apart = max(abs(a - b), abs(b - c))
        yield Slope(c, apart if np.isfinite(apart) else np.inf, line.floor / _STEPS[k], _STEPS[k])
