"""Statements as blocks of steps: an ordered table whose last row always applies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Symbol

from derive.lower.arrays import Array, elementwise, expanded, scalar, transposed
from derive.lower.plan import ALL, Allocate, Assign, Block, Item, Let, Node, Step, Store, at, span
from derive.lower.reads import KINDS, position, source, stored
from derive.lower.scope import Scope
from derive.lower.vectorise import real, vectorise, whole
from derive.program import Bind, Fresh, Letter, Logic, Piece, Program, Statement, Tensor, Truth, Where, names_in


@dataclass
class Context:
    """The program being lowered; ``numbers`` grows with statements that are Python numbers."""

    program: Program
    fresh: Fresh
    tensors: dict[str, Tensor]
    numbers: dict[str, Symbol]

    def scope(self) -> Scope:
        return Scope(vectorise, self.tensors, self.fresh, numbers=self.numbers)


def lower_statements(program: Program) -> tuple[tuple[Block, ...], Context]:
    """One block a statement, or a recurrence."""
    context = Context(program, Fresh(names_in(program)), dict(program.tensors), {})
    blocks = []
    for statement in program.statements:
        for _, rule in RULES:
            block = rule(statement, context)
            if block is not None:
                blocks.append(block)
                break
    return tuple(blocks), context


# ------------------------------------------------------------------------------ one value


def typed(a: Array, kind: str) -> Array:
    """a in the kind of the tensor it becomes."""
    if kind == "real":
        return real(a)
    return whole(a) if kind == "int" else a


def conditioned(piece: Piece, rhs: Expr) -> Expr:
    """The right side where the conditions hold, else 0."""
    if not piece.conditions:
        return rhs
    condition = piece.conditions[0] if len(piece.conditions) == 1 else Logic("and", *piece.conditions)
    return Where(condition, rhs, scalar(0).node.attrs[0])


def number(statement: Statement, context: Context) -> Block | None:
    """A scalar made of sizes and hyperparameters alone: a Python number."""
    if statement.tensor.parts or len(statement.pieces) != 1 or statement.name in context.program.outputs:
        return None
    (piece,) = statement.pieces
    scope = context.scope()
    if piece.entries or not scope.is_number(piece.rhs) or statement.tensor.kind == "bool":
        return None
    value = scope.value(piece.rhs).node.attrs[0]
    symbol = Symbol(statement.name, real=True)
    context.numbers[statement.name] = symbol
    return Block((statement.name,), (Let(symbol, value),))


def plain(statement: Statement, context: Context) -> Block | None:
    """One equation over the whole tensor: one array expression."""
    if len(statement.pieces) != 1:
        return None
    (piece,) = statement.pieces
    parts = statement.tensor.parts
    if any(not isinstance(i, Letter) for i in piece.indices) or len(set(piece.indices)) != len(parts):
        return None
    if not all(_covers(b, p) for b, p in zip(_binds_in_order(piece), parts, strict=True)):
        return None
    if piece.conditions and not statement.zero_elsewhere:
        return None
    scope = context.scope().with_binds(piece.binds)
    value = scope.value(conditioned(piece, piece.rhs))
    return Block((statement.name,), (*scope.before, Assign(statement.name, finished(value, statement.tensor, piece, scope))))


def _binds_in_order(piece: Piece) -> list[Bind]:
    binds = {b.letter: b for b in piece.binds}
    return [binds[i] for i in piece.indices]  # type: ignore[index]


def _covers(bind: Bind, part) -> bool:
    return position(bind.lo, part) == 0 and (position(bind.hi, part) - stored(part)).expand() == 0


def finished(value: Array, tensor: Tensor, piece: Piece, scope: Scope) -> Node:
    """The whole tensor, its axes in order, in its kind."""
    value = typed(value, KINDS[tensor.kind])
    dims = tuple(i for i in piece.indices if isinstance(i, Letter) and i not in scope.fixed)
    if value.is_scalar:
        attrs = (value.node.attrs[0], scope.extents(dims)) if value.node.op == "scalar" else ()
        if attrs:
            return Node("full", (), attrs, KINDS[tensor.kind], len(dims))
    return expanded(value, dims, scope.extents(dims)).node


# ------------------------------------------------------------------------------ pieces


def pieces(statement: Statement, context: Context) -> Block | None:
    """Several equations, or one for a part: allocate, then assign slices, the first piece last."""
    tensor = statement.tensor
    shape = tuple(stored(p) for p in tensor.parts)
    fill = "0" if statement.zero_elsewhere or not _surely_covered(statement) else "empty"
    steps: list[Step] = [Allocate(tensor.name, shape, KINDS[tensor.kind], fill)]
    for piece in reversed(statement.pieces):
        scope = context.scope().with_binds(piece.binds)
        store = stores(piece, tensor, scope)
        steps += [*scope.before, store]
    return Block((statement.name,), tuple(steps))


def _surely_covered(statement: Statement) -> bool:
    return all(not p.conditions for p in statement.pieces)


def stores(piece: Piece, tensor: Tensor, scope: Scope, whole_name: Node | None = None) -> Store:
    """``tensor[slices] = value``; where conditions fail, what was there stays."""
    items = tuple(_item(i, part, scope) for i, part in zip(piece.indices, tensor.parts, strict=True))
    dims = tuple(i for i in piece.indices if isinstance(i, Letter) and i not in scope.fixed)
    inner = scope.under_guard() if piece.conditions else scope
    value = typed(inner.value(piece.rhs), KINDS[tensor.kind])
    if piece.conditions:
        condition = scope.value(conditions_of(piece))
        there = Array(_there(tensor, items, dims), dims)
        value = elementwise("where", [condition, value, there], scope.order, value.kind)
    if not value.is_scalar:
        value = Array(expanded_for_store(value, dims), dims)
    return Store(tensor.name, items, value.node)


def conditions_of(piece: Piece) -> Basic:
    return piece.conditions[0] if len(piece.conditions) == 1 else Logic("and", *piece.conditions)


def _there(tensor: Tensor, items: Sequence[Item], dims: Sequence[Letter]) -> Node:
    return Node("index", (source(tensor),), (tuple(items),), KINDS[tensor.kind], len(dims))


def expanded_for_store(value: Array, dims: tuple[Letter, ...]) -> Node:
    """Broadcastable against the slice."""
    from derive.lower.arrays import aligned

    return aligned(value, dims)


def _item(i: Expr, part, scope: Scope) -> Item:
    if not isinstance(i, Letter) or i in scope.fixed:
        return at(position(i, part))
    lo, hi = scope.ranges[i]
    first, end = position(lo, part), position(hi, part)
    start = None if first == 0 else first
    stop = None if (end - stored(part)).expand() == 0 else end
    return ALL if start is None and stop is None else span(start, stop)


Rule = Callable[[Statement, Context], Block | None]

#: First that applies, in order.
RULES: tuple[tuple[str, Rule], ...] = (
    ("a Python number", number),
    ("one array expression", plain),
    ("slices assigned one by one", pieces),
)

__all__ = ["RULES", "Context", "Truth", "lower_statements", "replace", "transposed"]
