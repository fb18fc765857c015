"""The one data structure: a program is a set of equations over index letters.

Right-hand sides are SymPy expressions over a few *inert* nodes of ours.  SymPy does the scalar
algebra, substitution, hashing and ordering; our nodes carry the indices and SymPy never evaluates
them.  Records are frozen; constructors only construct.

Conventions every room relies on
--------------------------------
* Every letter bound in a program (by a left side or a reduction) is a ``Letter``; within one
  statement no letter is bound twice on a path from root to leaf.  Whoever *copies* an expression
  that binds letters must rename them (``rename_bound``).
* A tensor's axes are tuples of *parts*; a composite axis ``[g, c]`` has several parts, row-major.
  A ``Read`` has one index **per part**, flat: ``Read('w', g, f, c, i, j)``.
* A pack (``...`` or ``*A``) is one part whose extent is the pack's size, ``Size('...')`` or
  ``Size('*A')``: the product of the axes it stands for.  Its letter is ``Letter('...')`` or
  ``Letter('*a')``.  Doors and generated code reshape to parts on the way in and back on the way out.
* Out-of-range reads were turned into filters when the text was parsed; afterwards the entries of a
  reduction and the conditions of a piece are the only truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Symbol
from sympy.core.symbol import Str

from derive.nodes import (
    INF,
    REDUCTIONS,
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Node,
    Read,
    Reduce,
    Size,
    Stop,
    Truth,
    Where,
)

__all__ = [
    "Axis",
    "Bind",
    "Compare",
    "Draw",
    "FloorDiv",
    "Fresh",
    "Hyper",
    "INF",
    "Law",
    "Letter",
    "Logic",
    "Modulo",
    "Node",
    "Parameter",
    "Part",
    "Piece",
    "Program",
    "REDUCTIONS",
    "Read",
    "Reduce",
    "Size",
    "Statement",
    "Stop",
    "Tensor",
    "Truth",
    "Where",
    "bound_letters",
    "free_letters",
    "names_in",
    "piece_expressions",
    "reads",
    "rebuild",
    "rename_bound",
    "substitute",
    "tensors_read",
    "walk",
    "with_statements",
]

# ------------------------------------------------------------------------------ records


@dataclass(frozen=True)
class Part:
    """One letter's worth of an axis: indices ``origin − below ≤ i < origin + extent``.

    ``below`` counts halo points (``h[-1]``: the state before step 0); they are stored, and carry
    gradient, but are not part of the result.  ``origin`` is 1 for an optimizer's ``t``.
    """

    extent: Expr
    origin: int = 0
    below: int = 0


Axis = tuple[Part, ...]


@dataclass(frozen=True)
class Draw:
    """A random default: ``bernoulli(1 - p)``, ``uniform(a, b)``, ``normal(m, s)``."""

    distribution: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Tensor:
    """A name, its axes (tuples of parts) and its kind: real, const, index or bool.

    ``const`` is real data without derivative.  ``default`` is an input's: an Expr (a constant),
    a Draw, or None.
    """

    name: str
    axes: tuple[Axis, ...] = ()
    kind: str = "real"
    default: Expr | Draw | None = None
    optional: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for axis in self.axes for part in axis)

    @property
    def differentiable(self) -> bool:
        return self.kind == "real"


@dataclass(frozen=True)
class Piece:
    """One equation: ``tensor[indices] = rhs`` for the points that ``entries`` admit.

    ``indices``: one per part, a bound letter or an integer literal.  ``entries``: a ``Bind`` for each
    free letter, then conditions.
    """

    indices: tuple[Expr, ...]
    entries: tuple[Basic, ...]
    rhs: Expr

    @property
    def binds(self) -> tuple[Bind, ...]:
        return tuple(e for e in self.entries if isinstance(e, Bind))

    @property
    def conditions(self) -> tuple[Basic, ...]:
        return tuple(e for e in self.entries if not isinstance(e, Bind))

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(b.letter for b in self.binds)


@dataclass(frozen=True)
class Statement:
    """All equations of one tensor.  A point belongs to the **first** piece that admits it; a real
    tensor is 0 where none does when ``zero_elsewhere`` (cotangents), else pieces cover the tensor."""

    tensor: Tensor
    pieces: tuple[Piece, ...]
    zero_elsewhere: bool = False

    @property
    def name(self) -> str:
        return self.tensor.name


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter: its kind (Int, Real, Bool, Text), length (0: a scalar), default (a value, or an
    Expr over earlier ones), allowed values; ``value`` when it was structural and so is already fixed."""

    name: str
    kind: str = "Real"
    length: int = 0
    default: object = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    structural: bool = False
    value: object = None

    @property
    def symbols(self) -> tuple[Hyper, ...]:
        whole = self.kind == "Int"
        if not self.length:
            return (Hyper(self.name, whole),)
        return tuple(Hyper(f"{self.name}[{i}]", whole) for i in range(self.length))


@dataclass(frozen=True)
class Law:
    """A theorem found by the simplifier: ``left = right`` for every value of the free letters."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Program:
    """A definition made definite: structural choices taken, calls inlined, each name bound once.

    ``statements`` are in an order in which each reads only earlier ones, except around a recurrence
    (a strongly connected group, kept adjacent).  ``sizes``: derived sizes, in order.  ``updates``:
    (input buffer, tensor) pairs a module writes back.  ``primal``/``wrt``: for a derived program, the
    name of what it was derived from and the inputs differentiated by.
    """

    name: str
    inputs: tuple[Tensor, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    sizes: tuple[tuple[Size, Expr], ...] = ()
    updates: tuple[tuple[str, str], ...] = ()
    requirements: tuple[Basic, ...] = ()
    role: str = "layer"
    doc: str = ""
    laws: tuple[Law, ...] = ()
    derived: str = ""  # "" | "vjp" | "jvp": whether this is a derivative, for titles only
    origin: str = field(default="", compare=False)  # file:line, for messages

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name, input or defined.  KeyError if there is none."""
        return self.tensors[name]

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {t.name: t for t in (*self.inputs, *(s.tensor for s in self.statements))}

    @property
    def definitions(self) -> dict[str, Statement]:
        return {s.name: s for s in self.statements}


# ------------------------------------------------------------------------------ traversal


def walk(e: Basic) -> Iterator[Basic]:
    """Every node, parents first, in argument order (SymPy's own preorder, without its overhead)."""
    yield e
    for a in e.args:
        yield from walk(a)


def reads(e: Basic) -> Iterator[Read]:
    """Every read, outermost first; a read's own indices are searched too."""
    return (n for n in walk(e) if isinstance(n, Read))


def piece_expressions(piece: Piece) -> Iterator[Basic]:
    """Everything a piece evaluates: indices, entries, right side."""
    yield from piece.indices
    yield from piece.entries
    yield piece.rhs


def tensors_read(statement: Statement) -> tuple[str, ...]:
    """Names read by a statement, in order of first appearance."""
    found: dict[str, None] = {}
    for piece in statement.pieces:
        for e in piece_expressions(piece):
            for r in reads(e):
                found.setdefault(r.tensor)
    return tuple(found)


def rebuild(e: Basic, f: Callable[[Basic], Basic]) -> Basic:
    """Bottom-up map: f sees each node after its arguments were mapped."""
    if e.args and not isinstance(e, Str):
        args = tuple(rebuild(a, f) for a in e.args)
        if args != e.args:
            e = e.func(*args) if not isinstance(e, Reduce) else Reduce(args[0], args[1].args, args[2])
    return f(e)


def substitute(e: Basic, mapping: dict) -> Basic:
    """Simultaneous exact replacement (``xreplace``); the caller sees to capture."""
    return e.xreplace(mapping) if mapping else e


def bound_letters(e: Basic) -> tuple[Letter, ...]:
    """Letters bound inside e by reductions, in order."""
    return tuple(n.letter for n in walk(e) if isinstance(n, Bind))


def free_letters(e: Basic) -> set[Letter]:
    """Letters that occur in e but are not bound in it (each letter is bound at most once a path)."""
    if isinstance(e, Letter):
        return {e}
    if isinstance(e, Reduce):
        inside = set().union(*(free_letters(a) for a in e.args)) if e.args else set()
        return inside - set(e.letters)
    found: set[Letter] = set()
    for a in e.args:
        found |= free_letters(a)
    return found


class Fresh:
    """Hands out letter names not used so far: ``i``, ``i_1``, ``i_2``, …"""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def letter(self, like: Letter | str) -> Letter:
        name = like if isinstance(like, str) else like.name
        return Letter(self.name(name))

    def name(self, like: str) -> str:
        base = like
        head, _, tail = like.rpartition("_")
        if head and tail.isdigit():
            base = head
        candidate, n = (like if like not in self.taken else base), 0
        if base == "..." and candidate in self.taken:
            base = candidate = "*p"
        while candidate in self.taken:
            n += 1
            candidate = f"{base}_{n}"
        self.taken.add(candidate)
        return candidate


def rename_bound(e: Basic, fresh: Fresh) -> Basic:
    """A copy of e whose bound letters are all new."""
    mapping = {letter: fresh.letter(letter) for letter in bound_letters(e)}
    return substitute(e, mapping)


def names_in(program: Program) -> set[str]:
    """Every name in use: tensors, letters, sizes, hyperparameters."""
    used = set(program.tensors) | {p.name for p in program.parameters}
    for t in (*program.inputs, *(s.tensor for s in program.statements)):
        for part in t.parts:
            used |= {s.name for s in part.extent.free_symbols}
    for statement in program.statements:
        for piece in statement.pieces:
            for e in piece_expressions(piece):
                used |= {n.name for n in walk(e) if isinstance(n, Symbol)}
    return used | {s.name for s, _ in program.sizes}


def with_statements(program: Program, statements: Iterable[Statement]) -> Program:
    """The same program with other statements."""
    return replace(program, statements=tuple(statements))
