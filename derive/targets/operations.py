"""Array operations that print alike for every array library."""

from __future__ import annotations

import ast
from collections.abc import Callable

from derive.lower.plan import Item, Node
from derive.targets.array_code import Operation, Printer
from derive.targets.dependence import VIEWS
from derive.targets.numbers import COMPARE, binary, call, constant, method, name, tuple_of

Args = list[ast.expr]


def infix(op: type[ast.operator]) -> Operation:
    """``a op b``."""
    return lambda p, node, args: binary(*_pair(p.short(node, args), op))


def _pair(args: Args, op: type[ast.operator]) -> tuple[ast.expr, ast.operator, ast.expr]:
    return args[0], op(), args[1]


def item(p: Printer, i: Item) -> ast.expr:
    """One entry of a subscript."""
    if i[0] == "all":
        return ast.Slice(None, None, None)
    if i[0] == "new":
        return constant(None)
    if i[0] == "at":
        return p.number(i[1])
    return ast.Slice(*(None if e is None else p.number(e) for e in i[1:]))


def subscript(p: Printer, x: ast.expr, items: tuple[Item, ...], ctx: ast.expr_context | None = None) -> ast.expr:
    """``x[items]``; trailing whole axes are left out."""
    shown = list(items)
    while shown and shown[-1] == ("all",):
        shown.pop()
    if shown and all(i in (("all",), ("new",)) for i in shown[:-1]) and len(shown) > 3 and shown[-1] == ("new",):
        pass
    entries = [item(p, i) for i in shown] or [constant(...)]
    key = entries[0] if len(entries) == 1 else tuple_of(entries)
    return ast.Subscript(x, key, ctx or ast.Load())


def _index(p: Printer, node: Node, args: Args) -> ast.expr:
    return subscript(p, args[0], node.attrs[0])


def _gather(p: Printer, node: Node, args: Args) -> ast.expr:
    x, *indices = p.short(node, args)
    entries: Args = [ast.Slice(None, None, None)] * node.attrs[0] + indices
    return ast.Subscript(x, entries[0] if len(entries) == 1 else tuple_of(entries), ast.Load())


def _compare(p: Printer, node: Node, args: Args) -> ast.expr:
    a, b = p.short(node, args)
    return ast.Compare(a, [COMPARE[node.attrs[0]]()], [b])


def _power(p: Printer, node: Node, args: Args) -> ast.expr:
    """Small whole powers as squares and products: libraries are slow at the others."""
    (x,), n = args, node.attrs[0]
    if n == 2:
        return binary(x, ast.Pow(), constant(2))
    if n in (3, 4) and isinstance(x, ast.Name):
        square = binary(x, ast.Pow(), constant(2))
        return binary(square, ast.Mult(), x) if n == 3 else binary(square, ast.Pow(), constant(2))
    if n in (3, 4) and not node.args[0].is_scalar:
        return _power(p, node, [p.named(node.args[0], x)])
    return binary(x, ast.Pow(), constant(n))


def _choose(p: Printer, node: Node, args: Args) -> ast.expr:
    return ast.IfExp(*args)


def _scalar(p: Printer, node: Node, args: Args) -> ast.expr:
    return p.number(node.attrs[0])


def _window(p: Printer, node: Node, args: Args) -> ast.expr:
    axis, start, counts, steps, fill = node.attrs
    shown = [args[0], constant(axis), p.number(start), p.shape(counts), p.shape(steps)]
    if fill != "0":
        shown.append(name(f"{'-' if fill == '-inf' else ''}math.inf") if fill == "inf" else _negative_infinity())
    return call(p.use("window"), *shown)


def _negative_infinity() -> ast.expr:
    return ast.UnaryOp(ast.USub(), name("math.inf"))


def _sliding(which: str) -> Operation:
    def rule(p: Printer, node: Node, args: Args) -> ast.expr:
        return call(p.use(which), *p.short(node, args), *(_attribute(p, a) for a in node.attrs))

    return rule


def _convolved(which: str) -> Operation:
    """Data and kernel, where the windows stand, and what is added everywhere."""

    def rule(p: Printer, node: Node, args: Args) -> ast.expr:
        data, kernel, *more = p.short(node, args)
        return call(p.use(which), data, kernel, *(_attribute(p, a) for a in node.attrs), *more)

    return rule


def _attribute(p: Printer, a: object) -> ast.expr:
    if isinstance(a, (str, int)):
        return constant(a)
    return p.shape(a) if isinstance(a, tuple) else p.number(a)  # type: ignore[arg-type]


def _scatter(p: Printer, node: Node, args: Args) -> ast.expr:
    values, *indices = p.short(node, args)
    return call(p.use("scatter_add"), p.shape(node.attrs[0]), tuple_of(indices), values)


def _place(p: Printer, node: Node, args: Args) -> ast.expr:
    shown = [args[0], constant(node.attrs[0] == "argmax"), *args[1:]]
    return call(p.use("place"), *shown)


def _put(p: Printer, node: Node, args: Args) -> ast.expr:
    """Into the base itself where nothing else has it."""
    base, index, value = p.short(node, args)
    shared = node.args[0].op in VIEWS or p.counts.get(node.args[0], 0) > 1
    base = method(base, p.target.copy) if shared else base
    return call(p.use("put"), base, constant(node.attrs[0]), index, value)


def _cumulate(p: Printer, node: Node, args: Args) -> ast.expr:
    op, axis, after, among = node.attrs
    return call(p.use("cumulate"), args[0], constant(op), constant(axis), constant(after), constant(among))


def _greatest(p: Printer, node: Node, args: Args) -> ast.expr:
    """``max((length for p in range(lo, hi)), default=0)``"""
    length, letter, lo, hi = node.attrs
    counter = p.number(letter)
    assert isinstance(counter, ast.Name)
    bounds = [p.number(hi)] if lo == 0 else [p.number(lo), p.number(hi)]
    turns = ast.comprehension(ast.Name(counter.id, ast.Store()), call("range", *bounds), [], 0)
    return call("max", ast.GeneratorExp(p.number(length), [turns]), default=constant(0))


def _reshape(p: Printer, node: Node, args: Args) -> ast.expr:
    return method(args[0], "reshape", *(p.number(e) for e in node.attrs))


def _name(p: Printer, node: Node, args: Args) -> ast.expr:
    return name(p.identifier(node.attrs[0]))


def stack(library: str) -> Operation:
    """``library.stack([a, b], axis)``."""
    return lambda p, node, args: call(
        f"{library}.stack", ast.List(p.short(node, args), ast.Load()), constant(node.attrs[0])
    )


COMMON: dict[str, Operation] = {
    "scalar": _scalar,
    "greatest": _greatest,
    "name": _name,
    "add": infix(ast.Add),
    "sub": infix(ast.Sub),
    "mul": infix(ast.Mult),
    "div": infix(ast.Div),
    "floordiv": infix(ast.FloorDiv),
    "mod": infix(ast.Mod),
    "and": infix(ast.BitAnd),
    "or": infix(ast.BitOr),
    "matmul": infix(ast.MatMult),
    "neg": lambda p, node, args: ast.UnaryOp(ast.USub(), args[0]),
    "not": lambda p, node, args: ast.UnaryOp(ast.Invert(), args[0]),
    "compare": _compare,
    "power": _power,
    "index": _index,
    "gather": _gather,
    "reshape": _reshape,
    "choose": _choose,
    "window": _window,
    "fold": _sliding("fold"),
    "rows": lambda p, node, args: call(p.use("rows"), args[0], p.number(node.attrs[0])),
    "nonempty": lambda p, node, args: call(p.use("nonempty"), args[0], tuple_of([constant(k) for k in node.attrs[0]])),
    "correlate": _convolved("correlate"),
    "spread": _convolved("spread"),
    "slide": _sliding("slide"),
    "slide_place": _sliding("slide_place"),
    "fold_matching": _sliding("fold_matching"),
    "scatter": _scatter,
    "argreduce": _place,
    "put": _put,
    "cumulate": _cumulate,
    "chain": lambda p, node, args: call(p.use("chain"), *p.short(node, args), constant(node.attrs[0])),
    "others": lambda p, node, args: call(p.use("others"), args[0], constant(node.attrs[0])),
}

Rows = dict[str, Callable[..., ast.expr]]
