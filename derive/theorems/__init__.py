"""Theorems about update rules, each found by the shape of its recurrences and proved symbolically.

``FINDERS`` is the visible list; a finder reads a ``Rule`` and yields theorems.  Nothing here knows an optimizer's name.
May import program, functions and the language; knows nothing of text or arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from derive.program import Program
from derive.theorems.bounds import bounds
from derive.theorems.closed import closed_forms
from derive.theorems.decay import decays
from derive.theorems.expectation import expectations
from derive.theorems.models import models
from derive.theorems.nesterov import lookahead
from derive.theorems.rule import Rule, TooLarge
from derive.theorems.scaling import scalings
from derive.theorems.stability import stability
from derive.theorems.theorem import Claim, Said, Theorem

Finder = Callable[[Rule], Iterator[Theorem]]

FINDERS: tuple[Finder, ...] = (closed_forms, expectations, lookahead, decays, stability, bounds, scalings, models)

__all__ = ["FINDERS", "Claim", "Rule", "Said", "Theorem", "theorems"]


def theorems(program: Program, finders: tuple[Finder, ...] = FINDERS) -> tuple[Theorem, ...]:
    """What holds for an update rule, in the order of the finders."""
    rule = Rule(program)
    return tuple(t for find in finders for t in _found(find, rule)) if rule.equations else ()


def _found(find: Finder, rule: Rule) -> Iterator[Theorem]:
    with suppress(TooLarge):
        yield from (replace(t, gradient=rule.gradients[0] if rule.gradients else "") for t in find(rule))
