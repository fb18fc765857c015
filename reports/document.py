"""Program -> document: the blocks and formulas that every format prints; the one place that decides
what is said, in what order, and which indices are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sympy import Basic, Expr, Rational

from derive.program import (
    Bind,
    Draw,
    Letter,
    Parameter,
    Piece,
    Program,
    Reduce,
    Size,
    Statement,
    Tensor,
    Where,
    substitute,
    walk,
)
from derive.record import record, replace
from derive.reports import layout as L
from derive.reports.letters import Letters
from derive.reports.naming import Names, has_quotient, named
from derive.reports.numbers import decimal, decimal_places
from derive.reports.selectors import by_value
from derive.reports.text import WIDTH, Text
from derive.reports.typeset import Typesetter, conjuncts, is_bracket


@record
class Prose:
    """A sentence in which each ``{}`` stands for a formula."""

    text: str
    nodes: tuple[L.Node, ...] = ()

    def filled(self, said: Callable[[L.Node], str], words: Callable[[str], str] = str) -> str:
        """The sentence with its formulas said in a format, its words escaped for it."""
        head, *rest = self.text.split("{}")
        return words(head) + "".join(said(n) + words(part) for n, part in zip(self.nodes, rest, strict=True))


@record
class Formula:
    """``left = right`` with its named indices, its conditions, the ranges of its letters, and where it holds.

    ``otherwise``: what the tensor is where the guard fails ("" if other formulas say so); ``relation``: the language's.
    """

    left: L.Node
    right: L.Node
    where: tuple[tuple[L.Node, L.Node], ...] = ()
    only: tuple[L.Node, ...] = ()
    over: tuple[L.Node, ...] = ()
    guard: tuple[L.Node, ...] = ()
    otherwise: str = ""
    relation: str = "=="


@record
class Block:
    """A titled group of formulas; ``declared`` are tensors with shape and note, ``about`` the ones it is about.

    ``says``: sentences before the formulas; ``code``: lines shown as they are, after them; ``prose``: headed paragraphs
    at the end.
    """

    title: str
    about: tuple[tuple[str, L.Node], ...]
    formulas: tuple[Formula, ...]
    declared: tuple[tuple[str, L.Node, str], ...] = ()
    over: tuple[L.Node, ...] = ()
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    says: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    prose: tuple[tuple[str, tuple[Prose, ...]], ...] = ()


@record
class Document:
    """Everything a report says about a program."""

    name: str
    role: str
    doc: str
    main: tuple[Block, ...]
    theorems: tuple[Formula, ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every block, the theorems last."""
        last = (Block(f"{self.name} · theorems", (), self.theorems),) if self.theorems else ()
        return (*self.main, *last)


class Composer:
    """Composes formulas of one program; ``primal`` lends its letters to a derivative."""

    def __init__(self, program: Program, primal: Program | None = None) -> None:
        self.program, self.primal = program, primal or program
        self.t = Typesetter(program, self.primal)
        self.names = Names(program, self.primal)
        self.letters = Letters(program, self.primal)
        self.text = Text()

    def block(
        self, title: str, about: Iterable[str], statements: Iterable[Statement], *, free: bool = False, **more: Any
    ) -> Block:
        """The formulas of some statements, with the ranges of their letters (of the left sides' too, if ``free``)."""
        pieces = [
            (s, self.letters.chosen(part, self._usual(s))) for s in statements for p in s.pieces for part in by_value(p)
        ]
        ranges = _ranges(pieces, free)
        common = tuple(self.range(binds[0]) for binds in ranges.values() if len(binds) == 1)
        odd = {letter for letter, binds in ranges.items() if len(binds) > 1}
        formulas = tuple(self._piece(s, p, odd) for s, p in pieces)
        shapes = tuple((name, self.shape(self.program.tensor(name))) for name in about)
        return Block(title, shapes, (*more.pop("before", ()), *formulas), over=common, **more)

    def _usual(self, statement: Statement) -> list[tuple[str, ...]]:
        """The letters each axis of a tensor goes by."""
        return [self.names.of(statement.name, position) for position in range(len(statement.tensor.parts))]

    def _piece(self, statement: Statement, piece: Piece, odd: set[Letter]) -> Formula:
        self.t.order.free = piece.letters
        left = self.t.element(statement.name, piece.indices)
        rest = "0" if statement.zero_elsewhere and piece.conditions else ""
        over = (*self._partial_ranges(statement, piece), *self._odd_ranges(piece, odd))
        guard = () if piece.conditions else outer_guard(piece.rhs)
        if guard:
            rest, piece = "0", Piece(piece.indices, (*piece.entries, *guard), piece.rhs.args[1])
        formula = Formula(left, self.t.node(piece.rhs), guard=self.t.conditions(piece.conditions))
        if has_quotient(piece) or not self._fits(formula):
            formula = self._named(left, piece)
        return replace(formula, over=over, otherwise=rest)

    def _fits(self, f: Formula) -> bool:
        return 2 + len(self.text.line(f.left)) + 3 + len(self.text.line(f.right)) <= WIDTH

    def _named(self, left: L.Node, piece: Piece) -> Formula:
        """The formula with its long indices named and the conditions of its sums said below it."""
        found = named(piece, self.names)
        where = tuple((self.t.node(letter), self._value(index, exact)) for letter, index, exact in found.where)
        guard = self.t.conditions(found.guard)
        for spare in (is_bracket, None):
            rhs, only = lift_conditions(found.rhs, spare)
            formula = Formula(left, self.t.node(rhs), where, self.t.conditions(only), guard=guard)
            if self._fits(formula):
                break
        return formula

    def _value(self, index: Expr, exact: bool) -> L.Node:
        """A named index; a quotient that leaves no remainder is a plain fraction."""
        return L.Fraction(*self.t.nodes(index.args)) if exact else self.t.node(index)

    def _partial_ranges(self, statement: Statement, piece: Piece) -> Iterator[L.Node]:
        """Ranges of left letters that are not the whole of their axis."""
        for index, part in zip(piece.indices, statement.tensor.parts, strict=True):
            bind = next((b for b in piece.binds if b.letter == index), None)
            end = part.origin + part.extent
            if bind and (bind.lo, bind.hi) not in ((part.origin - part.below, end), (part.origin, end)):
                yield self.range(bind)

    def _odd_ranges(self, piece: Piece, odd: set[Letter]) -> Iterator[L.Node]:
        """Ranges of bound letters that have another range elsewhere in the block."""
        for bind in dict.fromkeys(bound(piece.rhs)):
            if bind.letter in odd:
                yield self.range(bind)

    def range(self, bind: Bind) -> L.Node:
        """``k < K``, or where it does not start at 0 ``lo ≤ k < hi``, ``1 ≤ t ≤ T``."""
        letter, lo = self.t.node(bind.letter), self.t.node(bind.lo)
        last = bind.hi - 1
        if bind.lo == 0:
            return L.Chain((letter, self.t.node(bind.hi)), ("<",))
        closed = bind.hi.is_Add and not last.is_Add
        return L.Chain((lo, letter, self.t.node(last if closed else bind.hi)), ("<=", "<=" if closed else "<"))

    def shape(self, tensor: Tensor) -> L.Node:
        """``[N, [g, C], H]``: the extents, composite axes grouped."""
        axes = []
        for axis in tensor.axes:
            extents = [part.extent for part in axis]
            items = [L.Word(e.name) if isinstance(e, Size) else self.t.node(e) for e in extents]
            axes.append(items[0] if len(items) == 1 else L.Group(tuple(items)))
        return L.Group(tuple(axes))

    def declaration(self, tensor: Tensor) -> tuple[str, L.Node, str]:
        """A tensor's name, shape and a note of what is special about it."""
        notes = [] if tensor.kind == "real" else [tensor.kind]
        if isinstance(tensor.default, Draw):
            arguments = ", ".join(self.text.line(n) for n in self.t.nodes(tensor.default.arguments))
            notes.append(f"drawn: {tensor.default.distribution}({arguments})")
        elif tensor.default is not None:
            notes.append(f"{self.text.line(self.t.node(tensor.default))} when absent")
        return tensor.name, self.shape(tensor), ", ".join(notes)

    def parameter(self, p: Parameter) -> str:
        """``stride = 2``: a hyperparameter and its value, fixed or default."""
        value = p.value if p.value is not None else p.default
        if value is None and p.required:
            return p.name
        if isinstance(value, tuple | list):
            return f"{p.name} = ({', '.join(map(self._parameter_value, value))})"
        return f"{p.name} = {self._parameter_value(value)}"

    def _parameter_value(self, value: object) -> str:
        if isinstance(value, Rational) and not value.is_Integer and decimal_places(value) is not None:
            return decimal(value)
        return self.text.line(self.t.node(value)) if isinstance(value, Basic) else str(value)


def _ranges(pieces: Iterable[tuple[Statement, Piece]], free: bool) -> dict[Letter, list[Bind]]:
    """Each letter's ranges, in order of appearance; packs have none worth saying."""
    found: dict[Letter, list[Bind]] = {}
    for _, piece in pieces:
        for b in (*(piece.binds if free else ()), *bound(piece.rhs)):
            known = found.setdefault(b.letter, [])
            if b not in known:
                known.append(b)
    return {letter: binds for letter, binds in found.items() if not letter.is_pack}


def bound(e: Basic) -> Iterator[Bind]:
    """The letters an expression binds, with their ranges."""
    return (n for n in walk(e) if isinstance(n, Bind))


def outer_guard(rhs: Expr) -> tuple[Basic, ...]:
    """The condition of ``where(c, a, 0)``, unless it is an equality, which is written as a bracket."""
    if isinstance(rhs, Where) and rhs.args[2] == 0 and not all(map(is_bracket, conjuncts(rhs.args[0]))):
        return conjuncts(rhs.args[0])
    return ()


def lift_conditions(rhs: Expr, spare: Callable[[Basic], bool] | None) -> tuple[Expr, tuple[Basic, ...]]:
    """Conditions that every reduction has, to be said once on a line of their own; ``spare`` ones stay."""

    def lifted(r: Reduce) -> tuple[Basic, ...]:
        return tuple(c for c in r.filters if spare is None or not spare(c))

    reductions = list(dict.fromkeys(n for n in walk(rhs) if isinstance(n, Reduce)))
    conditions = {lifted(r) for r in reductions}
    nested = any(isinstance(n, Reduce) for r in reductions for n in walk(r.body))
    if len(conditions) != 1 or nested or any(r.body == 1 for r in reductions):
        return rhs, ()
    only = conditions.pop()
    kept = {r: Reduce(r.op, [e for e in r.entries if e not in only], r.body) for r in reductions}
    return substitute(rhs, kept), only
