"""The array plan: a short list of whole-array steps, the same for every array library.

A ``Node`` is one whole-array operation.  Nodes are shared: equal nodes are one value, computed once.
``attrs`` hold what is static: axes, letters' extents as SymPy expressions over sizes, hyperparameters
and loop counters, names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sympy import Basic, Expr, Integer, Symbol

from derive.program import Parameter, Size, Tensor


@dataclass(frozen=True, eq=False)
class Node:
    """``op(args; attrs)``: an array of ``ndim`` axes, or a Python number where ndim is None."""

    op: str
    args: tuple[Node, ...] = ()
    attrs: tuple = ()
    kind: str = "real"  # real | int | bool
    ndim: int | None = None
    _hash: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.op, self.args, self.attrs, self.kind, self.ndim)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Node) or self._hash != other._hash:
            return False
        return (self.op, self.attrs, self.kind, self.ndim) == (
            other.op, other.attrs, other.kind, other.ndim,
        ) and self.args == other.args  # fmt: skip

    @property
    def is_scalar(self) -> bool:
        return self.ndim is None


# Items of an ``index`` node and of a ``Store``: ("all",), ("new",), ("at", e), ("slice", lo, hi, step).
Item = tuple
ALL: Item = ("all",)
NEW: Item = ("new",)


def at(e: Expr | int) -> Item:
    """The single position e of an axis."""
    return ("at", Integer(e) if isinstance(e, int) else e)


def span(lo: Expr | None, hi: Expr | None, step: Expr | None = None) -> Item:
    """The positions lo, lo + step, … below hi of an axis."""
    return ("slice", lo, hi, step)


# ------------------------------------------------------------------------------ steps


@dataclass(frozen=True)
class Assign:
    """``name = value``."""

    name: str
    value: Node


@dataclass(frozen=True)
class Let:
    """``size = value``: a Python number; value is a node or an expression over earlier ones."""

    size: Symbol
    value: Any


@dataclass(frozen=True)
class Allocate:
    """A new array: ``fill`` is "empty", or a number.  ``axis``: filled step by step along it, by a loop."""

    name: str
    shape: tuple[Expr, ...]
    kind: str = "real"
    fill: str = "empty"
    axis: int | None = None
    like: Node | None = None


@dataclass(frozen=True)
class Store:
    """``name[items] = value``, or ``+=``.  With ``axis``: at one position of the axis being filled."""

    name: str
    items: tuple[Item, ...]
    value: Node
    add: bool = False
    axis: int | None = None


@dataclass(frozen=True)
class Finish:
    """The array filled step by step along ``axis`` is whole."""

    name: str
    axis: int
    shape: tuple[Expr, ...] = ()
    kind: str = "real"


@dataclass(frozen=True)
class Loop:
    """``for letter in range(start, stop)``, downwards when ``down``."""

    letter: Symbol
    start: Expr
    stop: Expr
    body: tuple[Step, ...]
    down: bool = False


@dataclass(frozen=True)
class Choose:
    """``if condition: then; else: otherwise``; the condition is over Python numbers."""

    condition: Basic
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Fused:
    """``outputs`` computed from ``inputs`` by one kernel of loops; shapes and numbers are expressions over sizes."""

    kernel: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: tuple[tuple[Expr, ...], ...]
    kinds: tuple[str, ...]
    integers: tuple[Expr, ...]
    reals: tuple[Expr, ...]


@dataclass(frozen=True)
class Prepare:
    """``name(t)`` from here on runs a kernel for turn t, start ≤ t < stop.

    ``slices``: its arrays in order, each an array's name and, where only a slice of it is meant, ``by`` and ``at``:
    the slice at by·t + at.  ``turn``: the integer that is t itself.  ``written``: which arrays it writes to.
    """

    name: str
    kernel: str
    slices: tuple[tuple[str, int | None, Expr | None], ...]
    integers: tuple[Expr, ...]
    reals: tuple[Expr, ...]
    turn: int | None
    start: Expr
    stop: Expr
    written: tuple[str, ...]


@dataclass(frozen=True)
class Turn:
    """A prepared kernel run for one turn of a loop; it writes to the arrays named."""

    name: str
    letter: Symbol
    written: tuple[str, ...]


@dataclass(frozen=True)
class Into:
    """``name[…] = left @ right``, matrices, in the memory that is there."""

    name: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Judge:
    """Whether a prepared kernel met an index out of range: then array code says which."""

    name: str


Step = Assign | Let | Allocate | Store | Finish | Loop | Choose | Fused | Prepare | Turn | Into | Judge


@dataclass(frozen=True)
class Block:
    """The steps that compute ``names``: the formula of each goes above the block."""

    names: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    """A function as array steps.

    ``inputs`` arrive in user shape; each block computes tensors in *part shape* (one axis a part, halo
    points stored); ``outputs`` are (name, node in user shape).  ``updates``: (buffer, output name).
    """

    name: str
    inputs: tuple[Tensor, ...]
    parameters: tuple[Parameter, ...]
    sizes: tuple[tuple[Size, Expr], ...]
    requirements: tuple[Basic, ...]
    blocks: tuple[Block, ...]
    outputs: tuple[tuple[str, Node], ...]
    doc: str = ""
    updates: tuple[tuple[str, str], ...] = ()


def nodes_of(step: Step) -> Iterator[Node]:
    """The nodes a step evaluates itself (not those of its body)."""
    if isinstance(step, (Assign, Store)) or (isinstance(step, Let) and isinstance(step.value, Node)):
        yield step.value
    if isinstance(step, Into):
        yield from (step.left, step.right)


def bodies_of(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The steps inside a step."""
    if isinstance(step, Loop):
        return (step.body,)
    if isinstance(step, Choose):
        return (step.then, step.otherwise)
    return ()
