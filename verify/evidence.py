"""What the report draws: how differences of the forward agree with a gradient, step by step and place by place.

φ(h) = ⟨dy, f(x + h·v)⟩ along a direction v in one input.  Where the gradient g is right, |⟨g, v⟩ − (φ(h) − φ(−h))/2h|
falls as h² until rounding, ε/h, takes over: a V.  Where g is wrong it levels off at g's relative error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from derive.verify.probes import Arrays, Claim
from derive.verify.verdict import FAILED, Evidence, Row

if TYPE_CHECKING:
    from derive.verify.subject import Subject

#: Two steps a decade; one where there are more than ``_FEW`` inputs to ask.
STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 19))
_FEW = 4
#: Cells a side of a heat map, evaluations spent on all of them together, numbers moved by those, CPU seconds of one.
CELLS, _EVALUATIONS, _NUMBERS, _SLOW = 16, 256, 3e7, 0.25
_HEAT_STEP = 1e-5
#: Where pictures are taken, the first kind that a program admits.
_KINDS = ("plain", "asymmetric", "equal", "ones")
_SMALL = 1e-3
_ROUNDING = 300 * float(np.finfo(float).eps)

Points = tuple[tuple[float, float], ...]

# ------------------------------------------------------------------------------ gathering


def gather(claim: Claim, case: str, seed: int = 0, truth: Arrays | None = None) -> tuple[Evidence, ...]:
    """The evidence of each input that has a gradient; nothing of a forward that raises, or is too slow to ask often.

    ``truth``: gradients from elsewhere, that maps are drawn against in place of differences.
    """
    start = process_time()
    try:
        claim.forward({n: np.array(x) for n, x in claim.inputs.items()})
        if process_time() - start > _SLOW:
            return ()
        return tuple(_gathered(claim, case, seed, truth))
    except Exception:  # what a user's function raises when it is moved is for the checks to tell
        return ()


def _gathered(claim: Claim, case: str, seed: int, truth: Arrays | None) -> Iterator[Evidence]:
    names = list(claim.gradient)
    size = sum(np.size(claim.inputs[n]) for n in names)
    evaluations = min(_EVALUATIONS if len(names) > 1 else 2 * CELLS**2, int(_NUMBERS / max(size, 1)))
    side = _side([np.shape(claim.inputs[n]) for n in names], evaluations)
    steps = STEPS if len(names) <= _FEW else STEPS[::2]
    for i, name in enumerate(names):
        if not np.size(claim.inputs[name]):
            continue
        one = _One(claim, name, np.asarray(claim.gradient[name], dtype=float), np.random.default_rng([seed, 23, i]))
        with np.errstate(all="ignore"):
            errors, remainders = one.along(steps)
            heat = one.heat(side) if truth is None else one.beside(np.asarray(truth[name], dtype=float))
            yield Evidence(name, case, errors, remainders, heat, tuple(np.shape(claim.inputs[name])))


@dataclass(frozen=True)
class _One:
    """One input of the claim, and its gradient."""

    claim: Claim
    name: str
    gradient: np.ndarray
    rng: np.random.Generator

    def along(self, steps: Sequence[float]) -> tuple[Points, Points]:
        """The error of the central difference and Taylor's remainder at every step, where they are numbers.

        v points where the gradient says φ grows, so that no cancellation makes the derivative small.  Remainders
        that rounding hides are left out.
        """
        signs = np.where(self.gradient == 0, self.rng.choice([-1.0, 1.0], self.gradient.shape), np.sign(self.gradient))
        v = signs * self.rng.uniform(0.5, 1.5, self.gradient.shape)
        analytic = float(np.sum(self.gradient * v))
        changes = [(h, self._change(v, h), self._change(v, -h)) for h in steps]
        slopes = [(h, (above - below) / (2 * h)) for h, above, below in changes]
        finite = [abs(d) for _, d in slopes if math.isfinite(d)]
        scale = max(abs(analytic), float(np.median(finite)) if finite else 0.0) or 1.0
        remainders = _numbers([(h, abs(above - h * analytic)) for h, above, _ in changes])
        noise = self._noise
        return _numbers([(h, abs(analytic - d) / scale) for h, d in slopes]), tuple(
            p for p in remainders if p[1] > noise
        )

    def beside(self, truth: np.ndarray) -> tuple[tuple[float, ...], ...]:
        """The relative error of each entry beside the truth, the worst of each block."""
        rows, columns = folded(self.gradient.shape)
        found, true = self.gradient.reshape(rows, columns), truth.reshape(rows, columns)
        error = np.abs(found - true)
        scale = np.maximum(np.maximum(np.abs(found), np.abs(true)), _SMALL * np.abs(true).max(initial=0.0))
        relative = np.where(error == 0, 0.0, np.where(np.isfinite(error), error / scale, np.inf))
        down, across = (list(pairwise(_edges(n, CELLS))) for n in (rows, columns))
        return tuple(tuple(float(relative[slice(*i), slice(*j)].max()) for j in across) for i in down)

    def heat(self, side: int) -> tuple[tuple[float, ...], ...]:
        """The relative error of each block of entries, by one difference along random signs within the block."""
        rows, columns = folded(self.gradient.shape)
        if not side:
            return ()
        down, across = (list(pairwise(_edges(n, side))) for n in (rows, columns))
        pairs = [[self._block((rows, columns), slice(*i), slice(*j)) for j in across] for i in down]
        largest = max((abs(t) for row in pairs for _, t in row if math.isfinite(t)), default=0.0)
        return tuple(tuple(_relative(a, t, largest) for a, t in row) for row in pairs)

    def _block(self, shape: tuple[int, int], rows: slice, columns: slice) -> tuple[float, float]:
        """What the gradient promises along the block, and what a difference shows."""
        block = np.zeros(shape)
        block[rows, columns] = 1.0
        if np.count_nonzero(block) > 1:
            block *= self.rng.choice([-1.0, 1.0], shape)
        v = block.reshape(self.gradient.shape)
        change = self._change(v, _HEAT_STEP) - self._change(v, -_HEAT_STEP)
        return float(np.sum(self.gradient * v)), change / (2 * _HEAT_STEP)

    def _change(self, v: np.ndarray, h: float) -> float:
        """φ(h) − φ(0), each output subtracted before it is paired, so that what they share does not round."""
        claim = self.claim
        y = claim.forward({n: x + h * v if n == self.name else x for n, x in claim.inputs.items()})
        parts = (np.dot(np.ravel(y[n]) - np.ravel(claim.middle[n]), np.ravel(dy)) for n, dy in claim.cotangents.items())
        return float(sum(parts))

    @property
    def _noise(self) -> float:
        """What φ may round by, many times over."""
        claim = self.claim
        parts = (np.sum(np.abs(np.ravel(claim.middle[n]) * np.ravel(dy))) for n, dy in claim.cotangents.items())
        return _ROUNDING * float(sum(parts))


def folded(shape: Sequence[int]) -> tuple[int, int]:
    """The shape as a map of rows and columns, cut between the axes where it is nearest to square."""
    cuts = [(math.prod(shape[:k]), math.prod(shape[k:])) for k in range(len(shape) + 1)]
    return min(cuts, key=lambda cut: abs(math.log(max(cut[0], 1) / max(cut[1], 1))))


def _side(shapes: list[tuple[int, ...]], evaluations: int) -> int:
    """The most cells a side, 16 or fewer, that these evaluations allow all maps together."""
    maps = [folded(shape) for shape in shapes]
    fits = (s for s in range(CELLS, 0, -1) if 2 * sum(min(r, s) * min(c, s) for r, c in maps) <= evaluations)
    return next(fits, 0)


def _edges(n: int, side: int) -> list[int]:
    count = min(n, side)
    return [n * i // count for i in range(count + 1)]


def _relative(analytic: float, true: float, largest: float) -> float:
    """|analytic − true| beside the larger of the two; where both are small, beside a part of the largest of all."""
    error = abs(analytic - true)
    if not math.isfinite(error):
        return math.inf
    return error / max(abs(analytic), abs(true), _SMALL * largest) if error else 0.0


def _numbers(points: list[tuple[float, float]]) -> Points:
    return tuple((h, y) for h, y in points if math.isfinite(y))


# ------------------------------------------------------------------------------ of a program


def of_program(climbed: Sequence[tuple[Subject, Sequence[Row]]], seed: int = 0) -> tuple[Evidence, ...]:
    """The evidence of the setting, and of the code, whose gradient failed; of the first setting if none did."""
    for subject, rows in climbed:
        wrong = [row.check for row in rows if row.status == FAILED and row.check.startswith(("gradient", "probes"))]
        if wrong:
            code = next((c for c in ("numpy", "torch") if all(check.endswith(f", {c}") for check in wrong)), "")
            return of_subject(subject, seed, code)
    return of_subject(climbed[0][0], seed) if climbed else ()


def of_subject(subject: Subject, seed: int = 0, code: str = "") -> tuple[Evidence, ...]:
    """The evidence of a program's gradient, as it is or as generated code computes it."""
    from derive.verify import autograd
    from derive.verify.inputs import make
    from derive.verify.rungs.base import has_gradient, title, weighted
    from derive.verify.rungs.differences import claim_of

    try:
        case = next((c for c in (make(subject.program, kind, seed) for kind in _KINDS) if c), None)
        if case is None or not has_gradient(case):
            return ()
        claim = claim_of(subject, case, seed)
        inputs, weights = weighted(subject, case, 1, seed)
        truth = dict(zip(case.differentiable, autograd.towers(case, weights)[0], strict=True))
        if code:
            found = subject.run(code, subject.vjp, inputs, case)
            claim = replace(
                claim, gradient=dict(zip(case.differentiable, map(np.asarray, found.values()), strict=True))
            )
    except Exception:  # said by the rung that met it
        return ()
    return gather(claim, title(subject, case.title()), seed, truth)


# ------------------------------------------------------------------------------ what it shows

#: EXACT: rounding alone, as where φ is linear or quadratic and a central difference leaves nothing out.
V, PLATEAU, UNSETTLED, EXACT = "v", "plateau", "unsettled", "exact"


@dataclass(frozen=True)
class Bottom:
    """How a curve of errors ends: its shape, its height there, and at which step."""

    shape: str
    height: float
    step: float


def bottom(steps: Sequence[tuple[float, float]]) -> Bottom | None:
    """A V's lowest point, or the height of a plateau: the level kept, within a half, over a factor 100 of steps."""
    if not steps:
        return None
    ordered = sorted(steps)
    level = _plateau(ordered)
    if level is not None:
        return level
    h, error = min(ordered, key=lambda p: p[1])
    if error < 1e-13:
        return Bottom(EXACT, error, h)
    return Bottom(V if error < 1e-6 else UNSETTLED, error, h)


def _plateau(ordered: list[tuple[float, float]]) -> Bottom | None:
    """The longest level stretch above rounding."""
    best: list[tuple[float, float]] = []
    for i in range(len(ordered)):
        for j in range(i + 3, len(ordered) + 1):
            part = ordered[i:j]
            low, high = min(y for _, y in part), max(y for _, y in part)
            if low < 1e-12 or high > 1.5 * low:
                break
            if part[-1][0] >= 99 * part[0][0] and len(part) > len(best):
                best = part
    if not best:
        return None
    height = float(np.median([y for _, y in best]))
    return Bottom(PLATEAU, height, best[len(best) // 2][0])


def fitted(remainders: Sequence[tuple[float, float]], last: int = 6) -> float | None:
    """The slope, between powers of ten, of Taylor's remainder at its smallest steps; None where too few are seen.

    The median of the slopes from step to step, since one step across a kink tells nothing of the others.
    """
    points = [(math.log10(h), math.log10(r)) for h, r in sorted(remainders) if r > 0][:last]
    if len(points) < 3:
        return None
    return float(np.median([(d - b) / (c - a) for (a, b), (c, d) in pairwise(points)]))


def worst_cell(heat: Sequence[Sequence[float]]) -> tuple[float, int, int]:
    """The largest relative error, its row and its column; the first of those as large."""
    cells = ((error, i, j) for i, row in enumerate(heat) for j, error in enumerate(row))
    return max(cells, key=lambda cell: cell[0], default=(0.0, 0, 0))
