"""A reader's order for terms and factors, where SymPy's own order is the machine's.

Terms: added before subtracted, reductions last, free letters before bound ones before sizes before
hyperparameters; a bare number opens a sum of values (``1 + exp(x)``) and closes one of indices (``p + 1``).
Factors: numbers, scalars, cotangents, tangents, other reads as the program defines them, functions,
bracketed sums, reductions.
"""

from __future__ import annotations

from sympy import Expr, Function

from derive.program import Hyper, Letter, Program, Read, Reduce, Size, Where, walk
from derive.reports import layout as L

#: Ranks that a fraction treats apart: bracketed sums, guarded values, reductions.
SUMS, CHOICES, REDUCTIONS = 6, 7, 8


class Order:
    """The order of one program's formulas."""

    def __init__(self, program: Program, primal: Program) -> None:
        self.place = {name: i for i, name in enumerate(program.tensors)}
        self.leading = _leading(program, primal)
        self.free: tuple[Letter, ...] = ()

    def terms(self, pairs: list[tuple[Expr, bool, L.Node]]) -> list[tuple[Expr, bool, L.Node]]:
        """(term, subtracted?, layout) in a reader's order."""
        value = any(isinstance(n, Read | Function | Reduce) for e, _, _ in pairs for n in walk(e))
        return sorted(pairs, key=lambda p: (p[1], self._term(p[0], value), _case(p[2]), *_size(p[2])))

    def _term(self, e: Expr, value: bool) -> tuple[int, int]:
        nodes = list(walk(e))
        if e.is_number:
            return (-1 if value else 9, 0)
        if any(isinstance(n, Reduce) for n in nodes):
            return (5, 0)
        if any(isinstance(n, Read | Function) for n in nodes):
            return (0, 0)
        letters = [n for n in nodes if isinstance(n, Letter)]
        if letters:
            return (1, min(self.letter(n) for n in letters))
        return (2 if any(isinstance(n, Size) for n in nodes) else 3, 0)

    def letter(self, letter: Letter) -> int:
        """Where a letter stands: the left side's first, in its order."""
        return self.free.index(letter) if letter in self.free else len(self.free)

    def factors(self, pairs: list[tuple[Expr, L.Node]]) -> list[tuple[Expr, L.Node]]:
        """(factor, layout) in a reader's order."""
        return sorted(pairs, key=lambda p: (self.factor(p[0]), *_size(p[1])))

    def factor(self, e: Expr) -> tuple[int, int]:
        """The rank of a factor and its place within the rank."""
        base = e.base if e.is_Pow else e
        nodes = list(walk(e))
        if isinstance(base, Reduce) and not e.is_Pow:
            return (REDUCTIONS, 0)
        if isinstance(e, Where):
            return (CHOICES, 0)
        if isinstance(base, Read):
            if not base.indices and base.tensor not in self.leading:
                return (1, 3000)
            return self._read(base.tensor)
        has_read = any(isinstance(n, Read) for n in nodes)
        if base.is_Add:
            return (SUMS, 0) if has_read else (2, 0)
        if has_read or (isinstance(base, Function) and any(isinstance(n, Letter) for n in nodes)):
            return (5, min((self._read(n.tensor) for n in nodes if isinstance(n, Read)), default=(0, 0))[1])
        return (1, _scalar(base, self))

    def _read(self, tensor: str) -> tuple[int, int]:
        place = self.place.get(tensor, len(self.place))
        return (3, place) if tensor in self.leading else (4, place)


def _scalar(e: Expr, order: Order) -> int:
    """Numbers, letters, sizes, hyperparameters."""
    if e.is_number:
        return 0
    if isinstance(e, Letter):
        return 1 + order.letter(e)
    return 1000 + (0 if isinstance(e, Size) else 1 if isinstance(e, Hyper) else 2)


def _leading(program: Program, primal: Program) -> set[str]:
    """The cotangents or tangents among a derivative's tensors: they lead every product."""
    mark = {"vjp": "d", "jvp": "t"}.get(program.derived)
    known = {*program.tensors, *primal.tensors}
    return {n for n in program.tensors if mark and n[0] == mark and n[1:] in known and n not in primal.tensors}


def _case(node: L.Node) -> str:
    """The bracket a term begins with: cases come in order."""
    first = node.factors[0] if isinstance(node, L.Product) else node
    return repr(first) if isinstance(first, L.Bracket) else ""


def _size(node: L.Node) -> tuple[int, str]:
    """How much there is to read; and the text, so that no two are alike."""
    text = repr(node)
    return text.count("("), text
