"""A verdict says passed only if something was decided and nothing failed."""

import numpy as np

from derive.verify import Row, Verdict


def _verdict(*statuses: str) -> Verdict:
    return Verdict("f", tuple(Row("check", "case", s) for s in statuses))


def test_nothing_checked_is_not_a_pass():
    for rows in ((), ("not applicable",), ("inconclusive", "not applicable")):
        verdict = _verdict(*rows)
        assert not verdict.passed and not verdict and verdict.exit_code == 5


def test_one_failure_fails():
    assert _verdict("passed", "failed", "passed").exit_code == 1
    assert _verdict("passed", "inconclusive").exit_code == 0
    assert len(_verdict("passed", "failed", "failed").failures) == 2


def test_the_right_numbers_in_another_shape_fail():
    from derive.verify.compare import compare

    row = compare("forward", "plain", {"y": np.zeros((2, 3))}, {"y": np.zeros((3, 2))}, 1e-12)
    assert row.status == "failed" and "expected (3, 2)" in row.detail
