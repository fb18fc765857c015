"""The array plan as Torch source; runs on any device."""

from __future__ import annotations

import ast
from pathlib import Path

from derive.lower.plan import Allocate, Finish, Node, Plan, Store
from derive.targets import array_code
from derive.targets.array_code import Code, Printer, Target
from derive.targets.numbers import binary, call, constant, method, name, tuple_of
from derive.targets.operations import COMMON, Args, Rows, stack, subscript

SUPPORT = tuple(str(Path(__file__).with_name(f"support_torch{part}.py")) for part in ("", "_windows"))
DTYPES = {"int": "torch.int64", "bool": "torch.bool"}

#: Functions of the language as Torch's; the others are written out below.
FUNCTIONS = {
    "exp": "torch.exp", "log": "torch.log", "sqrt": "torch.sqrt", "log1p": "torch.log1p", "expm1": "torch.expm1",
    "abs": "torch.abs", "sign": "torch.sign", "sin": "torch.sin", "cos": "torch.cos", "tan": "torch.tan",
    "asin": "torch.asin", "acos": "torch.acos", "atan": "torch.atan", "atan2": "torch.atan2",
    "sinh": "torch.sinh", "cosh": "torch.cosh", "tanh": "torch.tanh", "floor": "torch.floor", "ceil": "torch.ceil",
    "round": "torch.round", "max": "torch.maximum", "min": "torch.minimum", "clamp": "torch.clamp",
    "sigmoid": "torch.sigmoid", "logsigmoid": "torch.nn.functional.logsigmoid", "relu": "torch.relu",
    "erf": "torch.erf", "erfc": "torch.erfc", "lgamma": "torch.lgamma", "digamma": "torch.digamma",
    "polygamma": "torch.polygamma",
}  # fmt: skip
#: Two-argument functions that want tensors on both sides.
TENSORS = ("max", "min", "atan2")


def function(plan: Plan, name: str = "") -> Code:
    """The plan as a Torch function."""
    return array_code.function(plan, TARGET, name)


def _typed(p: Printer, kind: str) -> ast.expr:
    return p.dtype() if kind == "real" else name(DTYPES[kind])


def _call(p: Printer, node: Node, args: Args) -> ast.expr:
    which = node.attrs[0]
    args = p.short(node, args)
    if which == "softplus":  # torch's own gives x above 20, which is 2e-9 off
        lowered = call("torch.nn.functional.logsigmoid", ast.UnaryOp(ast.USub(), args[0]))
        return ast.UnaryOp(ast.USub(), lowered)
    if which in ("max", "min") and any(a.is_scalar for a in node.args):
        return _clamped(which, node, args)
    if which in TENSORS or which == "clamp":
        args = _tensors(p, node, args, which)
    return call(FUNCTIONS[which], *args)


def _clamped(which: str, node: Node, args: Args) -> ast.expr:
    """max(x, number) as a clamp."""
    number, x = (0, 1) if node.args[0].is_scalar else (1, 0)
    return call("torch.clamp", args[x], **{"min" if which == "max" else "max": args[number]})


def _tensors(p: Printer, node: Node, args: Args, which: str) -> Args:
    """Python numbers as tensors where the function wants tensors only."""
    if which == "clamp" and node.args[1].is_scalar and node.args[2].is_scalar and not node.args[0].is_scalar:
        return args
    return [_full_of(p, tuple_of([]), e, node.kind) if a.is_scalar else e for a, e in zip(node.args, args, strict=True)]


def _where(p: Printer, node: Node, args: Args) -> ast.expr:
    args = p.short(node, args)
    if node.args[0].is_scalar:
        args[0] = call("torch.tensor", args[0], device=p.device())
    if node.args[1].is_scalar and node.args[2].is_scalar:
        args[1] = _full_of(p, tuple_of([]), args[1], node.kind)
    return call("torch.where", *args)


def _reduce(p: Printer, node: Node, args: Args) -> ast.expr:
    op, axes = node.attrs
    if op in ("max", "min"):
        which = p.use("largest_along" if op == "max" else "smallest_along")
        return call(which, args[0], tuple_of([constant(a) for a in axes]))
    if op == "prod":
        x = args[0]
        for a in reversed(axes):
            x = method(x, "prod", dim=constant(a))
        return x
    every = len(axes) == node.args[0].ndim
    return method(args[0], {"count": "sum"}.get(op, op), **({} if every else {"dim": _dims(axes, node.args[0].ndim)}))


def _dims(axes: tuple[int, ...], ndim: int | None) -> ast.expr:
    """The last axis as −1, as people write it."""
    assert ndim is not None
    if axes == (ndim - 1,):
        return ast.UnaryOp(ast.USub(), constant(1))
    return constant(axes[0]) if len(axes) == 1 else tuple_of([constant(a) for a in axes])


def _transpose(p: Printer, node: Node, args: Args) -> ast.expr:
    if node.ndim == 2:
        return ast.Attribute(args[0], "T", ast.Load())
    return method(args[0], "permute", *(constant(k) for k in node.attrs[0]))


def _tensordot(p: Printer, node: Node, args: Args) -> ast.expr:
    left, right = (tuple_of([constant(k) for k in axes]) for axes in node.attrs)
    return call("torch.tensordot", *p.short(node, args), dims=tuple_of([left, right]))


def _full_of(p: Printer, shape: ast.expr, value: ast.expr, kind: str) -> ast.expr:
    return call("torch.full", shape, value, dtype=_typed(p, kind), device=p.device())


def _full(p: Printer, node: Node, args: Args) -> ast.expr:
    return _full_of(p, p.shape(node.attrs[1]), p.number(node.attrs[0]), node.kind)


def _broadcast(p: Printer, node: Node, args: Args) -> ast.expr:
    if node.args[0].is_scalar:
        return _full_of(p, p.shape(node.attrs), args[0], node.kind)
    return method(args[0], "expand", *(p.number(e) for e in node.attrs))


def _largest(p: Printer, node: Node, args: Args) -> ast.expr:
    return args[0] if node.args[0].is_scalar else call(p.use("largest"), args[0])


def _arange(p: Printer, node: Node, args: Args) -> ast.expr:
    lo, hi = node.attrs
    bounds = [p.number(hi)] if lo == 0 else [p.number(lo), p.number(hi)]
    return call("torch.arange", *bounds, device=p.device())


def _steps_name(p: Printer, which: str) -> str:
    return p.identifier(f"{which}_steps")


def _step(p: Printer, node: Node, args: Args) -> ast.expr:
    which, _, at = node.attrs
    return ast.Subscript(name(_steps_name(p, which)), p.number(at), ast.Load())


def _stacked(p: Printer, which: str, axis: int, shape: ast.expr, kind: str) -> ast.expr:
    return call(p.use("stacked"), name(_steps_name(p, which)), constant(axis), shape, _typed(p, kind), p.device())


def _allocate(p: Printer, step: Allocate) -> list[ast.stmt]:
    if step.axis is not None:
        length = p.number(step.shape[step.axis])
        value: ast.expr = binary(ast.List([constant(None)], ast.Load()), ast.Mult(), length)
        return [ast.Assign([ast.Name(_steps_name(p, step.name), ast.Store())], value, lineno=0)]
    maker = "torch.empty" if step.fill == "empty" else "torch.zeros"
    value = call(maker, p.shape(step.shape), dtype=_typed(p, step.kind), device=p.device())
    return [ast.Assign([ast.Name(p.identifier(step.name), ast.Store())], value, lineno=0)]


def _store(p: Printer, step: Store, value: ast.expr) -> list[ast.stmt]:
    if step.axis is not None and all(i == ("all",) for k, i in enumerate(step.items) if k != step.axis):
        at = step.items[step.axis][1]
        target: ast.expr = ast.Subscript(name(_steps_name(p, step.name)), p.number(at), ast.Store())
        if step.value.is_scalar:
            value = _full_of(p, tuple_of([]), value, step.value.kind)
        return [ast.Assign([target], value, lineno=0)]
    target = subscript(p, name(p.identifier(step.name)), step.items, ast.Store())
    if step.add:
        return [ast.AugAssign(target, ast.Add(), value)]  # type: ignore[arg-type]
    return [ast.Assign([target], value, lineno=0)]


def _finish(p: Printer, step: Finish) -> list[ast.stmt]:
    value = _stacked(p, step.name, step.axis, p.shape(step.shape), step.kind)
    return [ast.Assign([ast.Name(p.identifier(step.name), ast.Store())], value, lineno=0)]


def _add(p: Printer, node: Node, args: Args) -> ast.expr:
    """``torch.addmm(b, x, w)`` for ``x @ w + b`` with b a row: the sum starts from b."""
    for k, row in ((0, 1), (1, 0)):
        product, e = node.args[k], args[k]
        matrices = product.op == "matmul" and product.ndim == 2 and all(a.ndim == 2 for a in product.args)
        if matrices and node.args[row].ndim == 1 and isinstance(e, ast.BinOp) and isinstance(e.op, ast.MatMult):
            return call("torch.addmm", args[row], e.left, e.right)
    return COMMON["add"](p, node, args)


OPERATIONS: Rows = {
    **COMMON,
    "add": _add,
    "call": _call,
    "pow": lambda p, node, args: call("torch.pow", *args),
    "where": _where,
    "cast": lambda p, node, args: method(args[0], "to", _typed(p, node.attrs[0])),
    "transpose": _transpose,
    "broadcast": _broadcast,
    "arange": _arange,
    "reduce": _reduce,
    "tensordot": _tensordot,
    "full": _full,
    "largest": _largest,
    "step": _step,
    "steps": lambda p, node, args: _stacked(p, node.attrs[0], node.attrs[1], p.shape(node.attrs[2]), node.kind),
    "stack": stack("torch"),
    "copy": lambda p, node, args: method(args[0], "clone"),
}


def _dtype(reals: list[str]) -> ast.expr:
    """The inputs' common precision."""
    if not reals:
        return call("torch.get_default_dtype")
    if len(reals) == 1:
        return ast.Attribute(name(reals[0]), "dtype", ast.Load())
    return call("_common_dtype", *map(name, reals))


def _device(inputs: list[str]) -> ast.expr:
    return ast.Attribute(name(inputs[0]), "device", ast.Load()) if inputs else constant("cpu")


TARGET = Target(
    library="torch",
    operations=OPERATIONS,
    support=SUPPORT,
    copy="clone",
    full=_full_of,
    allocate=_allocate,
    steps={"store": _store, "finish": _finish},
    dtype=_dtype,
    device=_device,
)
