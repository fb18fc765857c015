"""What each reduction makes of its (position, value) pairs, in bracket order.

``exact`` says that the values are Python ints (index arithmetic) and not elements of the field.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from derive.fields.base import Field

Points = list[tuple[int, Any]]


def _sum(field: Field, exact: bool, points: Points) -> Any:
    values = [value for _, value in points]
    return sum(values) if exact else field.total(values)


def _prod(field: Field, exact: bool, points: Points) -> Any:
    values = [value for _, value in points]
    return math.prod(values) if exact else field.product(values)


def _winner(field: Field, exact: bool, points: Points, largest: bool) -> tuple[int, Any] | None:
    """The first point that no later one beats, with its value."""
    best = None
    for point in points:
        if best is None or _beats(field, exact, point[1], best[1], largest):
            best = point
    return best


def _beats(field: Field, exact: bool, a: Any, b: Any, largest: bool) -> bool:
    if exact:
        return bool(a > b if largest else a < b)
    if largest:
        return field.beats(a, b)
    return field.less(a, b) or (a != a and b == b)


def _extreme(largest: bool) -> Callable[[Field, bool, Points], Any]:
    def fold(field: Field, exact: bool, points: Points) -> Any:
        best = _winner(field, exact, points, largest)
        if best is not None:
            return best[1]
        if exact:
            return -math.inf if largest else math.inf
        return field.reduced(field.product((field.number(-1), field.infinity))) if largest else field.infinity

    return fold


def _position(largest: bool) -> Callable[[Field, bool, Points], int]:
    def fold(field: Field, exact: bool, points: Points) -> int:
        best = _winner(field, exact, points, largest)
        return -1 if best is None else best[0]

    return fold


def _count(field: Field, exact: bool, points: Points) -> int:
    return sum(1 for _, value in points if value)


#: One row a reduction of the language.
FOLDS: dict[str, Callable[[Field, bool, Points], Any]] = {
    "sum": _sum,
    "prod": _prod,
    "max": _extreme(True),
    "amax": _extreme(True),
    "min": _extreme(False),
    "amin": _extreme(False),
    "argmax": _position(True),
    "argmin": _position(False),
    "count": _count,
    "any": lambda field, exact, points: any(value for _, value in points),
    "all": lambda field, exact, points: all(value for _, value in points),
}
