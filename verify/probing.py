"""Probes as a row: passed, failed and where, or undecided and why; resampled at kinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from derive.verify import hints, localise
from derive.verify.bound import Bound
from derive.verify.probes import ENTRYWISE, Claim, Probe, probes
from derive.verify.verdict import FAILED, INCONCLUSIVE, PASSED, Row

RESAMPLES = 5
_NUDGE = 0.05


def judged(check: str, case: str, claim: Claim, seed: int, *, causes: bool = True) -> Row:
    """Any direction that is surely wrong fails; any undecided one is inconclusive, and says why.

    An error beyond rounding but below 1e-8 of the whole counts only if an entry of the Jacobian is off by more than
    that of itself: a thousandth part of one entry in a million is found, a constant good to nine digits is not blamed.
    ``causes``: look for the entry and for what the fault suggests, where no other check does.
    """
    found = probes(claim, seed)
    wrong = [p for p in found if p.conclusive and not p.passed]
    worst = max(wrong or found, key=lambda p: p.error - p.tolerance)
    if wrong:
        return _failed(check, case, claim, worst, seed, causes)
    if not all(p.conclusive for p in found):
        vague = next(p for p in found if not p.conclusive)
        return Row(check, case, INCONCLUSIVE, vague.error, vague.tolerance, _why(vague), seed)
    return Row(check, case, PASSED, worst.error, worst.tolerance, worst.because(), seed)


def _why(p: Probe) -> str:
    if not np.isfinite(p.slope.value):
        return "the forward is not finite near here"
    if p.slope.kinked:
        return "a kink: the slopes on both sides differ"
    if p.slope.rounding > p.slope.truncation:
        return f"the forward rounds too coarsely to tell: {p.slope.rounding:.1e} of {p.scale:.1e}"
    return "a kink near: the error estimate does not shrink"


def _failed(check: str, case: str, claim: Claim, worst: Probe, seed: int, causes: bool) -> Row:
    slight = worst.error <= ENTRYWISE * worst.scale
    if not causes and not slight:
        along = f"along a random direction in {', '.join(worst.inputs)}"
        detail = f"{along}: analytic {worst.analytic:.10g}, numeric {worst.slope.value:.10g}; {worst.because()}"
        return Row(check, case, FAILED, worst.error, worst.tolerance, seed=seed, detail=detail)
    place = localise.worst_entry(claim, worst)
    if claim.pullback is not None and (slight or place.slight or not place.wrong):
        place = localise.worst_of_jacobian(claim, place, worst)
    if slight and not place.wrong:
        reason = f"every entry is right to {ENTRYWISE:.0e} of itself, though not to its last digits"
        return Row(check, case, PASSED, worst.error, ENTRYWISE * worst.scale, reason, seed)
    words = [place.words()]
    suggestion = hints.of_gradients(claim, place.input) if causes else ""
    detail = "; ".join([*words, *([suggestion] if suggestion else []), worst.because()])
    return Row(check, case, FAILED, worst.error, worst.tolerance, seed=seed, detail=detail)


def rows(bound: Bound, case: str, check: str = "probes") -> Iterator[Row]:
    """The gradient against differences of the forward, moved a little up to five times where there is a kink."""
    yield resampled(lambda k: judged(check, case, nudged(bound, k).claim(), bound.seed), bound.seed)


def resampled(row: Callable[[int], Row], seed: int) -> Row:
    """The first row that is decided, or the last; tells when it was not the first."""
    first = found = row(0)
    for k in range(1, RESAMPLES):
        if found.status != INCONCLUSIVE:
            break
        found = row(k)
    if found is first:
        return found
    told = f"inputs drawn again: {first.reason}"
    return replace(found, reason=f"{found.reason}; {told}" if found.reason else told)


def nudged(bound: Bound, k: int) -> Bound:
    """The function at inputs moved by a twentieth of their own size; as they are for k = 0."""
    if k == 0:
        return bound
    generator = torch.Generator().manual_seed(bound.seed + 1000 * k)
    moved = {}
    for n in bound.names:
        x = bound.inputs[n].detach()
        size = x.abs().amax() if x.numel() else torch.ones((), dtype=x.dtype)
        size = torch.where(size > 0, size, torch.ones_like(size))
        moved[n] = x + _NUDGE * size * torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)
    return bound.at(moved)
