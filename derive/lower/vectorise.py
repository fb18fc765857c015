"""An expression over letters as whole-array operations: each letter becomes an axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sympy import Add, Basic, Expr, Function, Integer, Mul, Pow, Rational, ilcm

from derive.functions import FUNCTIONS, function_name
from derive.lower.arrays import Array, elementwise, is_number, scalar
from derive.lower.masks import clipped, merged, narrowed
from derive.lower.plan import Node
from derive.lower.points import conjuncts, mask_of, masked
from derive.lower.reads import read
from derive.lower.reductions import reduction
from derive.lower.scope import Scope
from derive.lower.spikes import spike, spikes
from derive.lower.stacks import stack
from derive.lower.windows import own_ranges, with_offset
from derive.program import (
    Compare,
    FloorDiv,
    Letter,
    Logic,
    Modulo,
    Read,
    Reduce,
    Stop,
    Truth,
    Where,
    rebuild,
)

#: Functions of whole numbers that give whole numbers.
WHOLE = ("abs", "min", "max", "floor", "ceil", "round", "sign", "clamp")
_CONDITIONS = (Compare, Logic, Truth)


def vectorise(e: Basic, scope: Scope) -> Array:
    """The array of e over its free letters."""
    if scope.is_number(e):
        return _number(e, scope)
    for kind, rule in RULES:
        if isinstance(e, kind):
            return rule(e, scope)
    raise AssertionError(f"no rule for {type(e).__name__}")


def _number(e: Basic, scope: Scope) -> Array:
    e = _by_name(e, scope)
    if isinstance(e, _CONDITIONS):
        return Array(Node("scalar", (), (e,), "bool", None))
    return scalar(e)


def _by_name(e: Basic, scope: Scope) -> Basic:
    """Reads of tensors that are Python numbers, by their names."""
    if not e.atoms(Read):
        return e
    return rebuild(e, lambda n: scope.numbers[n.tensor] if isinstance(n, Read) else n)


def real(a: Array) -> Array:
    """a as real numbers, of the inputs' precision."""
    if a.kind == "real" or a.is_scalar:
        return a
    return Array(Node("cast", (a.node,), ("real",), "real", a.node.ndim), a.dims)


def whole(a: Array) -> Array:
    """Truth values as 0 and 1."""
    return Array(Node("cast", (a.node,), ("int",), "int", a.node.ndim), a.dims) if a.kind == "bool" else a


def _letter(e: Letter, scope: Scope) -> Array:
    lo, hi = scope.ranges[e]
    return Array(Node("arange", (), (lo, hi), "int", 1), (e,))


def _unify(arrays: Sequence[Array]) -> tuple[list[Array], str]:
    """All real if one is, else whole."""
    if any(a.kind == "real" for a in arrays):
        return [real(a) for a in arrays], "real"
    return [whole(a) for a in arrays], "int"


# ------------------------------------------------------------------------------ sums and products


def _add(e: Add, scope: Scope) -> Array:
    """Terms over the same letters first, then the wider with the narrower."""
    for rule in (stack, spikes):
        whole_sum = rule(e, scope)
        if whole_sum is not None:
            return whole_sum
    exact = _over_common_denominator(e, scope)
    if exact is not None:
        return exact
    if _turned(e, scope):
        return elementwise("neg", [scope.value(-e)], scope.order, "real")
    better = narrowed(e, scope) or Add(*merged(e.args))
    if better != e:
        return scope.value(better)
    numbers = [t for t in e.args if scope.is_number(t)]
    signed = [_signed(t) for t in e.args if not scope.is_number(t)]
    arrays, kind = _unify([scope.value(t) for t, _ in signed] + ([scope.value(Add(*numbers))] if numbers else []))
    terms = list(zip(arrays, [positive for _, positive in signed] + [True], strict=False))
    groups: dict[frozenset, list[tuple[Array, bool]]] = {}
    for a, positive in terms:
        groups.setdefault(frozenset(a.dims), []).append((a, positive))
    ordered = sorted(groups.values(), key=lambda g: -len(g[0][0].dims))
    total: tuple[Array, bool] | None = None
    for group in ordered:
        part = _accumulate(group, scope, kind)
        total = part if total is None else _accumulate([total, part], scope, kind)
    assert total is not None
    return total[0] if total[1] else elementwise("neg", [total[0]], scope.order, kind)


def _over_common_denominator(e: Add, scope: Scope) -> Array | None:
    """``n/d − i`` of whole numbers as ``(n − d·i)/d``: nothing is lost where they nearly cancel."""
    pairs = [t.as_coeff_Mul() for t in e.args if not scope.is_number(t)]
    if not all(c.is_Rational for c, _ in pairs) or all(c.is_Integer for c, _ in pairs):
        return None
    if any(scope.is_number(t) and not t.is_Rational for t in e.args) or len(pairs) < 2:
        return None
    if any(scope.value(rest).kind != "int" for _, rest in pairs):
        return None
    denominator = ilcm(*(t.as_coeff_Mul()[0].q for t in e.args))
    return _divided(real(scope.value(Add(*(denominator * t for t in e.args)))), [scalar(denominator)], scope)


def _accumulate(terms: list[tuple[Array, bool]], scope: Scope, kind: str) -> tuple[Array, bool]:
    """Σ ± terms, a positive one first; False if the sum still wants negating."""
    terms = sorted(terms, key=lambda t: not t[1])
    (total, positive), rest = terms[0], terms[1:]
    for a, sign in rest:
        joined = with_offset(total, a, scope) if sign and positive else None
        total = joined or elementwise("add" if sign == positive else "sub", [total, a], scope.order, kind)
    return total, positive


def _signed(term: Expr) -> tuple[Expr, bool]:
    """−2·a as (2·a, False), ``where(c, −a, 0)`` as (``where(c, a, 0)``, False)."""
    if isinstance(term, Where) and term.args[2] == 0 and not _signed(term.args[1])[1]:
        return Where(term.args[0], -term.args[1], Integer(0)), False
    coefficient, rest = term.as_coeff_Mul()
    return (Mul(-coefficient, rest), False) if coefficient.is_negative else (term, True)


def _mul(e: Mul, scope: Scope) -> Array:
    """Narrow factors first, so that each wide array is passed over once."""
    turned = [f for f in e.args if _turned(f, scope)]
    if turned:
        product, positive = _signed(Mul(*(-f if f in turned else f for f in e.args)))
        value = scope.value(product)
        return value if positive == (len(turned) % 2 == 0) else elementwise("neg", [value], scope.order, value.kind)
    e = _absolute(e)
    if not isinstance(e, Mul):
        return scope.value(e)
    above, below = _fraction(Mul(*(_by_name(f, scope) if scope.is_number(f) else f for f in e.args)))
    numbers = Mul(*(f for f in above if scope.is_number(f)))
    under = Mul(*(_by_name(f, scope) for f in below if scope.is_number(f)))
    if under.is_number:
        numbers, under = numbers / under, Integer(1)
    tops, kind = _unify([scope.value(f) for f in above if not scope.is_number(f)] or [scalar(1)])
    tops = [t for t in tops if not t.is_scalar]
    bottoms = [real(scope.value(f)) for f in below if not scope.is_number(f)]
    negative = numbers == -1
    numbers = -numbers if negative else numbers
    if bottoms or under != 1 or not numbers.is_integer or kind == "real":
        tops, kind = [real(t) for t in tops], "real"
    number = Array(Node("scalar", (), (numbers,), "int" if kind == "int" else scalar(numbers).kind, None))
    result = _quotient(tops, bottoms, number, scalar(under), scope, kind)
    return elementwise("neg", [result], scope.order, kind) if negative else result


def _turned(e: Expr, scope: Scope) -> bool:
    """Whether e is the negative of a sum that is there anyway: of two such one is computed."""
    return isinstance(e, Add) and e.could_extract_minus_sign() and -e in scope.sums


def _absolute(e: Expr) -> Expr:
    """a·sign(a) → |a|"""
    signs = [f for f in Mul.make_args(e) if function_name(f) == "sign" and f.args[0] in Mul.make_args(e)]
    for f in signs:
        e = e / (f * f.args[0]) * FUNCTIONS["abs"].cls(f.args[0])
    return e


def _fraction(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Factors above and below the line."""
    above: list[Expr] = []
    below: list[Expr] = []
    for f in Mul.make_args(e):
        if isinstance(f, Pow) and f.exp.is_Rational and f.exp.is_negative:
            below.append(Pow(f.base, -f.exp))
        elif isinstance(f, Rational) and not f.is_Integer:
            above += [Integer(f.p)] if f.p != 1 else []
            below.append(Integer(f.q))
        else:
            above.append(f)
    return above, below


def _quotient(tops: list[Array], bottoms: list[Array], number: Array, under: Array, scope: Scope, kind: str) -> Array:
    def times(a: Array | None, b: Array) -> Array:
        return b if a is None or is_number(a, 1) else elementwise("mul", [a, b], scope.order, kind)

    result: Array | None = number
    waiting = [under] if not is_number(under, 1) else []
    widths = sorted({len(a.dims) for a in (*tops, *bottoms)})
    for width in widths:
        for a in tops:
            result = times(result, a) if len(a.dims) == width else result
        waiting += [a for a in bottoms if len(a.dims) == width]
        if result is not None and (not result.is_scalar or (not is_number(result, 1) and not tops)):
            result, waiting = _divided(result, waiting, scope), []
    assert result is not None
    return _divided(result, waiting, scope)


def _divided(a: Array, below: list[Array], scope: Scope) -> Array:
    if not below:
        return a
    divisor = below[0]
    for b in below[1:]:
        divisor = elementwise("mul", [divisor, b], scope.order, "real")
    return elementwise("div", [a, divisor], scope.order, "real")


def _pow(e: Pow, scope: Scope) -> Array:
    base, exponent = e.base, e.exp
    if exponent.is_Rational and exponent.is_negative:
        return _divided(scalar(1), [real(scope.value(Pow(base, -exponent)))], scope)
    value = scope.value(base)
    if exponent.is_Integer:
        value = whole(value)
        return elementwise("power", [value], scope.order, value.kind, (int(exponent),))
    if exponent == Rational(1, 2):
        return elementwise("call", [real(value)], scope.order, "real", ("sqrt",))
    return elementwise("pow", [real(value), real(scope.value(exponent))], scope.order, "real")


# ------------------------------------------------------------------------------ functions and conditions


def _function(e: Function, scope: Scope) -> Array:
    name = function_name(e) or type(e).__name__
    values, kind = _unify([scope.value(a) for a in e.args])
    if kind == "int" and name not in WHOLE:
        values, kind = [real(v) for v in values], "real"
    if all(v.is_scalar for v in values):
        values = [Array(Node("full", (), (v.node.attrs[0], ()), kind, 0)) for v in values]
    return elementwise("call", values, scope.order, kind, (name,))


def _integer_division(op: str) -> Callable[[Expr, Scope], Array]:
    def rule(e: Expr, scope: Scope) -> Array:
        values, kind = _unify([scope.value(a) for a in e.args])
        return elementwise(op, values, scope.order, kind)

    return rule


def _where(e: Where, scope: Scope) -> Array:
    positive = _signed(e)
    if not positive[1]:
        value = scope.value(positive[0])
        return elementwise("neg", [value], scope.order, value.kind)
    spiked = spike(e, scope)
    if spiked is not None:
        return spiked
    narrow = narrowed(e, scope)
    if narrow is not None:
        return scope.value(narrow)
    between = clipped(e, scope)
    if between is not None:
        return _between(e, between, scope)
    return _masked(e, scope)


def _between(e: Where, between: tuple[Expr, Expr | None, Expr | None], scope: Scope) -> Array:
    """A value with a lower bound, an upper one, or both where the lower is not above the upper."""
    value, low, high = between
    if low is None or high is None:
        which, bound = ("min", high) if low is None else ("max", low)
        return _function(FUNCTIONS[which].cls(value, bound), scope)
    result = _function(FUNCTIONS["clamp"].cls(value, low, high), scope)
    in_order = Compare("<=", low, high)
    if low.is_number and high.is_number:
        return result if low <= high else _masked(e, scope)
    return _chosen(scope.value(in_order), result, _masked(e, scope), scope, result.kind)


def _masked(e: Where, scope: Scope) -> Array:
    """One of two values, by a mask."""
    condition = e.args[0]
    then = scope.under_guard(condition).value(e.args[1])
    known = own_ranges(e, scope)
    if known:
        return masked(mask_of(conjuncts(condition), scope, known), then, Integer(0), scope)
    otherwise = scope.under_guard(Logic("not", condition)).value(e.args[2])
    if then.kind == "bool" or otherwise.kind == "bool":
        kind = "bool"
    else:
        (then, otherwise), kind = _unify([then, otherwise])
    if scope.is_number(condition):
        return _chosen(scope.value(condition), then, otherwise, scope, kind)
    return elementwise("where", [scope.value(condition), then, otherwise], scope.order, kind)


def _chosen(condition: Array, then: Array, otherwise: Array, scope: Scope, kind: str) -> Array:
    """A condition on Python numbers chooses between whole arrays of the same axes.

    What stands at a number, ``x[0]``, is not there of an empty axis: not even where it is not chosen.
    """
    if otherwise.is_scalar and not then.is_scalar and any(_stands_at_number(n) for n in _nodes(then.node)):
        full = Node("full", (), (otherwise.node.attrs[0], scope.extents(then.dims)), kind, len(then.dims))
        otherwise = Array(full, then.dims)
    if then.dims != otherwise.dims or then.is_scalar or otherwise.is_scalar:
        return elementwise("where", [condition, then, otherwise], scope.order, kind)
    return Array(Node("choose", (condition.node, then.node, otherwise.node), (), kind, len(then.dims)), then.dims)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for a in node.args:
        yield from _nodes(a)


def _stands_at_number(node: Node) -> bool:
    return node.op == "index" and any(item[0] == "at" for item in node.attrs[0])


def _compare(e: Compare, scope: Scope) -> Array:
    values = [scope.value(a) for a in e.args[1:]]
    return elementwise("compare", values, scope.order, "bool", (e.op,))


def _logic(e: Logic, scope: Scope) -> Array:
    before = e.conditions if e.op == "and" else tuple(Logic("not", c) for c in e.conditions)
    rest = (scope.under_guard(*before[:n]).value(c) for n, c in enumerate(e.conditions) if n)
    values = [scope.value(e.conditions[0]), *rest]
    if e.op == "not":
        return elementwise("not", values, scope.order, "bool")
    result = values[0]
    for v in values[1:]:
        result = elementwise(e.op, [result, v], scope.order, "bool")
    return result


def _stop(e: Stop, scope: Scope) -> Array:
    return scope.value(e.args[0])


#: What each kind of node becomes; a test holds that every node of the language has its row.
RULES: tuple[tuple[type[Basic], Callable], ...] = (
    (Letter, _letter),
    (Read, read),
    (Reduce, reduction),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (Where, _where),
    (Compare, _compare),
    (Logic, _logic),
    (FloorDiv, _integer_division("floordiv")),
    (Modulo, _integer_division("mod")),
    (Stop, _stop),
    (Function, _function),
)
