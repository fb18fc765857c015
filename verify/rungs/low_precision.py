"""The generated Torch in float32 and bfloat16 against the float64 formula, within the formula's running error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from derive import interpreter
from derive.verify.inputs import Case, make, work
from derive.verify.precision import FACTOR, ROUNDOFF
from derive.verify.rungs.base import Options, has_gradient, title, weighted
from derive.verify.running_error import RunningError, Undecided
from derive.verify.subject import Subject
from derive.verify.verdict import FAILED, NOT_APPLICABLE, PASSED, Row

FORMATS = ("float32", "bfloat16")
_MOST = 4000
_DRAWS = 3
#: values below this are no longer kept to their full precision
_SMALLEST = 2.0**-120


def low_precision(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """Forward and gradient, at inputs that are short numbers themselves, so that only arithmetic rounds."""
    if case.kind != "plain" or "torch" not in options.codes or not has_gradient(case):
        return
    for name in FORMATS:
        if name == "bfloat16" and subject.program.role != "layer":
            reason = "an update rule keeps its state in float32 at least"
            yield Row(f"low precision, {name}", title(subject, case.title()), NOT_APPLICABLE, reason=reason)
            continue
        yield _row(subject, case, name, options.seed)


def _row(subject: Subject, case: Case, name: str, seed: int) -> Row:
    check, at = f"low precision, {name}", title(subject, case.title())
    points = work(case.program, case.numbers)
    if points > _MOST:
        reason = f"its running error takes {points} points, more than {_MOST}"
        return Row(check, at, NOT_APPLICABLE, reason=reason, seed=seed)
    for k in range(_DRAWS):
        drawn = case if k == 0 else make(case.program, case.kind, seed + k) or case
        try:
            return _compared(subject, drawn, check, name, seed + k)
        except Undecided:
            continue
    return Row(check, at, NOT_APPLICABLE, reason=f"rounding to {name} decides a branch", seed=seed)


def _compared(subject: Subject, case: Case, check: str, name: str, seed: int) -> Row:
    dtype, field = getattr(torch, name), RunningError(ROUNDOFF[name])
    inputs = {n: _short(x, dtype) for n, x in weighted(subject, case, 1, seed)[0].items()}
    hypers = {n: _short(np.asarray(v), dtype).tolist() if _real(v) else v for n, v in case.hypers.items()}
    case = case.with_inputs({n: inputs[n] for n in case.inputs})
    worst, told = 0.0, ""
    for program in (subject.program, subject.vjp):
        given = {t.name: inputs[t.name] for t in program.inputs}
        bounds: dict[str, Any] = interpreter.run(program, given, hypers, field)
        found = subject.run("torch", program, given, case, dtype=name)
        for n in (o for o in program.outputs if program.tensor(o).kind == "real"):
            ratio, words = _ratio(n, found[n], bounds[n], ROUNDOFF[name])
            if not ratio <= worst:
                worst, told = ratio, words
    status = PASSED if worst <= 1 else FAILED
    detail = "" if worst <= 1 else f"{told}: precision is lost in {name}, more than c·u·Σ|terms| with c = {FACTOR:.0f}"
    return Row(check, title(subject, case.title()), status, worst, 1.0, seed=seed, detail=detail)


def _ratio(name: str, found: np.ndarray, bounds: Any, u: float) -> tuple[float, str]:
    """The largest error in units of its bound, and where."""
    worst, words = 0.0, ""
    for index in np.ndindex(bounds.shape):
        true, allowed = bounds[index].value, FACTOR * u * (bounds[index].error + abs(bounds[index].value)) + _SMALLEST
        error = abs(float(found[index]) - true)
        if error and not error / allowed <= worst:
            worst = error / allowed if error == error else np.inf
            at = ", ".join(map(str, index))
            words = f"{name}[{at}] is {float(found[index]):.6g}, {true:.6g} in float64, {allowed:.1e} allowed"
    return worst, words


def _real(value: Any) -> bool:
    values = value if isinstance(value, (tuple, list)) else [value]
    return any(isinstance(v, float) for v in values)


def _short(x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    """The values rounded to the format, as float64; whole numbers and truths as they are."""
    return torch.from_numpy(np.array(x)).to(dtype).to(torch.float64).numpy() if x.dtype.kind == "f" else x
