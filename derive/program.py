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

from sympy import Basic, Expr, Integer, Symbol, Tuple
from sympy.core.symbol import Str

# ------------------------------------------------------------------------------ symbols


class Letter(Symbol):
    """An index variable; ``...`` and ``*a`` are pack letters."""

    __slots__ = ()

    def __new__(cls, name: str) -> Letter:
        return Symbol.__new__(cls, name, integer=True)

    def __getnewargs_ex__(self):
        return (self.name,), {}

    @property
    def is_pack(self) -> bool:
        return self.name.startswith(("...", "*"))


class Size(Symbol):
    """An extent: solved from the inputs' shapes, or defined by a size equation."""

    __slots__ = ()

    def __new__(cls, name: str) -> Size:
        return Symbol.__new__(cls, name, integer=True, positive=True)

    def __getnewargs_ex__(self):
        return (self.name,), {}

    @property
    def is_pack(self) -> bool:
        return self.name.startswith(("...", "*"))


class Hyper(Symbol):
    """A hyperparameter that stays a symbol; ``stride[0]`` is the first of an ``Int[2]``."""

    __slots__ = ()

    def __new__(cls, name: str, integer: bool = False) -> Hyper:
        if integer:
            return Symbol.__new__(cls, name, integer=True)
        return Symbol.__new__(cls, name, real=True)

    def __getnewargs_ex__(self):
        return (self.name, bool(self.is_integer)), {}


INF = Symbol("inf", positive=True)  # a symbol, so that SymPy's arithmetic on oo never fires

# ------------------------------------------------------------------------------ inert nodes


class Node(Expr):
    """An inert node: SymPy stores and substitutes it but never evaluates it."""

    __slots__ = ()
    is_commutative = True
    is_real = True

    def __new__(cls, *args):
        return Basic.__new__(cls, *args)

    def _eval_derivative(self, symbol):  # the calculus differentiates; SymPy must not guess
        raise TypeError(f"SymPy was asked to differentiate the inert node {self!r}")

    def _sympystr(self, printer) -> str:
        return f"{type(self).__name__}({', '.join(printer.doprint(a) for a in self.args)})"

    __repr__ = __str__ = lambda self: self._sympystr(_PLAIN)


class _Plain:
    @staticmethod
    def doprint(e) -> str:
        return str(e)


_PLAIN = _Plain()


class Read(Node):
    """``tensor[indices]``, one index per part."""

    __slots__ = ()

    def __new__(cls, tensor: str | Str, *indices) -> Read:
        name = tensor if isinstance(tensor, Str) else Str(tensor)
        return Basic.__new__(cls, name, *map(_expr, indices))

    @property
    def tensor(self) -> str:
        return self.args[0].name

    @property
    def indices(self) -> tuple[Expr, ...]:
        return self.args[1:]


class Bind(Node):
    """``lo <= letter < hi``: binds a letter in a reduction or on a left side."""

    __slots__ = ()

    def __new__(cls, letter: Letter, lo, hi) -> Bind:
        return Basic.__new__(cls, letter, _expr(lo), _expr(hi))

    @property
    def letter(self) -> Letter:
        return self.args[0]

    @property
    def lo(self) -> Expr:
        return self.args[1]

    @property
    def hi(self) -> Expr:
        return self.args[2]


#: Every reduction the language has.  ``mean`` is written by the parser as sum over count.
REDUCTIONS = ("sum", "prod", "max", "min", "amax", "amin", "argmax", "argmin", "count", "any", "all")


class Reduce(Node):
    """``op[entries](body)``; an entry is a ``Bind`` or a condition (a filter), read left to right.

    ``argmax``/``argmin`` give the row-major position of the winner among the ranges of the bound
    letters (−1 if there is none); ``max``/``min`` take the first winner, ``amax``/``amin`` split evenly.
    """

    __slots__ = ()

    def __new__(cls, op: str | Str, entries: Iterable, body) -> Reduce:
        name = op if isinstance(op, Str) else Str(op)
        return Basic.__new__(cls, name, Tuple(*entries), _expr(body))

    @property
    def op(self) -> str:
        return self.args[0].name

    @property
    def entries(self) -> tuple:
        return self.args[1].args

    @property
    def body(self) -> Expr:
        return self.args[2]

    @property
    def binds(self) -> tuple[Bind, ...]:
        return tuple(e for e in self.entries if isinstance(e, Bind))

    @property
    def filters(self) -> tuple[Basic, ...]:
        return tuple(e for e in self.entries if not isinstance(e, Bind))

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(b.letter for b in self.binds)


class Where(Node):
    """``where(condition, then, otherwise)``: only the chosen branch is read; a guard is a domain."""

    __slots__ = ()

    def __new__(cls, condition, then, otherwise) -> Where:
        return Basic.__new__(cls, condition, _expr(then), _expr(otherwise))


class Compare(Node):
    """``a op b`` with op one of ``== != < <=`` (``>``, ``>=`` are written the other way round)."""

    __slots__ = ()

    def __new__(cls, op: str | Str, a, b) -> Compare:
        name = op if isinstance(op, Str) else Str(op)
        if name.name in (">", ">="):
            name, a, b = Str({">": "<", ">=": "<="}[name.name]), b, a
        return Basic.__new__(cls, name, _expr(a), _expr(b))

    @property
    def op(self) -> str:
        return self.args[0].name


class Logic(Node):
    """``and``, ``or`` (any number of conditions), ``not`` (one); read left to right, short-circuit."""

    __slots__ = ()

    def __new__(cls, op: str | Str, *conditions) -> Logic:
        return Basic.__new__(cls, op if isinstance(op, Str) else Str(op), *conditions)

    @property
    def op(self) -> str:
        return self.args[0].name

    @property
    def conditions(self) -> tuple[Basic, ...]:
        return self.args[1:]


class Truth(Node):
    """The literal ``True`` or ``False`` (Integer argument 1 or 0)."""

    __slots__ = ()

    def __new__(cls, value) -> Truth:
        return Basic.__new__(cls, Integer(1 if value else 0))

    def __bool__(self) -> bool:
        return bool(self.args[0] == 1)


class FloorDiv(Node):
    """``a // b``, floored (as Python; C and Triton truncate)."""

    __slots__ = ()
    is_integer = True

    def __new__(cls, a, b) -> Expr:
        a, b = _expr(a), _expr(b)
        if b == 1:
            return a
        if a.is_Integer and b.is_Integer and b != 0:
            return Integer(int(a) // int(b))
        return Basic.__new__(cls, a, b)


class Modulo(Node):
    """``a % b``, floored."""

    __slots__ = ()
    is_integer = True

    def __new__(cls, a, b) -> Expr:
        a, b = _expr(a), _expr(b)
        if b == 1:
            return Integer(0)
        if a.is_Integer and b.is_Integer and b != 0:
            return Integer(int(a) % int(b))
        return Basic.__new__(cls, a, b)


class Stop(Node):
    """``constant(e)``: e, with no derivative at any order."""

    __slots__ = ()

    def __new__(cls, body) -> Stop:
        return Basic.__new__(cls, _expr(body))


def _expr(value) -> Expr:
    return Integer(value) if isinstance(value, int) else value


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
