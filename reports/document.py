"""Program -> document: the blocks and formulas that every format prints; the one place that decides
what is said, in what order, and which indices are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Basic, Expr

from derive.program import Bind, Draw, Letter, Parameter, Piece, Program, Reduce, Statement, Tensor, Where, walk
from derive.reports import layout as L
from derive.reports.naming import Names, has_quotient, named
from derive.reports.text import WIDTH, Text
from derive.reports.typeset import Typesetter, is_bracket


@dataclass(frozen=True)
class Formula:
    """``left = right`` with its named indices, its conditions, the ranges of its letters, and where it holds.

    ``otherwise``: what the tensor is where the guard fails ("" if other formulas say so).
    """

    left: L.Node
    right: L.Node
    where: tuple[tuple[L.Node, L.Node], ...] = ()
    only: tuple[L.Node, ...] = ()
    over: tuple[L.Node, ...] = ()
    guard: tuple[L.Node, ...] = ()
    otherwise: str = ""


@dataclass(frozen=True)
class Block:
    """A titled group of formulas; ``declared`` are tensors with shape and note, ``title_of`` the one it is about."""

    title: str
    about: tuple[tuple[str, L.Node], ...]
    formulas: tuple[Formula, ...]
    declared: tuple[tuple[str, L.Node, str], ...] = ()
    over: tuple[L.Node, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """Everything a report says about a program."""

    name: str
    role: str
    doc: str
    blocks: tuple[Block, ...]


class Composer:
    """Composes formulas of one program; ``primal`` lends its letters to a derivative."""

    def __init__(self, program: Program, primal: Program | None = None) -> None:
        self.program, self.primal = program, primal or program
        self.t = Typesetter(program, self.primal)
        self.names = Names(program, self.primal)
        self.text = Text()

    def formulas(self, statement: Statement) -> tuple[Formula, ...]:
        """One formula a piece."""
        return tuple(self._piece(statement, piece) for piece in statement.pieces)

    def _piece(self, statement: Statement, piece: Piece) -> Formula:
        self.t.order.free = piece.letters
        left = self.t.element(statement.name, piece.indices)
        formula = Formula(left, self.t.node(piece.rhs), guard=self.t.conditions(piece.conditions))
        if has_quotient(piece) or not self._fits(formula):
            formula = self._named(left, piece)
        rest = "0" if statement.zero_elsewhere and piece.conditions else ""
        return replace(formula, over=self._odd_ranges(statement, piece), otherwise=rest)

    def _fits(self, f: Formula) -> bool:
        guard = sum(len(self.text.line(c)) + 2 for c in f.guard) + (4 if f.guard else 0)
        return 2 + len(self.text.line(f.left)) + 3 + len(self.text.line(f.right)) + guard <= WIDTH

    def _named(self, left: L.Node, piece: Piece) -> Formula:
        """The formula with its long indices named and the conditions of its one reduction said below it."""
        found = named(piece, self.names)
        rhs, only = lift_conditions(found.rhs)
        where = tuple((self.t.node(letter), self._value(index, exact)) for letter, index, exact in found.where)
        guard = self.t.conditions(found.guard)
        return Formula(left, self.t.node(rhs), where, self.t.conditions(only), guard=guard)

    def _value(self, index: Expr, exact: bool) -> L.Node:
        """A named index; a quotient that leaves no remainder is a plain fraction."""
        return L.Fraction(*self.t.nodes(index.args)) if exact else self.t.node(index)

    def _odd_ranges(self, statement: Statement, piece: Piece) -> tuple[L.Node, ...]:
        """Ranges of left letters that are not the whole of their axis."""
        out = []
        for index, part in zip(piece.indices, statement.tensor.parts, strict=True):
            bind = next((b for b in piece.binds if b.letter == index), None)
            whole = (part.origin - part.below, part.origin + part.extent)
            if bind is not None and (bind.lo, bind.hi) != whole and (bind.lo, bind.hi) != (part.origin, whole[1]):
                out.append(self.range(bind))
        return tuple(out)

    def range(self, bind: Bind) -> L.Node:
        """``k < K``, or ``lo ≤ k < hi`` where it does not start at 0."""
        letter, hi = self.t.node(bind.letter), self.t.node(bind.hi)
        if bind.lo == 0:
            return L.Chain((letter, hi), ("<",))
        return L.Chain((self.t.node(bind.lo), letter, hi), ("<=", "<"))

    def ranges(self, statements: Iterable[Statement], free: bool) -> tuple[L.Node, ...]:
        """The ranges of the letters of a block, bound ones and, where asked, those of the left sides."""
        found: dict[Letter, list[Bind]] = {}
        for statement in statements:
            for piece in statement.pieces:
                binds = list(piece.binds) if free else []
                binds += [n for e in (*piece.conditions, piece.rhs) for n in walk(e) if isinstance(n, Bind)]
                for b in binds:
                    known = found.setdefault(b.letter, [])
                    if b not in known:
                        known.append(b)
        return tuple(self.range(b) for binds in found.values() for b in binds if not b.letter.is_pack)

    def shape(self, tensor: Tensor) -> L.Node:
        """``[N, [g, C], H]``: the extents, composite axes grouped."""
        axes = []
        for axis in tensor.axes:
            items = self.t.nodes(part.extent for part in axis)
            axes.append(items[0] if len(items) == 1 else L.Group(items))
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


def lift_conditions(rhs: Expr) -> tuple[Expr, tuple[Basic, ...]]:
    """Range conditions that every reduction has (or the outermost guard), to be said once, on a line of their own."""
    if isinstance(rhs, Where) and rhs.args[2] == 0 and not is_bracket(rhs.args[0]):
        inner, more = lift_conditions(rhs.args[1])
        return inner, (rhs.args[0], *more)
    reductions = list(dict.fromkeys(n for n in walk(rhs) if isinstance(n, Reduce)))
    ranges = {tuple(c for c in r.filters if not is_bracket(c)) for r in reductions}
    nested = any(isinstance(n, Reduce) for r in reductions for n in walk(r.body))
    if len(ranges) != 1 or nested or any(r.op == "count" and r.body == 1 for r in reductions):
        return rhs, ()
    return rhs.xreplace({r: _without_ranges(r) for r in reductions}), ranges.pop()


def _without_ranges(r: Reduce) -> Reduce:
    return Reduce(r.op, [e for e in r.entries if isinstance(e, Bind) or is_bracket(e)], r.body)


def parameter_text(p: Parameter, text: Text, t: Typesetter) -> str:
    """``stride = (1, 1)``: a hyperparameter and its value, fixed or default."""
    value = p.value if p.value is not None else p.default
    if isinstance(value, Basic):
        value = text.line(t.node(value))
    return p.name if value is None else f"{p.name} = {value}"
