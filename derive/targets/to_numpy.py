"""The array plan as NumPy source."""

from __future__ import annotations

import ast
from pathlib import Path

from derive.lower.plan import Allocate, Finish, Node, Plan, Store
from derive.targets import array_code
from derive.targets.array_code import Code, Printer, Target
from derive.targets.numbers import binary, call, constant, method, name, tuple_of
from derive.targets.operations import COMMON, Args, Rows, stack, subscript

SUPPORT = tuple(str(Path(__file__).with_name(f"support_numpy{part}.py")) for part in ("", "_scalar"))
DTYPES = {"real": "dtype", "int": "np.int64", "bool": "np.bool_"}

#: Functions of the language as NumPy's; those written out are below, the rest in the support file.
FUNCTIONS = {
    "exp": "np.exp", "log": "np.log", "sqrt": "np.sqrt", "log1p": "np.log1p", "expm1": "np.expm1",
    "abs": "np.abs", "sign": "np.sign", "sin": "np.sin", "cos": "np.cos", "tan": "np.tan",
    "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "atan2": "np.arctan2",
    "sinh": "np.sinh", "cosh": "np.cosh", "tanh": "np.tanh", "floor": "np.floor", "ceil": "np.ceil",
    "round": "np.rint", "max": "np.maximum", "min": "np.minimum", "clamp": "np.clip",
}  # fmt: skip
SUPPORTED = ("erf", "erfc", "lgamma", "digamma", "polygamma", "sigmoid", "softplus", "logsigmoid")
REDUCTIONS = {"sum": "sum", "prod": "prod", "max": "max", "min": "min", "any": "any", "count": "sum"}


def function(plan: Plan, name: str = "") -> Code:
    """The plan as a NumPy function."""
    return array_code.function(plan, TARGET, name)


def _call(p: Printer, node: Node, args: Args) -> ast.expr:
    which = node.attrs[0]
    args = p.short(node, args)
    if which == "relu":
        return call("np.clip", args[0], constant(0), name("np.inf"))
    if which in ("max", "min") and node.kind == "real" and any(a.is_scalar for a in node.args):
        return _bounded(which, node, args)
    if which in SUPPORTED:
        return call(p.use(which), *args)
    return call(FUNCTIONS[which], *args)


def _bounded(which: str, node: Node, args: Args) -> ast.expr:
    """An array and a number: NumPy clips several times as fast as it compares with a number."""
    x, number = args if node.args[1].is_scalar else args[::-1]
    if which == "max":
        return call("np.clip", x, number, name("np.inf"))
    return call("np.clip", x, ast.UnaryOp(ast.USub(), name("np.inf")), number)


def _typed(p: Printer, kind: str) -> ast.expr:
    return p.dtype() if kind == "real" else name(DTYPES[kind])


def _where(p: Printer, node: Node, args: Args) -> ast.expr:
    args = p.short(node, args)
    if node.kind == "real" and node.args[1].is_scalar and node.args[2].is_scalar:
        args[1] = method(_typed(p, "real"), "type", args[1])
        args[2] = method(_typed(p, "real"), "type", args[2])
    return call("np.where" if node.args[0].is_scalar else p.use("where"), *args)


def _reduce(p: Printer, node: Node, args: Args) -> ast.expr:
    op, axes = node.attrs
    if op == "prod" and len(axes) == 1:
        return call(p.use("prod"), args[0], constant(axes[0]))
    factors = _factors(p, node.args[0], args[0]) if op == "sum" else None
    if factors and node.args[0].kind == "real":
        return call(p.use("dots"), *factors, tuple_of([constant(a) for a in axes]))
    keywords: dict[str, ast.expr] = {"axis": _axes(axes, node.args[0].ndim)}
    if len(axes) == node.args[0].ndim:
        keywords.pop("axis")
    if op in ("max", "min"):
        infinity = name("np.inf")
        keywords["initial"] = ast.UnaryOp(ast.USub(), infinity) if op == "max" else infinity
    return method(args[0], REDUCTIONS[op], **keywords)


def _factors(p: Printer, node: Node, e: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """a and b of ``a * b``, x twice of ``x ** 2``: whether both are arrays is seen when it runs."""
    if not isinstance(e, ast.BinOp):
        return None
    if isinstance(e.op, ast.Mult):
        return None if any(a.is_scalar for a in node.args) else (e.left, e.right)
    if not (isinstance(e.op, ast.Pow) and node.op == "power" and node.attrs == (2,)):
        return None
    x = e.left if isinstance(e.left, ast.Name) else p.named(node.args[0], e.left)
    return x, x


def _axes(axes: tuple[int, ...], ndim: int | None) -> ast.expr:
    """The last axis as −1, as people write it."""
    assert ndim is not None
    shown: Args = [constant(a) for a in axes]
    if axes == (ndim - 1,):
        return ast.UnaryOp(ast.USub(), constant(1))
    return shown[0] if len(shown) == 1 else tuple_of(shown)


def _transpose(p: Printer, node: Node, args: Args) -> ast.expr:
    if node.ndim == 2:
        return ast.Attribute(args[0], "T", ast.Load())
    return method(args[0], "transpose", *(constant(k) for k in node.attrs[0]))


def _tensordot(p: Printer, node: Node, args: Args) -> ast.expr:
    left, right = (tuple_of([constant(k) for k in axes]) for axes in node.attrs)
    return call("np.tensordot", *p.short(node, args), axes=tuple_of([left, right]))


def _full(p: Printer, node: Node, args: Args) -> ast.expr:
    return call("np.full", p.shape(node.attrs[1]), p.number(node.attrs[0]), _typed(p, node.kind))


def _broadcast(p: Printer, node: Node, args: Args) -> ast.expr:
    return call("np.broadcast_to", args[0], p.shape(node.attrs))


def _largest(p: Printer, node: Node, args: Args) -> ast.expr:
    return args[0] if node.args[0].is_scalar else call("int", call("np.max", args[0], initial=constant(0)))


def _step(p: Printer, node: Node, args: Args) -> ast.expr:
    which, axis, at = node.attrs
    return subscript(p, name(p.identifier(which)), (*[("all",)] * axis, ("at", at)))


def _gather(p: Printer, node: Node, args: Args) -> ast.expr:
    """Along one axis by ``take``: what indexing gives has that axis first in memory."""
    if len(args) != 2:
        return COMMON["gather"](p, node, args)
    x, index = p.short(node, args)
    return method(x, "take", index, axis=constant(node.attrs[0]))


def _allocate(p: Printer, step: Allocate) -> list[ast.stmt]:
    maker = "np.empty" if step.fill == "empty" else "np.zeros"
    value = call(maker, p.shape(step.shape), _typed(p, step.kind))
    return [ast.Assign([ast.Name(p.identifier(step.name), ast.Store())], value, lineno=0)]


def _store(p: Printer, step: Store, value: ast.expr) -> list[ast.stmt]:
    target = subscript(p, name(p.identifier(step.name)), step.items, ast.Store())
    if step.add:
        return [ast.AugAssign(target, ast.Add(), value)]  # type: ignore[arg-type]
    return [ast.Assign([target], value, lineno=0)]


def _finish(p: Printer, step: Finish) -> list[ast.stmt]:
    return []


OPERATIONS: Rows = {
    **COMMON,
    "call": _call,
    "pow": lambda p, node, args: binary(args[0], ast.Pow(), args[1]),
    "where": _where,
    "cast": lambda p, node, args: method(args[0], "astype", _typed(p, node.attrs[0])),
    "transpose": _transpose,
    "broadcast": _broadcast,
    "arange": lambda p, node, args: call("np.arange", *_bounds(p, node)),
    "reduce": _reduce,
    "tensordot": _tensordot,
    "full": _full,
    "largest": _largest,
    "gather": _gather,
    "step": _step,
    "steps": lambda p, node, args: name(p.identifier(node.attrs[0])),
    "stack": stack("np"),
    "copy": lambda p, node, args: method(args[0], "copy"),
}


def _bounds(p: Printer, node: Node) -> Args:
    lo, hi = node.attrs
    return [p.number(hi)] if lo == 0 else [p.number(lo), p.number(hi)]


def _dtype(reals: list[str]) -> ast.expr:
    return call("np.result_type", *map(name, reals)) if reals else call("np.dtype", name("float"))


def _full_of(p: Printer, shape: ast.expr, value: ast.expr, kind: str) -> ast.expr:
    return call("np.full", shape, value, _typed(p, kind))


TARGET = Target(
    library="np",
    operations=OPERATIONS,
    support=SUPPORT,
    full=_full_of,
    allocate=_allocate,
    steps={"store": _store, "finish": _finish},
    dtype=_dtype,
    quiet=(call("np.errstate", all=constant("ignore")),),
)
