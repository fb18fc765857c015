"""Where a gradient is wrong: by halves to one entry of the Jacobian, and entry by entry over a whole input.

Halving needs some twenty slopes whatever the size, since the errors of the halves add up to that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from derive.verify.probes import ENTRYWISE, Arrays, Claim, Probe, probe

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
    at = _halved(wrong.direction, lambda direction: probe(claim, direction))
    (name,) = at.direction
    (flat,) = np.flatnonzero(at.direction[name])
    v = float(np.ravel(at.direction[name])[flat])
    index = tuple(int(i) for i in np.unravel_index(int(flat), np.shape(at.direction[name])))
    return Place(name, index, at.analytic / v, at.slope.value / v, at.slope.estimate / abs(v))


def worst_of_jacobian(claim: Claim, entry: Place) -> Place:
    """The entry of the Jacobian behind a wrong entry of the gradient: the cotangents are halved too."""
    direction = {entry.input: _unit(np.shape(claim.inputs[entry.input]), entry.index)}

    def taken(cotangents: Arrays) -> Probe:
        whole = {n: cotangents.get(n, np.zeros(np.shape(dy))) for n, dy in claim.cotangents.items()}
        return replace(probe(claim.under(whole), direction), direction=cotangents)

    at = _halved(claim.cotangents, taken)
    (name,) = at.direction
    (flat,) = np.flatnonzero(at.direction[name])
    w = float(np.ravel(at.direction[name])[flat])
    index = tuple(int(i) for i in np.unravel_index(int(flat), np.shape(at.direction[name])))
    return replace(
        entry, analytic=at.analytic / w, numeric=at.slope.value / w, doubt=at.slope.estimate / abs(w), output=name,
        output_index=index,
    )  # fmt: skip


def _halved(whole: Arrays, taken: Callable[[Arrays], Probe]) -> Probe:
    """One entry of the arrays, by following the half whose probe is off by more."""
    parts = [(n, int(i)) for n, x in whole.items() for i in np.flatnonzero(np.ravel(x))]
    while len(parts) > 1:
        middle = len(parts) // 2
        halves = [(half, taken(_only(whole, half))) for half in (parts[:middle], parts[middle:])]
        parts, found = max(halves, key=lambda h: h[1].error - h[1].slope.estimate)
        if len(parts) == 1:
            return found
    return taken(_only(whole, parts))


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
