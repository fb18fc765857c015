"""Symbols and inert nodes: what a right-hand side is made of besides SymPy's own arithmetic.

SymPy does the scalar algebra, substitution, hashing and ordering; these nodes carry the indices, and SymPy
stores and substitutes them but never evaluates them.
"""

from __future__ import annotations

from collections.abc import Iterable

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


class _Plain:
    @staticmethod
    def doprint(e) -> str:
        return str(e)


_PLAIN = _Plain()


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

    def __str__(self) -> str:
        return self._sympystr(_PLAIN)

    __repr__ = __str__


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
