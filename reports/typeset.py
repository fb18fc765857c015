"""Expression -> layout tree: signs out of products, fractions, roots, conditions in chains."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Add, Basic, E, Expr, Integer, Mul, Pow, Rational, Symbol, pi

from derive.functions import HALF, function_name
from derive.program import (
    INF,
    Compare,
    FloorDiv,
    Letter,
    Logic,
    Modulo,
    Program,
    Read,
    Reduce,
    Size,
    Stop,
    Truth,
    Where,
    walk,
)
from derive.reports import layout as L
from derive.reports.numbers import decimal, reads_as_decimal
from derive.reports.order import REDUCTIONS, SUMS, Order

#: How the language's relation reads after its two sides are exchanged.
FLIPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!="}

#: The relation that holds where this one does not, and whether the sides are exchanged.
NEGATED = {"<": ("<=", True), "<=": ("<", True), "==": ("!=", False), "!=": ("==", False)}


class Typesetter:
    """Lays out the expressions of one program."""

    def __init__(self, program: Program, primal: Program) -> None:
        self.program = program
        self.order = Order(program, primal)
        self._known: dict[tuple[tuple[Letter, ...], Basic], L.Node] = {}

    def node(self, e: Basic) -> L.Node:
        """The layout of any expression or condition."""
        key = (self.order.free, e)
        if key not in self._known:
            self._known[key] = self._built(e)
        return self._known[key]

    def _built(self, e: Basic) -> L.Node:
        for kind, build in _BUILDERS:
            if isinstance(e, kind):
                return build(self, e)
        return L.Call(function_name(e) or type(e).__name__, tuple(self.node(a) for a in e.args))

    def nodes(self, es: Iterable[Basic]) -> tuple[L.Node, ...]:
        """Several at once."""
        return tuple(self.node(e) for e in es)

    def element(self, name: str, indices: tuple[Expr, ...]) -> L.Element:
        """``x[n, [g, c]]``: indices of a composite axis are grouped as the definition writes them."""
        tensor = self.program.tensors.get(name)
        if tensor is None or len(tensor.parts) != len(indices):
            return L.Element(name, self.nodes(indices))
        out: list[L.Node] = []
        at = 0
        for axis in tensor.axes:
            items = self.nodes(indices[at : at + len(axis)])
            at += len(axis)
            out.append(items[0] if len(items) == 1 else L.Group(items))
        return L.Element(name, tuple(out))

    def conditions(self, conditions: Iterable[Basic]) -> tuple[L.Node, ...]:
        """Conditions, each lower bound chained to its upper one: ``0 ≤ p < OH``."""
        flat = [c for condition in conditions for c in conjuncts(condition)]
        out: list[L.Node] = []
        used: set[int] = set()
        for i, c in enumerate(flat):
            if i in used:
                continue
            mate = _mate(flat, i, used)
            if mate is None:
                out.append(self.node(c))
                continue
            used.add(mate)
            upper = flat[mate]
            items = (self.node(c.args[1]), self.node(c.args[2]), self.node(upper.args[2]))
            out.append(L.Chain(items, (c.op, upper.op)))
        return tuple(out)


def conjuncts(condition: Basic) -> tuple[Basic, ...]:
    """The conditions that an ``and`` joins."""
    if isinstance(condition, Logic) and condition.op == "and":
        return tuple(c for part in condition.conditions for c in conjuncts(part))
    return (condition,)


def _mate(conditions: list[Basic], i: int, used: set[int]) -> int | None:
    """The later condition ``b < c`` that continues ``a ≤ b``."""
    first = conditions[i]
    if not isinstance(first, Compare) or first.op not in ("<", "<=") or first.args[2].is_number:
        return None
    for j in range(i + 1, len(conditions)):
        c = conditions[j]
        if j not in used and isinstance(c, Compare) and c.op in ("<", "<=") and c.args[1] == first.args[2]:
            return j
    return None


# ------------------------------------------------------------------------------ sums, products


def _sum(t: Typesetter, e: Expr) -> L.Node:
    pairs = []
    for term in e.args:
        node = t.node(term)
        negative = isinstance(node, L.Minus)
        pairs.append((_sign(term)[1], negative, node.body if isinstance(node, L.Minus) else node))
    ordered = t.order.terms(pairs)
    return L.Sum(tuple(L.Minus(node) if negative else node for _, negative, node in ordered))


def _sign(e: Expr) -> tuple[bool, Expr]:
    """Whether e is written with a leading minus, and what follows it."""
    coefficient, rest = e.as_coeff_Mul()
    if coefficient.is_negative:
        return True, Mul(-coefficient, rest)
    return False, e


def _product(t: Typesetter, e: Expr) -> L.Node:
    """``−a·b``: the sign first; ``−⌊−a / b⌋`` is ``⌈a / b⌉``."""
    negative, e = _sign(e)
    if negative:
        up = _negated(e.args[0]) if isinstance(e, FloorDiv) else None
        return _opposite(t.node(e)) if up is None else L.Ceil(t.node(up), t.node(e.args[1]))
    top, bottom = _split(e)
    nodes = [(f, t.node(f)) for f in top]
    minuses = sum(isinstance(n, L.Minus) for _, n in nodes)
    nodes = [(f, n.body if isinstance(n, L.Minus) else n) for f, n in nodes]
    quotient = _quotient(t, nodes, bottom)
    return L.Minus(quotient) if minuses % 2 else quotient


def _opposite(node: L.Node) -> L.Node:
    """−node; two minus signs are none."""
    return node.body if isinstance(node, L.Minus) else L.Minus(node)


def _negated(e: Expr) -> Expr | None:
    """−e, where every term of e is negative; None otherwise."""
    if e.is_Mul:
        for i, factor in enumerate(e.args):
            if factor.is_Add and all(_sign(a)[0] for a in factor.args):
                return Mul(*e.args[:i], -factor, *e.args[i + 1 :])
    return -e if all(_sign(a)[0] for a in Add.make_args(e)) else None


def _quotient(t: Typesetter, top: list[tuple[Expr, L.Node]], bottom: list[Expr]) -> L.Node:
    """``a·b / c``; a reduction stands after the fraction and takes bracketed sums along, unless c has one too."""
    above = [(t.order.factor(f), n) for f, n in t.order.factors(top)]
    below = [n for _, n in t.order.factors([(f, t.node(f)) for f in bottom])]
    if not below:
        return _times([n for _, n in above])
    heaviest = SUMS if any(rank[0] >= REDUCTIONS for rank, _ in above) else REDUCTIONS
    if any(isinstance(n, Reduce) for f in bottom for n in walk(f)):
        heaviest = REDUCTIONS + 1
    light = [n for rank, n in above if rank[0] < heaviest]
    heavy = [n for rank, n in above if rank[0] >= heaviest]
    if not light and len(heavy) == 1 and not isinstance(_times(below), L.Word | L.Number):
        return L.Fraction(heavy[0], _times(below))
    return _times([L.Fraction(_times(light), _times(below)), *heavy])


def _split(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Factors above and below the line; √2/2 is 1/√2."""
    top: list[Expr] = []
    bottom: list[Expr] = []
    for factor in Mul.make_args(e):
        if factor.is_Rational and not factor.is_Integer and not reads_as_decimal(factor):
            top += [Integer(factor.p)] if factor.p != 1 else []
            bottom.append(Integer(factor.q))
        elif factor.is_Pow and _sign(factor.exp)[0]:
            bottom.append(Pow(factor.base, -factor.exp))
        else:
            top.append(factor)
    for factor in [f for f in top if f.is_Pow and f.exp == HALF and f.base in bottom]:
        top.remove(factor)
        bottom[bottom.index(factor.base)] = factor
    return top, bottom


def _times(factors: list[L.Node]) -> L.Node:
    if not factors:
        return L.Number("1")
    return factors[0] if len(factors) == 1 else L.Product(tuple(factors))


def _power(t: Typesetter, e: Expr) -> L.Node:
    if _sign(e.exp)[0]:
        return L.Fraction(L.Number("1"), t.node(Pow(e.base, -e.exp)))
    if e.exp == HALF:
        return L.Root(t.node(e.base))
    return L.Power(t.node(e.base), t.node(e.exp))


# ------------------------------------------------------------------------------ numbers


def _number(t: Typesetter, e: Expr) -> L.Node:
    if e.is_negative:
        return L.Minus(t.node(-e))
    if e.is_Integer:
        return L.Number(str(int(e)))
    if reads_as_decimal(e):
        return L.Number(decimal(e))
    return L.Fraction(L.Number(str(e.p)), L.Number(str(e.q)))


# ------------------------------------------------------------------------------ our nodes


def _reduce(t: Typesetter, e: Reduce) -> L.Node:
    """A reduction; a sum's minus sign stands before it, its equalities of data as brackets inside."""
    data = tuple(c for c in e.filters if is_bracket(c))
    letters = tuple(L.Word(b.letter.name) for b in e.binds)
    if e.op in ("count", "sum") and e.body == 1:
        return L.Big("count", letters, t.conditions(e.filters), None)
    if e.op == "sum" and _sign(e.body)[0]:
        return L.Minus(_reduce(t, Reduce(e.op, e.entries, -e.body)))
    if e.op != "sum" or not data:
        return L.Big(e.op, letters, t.conditions(e.filters), t.node(e.body))
    ranges = t.conditions(c for c in e.filters if not is_bracket(c))
    return L.Big(e.op, letters, ranges, _bracketed(t, data, e.body))


def _bracketed(t: Typesetter, conditions: Iterable[Basic], body: Expr) -> L.Node:
    """``[t[n] = k] · body``."""
    return beside([L.Bracket(n) for n in t.conditions(conditions)], t.node(body))


def beside(brackets: list[L.Node], node: L.Node) -> L.Node:
    """Brackets before a value, a minus sign before both."""
    if isinstance(node, L.Minus):
        return L.Minus(beside(brackets, node.body))
    if node == L.Number("1") and brackets:
        return _times(brackets)
    if isinstance(node, L.Fraction):
        above = () if node.top == L.Number("1") else (node.top,)
        return L.Fraction(_times([*brackets, *above]), node.bottom)
    return _times([*brackets, *(node.factors if isinstance(node, L.Product) else (node,))])


def is_bracket(condition: Basic) -> bool:
    """Whether a filter is written ``[t[n] = k]``: an equality of indices (a diagonal, a literal or data)."""
    return isinstance(condition, Compare) and condition.op == "==" and not is_divides(condition)


def is_divides(condition: Basic) -> bool:
    """``a % b == 0``, read ``b | a``."""
    if not isinstance(condition, Compare) or condition.op != "==":
        return False
    return isinstance(condition.args[1], Modulo) and condition.args[2] == 0


def _compare(t: Typesetter, e: Compare) -> L.Node:
    if is_divides(e):
        value, divisor = e.args[1].args
        return L.Chain((t.node(divisor), t.node(value)), ("|",))
    a, b = _balanced(e.args[1], e.args[2])
    if _turned(a, b):
        return L.Chain((t.node(b), t.node(a)), (FLIPPED[e.op],))
    return L.Chain((t.node(a), t.node(b)), (e.op,))


def _balanced(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """``t + 1 < T + 1`` reads ``t < T``."""
    left, right = a.as_coeff_Add()[0], b.as_coeff_Add()[0]
    shared = min(left, right) if left.is_Integer and right.is_Integer and left * right > 0 else Integer(0)
    return a - shared, b - shared


def _turned(a: Expr, b: Expr) -> bool:
    """Whether ``a < b`` reads better as ``b > a``: a number comes last, a letter alone comes first."""
    if _plain(a) or _plain(b):
        return _plain(a) and not _plain(b)
    return isinstance(b, Letter) and not isinstance(a, Letter | Read)


def _plain(e: Basic) -> bool:
    """A number, or plus or minus infinity."""
    return bool(e.is_number) or INF in (e, -e)


def _logic(t: Typesetter, e: Logic) -> L.Node:
    if e.op == "not":
        return _not(t, e.conditions[0])
    parts = t.conditions(e.conditions) if e.op == "and" else t.nodes(e.conditions)
    return parts[0] if len(parts) == 1 else L.Junction(e.op, parts)


def _not(t: Typesetter, e: Basic) -> L.Node:
    """``not a < b`` reads ``a ≥ b``."""
    if isinstance(e, Compare) and not is_divides(e):
        op, swap = NEGATED[e.op]
        return t.node(Compare(op, *(e.args[:0:-1] if swap else e.args[1:])))
    return L.Not(t.node(e))


def _where(t: Typesetter, e: Where) -> L.Node:
    condition, then, otherwise = e.args
    if otherwise == 0 and all(is_bracket(c) for c in conjuncts(condition)):
        return _bracketed(t, (condition,), then)
    return L.Choice(t.node(condition), t.node(then), t.node(otherwise))


_BUILDERS: tuple[tuple[type, Callable[..., L.Node]], ...] = (
    (Read, lambda t, e: t.element(e.tensor, e.indices)),
    (Reduce, _reduce),
    (Where, _where),
    (Compare, _compare),
    (Logic, _logic),
    (Truth, lambda t, e: L.Word("true" if e else "false")),
    (FloorDiv, lambda t, e: L.Floor(*t.nodes(e.args))),
    (Modulo, lambda t, e: L.Modulo(*t.nodes(e.args))),
    (Stop, lambda t, e: L.Call("constant", t.nodes(e.args))),
    (Add, _sum),
    (Mul, _product),
    (Pow, _power),
    (Size, lambda t, e: L.Call("size", (L.Word(e.name),)) if e.is_pack else L.Word(e.name)),
    (Symbol, lambda t, e: L.Word(e.name)),
    (Rational, _number),
    (type(pi), lambda t, e: L.Word("pi")),
    (type(E), lambda t, e: L.Word("e")),
)
