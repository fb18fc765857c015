"""Two sets of arrays compared: the worst entry, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from derive.verify import hints
from derive.verify.verdict import FAILED, PASSED, Row


def compare(
    check: str,
    case: str,
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    tolerance: float,
    *,
    seed: int = 0,
    sizes: Mapping | None = None,
    scale: float = 0.0,
    suggest: bool = True,
) -> Row:
    """Passes if every entry is within ``tolerance`` of the largest expected value (1, and ``scale``, at least).

    ``suggest``: whether the difference of the arrays may say what is wrong.

    Both not-a-number, or the same infinity, is agreement.  Missing names and other shapes fail.
    """
    missing = [name for name in expected if name not in found]
    if missing:
        return Row(check, case, FAILED, seed=seed, detail=f"{', '.join(missing)} is missing from the result")
    largest = max([1.0, scale, *(_largest(x) for x in expected.values())])
    worst, told = 0.0, None
    for name, want in expected.items():
        got, want = np.asarray(found[name], dtype=float), np.asarray(want, dtype=float)
        if got.shape != want.shape:
            return Row(check, case, FAILED, seed=seed, detail=f"{name} has shape {got.shape}, expected {want.shape}")
        error = _errors(got, want) / largest
        if error.size and not error.max() <= worst:
            worst = float(error.max())
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), want.shape))
            told = (name, index, got, want)
    if worst <= tolerance:
        return Row(check, case, PASSED, worst, tolerance, seed=seed)
    detail = _words(*told, (sizes or {}) if suggest else None) if told else ""
    return Row(check, case, FAILED, worst, tolerance, seed=seed, detail=detail)


def _largest(x: np.ndarray) -> float:
    finite = np.abs(np.asarray(x, dtype=float))
    finite = finite[np.isfinite(finite)]
    return float(finite.max()) if finite.size else 0.0


def _errors(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0.0, np.abs(got - want))
    return np.where(np.isnan(error), np.inf, error)


def _words(name: str, index: tuple[int, ...], got: np.ndarray, want: np.ndarray, sizes: Mapping | None) -> str:
    at = f"[{', '.join(map(str, index))}]" if index else ""
    suggestion = "" if sizes is None else hints.of_arrays(name, got, want, sizes)
    words = f"{name}{at} is {float(got[index]):.12g}, expected {float(want[index]):.12g}"
    return f"{words}; {suggestion}" if suggestion else words
