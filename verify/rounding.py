"""A difference that a fixed tolerance does not allow, held against what rounding may do to the very formula.

Where values are large before they cancel (the scores of an attention at large inputs), float64 leaves less than the
twelve digits that the tolerance asks for.  How many it leaves is no matter of choice: the formula is run again with its
running error, c·u·Σ|terms| entry by entry, and that is what an entry may be off by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from derive import interpreter
from derive.errors import DeriveError
from derive.fields.precise import MP
from derive.program import Program
from derive.verify.compare import compare
from derive.verify.inputs import Case
from derive.verify.precision import FACTOR
from derive.verify.running_error import RunningError, Undecided
from derive.verify.verdict import FAILED, PASSED, Row

#: float64's unit roundoff, and what rounding may do before the formula itself is asked for in more digits.
ROUNDOFF, MOST = 2.0**-53, 1e-5

Arrays = Mapping[str, np.ndarray]


def within(row: Row, program: Program, case: Case, given: Arrays, found: Arrays, expected: Arrays) -> Row:
    """The row; passed if no entry is farther off than arithmetic of that roundoff may make the formula at ``given``."""
    if row.status != FAILED or row.error is None or not row.error <= MOST:
        return row
    try:
        carried = interpreter.run(program, dict(given), case.hypers, RunningError(ROUNDOFF))
    except (DeriveError, Undecided):
        return row
    share = max(_share(found[name], want, carried[name]) for name, want in expected.items())
    if not share <= 1:
        return row
    reason = "held to the running error of its formula, c·u·Σ|terms|"
    if row.error / share > MOST:  # a wrong formula could hide behind that much: what is it without rounding?
        if not _in_digits(row, program, case, given, expected):
            return row
        reason += "; in fifty digits the formula gives what is expected"
    return replace(row, status=PASSED, tolerance=row.error / share, reason=reason, detail="")


def _in_digits(row: Row, program: Program, case: Case, given: Arrays, expected: Arrays) -> bool:
    """Whether the formula, worked out in fifty digits, is within the row's own tolerance."""
    try:
        exact = interpreter.run(program, dict(given), case.hypers, MP)
    except DeriveError:
        return False
    found = {
        n: np.array([float(v) for v in np.ravel(exact[n])]).reshape(np.shape(want)) for n, want in expected.items()
    }
    return compare(row.check, row.case, found, expected, row.tolerance or 0.0).status == PASSED


def _share(found: np.ndarray, expected: np.ndarray, carried: np.ndarray) -> float:
    """The largest difference as a part of what is allowed there."""
    worst = 0.0
    for got, want, bound in zip(np.ravel(found), np.ravel(expected), np.ravel(carried), strict=True):
        error = abs(float(got) - float(want))
        if got == want or (got != got and want != want):
            continue
        allowed = FACTOR * ROUNDOFF * (bound.error + abs(bound.value))
        worst = max(worst, error / allowed) if allowed and error == error else np.inf
    return worst
