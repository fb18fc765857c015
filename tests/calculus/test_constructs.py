"""Every construct, differentiated and compared with torch.autograd, to the third order."""

from __future__ import annotations

import pytest

from tests.calculus.oracle import errors_of
from tests.calculus.rows import ROWS, Row

#: Too slow for the reference interpreter beyond these orders.
HIGHEST = {"conv2d": 2, "recurrence": 2, "coupled_recurrence": 2, "softmax": 2, "causal_attention": 1}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_reverse_mode_equals_autograd_at_every_order(row: Row) -> None:
    errors = errors_of(row.program, row.inputs, row.reference, row.hypers, HIGHEST.get(row.name, 3))
    assert all(error < 1e-12 for error in errors), errors
