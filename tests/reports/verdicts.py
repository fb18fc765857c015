"""Verdicts that reports are tried on: of every status, with everything that has to be escaped."""

from __future__ import annotations

import math

from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Row, Verdict

fine = Verdict(
    "fine", (Row("probes", "plain", PASSED, 1e-12, 1e-10),), target="ops:fine", where="ops.py:3", seconds=0.5
)
wrong = Verdict(
    "wrong",
    (
        Row("probes", "plain", FAILED, 2e-3, 1e-10, seed=7, detail="dx[0, 1]: analytic 2 & <3>, numeric 1"),
        Row("probes", "asymmetric", FAILED, 4e-3, 1e-10, seed=7, detail="dx[2, 0]: ratio 2"),
        Row("contract, strided cotangent", "plain", FAILED, math.nan, 1e-12, seed=7),
        Row("forward, torch", "plain", PASSED, 0.0, 1e-10, seed=7),
    ),
    rerun="derive check ops:wrong --seed 7", target="ops:wrong", where="my ops.py:14",
)  # fmt: skip
kinked = Verdict("kinked", (Row("probes", "ties", INCONCLUSIVE, reason="a kink near"), *fine.rows), target="ops:kinked")
idle = Verdict("idle", (Row("probes", "", NOT_APPLICABLE, reason="no real input"),), target="ops:idle")
hung = Verdict(
    "hung", (Row("timed out", "", FAILED, detail="it did not finish within 5 s\x1b[0m::error::%0A\nline two"),),
    rerun="derive check ops:hung", target="ops:hung", where="/elsewhere/ops.py:20",
)  # fmt: skip

ALL = [fine, wrong, kinked, idle, hung]


def many(n: int) -> list[Verdict]:
    """Broken targets, the last the worst."""
    return [
        Verdict(f"t{i:05}", (Row("probes", "plain", FAILED, 1.0 + i, 1e-10, detail="d" * 300),), rerun="again")
        for i in range(n)
    ]
