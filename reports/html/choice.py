"""Which verdicts the page shows in full, and under which name each is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.reports.verdicts import worst_first

if TYPE_CHECKING:
    from derive.verify.verdict import Verdict

#: So many of the worst.
MOST = 50


def key(verdict: Verdict) -> str:
    """What a verdict's formulas are kept under: what was asked for, or else its name."""
    return verdict.target or verdict.name


def in_full(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The worst, worst first."""
    return worst_first(verdicts)[:MOST]


def shown(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """The keys of the verdicts shown in full."""
    return tuple(dict.fromkeys(map(key, in_full(verdicts))))
