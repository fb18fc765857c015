"""Statements as blocks of steps: an ordered table whose last row always applies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Basic, Expr, Integer, Pow, Symbol

from derive.calculus.recurrence import groups
from derive.lower.arrays import Array, aligned, elementwise, expanded
from derive.lower.context import Context, covers, slices, typed
from derive.lower.plan import Allocate, Assign, Block, Item, Let, Node, Step, Store
from derive.lower.reads import KINDS, source, stored
from derive.lower.recurrence import recurrence
from derive.lower.scope import Scope
from derive.program import Fresh, Letter, Logic, Piece, Program, Size, Statement, Tensor, Where, names_in, walk


def lower_statements(program: Program) -> tuple[tuple[Block, ...], Context]:
    """One block a statement, or a recurrence."""
    context = Context(program, Fresh(names_in(program)), dict(program.tensors), program.definitions, {})
    blocks = []
    for group in groups(program):
        if group.recurrent:
            blocks.append(recurrence(group, context))
            continue
        statement = context.statements[group.names[0]]
        blocks.append(next(b for b in (rule(statement, context) for _, rule in RULES) if b is not None))
    return tuple(blocks), context


# ------------------------------------------------------------------------------ one value


def number(statement: Statement, context: Context) -> Block | None:
    """A scalar made of sizes and hyperparameters alone: a Python number."""
    program = context.program
    given_back = (*program.outputs, *(name for _, name in program.updates))
    if statement.tensor.parts or len(statement.pieces) != 1 or statement.name in given_back:
        return None
    (piece,) = statement.pieces
    scope = context.scope()
    if piece.entries or not scope.is_number(piece.rhs) or statement.tensor.kind == "bool":
        return None
    value = scope.value(piece.rhs).node.attrs[0]
    if any(isinstance(n, Pow) and n.exp.is_negative and n.base.has(Size) for n in walk(value)):
        context.numbers[statement.name] = value  # said where it is used: over an empty axis arrays may be divided by 0
        return Block((statement.name,), ())
    symbol = Symbol(statement.name, real=True)
    context.numbers[statement.name] = symbol
    return Block((statement.name,), (Let(symbol, value),))


def plain(statement: Statement, context: Context) -> Block | None:
    """One equation over the whole tensor: one array expression."""
    if len(statement.pieces) != 1:
        return None
    (piece,) = statement.pieces
    if not covers(piece, piece.indices, statement.tensor.parts):
        return None
    if piece.conditions and not statement.zero_elsewhere:
        return None
    scope = context.scope().with_binds(piece.binds)
    rhs = Where(conditions_of(piece), piece.rhs, Integer(0)) if piece.conditions else piece.rhs
    value = finished(scope.value(rhs), statement.tensor, piece.indices, scope)
    return Block((statement.name,), (*scope.before, Assign(statement.name, value)))


def finished(value: Array, tensor: Tensor, dims: Sequence[Expr], scope: Scope) -> Node:
    """The whole tensor, its axes in order, in its kind."""
    kind = KINDS[tensor.kind]
    value = typed(value, kind)
    letters = tuple(i for i in dims if isinstance(i, Letter))
    if value.is_scalar and value.node.op == "scalar":
        return Node("full", (), (value.node.attrs[0], scope.extents(letters)), kind, len(letters))
    return expanded(value, letters, scope.extents(letters)).node


# ------------------------------------------------------------------------------ pieces


def pieces(statement: Statement, context: Context) -> Block | None:
    """Several equations, or one for a part: allocate, then assign slices, the first piece last."""
    tensor = statement.tensor
    shape = tuple(stored(p) for p in tensor.parts)
    certain = not statement.zero_elsewhere and not any(p.conditions for p in statement.pieces)
    steps: list[Step] = [Allocate(tensor.name, shape, KINDS[tensor.kind], "empty" if certain else "0")]
    for piece in reversed(statement.pieces):
        scope = context.scope().with_binds(piece.binds)
        store = stores(piece, tensor, scope)
        steps += [*scope.before, store]
    return Block((statement.name,), tuple(steps))


def stores(piece: Piece, tensor: Tensor, scope: Scope) -> Store:
    """``tensor[slices] = value``; where conditions fail, what was there stays."""
    items = tuple(slices(i, part, scope) for i, part in zip(piece.indices, tensor.parts, strict=True))
    dims = tuple(i for i in piece.indices if isinstance(i, Letter))
    inner = scope.under_guard(*piece.conditions) if piece.conditions else scope
    value = typed(inner.value(piece.rhs), KINDS[tensor.kind])
    if piece.conditions:
        there = Array(_there(tensor, items, dims), dims)
        value = elementwise("where", [scope.value(conditions_of(piece)), value, there], scope.order, value.kind)
    return Store(tensor.name, items, aligned(value, dims))


def conditions_of(piece: Piece) -> Basic:
    """All conditions of a piece as one."""
    return piece.conditions[0] if len(piece.conditions) == 1 else Logic("and", *piece.conditions)


def _there(tensor: Tensor, items: Sequence[Item], dims: Sequence[Letter]) -> Node:
    return Node("index", (source(tensor),), (tuple(items),), KINDS[tensor.kind], len(dims))


Rule = Callable[[Statement, Context], Block | None]

#: First that applies, in order.
RULES: tuple[tuple[str, Rule], ...] = (
    ("a Python number", number),
    ("one array expression", plain),
    ("slices assigned one by one", pieces),
)
