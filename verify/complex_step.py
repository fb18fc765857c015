"""The complex step: f′(x)·v = Im f(x + i·h·v)/h, exact to rounding since nothing is subtracted (h = 1e-30).

It needs code that continues f to complex numbers: branches decided by real parts are well, |x|, sign, floor are not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from derive.functions import function_name
from derive.program import Program, Stop, walk
from derive.verify.probes import Arrays, Claim, directions

CHECK = "complex step"
TOLERANCE = 1e-12
_H = 1e-30
#: Functions whose code is not the continuation of the real function.
_REAL_ONLY = frozenset(
    ("abs", "sign", "floor", "ceil", "round", "atan2", "erf", "erfc", "lgamma", "digamma", "polygamma", "softplus",
     "logsigmoid")
)  # fmt: skip


def not_analytic(program: Program) -> str:
    """Why a program has no complex step; "" if it has."""
    expressions = [p.rhs for s in program.statements for p in s.pieces]
    if any(isinstance(e, Stop) for whole in expressions for e in walk(whole)):
        return "what is constant by decree would move with the step"
    used = {str(function_name(e)) for whole in expressions for e in walk(whole) if getattr(e, "is_Function", False)}
    taken = sorted(used & _REAL_ONLY)
    return f"{taken[0]} is not analytic, or its code is for real numbers" if taken else ""


def pairs(
    forward: Callable[[Arrays], Arrays], claim: Claim, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], float] | str:
    """⟨∇, v⟩ and Im⟨dy, f(x + i·h·v)⟩/h for every direction, and their scale; or why the code takes no such step."""
    analytic, stepped, scale = {}, {}, 0.0
    for k, v in enumerate(directions(claim, seed)):
        moved = {n: x + 1j * _H * v[n] if n in v else x for n, x in claim.inputs.items()}
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                found = forward(moved)
        except (TypeError, np.exceptions.ComplexWarning, NotImplementedError) as error:
            return f"the code is for real numbers: {str(error).splitlines()[0][:120]}"
        if not all(np.allclose(np.real(found[n]).ravel(), claim.middle[n].ravel(), rtol=1e-9) for n in found):
            return "the code is not the forward's continuation to complex numbers"
        parts = [np.ravel(claim.gradient[n]) * np.ravel(v[n]) for n in v]
        label = f"along {', '.join(v)} ({k})"
        analytic[label] = np.array(sum(float(np.sum(p)) for p in parts))
        along = (float(np.dot(np.imag(found[n]).ravel() / _H, dy.ravel())) for n, dy in claim.cotangents.items())
        stepped[label] = np.array(sum(along))
        scale = max(scale, *(float(np.abs(p).sum()) for p in parts))
    return analytic, stepped, scale
