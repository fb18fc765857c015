"""What is known while an expression is lowered: tensors, ranges of letters, which are Python numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Symbol

from derive.functions import function_name
from derive.lower.arrays import Array
from derive.lower.plan import Let, Step
from derive.program import Bind, Fresh, Letter, Read, Reduce, Tensor, free_letters, walk

#: Functions that Python has for arrays only.
NOT_OF_NUMBERS = ("digamma", "polygamma")


@dataclass(frozen=True)
class Scope:
    """``order``: letters outermost first; ``ranges``: those that are axes; ``fixed``: those that are numbers,
    with ``spans``, their ranges.

    ``guards``: conditions that decide whether the value counts, so that an index may be out of range where
    they fail; None where they are not known.
    ``filled``: tensors being filled step by step, with the axis.  ``numbers``: tensors that are Python numbers.
    ``given``: arrays lowered already, read by a name without indices.
    ``before``: steps to take before the one being lowered.  ``sums``: all that the program adds up.
    """

    evaluate: Callable[[Basic, Scope], Array]
    tensors: Mapping[str, Tensor]
    fresh: Fresh
    order: tuple[Letter, ...] = ()
    ranges: Mapping[Letter, tuple[Expr, Expr]] = field(default_factory=dict)
    fixed: tuple[Letter, ...] = ()
    spans: Mapping[Letter, tuple[Expr, Expr]] = field(default_factory=dict)
    guards: tuple[Basic, ...] | None = ()
    filled: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, Expr] = field(default_factory=dict)
    given: Mapping[str, Array] = field(default_factory=dict)
    before: list[Step] = field(default_factory=list)
    sums: frozenset[Expr] = frozenset()

    def value(self, e: Basic) -> Array:
        """The array of e over its letters."""
        return self.evaluate(e, self)

    def with_binds(self, binds: Iterable[Bind]) -> Scope:
        """Inside the binds."""
        binds = tuple(binds)
        ranges = {**self.ranges, **{b.letter: (b.lo, b.hi) for b in binds}}
        return replace(self, order=(*self.order, *(b.letter for b in binds)), ranges=ranges)

    @property
    def guarded(self) -> bool:
        """Whether a condition decides."""
        return self.guards != ()

    def under_guard(self, *conditions: Basic) -> Scope:
        """Where conditions decide, each of them under the guard of those before it; none: any may."""
        known = conditions and self.guards is not None
        return replace(self, guards=(*self.guards, *conditions) if known else None)  # type: ignore[misc]

    def extent(self, letter: Letter) -> Expr:
        """How many points a letter has."""
        lo, hi = self.ranges[letter]
        return hi - lo

    def extents(self, letters: Iterable[Letter]) -> tuple[Expr, ...]:
        return tuple(self.extent(letter) for letter in letters)

    def letters_of(self, e: Basic) -> tuple[Letter, ...]:
        """The free letters of e that are axes, outermost first."""
        free = free_letters(e)
        return tuple(letter for letter in self.order if letter in free and letter not in self.fixed)

    def is_number(self, e: Basic) -> bool:
        """Whether e is a Python number: sizes, hyperparameters, loop counters, literals."""
        for n in walk(e):
            if isinstance(n, Reduce) or (isinstance(n, Read) and n.tensor not in self.numbers):
                return False
            if (isinstance(n, Letter) and n not in self.fixed) or function_name(n) in NOT_OF_NUMBERS:
                return False
        return True

    def let(self, like: str, value: Array | Expr) -> Symbol:
        """Names a Python number computed before this step."""
        symbol = Symbol(self.fresh.name(like), integer=True)
        self.before.append(Let(symbol, value.node if isinstance(value, Array) else value))
        return symbol
