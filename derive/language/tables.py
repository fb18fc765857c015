"""What is known while a definition is made definite: rows of tensors, scopes of names, letters and ranges."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Integer

from derive.errors import DefinitionError
from derive.language.definition import Definition
from derive.program import Draw, Fresh, Letter, Piece, Size

STEPS = 100_000


class NeedStatic(Exception):
    """A hyperparameter turned out to be structural: start again with its default."""

    def __init__(self, names: tuple[str, ...], error: DefinitionError) -> None:
        self.names, self.error = names, error
        super().__init__(*names)


@dataclass(eq=False)
class Slot:
    """One part of an axis; ``extent`` may still be an unknown (``Size('?3')``)."""

    extent: Expr
    origin: int = 0
    below: int = 0
    literals: list[int] = field(default_factory=list)
    stated: list[tuple[Expr, Expr]] = field(default_factory=list)

    @property
    def lo(self) -> Expr:
        return Integer(self.origin)

    @property
    def hi(self) -> Expr:
        return self.extent + self.origin


@dataclass(eq=False)
class Dim:
    """An axis as a scope sees it: its slots, those of a pack inside a composite grouped."""

    entries: tuple[Slot | Pack, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(s for e in self.entries for s in ((e,) if isinstance(e, Slot) else e.slots))


@dataclass(eq=False)
class Pack:
    """The axes a pack stands for."""

    name: str
    dims: tuple[Dim, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(s for d in self.dims for s in d.slots)


Item = Dim | Pack


@dataclass(eq=False)
class Row:
    """A tensor of the program being built."""

    name: str
    items: tuple[Item, ...]
    kind: str = ""
    given: bool = False
    declared: bool = False
    default: Expr | Draw | None = None
    optional: bool = False
    settled: bool = False
    node: ast.AST | None = None
    definition: Definition | None = None
    equations: list[Equation] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(s for item in self.items for s in item.slots)

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(d for item in self.items for d in ((item,) if isinstance(item, Dim) else item.dims))

    def ref(self) -> Ref:
        """The tensor as the scope that defines it sees it."""
        return Ref(self, self.items)


@dataclass(eq=False)
class Ref:
    """A tensor as a scope sees it.  ``joins``: for each visible axis, the row's slots it stands for."""

    row: Row
    items: tuple[Item, ...]
    joins: tuple[tuple[tuple[Slot, ...], tuple[Slot, ...]], ...] | None = None

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(d for item in self.items for d in ((item,) if isinstance(item, Dim) else item.dims))


@dataclass(eq=False)
class Constant:
    """A name that reads as an expression: an absent input with a default, or a scalar argument."""

    value: Expr
    items: tuple[Item, ...] | None = None


@dataclass(eq=False)
class Absent:
    """An input that is not there: only ``is None`` may ask."""


@dataclass(eq=False)
class Macro:
    """A scalar equation of a definition called on scalars: elaborated where it is read."""

    equation: Equation
    busy: bool = False


@dataclass(eq=False)
class Later:
    """A name bound by bare assignment to one that is not resolved yet."""

    scope: Scope
    name: str
    aliases: dict[str, Any]


@dataclass(eq=False)
class Family:
    """``w: Real[…][layers]``: members are found by a static index."""

    members: tuple[Any, ...]


@dataclass(eq=False)
class Equation:
    """One equation as written, with the scope and the bare assignments in force where it stands."""

    scope: Scope
    target: ast.expr
    value: ast.expr
    aliases: dict[str, Any]
    row: Row | None = None


@dataclass(eq=False)
class Scope:
    """Names of one use of a definition, or of one turn of a loop in it (``parent`` is what is around)."""

    build: Build
    definition: Definition
    parent: Scope | None = None
    names: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Expr] = field(default_factory=dict)
    packs: dict[str, tuple[Dim, ...]] = field(default_factory=dict)
    hypers: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, Equation] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()
    declared: dict[str, Row] = field(default_factory=dict)
    turn: str = ""
    macro: bool = False
    early: dict[str, ast.expr] = field(default_factory=dict)
    caller: Scope | None = None
    call_node: ast.AST | None = None

    turns: list[Scope] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.top.turns.append(self)

    def turn_name(self, name: str) -> str:
        """What a tensor of this scope is called until names are settled."""
        return name + self.turn

    def chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope:
            yield scope
            scope = scope.parent

    @property
    def top(self) -> Scope:
        return self.parent.top if self.parent else self

    def find(self, table: str, name: str) -> Any:
        """A name's entry in ``names``, ``sizes``, ``packs`` or ``hypers`` of the nearest scope, or None."""
        for scope in self.chain():
            found = getattr(scope, table).get(name)
            if found is not None:
                return found
        return None

    def knows(self, name: str) -> bool:
        """Whether a name is anything but a letter."""
        return any(
            name in s.names or name in s.sizes or name in s.hypers or name in s.assigned or name in s.scalars
            for s in self.chain()
        )

    def error(self, message: str, node: ast.AST | None = None, mend: str = "") -> DefinitionError:
        return self.definition.error(message, node, mend)


@dataclass(eq=False)
class Bound:
    """A letter in scope: its range as far as known, and what its bare uses say about it."""

    letter: Letter
    lo: Expr | None
    hi: Expr | None
    node: ast.AST
    stated: bool = False
    slot: Slot | None = None
    facts: list[tuple[Expr, Expr, ast.AST, Scope]] = field(default_factory=list)


@dataclass(eq=False)
class Frame:
    """The letters a reduction or a left side binds, its entries so far, and filters to be put among them."""

    op: str
    names: dict[str, tuple[Bound, ...]] = field(default_factory=dict)
    entries: list[Any] = field(default_factory=list)
    pending: list[Expr] = field(default_factory=list)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        return tuple(b for group in self.names.values() for b in group)


@dataclass(eq=False)
class RangeCheck:
    """An index that must be in range for every value of the left side's letters."""

    index: Expr
    slot: Slot
    bounds: tuple[Bound, ...]
    node: ast.AST
    scope: Scope
    recurrent: str = ""


@dataclass(eq=False)
class Agreement:
    """Two extents that must be equal, and what to say if they are not."""

    left: Expr
    right: Expr
    message: str
    mend: str
    node: ast.AST
    scope: Scope
    called: bool = False


@dataclass(eq=False)
class Build:
    """The program being built."""

    names: Fresh
    rows: list[Row] = field(default_factory=list)
    sizes: list[tuple[Size, Expr]] = field(default_factory=list)
    requirements: list[Expr] = field(default_factory=list)
    solved: dict[Expr, Expr] = field(default_factory=dict)
    checks: list[RangeCheck] = field(default_factory=list)
    fits: list[tuple[Bound, tuple[Expr, Expr], tuple[Bound, ...], ast.AST, Scope]] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    updates: list[tuple[Row, Row]] = field(default_factory=list)
    unknowns: int = 0
    depth: int = 0
    steps: int = 0
    optional: dict[Expr, None] = field(default_factory=dict)
    open: dict[Expr, Expr] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()

    def work(self, scope: Scope, node: ast.AST, cost: int = 1) -> None:
        """Count the work of reading; a definition that unfolds into too much is refused."""
        self.steps += cost
        if self.steps > STEPS:
            raise scope.error("the definition unfolds into too much", node, "use fewer turns, calls or repeated parts")

    def unknown(self) -> Size:
        """A new unknown extent."""
        self.unknowns += 1
        return Size(f"?{self.unknowns}")

    def find(self, extent: Expr) -> Expr:
        """An extent with what was solved so far put in."""
        while extent in self.solved:
            extent = self.solved[extent]
        return extent


def is_unknown(e: Expr) -> bool:
    return isinstance(e, Size) and e.name.startswith("?")
