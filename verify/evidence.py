"""What the report draws: how differences of the forward agree with a gradient, step by step and place by place.

φ(h) = ⟨dy, f(x + h·v)⟩ along a direction v in one input.  Where the gradient g is right, |⟨g, v⟩ − (φ(h) − φ(−h))/2h|
falls as h² until rounding, ε/h, takes over: a V.  Where g is wrong it levels off at g's relative error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from derive.verify.probes import Arrays, Forward, along
from derive.verify.verdict import FAILED, Evidence, Row

if TYPE_CHECKING:
    from derive.verify.subject import Subject

#: Two steps a decade; one where there are more than ``_FEW`` inputs to ask.
STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 19))
_FEW = 4
#: Cells a side of a heat map, evaluations spent on all of them together, numbers moved by those, CPU seconds of one.
CELLS, _EVALUATIONS, _NUMBERS, _SLOW = 16, 256, 3e7, 0.25
_HEAT_STEP = 1e-5
_ROUNDING = 300 * float(np.finfo(float).eps)

Points = tuple[tuple[float, float], ...]

# ------------------------------------------------------------------------------ gathering


def gather(
    forward: Forward, gradient: Arrays, inputs: Arrays, cotangents: Arrays, case: str, seed: int = 0
) -> tuple[Evidence, ...]:
    """The evidence of each input that ``gradient`` names; nothing of a forward too slow to be asked often."""
    start = process_time()
    y = forward(dict(inputs))
    if process_time() - start > _SLOW:
        return ()
    size = sum(np.size(inputs[n]) for n in gradient)
    noise = _ROUNDING * float(sum(np.sum(np.abs(np.asarray(y[n]) * dy)) for n, dy in cotangents.items()))
    evaluations = min(_EVALUATIONS if len(gradient) > 1 else 2 * CELLS**2, int(_NUMBERS / max(size, 1)))
    side = _side([np.shape(inputs[n]) for n in gradient], evaluations)
    chosen = STEPS if len(gradient) <= _FEW else STEPS[::2]
    found = []
    for i, (name, g) in enumerate(gradient.items()):
        at = _At(forward, name, np.asarray(g, dtype=float), inputs, cotangents, np.random.default_rng([seed, 23, i]))
        with np.errstate(all="ignore"):
            steps, remainders = at.along(chosen, noise)
            found.append(Evidence(name, case, steps, remainders, at.heat(side), np.shape(inputs[name])))
    return tuple(found)


@dataclass(frozen=True)
class _At:
    """One input's gradient at one point."""

    forward: Forward
    name: str
    gradient: np.ndarray
    inputs: Arrays
    cotangents: Arrays
    rng: np.random.Generator

    def along(self, chosen: Sequence[float], noise: float) -> tuple[Points, Points]:
        """The error of the central difference and Taylor's remainder at every step, where they are numbers.

        v points where the gradient says φ grows, so that no cancellation makes the derivative small.  Remainders
        that rounding hides (below ``noise``) are left out.
        """
        signs = np.where(self.gradient == 0, self.rng.choice([-1.0, 1.0], self.gradient.shape), np.sign(self.gradient))
        v = signs * np.abs(self.rng.normal(size=self.gradient.shape))
        analytic, phi = float(np.sum(self.gradient * v)), self._phi(v)
        middle, ends = phi(0.0), [(h, phi(h), phi(-h)) for h in chosen]
        slopes = [(h, (above - below) / (2 * h)) for h, above, below in ends]
        finite = [abs(d) for _, d in slopes if math.isfinite(d)]
        scale = max(abs(analytic), float(np.median(finite)) if finite else 0.0) or 1.0
        steps = [(h, abs(analytic - d) / scale) for h, d in slopes]
        remainders = [(h, abs(above - middle - h * analytic)) for h, above, _ in ends]
        return _numbers(steps), tuple((h, r) for h, r in _numbers(remainders) if r > noise)

    def heat(self, side: int) -> tuple[tuple[float, ...], ...]:
        """The relative error of each block of entries, by one difference along random signs within the block."""
        rows, columns = folded(self.gradient.shape)
        if not side or not rows * columns:
            return ()
        down, across = (_edges(n, side) for n in (rows, columns))
        pairs = [
            [self._block((rows, columns), slice(a, b), slice(c, d)) for c, d in zip(across, across[1:], strict=False)]
            for a, b in zip(down, down[1:], strict=False)
        ]
        largest = max((abs(t) for row in pairs for _, t in row if math.isfinite(t)), default=0.0)
        return tuple(tuple(_relative(a, t, largest) for a, t in row) for row in pairs)

    def _block(self, shape: tuple[int, int], rows: slice, columns: slice) -> tuple[float, float]:
        """What the gradient promises along the block, and what a difference shows."""
        v = np.zeros(shape)
        v[rows, columns] = 1.0
        if np.count_nonzero(v) > 1:
            v *= self.rng.choice([-1.0, 1.0], shape)
        v = v.reshape(self.gradient.shape)
        phi = self._phi(v)
        return float(np.sum(self.gradient * v)), (phi(_HEAT_STEP) - phi(-_HEAT_STEP)) / (2 * _HEAT_STEP)

    def _phi(self, v: np.ndarray) -> Callable[[float], float]:
        """φ along v in this input alone."""
        return along(self.forward, self.inputs, {self.name: v}, self.cotangents)


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
    """|analytic − true| beside the larger of the two; beside a thousandth of the largest where both are small."""
    scale = max(abs(analytic), abs(true), 1e-3 * largest)
    error = abs(analytic - true)
    return error / scale if error and scale else 0.0 if error == 0 else math.inf


def _numbers(points: list[tuple[float, float]]) -> Points:
    return tuple((h, y) for h, y in points if math.isfinite(y))


# ------------------------------------------------------------------------------ of a program


def of_program(found: Sequence[tuple[Subject, Sequence[Row]]], seed: int = 0) -> tuple[Evidence, ...]:
    """The evidence of the setting, and of the code, whose gradient failed; of the first setting if none did."""
    for subject, rows in found:
        wrong = [row.check for row in rows if row.status == FAILED and row.check.startswith(("gradient", "probes"))]
        if wrong:
            code = next((c for c in ("numpy", "torch") if all(check.endswith(c) for check in wrong)), "interpreter")
            return of_subject(subject, seed, code)
    return of_subject(found[0][0], seed) if found else ()


def of_subject(subject: Subject, seed: int = 0, target: str = "interpreter") -> tuple[Evidence, ...]:
    """The evidence of a program's gradient, as the interpreter or generated code computes it."""
    from derive.verify import autograd
    from derive.verify.inputs import make

    case = next((c for c in (make(subject.program, kind, seed) for kind in ("plain", "asymmetric")) if c), None)
    outputs = autograd.real_outputs(subject.program)
    if case is None or not case.differentiable or not outputs:
        return ()
    forward = autograd.near(case)
    rng = np.random.default_rng([seed, 29])
    y = subject.run("interpreter", case.program, case.inputs, case)
    cotangents = {n: rng.normal(size=np.shape(y[n])) for n in outputs}
    new = subject.vjp.inputs[len(case.program.inputs) :]
    given = {**case.inputs, **{t.name: w for t, w in zip(new, cotangents.values(), strict=True)}}
    dx = subject.run(target, subject.vjp, given, case)
    gradient = {n: np.asarray(dx[o]) for o, n in zip(subject.vjp.outputs, case.differentiable, strict=True)}
    flat = {n: w.reshape(-1) for n, w in cotangents.items()}
    title = f"{case.title()}; {subject.title()}" if subject.choices else case.title()
    return gather(forward, gradient, case.inputs, flat, title, seed)


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


def fitted(remainders: Sequence[tuple[float, float]], last: int = 5) -> tuple[float, float] | None:
    """Slope and level at h = 1, in powers of ten, of Taylor's remainder at its smallest steps; None of too few."""
    points = [(math.log10(h), math.log10(r)) for h, r in sorted(remainders) if r > 0][:last]
    if len(points) < 3:
        return None
    slope, level = np.polyfit(*np.array(points).T, 1)
    return float(slope), float(level)


def worst_cell(heat: Sequence[Sequence[float]]) -> tuple[float, int, int]:
    """The largest relative error, its row and its column."""
    return max(((y, -i, -j) for i, row in enumerate(heat) for j, y in enumerate(row)), default=(0.0, 0, 0))

