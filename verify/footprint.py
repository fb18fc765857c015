"""Which inputs an output is made of, along each axis: where its window starts, the distance of its taps, how it moves.

Read off the rows of the Jacobian, claimed and true, of two neighbouring outputs; what differs names the index that is
wrong: stride for dilation, height for width, padding, a kernel read backwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derive.verify import localise
from derive.verify.probes import Claim

_MOST = 400


@dataclass(frozen=True)
class Window:
    """Along one axis: the first place, the distance of taps, and the move from one output to the next."""

    start: int
    taps: int
    move: int


def words(claim: Claim, name: str) -> str:
    """What the windows of the claimed and of the true Jacobian suggest; "" where there are none."""
    x = np.asarray(claim.inputs[name])
    if claim.pullback is None or x.size > _MOST or x.ndim < 1:
        return ""
    output = next((n for n, dy in claim.cotangents.items() if np.ndim(dy) >= 1 and np.size(dy) > 1), None)
    if output is None:
        return ""
    found: dict[int, tuple[Window, Window]] = {}
    shape = np.shape(claim.cotangents[output])
    for back in range(1, min(len(shape), x.ndim) + 1):
        axis, along = len(shape) - back, x.ndim - back
        pair = _windows(claim, name, output, axis, along)
        if pair is not None:
            found[along] = pair
    return _said(found) or _backwards(claim, name, output)


def _windows(claim: Claim, name: str, output: str, axis: int, along: int) -> tuple[Window, Window] | None:
    shape = np.shape(claim.cotangents[output])
    if shape[axis] < 2 or np.shape(claim.inputs[name])[along] < 3:
        return None
    middle = [min(1, n - 1) for n in shape]
    middle[axis] = min(1, shape[axis] - 2)
    after = [i + (a == axis) for a, i in enumerate(middle)]
    rows = [_rows(claim, name, output, tuple(at)) for at in (middle, after)]
    both = tuple(_window([_places(r[side], along) for r in rows]) for side in (0, 1))
    return None if both[0] is None or both[1] is None else (both[0], both[1])


def _rows(claim: Claim, name: str, output: str, at: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A row of the Jacobian, claimed and true."""
    one = {n: np.zeros(np.shape(dy)) for n, dy in claim.cotangents.items()}
    one[output][at] = 1.0
    return localise.whole(claim.under(one), name)


def _places(row: np.ndarray, along: int) -> list[int]:
    others = tuple(a for a in range(row.ndim) if a != along)
    strength = np.abs(row).max(others) if others else np.abs(row)
    return [int(i) for i in np.flatnonzero(strength > 1e-7 * max(float(strength.max()), 1e-300))]


def _window(places: list[list[int]]) -> Window | None:
    first, second = places
    if not first or not second:
        return None
    move = second[0] - first[0]
    if len(first) < 2 or move == 0:  # no window: a single tap, or one that all outputs share
        return None
    return Window(first[0], int(np.gcd.reduce(np.diff(first))), move)


def _said(found: dict[int, tuple[Window, Window]]) -> str:
    for axis, (claimed, true) in found.items():
        if (claimed.move, claimed.taps) == (true.taps, true.move) and claimed != true:
            return f"stride read as dilation along axis {axis}: the window moves by {claimed.move}, its taps lie " + (
                f"{claimed.taps} apart; in the forward it moves by {true.move} and they lie {true.taps} apart"
            )
    if len(found) > 1:
        (a, (one, true)), (b, (other, rest)) = list(found.items())[:2]
        if (one.move, other.move) == (rest.move, true.move) and one.move != true.move:
            return f"axes {b} and {a} are exchanged: the stride of one is used for the other"
        if (one.taps, other.taps) == (rest.taps, true.taps) and one.taps != true.taps:
            return f"axes {b} and {a} are exchanged: the dilation of one is used for the other"
    for axis, (claimed, true) in found.items():
        if claimed.move != true.move:
            return f"along axis {axis} the window moves by {claimed.move}, in the forward by {true.move}: the stride"
        if claimed.taps != true.taps:
            return f"along axis {axis} taps lie {claimed.taps} apart, in the forward {true.taps}: the dilation"
        if claimed.start != true.start:
            by = claimed.start - true.start
            return f"along axis {axis} the window starts {abs(by)} too {'late' if by > 0 else 'early'}: the padding"
    return ""


def _backwards(claim: Claim, name: str, output: str) -> str:
    """The claimed row is the true one read backwards within its window."""
    shape = np.shape(claim.cotangents[output])
    claimed, true = _rows(claim, name, output, tuple(n // 2 for n in shape))
    box = tuple(slice(p[0], p[-1] + 1) for p in (_places(true, a) for a in range(true.ndim)) if p)
    if len(box) != true.ndim:
        return ""
    inside, outside = true[box], np.abs(claimed).sum() - np.abs(claimed[box]).sum()
    if outside > 1e-7 * np.abs(true).max() or np.allclose(claimed, true):
        return ""
    axes = [a for a, n in enumerate(inside.shape) if n > 1]
    for chosen in (tuple(axes[k:]) for k in range(len(axes))):
        if np.allclose(claimed[box], np.flip(inside, chosen), rtol=1e-6, atol=1e-8 * float(np.abs(true).max())):
            return f"a kernel flipped along {'axis' if len(chosen) == 1 else 'axes'} {', '.join(map(str, chosen))}"
    return ""
