"""Arrays whose axes are named by letters: alignment, broadcasting, elementwise maps, row reductions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Mul

from derive.lower.plan import ALL, NEW, Node
from derive.program import Letter


@dataclass(frozen=True)
class Array:
    """A node and the letter of each of its axes; a Python number has none."""

    node: Node
    dims: tuple[Letter, ...] = ()

    @property
    def kind(self) -> str:
        return self.node.kind

    @property
    def is_scalar(self) -> bool:
        return self.node.is_scalar


def scalar(e: Expr | int, kind: str | None = None) -> Array:
    """A Python number."""
    e = Integer(e) if isinstance(e, int) else e
    return Array(Node("scalar", (), (e,), kind or ("int" if e.is_integer else "real"), None))


def is_number(a: Array, value: int) -> bool:
    """Whether a is that literal."""
    return a.node.op == "scalar" and a.node.attrs[0] == value


def merged(arrays: Iterable[Array], order: Sequence[Letter]) -> tuple[Letter, ...]:
    """One order of all letters: the widest array's own where it can be, else the given order."""
    by_width = sorted(arrays, key=lambda a: -len(a.dims))
    result: list[Letter] = list(by_width[0].dims) if by_width else []
    for a in by_width[1:]:
        for k, letter in enumerate(a.dims):
            if letter not in result:
                result.insert(_place(letter, a.dims[k + 1 :], result, order), letter)
    return tuple(result)


def _place(letter: Letter, later: Sequence[Letter], result: list[Letter], order: Sequence[Letter]) -> int:
    """Where a letter goes: before what its own array has after it, and as the given order says."""
    places = [result.index(other) for other in later if other in result]
    limit = min(places) if places else len(result)
    rank = {name: k for k, name in enumerate(order)}
    for k in range(limit):
        if rank.get(result[k], -1) > rank.get(letter, len(rank)):
            return k
    return limit


def transposed(a: Array, dims: Sequence[Letter]) -> Array:
    """The same array with its axes in the order of ``dims`` (a permutation of its own)."""
    if tuple(dims) == a.dims:
        return a
    permutation = tuple(a.dims.index(d) for d in dims)
    if a.node.op == "transpose":  # one transposition, not two
        inner = a.node.attrs[0]
        permutation = tuple(inner[k] for k in permutation)
        base = a.node.args[0]
        if permutation == tuple(range(len(permutation))):
            return Array(base, tuple(dims))
        return Array(Node("transpose", (base,), (permutation,), a.kind, len(dims)), tuple(dims))
    return Array(Node("transpose", (a.node,), (permutation,), a.kind, len(dims)), tuple(dims))


def aligned(a: Array, dims: Sequence[Letter], keep_leading: bool = False) -> Node:
    """a's node, broadcastable against an array with axes ``dims``."""
    if a.is_scalar:
        return a.node
    own = [d for d in dims if d in a.dims]
    assert len(own) == len(a.dims), (a.dims, dims)
    node = transposed(a, own).node
    items = [ALL if d in a.dims else NEW for d in dims]
    while items and items[0] == NEW and not keep_leading:
        items.pop(0)
    if NEW not in items:
        return node
    return Node("index", (node,), (tuple(items),), a.kind, len(items))


def real_node(a: Array) -> Node:
    """a's node as real numbers, of the inputs' precision."""
    return a.node if a.kind == "real" else Node("cast", (a.node,), ("real",), "real", a.node.ndim)


def elementwise(op: str, arrays: Sequence[Array], order: Sequence[Letter], kind: str, attrs: tuple = ()) -> Array:
    """``op`` of arrays broadcast against one another."""
    dims = merged((a for a in arrays if not a.is_scalar), order)
    nodes = tuple(aligned(a, dims) for a in arrays)
    ndims = [n.ndim for n in nodes if n.ndim is not None]
    return Array(Node(op, nodes, attrs, kind, max(ndims) if ndims else None), dims)


def expanded(a: Array, dims: Sequence[Letter], extents: Sequence[Expr]) -> Array:
    """a with all of ``dims`` as true axes."""
    if a.dims == tuple(dims) and not a.is_scalar:
        return a
    if set(a.dims) == set(dims) and not a.is_scalar:
        return transposed(a, dims)
    return Array(Node("broadcast", (aligned(a, dims),), tuple(extents), a.kind, len(dims)), tuple(dims))


def reduced(op: str, a: Array, letters: Iterable[Letter], kind: str | None = None) -> Array:
    """``op`` over the axes of the letters."""
    gone = list(letters)
    axes = tuple(sorted(a.dims.index(d) for d in gone))
    rest = tuple(d for d in a.dims if d not in gone)
    if not axes:
        return a
    return Array(Node("reduce", (a.node,), (op, axes), kind or a.kind, len(rest)), rest)


def reshaped(node: Node, shape: Sequence[Expr]) -> Node:
    """The node with another shape of as many elements."""
    return Node("reshape", (node,), tuple(shape), node.kind, len(shape))


def index(a: Node, items: Sequence[tuple]) -> Node:
    """``a[items]`` with slices, positions and new axes."""
    if all(i == ALL for i in items):
        return a
    gone = sum(1 for i in items if i[0] == "at")
    new = sum(1 for i in items if i == NEW)
    assert a.ndim is not None
    return Node("index", (a,), (tuple(items),), a.kind, a.ndim - gone + new)


def product(es: Iterable[Expr]) -> Expr:
    """Π es."""
    return Mul(*es)
