"""Recurrences: a loop over one axis, whole-array steps inside, what does not change with the state before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Add, Basic, Expr, Function, Integer, Mul

from derive.calculus import affine
from derive.calculus.recurrence import Group
from derive.functions import FUNCTIONS
from derive.lower.arrays import Array, aligned, expanded
from derive.lower.conditions import Span, all_of, assuming, decided, narrowed, number_conditions, tidy
from derive.lower.context import Context, covers, of_kind, slices, typed
from derive.lower.plan import ALL, Allocate, Assign, Block, Choose, Finish, Loop, Node, Step, Store, at
from derive.lower.ranges import nonnegative
from derive.lower.reads import KINDS, position, stored
from derive.lower.scope import Scope
from derive.program import (
    Bind,
    Compare,
    Letter,
    Part,
    Piece,
    Read,
    Reduce,
    Statement,
    Tensor,
    Where,
    bound_letters,
    free_letters,
    reads,
    substitute,
    walk,
)


@dataclass(frozen=True)
class Member:
    """One tensor of the group: its axis, and its pieces with the loop's letter on that axis."""

    tensor: Tensor
    axis: int
    pieces: tuple[Piece, ...]
    zero_elsewhere: bool

    @property
    def part(self) -> Part:
        return self.tensor.parts[self.axis]

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(stored(p) for p in self.tensor.parts)


def recurrence(group: Group, context: Context) -> Block:
    """Allocate, base cases, the loop, and the whole arrays at the end."""
    letter = loop_letter(group, context)
    members = [member(group, n, letter, context) for n in group.names]
    steps: list[Step] = []
    members = [_hoisted(m, group, letter, context, steps) for m in members]
    filled = {m.tensor.name: m.axis for m in members}
    steps += [Allocate(m.tensor.name, m.shape, KINDS[m.tensor.kind], fill_of(m), m.axis) for m in members]
    for m in members:
        for piece in [p for p in m.pieces if is_base(p, m, group)]:
            steps += stored_at(m, piece, context, filled, at(position(piece.indices[m.axis], m.part)), {})
    members = [replace(m, pieces=tuple(p for p in m.pieces if not is_base(p, m, group))) for m in members]
    lo, hi = _range(members)
    body = tuple(s for m in members for s in _turn(m, letter, (lo, hi), context, filled))
    steps.append(Loop(letter, lo, hi, body, down=group.direction < 0))
    steps += [Finish(m.tensor.name, m.axis, m.shape, KINDS[m.tensor.kind]) for m in members]
    return Block(group.names, tuple(steps))


def fill_of(m: Member) -> str:
    return "0" if m.zero_elsewhere or any(p.conditions for p in m.pieces) else "empty"


# ------------------------------------------------------------------------------ one letter for the loop


def loop_letter(group: Group, context: Context) -> Letter:
    """The letter of the first equation, if no other use of it is in the way."""
    wanted: Letter | None = None
    taken: set[Letter] = set()
    for n in group.names:
        for piece in context.statements[n].pieces:
            index = piece.indices[group.position(n)]
            if wanted is None and isinstance(index, Letter):
                wanted = index
            taken |= {i for i in piece.letters if i != index}
            taken |= {x for e in (*piece.entries, piece.rhs) if not isinstance(e, Bind) for x in bound_letters(e)}
    assert wanted is not None
    return context.fresh.letter(wanted) if wanted in taken else wanted


def member(group: Group, name: str, letter: Letter, context: Context) -> Member:
    statement: Statement = context.statements[name]
    axis = group.position(name)
    pieces = []
    for p in statement.pieces:
        index = p.indices[axis]
        mapping = {index: letter} if isinstance(index, Letter) else {}
        entries = tuple(substitute(e, mapping) for e in p.entries)
        pieces.append(
            Piece(tuple(substitute(i, mapping) for i in p.indices), entries, substitute(p.rhs, mapping))  # type: ignore[arg-type]
        )
    return Member(statement.tensor, axis, tuple(pieces), statement.zero_elsewhere)


def is_base(piece: Piece, m: Member, group: Group) -> bool:
    """A literal place on the axis, given without the group."""
    if isinstance(piece.indices[m.axis], Letter):
        return False
    return not any(r.tensor in group.names for e in (*piece.entries, piece.rhs) for r in reads(e))


def _range(members: Sequence[Member]) -> tuple[Expr, Expr]:
    """The smallest range that holds every piece's."""
    spans = [span_of(p, m) for m in members for p in m.pieces]
    lows, highs = list(dict.fromkeys(s[0] for s in spans)), list(dict.fromkeys(s[1] for s in spans))
    return _extreme("min", lows), _extreme("max", highs)


def _extreme(op: str, values: list[Expr]) -> Expr:
    """The smallest or largest, decided now where it can be."""
    best = values[0]
    for v in values[1:]:
        difference = (v - best) if op == "min" else (best - v)
        if nonnegative(difference, {}):
            continue
        best = v if nonnegative(-difference, {}) else FUNCTIONS[op].cls(best, v)
    return best


def span_of(piece: Piece, m: Member) -> tuple[Expr, Expr]:
    index = piece.indices[m.axis]
    for b in piece.binds:
        if b.letter == index:
            return b.lo, b.hi
    return index, index + 1


# ------------------------------------------------------------------------------ one turn of the loop


def _turn(
    m: Member, letter: Letter, span: tuple[Expr, Expr], context: Context, filled: dict[str, int]
) -> tuple[Step, ...]:
    """The equations of one tensor at one point of the axis; the first that admits the point."""
    options = []
    for p in m.pieces:
        index = p.indices[m.axis]
        conditions = list(p.conditions)
        lo, hi = span_of(p, m)
        if not isinstance(index, Letter):
            conditions.insert(0, Compare("==", letter, index))
        elif (lo, hi) != span:
            conditions = [Compare("<=", lo, letter), Compare("<", letter, hi), *conditions]
        entries = tuple(b for b in p.binds if b.letter != letter)
        options.append((conditions, replace(p, entries=entries)))
    return _options(options, m, letter, span, context, filled)


def _options(options: list, m: Member, letter: Letter, span: Span, context: Context, filled: dict) -> tuple[Step, ...]:
    """``if`` on the loop's letter around each equation."""
    if not options:
        return ()
    (conditions, piece), rest = options[0], options[1:]
    scope = replace(context.scope(), fixed=(letter,))
    numbers = [c for c in conditions if scope.is_number(c) and decided(c, letter, span) is not True]
    arrays = [c for c in conditions if not scope.is_number(c)]
    if arrays and rest:
        piece = replace(piece, rhs=Where(all_of(arrays), piece.rhs, _otherwise(rest)))
        arrays, rest = [], []
    elif arrays:
        piece = replace(piece, entries=(*piece.entries, *arrays))
    if not numbers:
        return _split(m, piece, letter, span, context, filled)
    condition = all_of([tidy(c) for c in numbers])
    then = _split(m, piece, letter, narrowed(span, letter, condition, True), context, filled)
    others = _options(rest, m, letter, narrowed(span, letter, condition, False), context, filled)
    return (Choose(condition, then, others),)


def _otherwise(rest: list) -> Expr:
    """The later equations as one expression."""
    if not rest:
        return Integer(0)
    conditions, piece = rest[0]
    return Where(all_of(conditions), piece.rhs, _otherwise(rest[1:])) if conditions else piece.rhs


def _split(m: Member, piece: Piece, letter: Letter, span: Span, context: Context, filled: dict) -> tuple[Step, ...]:
    """Conditions on the loop's letter inside the right side become ``if``."""
    scope = replace(context.scope(), fixed=(letter,))
    for c in number_conditions(piece.rhs, scope):
        known = decided(c, letter, span)
        if known is not None:
            return _split(m, assuming(piece, c, known), letter, span, context, filled)
        branches = [
            _split(m, assuming(piece, c, truth), letter, narrowed(span, letter, c, truth), context, filled)
            for truth in (True, False)
        ]
        return (Choose(tidy(c), *branches),)
    return tuple(stored_at(m, piece, context, filled, at(position(letter, m.part)), {letter: span}))


def stored_at(
    m: Member, piece: Piece, context: Context, filled: dict[str, int], place: tuple, spans: dict[Letter, Span]
) -> list[Step]:
    """``tensor[…, t, …] = value``; a part of the other axes goes through an array of its own."""
    scope = replace(context.scope(), fixed=tuple(spans), spans=spans, filled=filled).with_binds(piece.binds)
    parts = [p for k, p in enumerate(m.tensor.parts) if k != m.axis]
    indices = [i for k, i in enumerate(piece.indices) if k != m.axis]
    kind = KINDS[m.tensor.kind]
    items = [ALL] * len(m.tensor.parts)
    items[m.axis] = place
    rhs = piece.rhs if not piece.conditions else Where(all_of(piece.conditions), piece.rhs, Integer(0))
    value = of_kind(typed(scope.value(rhs), kind), kind)
    dims = tuple(i for i in indices if isinstance(i, Letter))
    if covers(piece, indices, parts):
        node = aligned(value, dims) if value.dims == dims else _whole(value, dims, scope, kind)
        return [*scope.before, Store(m.tensor.name, tuple(items), node, axis=m.axis)]
    local = context.fresh.name(f"{m.tensor.name}_now")
    shape = tuple(stored(p) for p in parts)
    inner = tuple(slices(i, p, scope) for i, p in zip(indices, parts, strict=True))
    return [
        *scope.before,
        Allocate(local, shape, kind, "0"),
        Store(local, inner, aligned(value, dims)),
        Store(m.tensor.name, tuple(items), Node("name", (), (local,), kind, len(parts)), axis=m.axis),
    ]


def _whole(value: Array, dims: tuple[Letter, ...], scope: Scope, kind: str) -> Node:
    """The value along every axis of the step: later turns read it as an array of its full shape."""
    if value.is_scalar and value.node.op == "scalar":
        return Node("full", (), (value.node.attrs[0], scope.extents(dims)), kind, len(dims))
    return expanded(value, dims, scope.extents(dims)).node


# ------------------------------------------------------------------------------ before the loop


def _hoisted(m: Member, group: Group, letter: Letter, context: Context, steps: list[Step]) -> Member:
    """What reads no tensor of the group is computed for all steps at once."""
    pieces = []
    for p in m.pieces:
        if p.indices[m.axis] == letter:
            hoist = Hoist(m, p, group, letter, context, steps)
            p = replace(p, rhs=hoist.expression(p.rhs, ()))
        pieces.append(p)
    return replace(m, pieces=tuple(pieces))


@dataclass(frozen=True)
class Hoist:
    """Replaces parts of one right side by reads of tensors computed before the loop."""

    member: Member
    piece: Piece
    group: Group
    letter: Letter
    context: Context
    steps: list[Step]

    def expression(self, e: Expr, guards: tuple[Basic, ...]) -> Expr:
        if not any(r.tensor in self.group.names for r in reads(e)):
            return self._named(e, guards)
        if isinstance(e, (Add, Mul)):
            ours = [a for a in e.args if not any(r.tensor in self.group.names for r in reads(a))]
            rest = [self.expression(a, guards) for a in e.args if a not in ours]
            varying = [a for a in ours if self.letter in free_letters(a)]
            fixed = [a for a in ours if a not in varying]
            known = [self._named(e.func(*varying), guards)] if varying else []
            return e.func(*fixed, *known, *rest)
        if isinstance(e, Where):
            c, a, b = e.args
            if any(r.tensor in self.group.names for r in reads(c)):
                return e
            negated = affine.negate(c)
            return Where(c, self.expression(a, (*guards, c)), self.expression(b, (*guards, negated)))
        if isinstance(e, Function):
            return e.func(*(self.expression(a, guards) for a in e.args))
        return e

    def _named(self, e: Expr, guards: tuple[Basic, ...]) -> Expr:
        """A tensor over the letters of e, where it is worth one."""
        binds = {b.letter: b for b in self.piece.binds}
        letters = tuple(b for b in binds if b in free_letters(e))
        if self.letter not in letters or not _worthwhile(e):
            return e
        if any(not binds[x].lo.is_Integer for x in letters):
            return e
        name = self.context.fresh.name(f"{self.member.tensor.name}_known")
        axes = tuple((Part(binds[x].hi - binds[x].lo, int(binds[x].lo)),) for x in letters)
        tensor = Tensor(name, axes)
        self.context.tensors[name] = tensor
        scope = self.context.scope().with_binds(binds[x] for x in letters)
        value = (scope.under_guard(*guards) if guards else scope).value(e)
        node = expanded(typed(value, "real"), letters, scope.extents(letters)).node
        self.steps.extend([*scope.before, Assign(name, node)])
        return Read(name, *letters)


def _worthwhile(e: Expr) -> bool:
    """More than one pass over data."""
    if any(isinstance(n, Reduce) for n in walk(e)):
        return True
    return isinstance(e, (Add, Mul, Function)) and (len(list(reads(e))) > 1 or isinstance(e, Function))
