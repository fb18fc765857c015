"""What is worked out of a program once: kept as long as the program lives, by the program itself, not by its value."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

_KEPT: dict[int, tuple[weakref.ref, dict[tuple, Any]]] = {}


def once(function: Callable[..., Result]) -> Callable[..., Result]:
    """``f(program, *rest)`` worked out once for each program and rest; programs are frozen, so it stays true."""

    @functools.wraps(function)
    def remembered(program: Any, *rest: Any) -> Result:
        known, key = _of(program), (function, *rest)
        if key not in known:
            known[key] = function(program, *rest)
        found: Result = known[key]
        return found

    return remembered


def _of(program: Any) -> dict[tuple, Any]:
    """What is kept of a program; it goes when the program goes."""
    place = id(program)
    if place not in _KEPT:
        _KEPT[place] = weakref.ref(program, lambda _: _KEPT.pop(place, None)), {}
    return _KEPT[place][1]
