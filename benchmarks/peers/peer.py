"""The record of a layer at one size beside its plain forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLAT, IMAGE, SIGNAL, VOLUME = (512, 1024), (8, 32, 56, 56), (16, 32, 1024), (4, 8, 16, 32, 32)

Make = Callable[[np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Peer:
    """A definition, its inputs: shapes of normals, or what makes them; ``plain(np, *inputs)``, ``hand(*inputs, dy)``.

    ``plain`` is a forward for any NumPy, HIPS autograd's too; ``hand`` gives the results and then the gradients, in
    the order of the inputs ``wrt`` (all real ones by default).  An input made by a function keeps its kind.
    """

    name: str
    inputs: tuple[tuple[int, ...] | Make, ...]
    hand: Callable[..., tuple] | None
    plain: Callable[..., Any] | None
    choices: dict[str, Any] = field(default_factory=dict)
    wrt: tuple[int, ...] | None = None
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name and what is chosen."""
        shown = ", ".join(f"{k}={v}" for k, v in {**self.choices, **self.keywords}.items() if v is not None)
        return f"{self.name} {shown}".strip()

    def arrays(self, random: np.random.Generator, dtype: type) -> tuple[np.ndarray, ...]:
        """The inputs, the real ones in the precision asked for."""
        made = [x(random) if callable(x) else random.standard_normal(x) for x in self.inputs]
        return tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in made)

    def differentiated(self, arrays: tuple[np.ndarray, ...]) -> tuple[int, ...]:
        """The places of the inputs whose gradients are taken."""
        return tuple(k for k, a in enumerate(arrays) if a.dtype.kind == "f") if self.wrt is None else self.wrt


def classes(n: int, *shape: int) -> Make:
    """Class indices."""
    return lambda random: random.integers(0, n, shape)


def within(lo: float, hi: float, *shape: int) -> Make:
    """Uniform numbers."""
    return lambda random: random.uniform(lo, hi, shape)


def signs(*shape: int) -> Make:
    """Ones and minus ones, as real numbers."""
    return lambda random: random.choice([-1.0, 1.0], shape)


def whole_signs(*shape: int) -> Make:
    """Ones and minus ones, as whole numbers."""
    return lambda random: random.choice([-1, 1], shape)


def truths(*shape: int) -> Make:
    """True half of the time."""
    return lambda random: random.random(shape) < 0.5


def scaled(by: float, *shape: int) -> Make:
    """Normals of a smaller deviation: weights."""
    return lambda random: by * random.standard_normal(shape)
