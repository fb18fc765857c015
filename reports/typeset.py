"""Expression -> layout tree: signs out of products, fractions, roots, conditions in chains."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Add, Basic, E, Expr, Integer, Mul, Pow, Rational, Symbol, pi

from derive.functions import function_name
from derive.program import (
    INF,
    Compare,
    FloorDiv,
    Logic,
    Modulo,
    Program,
    Read,
    Reduce,
    Stop,
    Truth,
    Where,
)
from derive.reports import layout as L
from derive.reports.order import REDUCTIONS, SUMS, Order

#: How the language's relation reads after its two sides are exchanged.
FLIPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!="}


class Typesetter:
    """Lays out the expressions of one program."""

    def __init__(self, program: Program, primal: Program) -> None:
        self.program = program
        self.order = Order(program, primal)

    def node(self, e: Basic) -> L.Node:
        """The layout of any expression or condition."""
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
        negative, positive = _sign(term)
        node = t.node(positive)
        if isinstance(node, L.Minus):
            negative, node = not negative, node.body
        pairs.append((positive, negative, node))
    ordered = t.order.terms(pairs)
    return L.Sum(tuple(L.Minus(node) if negative else node for _, negative, node in ordered))


def _sign(e: Expr) -> tuple[bool, Expr]:
    """Whether e is written with a leading minus, and what follows it."""
    coefficient, rest = e.as_coeff_Mul()
    if coefficient.is_negative:
        return True, Mul(-coefficient, rest)
    return False, e


def _product(t: Typesetter, e: Expr) -> L.Node:
    """``a·b / c``; a reduction stands after the fraction, and takes bracketed sums along."""
    negative, e = _sign(e)
    if negative:
        return L.Minus(t.node(e))
    top, bottom = _split(e)
    nodes = [(f, t.node(f)) for f in top]
    if sum(isinstance(n, L.Minus) for _, n in nodes) == 1:
        nodes = [(f, n.body if isinstance(n, L.Minus) else n) for f, n in nodes]
        return L.Minus(_quotient(t, nodes, bottom))
    return _quotient(t, nodes, bottom)


def _quotient(t: Typesetter, top: list[tuple[Expr, L.Node]], bottom: list[Expr]) -> L.Node:
    above = [(t.order.factor(f), n) for f, n in t.order.factors(top)]
    below = [n for _, n in t.order.factors([(f, t.node(f)) for f in bottom])]
    if not below:
        return _times([n for _, n in above])
    heaviest = SUMS if any(rank[0] >= REDUCTIONS for rank, _ in above) else REDUCTIONS
    light = [n for rank, n in above if rank[0] < heaviest]
    heavy = [n for rank, n in above if rank[0] >= heaviest]
    return _times([L.Fraction(_times(light), _times(below)), *heavy])


def _split(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Factors above and below the line."""
    top: list[Expr] = []
    bottom: list[Expr] = []
    for factor in Mul.make_args(e):
        if factor.is_Rational and not factor.is_Integer and not _is_decimal(factor):
            top += [Integer(factor.p)] if factor.p != 1 else []
            bottom.append(Integer(factor.q))
        elif factor.is_Pow and _sign(factor.exp)[0]:
            bottom.append(Pow(factor.base, -factor.exp))
        else:
            top.append(factor)
    return top, bottom


def _times(factors: list[L.Node]) -> L.Node:
    if not factors:
        return L.Number("1")
    return factors[0] if len(factors) == 1 else L.Product(tuple(factors))


def _power(t: Typesetter, e: Expr) -> L.Node:
    if _sign(e.exp)[0]:
        return L.Fraction(L.Number("1"), t.node(Pow(e.base, -e.exp)))
    if e.exp == Rational(1, 2):
        return L.Root(t.node(e.base))
    return L.Power(t.node(e.base), t.node(e.exp))


# ------------------------------------------------------------------------------ numbers


def _is_decimal(number: Rational) -> bool:
    """Whether a fraction is better read as a short decimal: 1/10 as 0.1, but 1/2 as a fraction."""
    q = int(number.q)
    for prime in (2, 5):
        while q % prime == 0:
            q //= prime
    return q == 1 and int(number.q) > 9 and int(number.q) & (int(number.q) - 1) != 0 and len(_decimal(number)) <= 12


def _decimal(number: Rational) -> str:
    """The exact decimal, in powers of ten when small: ``1e-8``."""
    p, q, places = int(number.p), int(number.q), 0
    while (p * 10**places) % q:
        places += 1
    digits = str(p * 10**places // q)
    if places > 4 and len(digits) <= 3 < places - len(digits) + 1:
        point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
        return f"{point}e-{places - len(digits) + 1}"
    digits = digits.rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def _number(t: Typesetter, e: Expr) -> L.Node:
    if e.is_negative:
        return L.Minus(t.node(-e))
    if e.is_Integer:
        return L.Number(str(int(e)))
    if _is_decimal(e):
        return L.Number(_decimal(e))
    return L.Fraction(L.Number(str(e.p)), L.Number(str(e.q)))


# ------------------------------------------------------------------------------ our nodes


def _reduce(t: Typesetter, e: Reduce) -> L.Node:
    """A reduction; a sum's minus sign stands before it, its equalities of data as brackets inside."""
    data = [c for c in e.filters if is_bracket(c)]
    letters = tuple(L.Word(b.letter.name) for b in e.binds)
    if e.op == "count" and e.body == 1:
        return L.Big(e.op, letters, t.conditions(e.filters), None)
    if e.op == "sum" and _sign(e.body)[0]:
        return L.Minus(_reduce(t, Reduce(e.op, e.entries, -e.body)))
    if e.op != "sum" or not data:
        return L.Big(e.op, letters, t.conditions(e.filters), t.node(e.body))
    ranges = t.conditions(c for c in e.filters if not is_bracket(c))
    return L.Big(e.op, letters, ranges, _bracketed(t, data, e.body))


def _bracketed(t: Typesetter, conditions: Iterable[Basic], body: Expr) -> L.Node:
    """``[t[n] = k] · body``."""
    brackets = [L.Bracket(n) for n in t.conditions(conditions)]
    node = t.node(body)
    if body == 1:
        return _times(brackets)
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
    a, b = e.args[1], e.args[2]
    if _plain(a) and not _plain(b):
        return L.Chain((t.node(b), t.node(a)), (FLIPPED[e.op],))
    return L.Chain((t.node(a), t.node(b)), (e.op,))


def _plain(e: Basic) -> bool:
    """A number, or plus or minus infinity."""
    return bool(e.is_number) or INF in (e, -e)


def _logic(t: Typesetter, e: Logic) -> L.Node:
    if e.op == "not":
        return L.Not(t.node(e.conditions[0]))
    parts = t.conditions(e.conditions) if e.op == "and" else t.nodes(e.conditions)
    return parts[0] if len(parts) == 1 else L.Junction(e.op, parts)


def _where(t: Typesetter, e: Where) -> L.Node:
    condition, then, otherwise = e.args
    if otherwise == 0 and all(is_bracket(c) for c in conjuncts(condition)):
        return _bracketed(t, [condition], then)
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
    (Symbol, lambda t, e: L.Word(e.name)),
    (Rational, _number),
    (type(pi), lambda t, e: L.Word("pi")),
    (type(E), lambda t, e: L.Word("e")),
)
