"""Which axes of a function's inputs move together, found by trying.

An axis is tried alone, then with others of its size, then with those that are a multiple of it; what the function
accepts is a class of axes.  Classes are then given sizes, each tried in turn and kept where the function accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

Axis = tuple[str, int]
Shapes = dict[str, tuple[int, ...]]

#: Forward calls that may be spent on a function, and axes that are looked at together.
TRIES, TOGETHER = 150, 6


@dataclass(frozen=True)
class Class:
    """Axes that move together, each a multiple of the class's size."""

    multiples: Mapping[Axis, int]
    size: int

    def words(self) -> str:
        names: dict[str, list[str]] = {}
        for (name, axis), k in self.multiples.items():
            names.setdefault(name, []).append(f"{axis}" if k == 1 else f"{axis} (×{k})")
        return " and ".join(f"{n} axis {', '.join(axes)}" for n, axes in names.items())


@dataclass
class Trial:
    """Asks the function whether it accepts shapes; a bounded number of times, each question once."""

    refusal: Callable[[Shapes], str]
    left: int = TRIES
    last: str = ""
    _known: dict[tuple[tuple[int, ...], ...], str] = field(default_factory=dict)

    def accepts(self, shapes: Shapes) -> bool:
        key = tuple(shapes.values())
        if key not in self._known:
            if self.left <= 0:
                return False
            self.left -= 1
            self._known[key] = self.refusal(shapes)
        self.last = self._known[key] or self.last
        return not self._known[key]


def moved(shapes: Shapes, sizes: Mapping[Axis, int]) -> Shapes:
    """The shapes with those axes of those sizes."""
    return {n: tuple(sizes.get((n, i), d) for i, d in enumerate(shape)) for n, shape in shapes.items()}


def resized(shapes: Shapes, one: Class, size: int) -> Shapes:
    return moved(shapes, {axis: k * size for axis, k in one.multiples.items()})


def classes(shapes: Shapes, trial: Trial, held: frozenset[str] = frozenset()) -> tuple[Class, ...]:
    """The classes of axes whose size the function lets us choose, in the order of the inputs."""
    sizes = {(n, i): d for n, shape in shapes.items() if n not in held for i, d in enumerate(shape)}
    found: list[Class] = []
    loose = list(sizes)
    for search in (_alone, _alike, _multiples):
        for axis in list(loose):
            if axis in loose:
                one = search(axis, loose, sizes, shapes, trial)
                if one is not None:
                    found.append(one)
                    loose = [a for a in loose if a not in one.multiples]
    order = {axis: i for i, axis in enumerate(sizes)}
    return tuple(sorted(found, key=lambda c: min(order[a] for a in c.multiples)))


Sizes = Mapping[Axis, int]


def _alone(axis: Axis, loose: Sequence[Axis], sizes: Sizes, shapes: Shapes, trial: Trial) -> Class | None:
    one = Class({axis: 1}, sizes[axis])
    return one if _moves(one, shapes, trial) else None


def _alike(axis: Axis, loose: Sequence[Axis], sizes: Sizes, shapes: Shapes, trial: Trial) -> Class | None:
    """The fewest axes of the same size that move with this one."""
    others = [a for a in loose if a != axis and sizes[a] == sizes[axis]]
    for some in _subsets(others):
        one = Class(dict.fromkeys((axis, *some), 1), sizes[axis])
        if _moves(one, shapes, trial):
            return one
    return None


def _multiples(axis: Axis, loose: Sequence[Axis], sizes: Sizes, shapes: Shapes, trial: Trial) -> Class | None:
    """As few axes as can be left out, of all that are a multiple of this one's size."""
    base = sizes[axis]
    if base < 2:
        return None
    whole = {a: sizes[a] // base for a in loose if sizes[a] and sizes[a] % base == 0}
    if len(whole) < 2 or not _moves(Class(whole, base), shapes, trial):
        return None
    for other in [a for a in whole if a != axis]:
        fewer = {a: k for a, k in whole.items() if a != other}
        if _moves(Class(fewer, base), shapes, trial):
            whole = fewer
    return Class(whole, base)


def _subsets(axes: Sequence[Axis]) -> Iterator[tuple[Axis, ...]]:
    """By size, the small ones first; of many only pairs and all together."""
    if len(axes) <= TOGETHER:
        for n in range(1, len(axes) + 1):
            yield from combinations(axes, n)
        return
    yield from ((a,) for a in axes)
    yield tuple(axes)


def _moves(one: Class, shapes: Shapes, trial: Trial) -> bool:
    """Whether one more is accepted, or as many, or one less; a single one would broadcast."""
    n = one.size
    return any(trial.accepts(resized(shapes, one, m)) for m in dict.fromkeys((n + 1, 2 * n, n - 1)) if m > 1)


def chosen(
    shapes: Shapes, found: Sequence[Class], wanted: Callable[[int, set[int]], Sequence[int]], trial: Trial
) -> tuple[Shapes, dict[int, int]]:
    """Shapes with every class at the first size wanted of it that is accepted; what was chosen, by class."""
    taken: dict[int, int] = {}
    for i, one in enumerate(found):
        for size in wanted(i, set(taken.values())):
            candidate = resized(shapes, one, size)
            if candidate == shapes or trial.accepts(candidate):
                shapes, taken[i] = candidate, size
                break
    return shapes, taken
