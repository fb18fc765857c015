"""Forward mode: ⟨dy, J v⟩ by ``torch.func.jvp`` against ⟨Jᵀ dy, v⟩ by the backward.

A function without a forward mode says so, and the check does not apply; one that answers 0 in silence has failed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor as Array

from derive.verify.bound import Bound
from derive.verify.hints import BREACHES
from derive.verify.verdict import FAILED, NOT_APPLICABLE, PASSED, Row

TOLERANCE = 1e-12
CHECK = "forward mode"


def rows(bound: Bound, case: str, tolerance: float = TOLERANCE) -> Iterator[Row]:
    """One row: the tangent along a random direction, paired with the cotangents."""
    values = tuple(bound.inputs[n].detach() for n in bound.names)
    generator = torch.Generator().manual_seed(bound.seed + 23)
    along = tuple(torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype) for x in values)

    def function(*moved: Array) -> tuple[Array, ...]:
        return bound.outputs({**bound.inputs, **dict(zip(bound.names, moved, strict=True))})

    try:
        tangents = torch.func.jvp(function, values, along)[1]
    except (RuntimeError, NotImplementedError) as error:
        reason = f"it has no forward mode: {str(error).strip().splitlines()[0][:160]}"
        yield Row(CHECK, case, NOT_APPLICABLE, reason=reason, seed=bound.seed)
        return
    yield _judged(bound, case, tangents, along, tolerance)


def _judged(bound: Bound, case: str, tangents: tuple[Array, ...], along: tuple[Array, ...], tolerance: float) -> Row:
    ahead = [w * t.detach() for w, t in zip(bound.cotangents, tangents, strict=True)]
    back = [bound.expected[n] * v for n, v in zip(bound.names, along, strict=True)]
    left, right = (float(sum((p.sum() for p in parts), torch.zeros(()))) for parts in (ahead, back))
    scale = max(1.0, *(float(p.abs().sum()) for p in (*ahead, *back)))
    error = abs(left - right) / scale
    if error <= tolerance:
        return Row(CHECK, case, PASSED, error, tolerance, seed=bound.seed)
    words = f"⟨dy, J v⟩ is {left:.12g}, but ⟨Jᵀ dy, v⟩ by the backward is {right:.12g}"
    silent = all(not bool(t.any()) for t in tangents)
    meaning = "the tangent is 0 in silence: it has no jvp and does not say so" if silent else BREACHES[CHECK]
    return Row(CHECK, case, FAILED, error, tolerance, seed=bound.seed, detail=f"{words}: {meaning}")
