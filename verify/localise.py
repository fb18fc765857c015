"""Where a gradient is wrong: by halves to one entry of the Jacobian, and entry by entry over a whole input.

Halving needs some twenty slopes whatever the size, since the errors of the halves add up to that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from derive.verify.probes import ENTRYWISE, RATIO, STEPS, Arrays, Claim, Line, Probe, probe

#: Entries of one input that are differenced one by one, and of its map.
MOST = 256


@dataclass(frozen=True)
class Place:
    """An entry of a gradient (``output`` empty: under all cotangents) or of the Jacobian, both values, the doubt."""

    input: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    doubt: float
    output: str = ""
    output_index: tuple[int, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether the entry is off by more than a hundred millionth of itself and ten times the doubt."""
        error = abs(self.analytic - self.numeric)
        return not error <= ENTRYWISE * max(abs(self.analytic), abs(self.numeric)) + 10 * self.doubt

    @property
    def slight(self) -> bool:
        """Whether the entry is nearly right: one entry of the Jacobian may be behind it."""
        return abs(self.analytic - self.numeric) <= 1e-3 * abs(self.numeric)

    def words(self) -> str:
        """``∂output 0[3]/∂x[1, 2]: analytic …, numeric …`` or ``dx[1, 2]: …``."""
        at = f"d{self.input}{_bracket(self.index)}"
        if self.output:
            at = f"∂{self.output}{_bracket(self.output_index)}/∂{self.input}{_bracket(self.index)}"
        ratio = f", ratio {self.analytic / self.numeric:.7g}" if self.numeric and np.isfinite(self.analytic) else ""
        return f"{at}: analytic {self.analytic:.10g}, numeric {self.numeric:.10g}{ratio}"


def _bracket(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def worst_entry(claim: Claim, wrong: Probe) -> Place:
    """The entry of the gradient that the halves with the larger error lead to."""

    def error(direction: Arrays) -> float:
        return _error(claim, direction, wrong)

    direction = _halved(wrong.direction, wrong.analytic - wrong.slope.value, error)
    name, index, v = _entry(direction)
    found = probe(claim, direction)
    return Place(name, index, found.analytic / v, found.slope.value / v, found.slope.estimate / abs(v))


def worst_of_jacobian(claim: Claim, entry: Place, wrong: Probe) -> Place:
    """The entry of the Jacobian behind a wrong entry of the gradient: the cotangents are halved too."""
    direction = {entry.input: _unit(np.shape(claim.inputs[entry.input]), entry.index)}

    def under(cotangents: Arrays) -> Claim:
        whole = {n: cotangents.get(n, np.zeros(np.shape(dy))) for n, dy in claim.cotangents.items()}
        return claim.under(whole)

    def error(cotangents: Arrays) -> float:
        return _error(under(cotangents), direction, wrong)

    one = _halved(claim.cotangents, entry.analytic - entry.numeric, error)
    name, index, w = _entry(one)
    found = probe(under(one), direction)
    return replace(
        entry, analytic=found.analytic / w, numeric=found.slope.value / w, doubt=found.slope.estimate / abs(w),
        output=name, output_index=index,
    )  # fmt: skip


def _error(claim: Claim, direction: Arrays, wrong: Probe) -> float:
    """What the gradient is off by along a direction, by three steps down to the one that served the whole."""
    step = wrong.slope.step or STEPS[2]
    slope = Line(claim, direction).extrapolated((step * RATIO**2, step * RATIO, step))
    analytic = sum(float(np.sum(np.ravel(claim.gradient[n]) * np.ravel(v))) for n, v in direction.items())
    return analytic - slope.value


def _entry(arrays: Arrays) -> tuple[str, tuple[int, ...], float]:
    """The one entry that is not 0: its array, its index, its value."""
    (name,) = arrays
    (flat,) = np.flatnonzero(arrays[name])
    index = tuple(int(i) for i in np.unravel_index(int(flat), np.shape(arrays[name])))
    return name, index, float(np.ravel(arrays[name])[flat])


def _halved(whole: Arrays, total: float, error: Callable[[Arrays], float]) -> dict[str, np.ndarray]:
    """One entry of the arrays, by following the half that is off by more: what one is not, the other is."""
    parts = [(n, int(i)) for n, x in whole.items() for i in np.flatnonzero(np.ravel(x))]
    while len(parts) > 1:
        first, second = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        mine = error(_only(whole, first))
        rest = total - mine
        here = not abs(mine) < abs(rest)  # not a number is followed
        parts, total = (first, mine) if here else (second, rest)
    return _only(whole, parts)


def _only(whole: Arrays, parts: list[tuple[str, int]]) -> dict[str, np.ndarray]:
    """The arrays with all entries 0 but those."""
    kept: dict[str, np.ndarray] = {}
    for n, i in parts:
        kept.setdefault(n, np.zeros(np.shape(whole[n]))).reshape(-1)[i] = np.ravel(whole[n])[i]
    return kept


def _unit(shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    one = np.zeros(shape)
    one[index] = 1.0
    return one


# ------------------------------------------------------------------------------ whole gradients

_STEP = 1e-4


def whole(claim: Claim, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The gradient by one input, as claimed and by differences, of its first ``MOST`` entries (a corner of it)."""
    analytic = np.asarray(claim.gradient[name], dtype=float)
    corner = tuple(slice(0, n) for n in _corner(analytic.shape))
    numeric = np.zeros(analytic[corner].shape)
    for index in np.ndindex(numeric.shape):
        numeric[index] = _central(claim, name, index)
    return analytic[corner], numeric


def _corner(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, its longest axes cut until few enough entries are left."""
    lengths = list(shape)
    while int(np.prod(lengths, dtype=int)) > MOST:
        longest = lengths.index(max(lengths))
        lengths[longest] = (lengths[longest] + 1) // 2
    return tuple(lengths)


def _central(claim: Claim, name: str, index: tuple[int, ...]) -> float:
    """(8(φ(h) − φ(−h)) − (φ(2h) − φ(−2h))) / 12h along one entry."""
    x = claim.inputs[name]
    total = 0.0
    for weight, h in ((8, _STEP), (-1, 2 * _STEP)):
        ends = []
        for side in (h, -h):
            moved = np.array(x, dtype=float)
            moved[index] += side
            ends.append(claim.forward({**claim.inputs, name: moved}))
        for n, dy in claim.cotangents.items():
            total += weight * float(np.dot(np.ravel(ends[0][n]) - np.ravel(ends[1][n]), np.ravel(dy)))
    return total / (12 * _STEP)
