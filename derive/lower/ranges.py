"""What ranges prove, for arrays whose axes may be empty: sizes are 0 or more here, not 1 or more."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Basic, Expr

from derive.calculus import affine
from derive.program import Letter, Size

Spans = Mapping[Letter, tuple[Expr, Expr]]


def _lowered(e: Basic) -> Basic:
    """Every size one less, so that what is proved for sizes of at least 1 holds for sizes of at least 0."""
    return e.xreplace({s: s - 1 for s in e.atoms(Size)})


def _ranges(spans: Spans) -> affine.Ranges:
    return affine.Ranges({x: (_lowered(lo), _lowered(hi)) for x, (lo, hi) in spans.items()})


def nonnegative(e: Expr, spans: Spans) -> bool:
    """Whether e ≥ 0 for all letters in their ranges and all sizes."""
    return _ranges(spans).nonnegative(affine.polynomial(_lowered(e)))


def decide(condition: Basic, spans: Spans) -> bool | None:
    """True or False if the ranges prove it, else None."""
    return _ranges(spans).decide(_lowered(condition))
