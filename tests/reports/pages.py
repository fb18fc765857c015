"""Verdicts made up for the page: right, wrong, undecided, hostile, many."""

from __future__ import annotations

import math

import numpy as np

from derive.verify.evidence import gather
from derive.verify.probes import Claim
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Evidence, Row, Verdict

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x00\x1b]0;</style></title>"


def evidence(error: float = 0.0, names: tuple[str, ...] = ("x", "weight")) -> tuple[Evidence, ...]:
    """Of y = tanh(x · weight …), whose first input has a gradient wrong by that relative error."""
    rng = np.random.default_rng(4)
    inputs = {n: rng.normal(size=(3, 4)) for n in names}
    dy = rng.uniform(0.5, 1.5, size=(3, 4))

    def forward(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"y": np.tanh(math.prod(given.values(), start=np.ones((3, 4))))}

    whole = math.prod(inputs.values(), start=np.ones((3, 4)))
    slope = dy * (1 - np.tanh(whole) ** 2) * whole
    gradient = {n: slope / inputs[n] * (1 + error * (n == names[0])) for n in names}
    return gather(Claim(forward, None, inputs, {"y": dy}, gradient), "plain (N=3, K=4)")


def row(check: str, case: str = "plain (N=3, K=4)", status: str = PASSED, error: float | None = 1e-15, **more) -> Row:
    return Row(check, case, status, error, 1e-12, **more)


CHECKS = ("forward, interpreter", "forward, numpy", "gradient, interpreter", "gradient, numpy", "probes")


def right(name: str = "right", target: str = "", shown: tuple[Evidence, ...] = ()) -> Verdict:
    rows = tuple(row(check, f"{kind} (N=3)") for check in CHECKS for kind in ("plain", "asymmetric", "zeros"))
    idle = row("inputs", "masked", NOT_APPLICABLE, None, reason="no mask among the inputs")
    return Verdict(name, (*rows, idle), f"derive check {name} --seed 0", target or name, evidence=shown)


def wrong(name: str = "wrong", error: float = 1e-3, target: str = "", shown: tuple[Evidence, ...] = ()) -> Verdict:
    detail = "dx[1, 2] is 0.41041, expected 0.41, ratio 1.001"
    failed = [
        row(check, f"{kind} (N=3)", FAILED, error, detail=detail) for check in CHECKS[2:] for kind in ("plain", "ties")
    ]
    rows = (*right().rows, *failed, row("probes of order 2", "ties", INCONCLUSIVE, 1e-3, reason="a kink near"))
    again = f"derive check my_ops.py:{name} --seed 0"
    return Verdict(name, rows, again, target or name, "my_ops.py:41", 1.25, shown)


def hostile() -> Verdict:
    rows = (
        Row(HOSTILE, HOSTILE, FAILED, math.nan, 1e-12, HOSTILE, 0, HOSTILE),
        Row(HOSTILE, HOSTILE, PASSED, math.inf, 0.0, HOSTILE, 0, HOSTILE),
    )
    (shown,) = evidence(1e-3, (HOSTILE,))
    return Verdict(HOSTILE, rows, HOSTILE, HOSTILE, HOSTILE, 0.0, (shown,))


def many(n: int = 150) -> list[Verdict]:
    """As a large catalogue gives: hundreds of rows each, pictures of several inputs, a few failures."""
    names = tuple(f"weight_{k}" for k in "abcdef")
    pictures = {bad: evidence(1e-3 * bad, names) for bad in (False, True)}
    found = []
    for k in range(n):
        bad = k % 30 == 7
        made = wrong(f"layer_{k:03}", shown=pictures[True]) if bad else right(f"layer_{k:03}", shown=pictures[False])
        rows = tuple(
            Row(r.check, f"{r.case}; setting={s}", r.status, r.error, r.tolerance) for s in range(20) for r in made.rows
        )
        found.append(Verdict(made.name, rows, made.rerun, made.target, made.where, 1.0, made.evidence))
    return found
