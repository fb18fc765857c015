"""The head of a generated function: sizes from shapes, checks, parts from axes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sympy import Basic, Expr, Integer, Mul, Symbol

from derive.errors import InputError
from derive.lower.plan import Plan
from derive.program import Axis, Hyper, Parameter, Size, Tensor
from derive.targets.numbers import Numbers, call, constant, method, name, tuple_of


@dataclass
class Prologue:
    """Statements in order, and what they know."""

    plan: Plan
    numbers: Numbers
    identifier: Callable[[str], str]
    use: Callable[[str], str]
    full: Callable[[ast.expr, ast.expr], ast.expr]
    precision: Callable[[list[Tensor]], list[ast.stmt]]
    statements: list[ast.stmt] = field(default_factory=list)
    known: dict[Symbol, None] = field(default_factory=dict)
    packs: dict[Size, str] = field(default_factory=dict)
    later: list[tuple[Tensor, Axis, str]] = field(default_factory=list)
    optional: list[Tensor] = field(default_factory=list)
    held: list[Tensor] = field(default_factory=list)

    def assign(self, target: ast.expr | str, value: ast.expr) -> None:
        if isinstance(target, str):
            target = ast.Name(target, ast.Store())
        self.statements.append(ast.Assign([target], value, lineno=0))


def prologue(p: Prologue) -> None:
    """Hyperparameters, sizes, checks; then every input in parts."""
    for parameter in open_parameters(p.plan.parameters):
        _parameter(p, parameter)
    early = [c for c in p.plan.requirements if all(isinstance(s, Hyper) for s in c.free_symbols)]
    for condition in early:
        _require(p, condition)
    _solve(p)
    p.statements += p.precision([t for t in p.plan.inputs if t not in p.optional])
    for tensor in p.optional:
        wanted = method_or(p, tensor)
        test = ast.Compare(name(tensor.name), [ast.Is()], [constant(None)])
        fill = ast.Assign([ast.Name(tensor.name, ast.Store())], wanted, lineno=0)
        p.statements.append(ast.If(test, [fill], []))
    for condition in p.plan.requirements:
        if condition not in early:
            _require(p, condition)
    for tensor in p.plan.inputs:
        _check(p, tensor)
    for tensor in p.plan.inputs:
        _parts(p, tensor)


def method_or(p: Prologue, tensor: Tensor) -> ast.expr:
    """An absent input: its default everywhere."""
    assert isinstance(tensor.default, Expr)
    return p.full(tuple_of(user_shape(p, tensor)), p.numbers(tensor.default))


# ------------------------------------------------------------------------------ hyperparameters


def open_parameters(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Those not fixed when the program was loaded."""
    return [q for q in parameters if q.value is None and not q.structural and (q.required or q.default is not None)]


def _parameter(p: Prologue, q: Parameter) -> None:
    if _depends(q.default):
        test = ast.Compare(name(q.name), [ast.Is()], [constant(None)])
        p.statements.append(ast.If(test, [_set(q.name, _literal(q.default, 0, p.numbers))], []))
    if q.length:
        p.assign(q.name, call(p.use("several"), name(q.name), constant(q.length)))


def _set(target: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(target, ast.Store())], value, lineno=0)


def default_of(q: Parameter, numbers: Numbers) -> ast.expr | None:
    """The default in the signature; None: required."""
    if q.default is None:
        return None
    if _depends(q.default):
        return constant(None)
    return _literal(q.default, q.length, numbers)


def _depends(default: object) -> bool:
    """Whether a default is made of earlier hyperparameters: then it is filled in by the prologue."""
    if isinstance(default, (tuple, list)):
        return any(map(_depends, default))
    return isinstance(default, Basic) and not default.is_number


def _literal(value: object, length: int, numbers: Numbers) -> ast.expr:
    if isinstance(value, (tuple, list)):
        return tuple_of([_literal(v, 0, numbers) for v in value])
    one = numbers(value) if isinstance(value, Basic) else constant(value)
    return tuple_of([one] * length) if length else one


# ------------------------------------------------------------------------------ sizes


def _solve(p: Prologue) -> None:
    """Unpacks shapes and computes derived sizes until nothing more is known."""
    derived = dict(p.plan.sizes)
    waiting = list(p.plan.inputs)
    for q in open_parameters(p.plan.parameters):
        p.known.update(dict.fromkeys(q.symbols))
    while True:
        before = (len(waiting), len(derived), len(p.later))
        _derive(p, derived)
        for tensor in list(waiting):
            if tensor in waiting and _ready(p, tensor, derived):
                waiting.remove(tensor)
                _unpack(p, tensor, derived)
        _factors(p, derived)
        if before == (len(waiting), len(derived), len(p.later)):
            if not waiting:
                break
            _unpack(p, waiting.pop(0), {})
    if p.later or derived:
        missing = [axis for _, axis, _ in p.later] or list(derived)
        raise InputError(f"{p.plan.name}: no input's shape tells {missing[0]}", mend="declare an input with that axis")


def _derive(p: Prologue, derived: dict[Size, Expr]) -> None:
    for size, e in list(derived.items()):
        if all(s in p.known for s in e.free_symbols):
            p.assign(p.identifier(size.name), p.numbers(e))
            p.known[size] = None
            del derived[size]


def _ready(p: Prologue, tensor: Tensor, derived: dict[Size, Expr]) -> bool:
    """Whether the shape can be taken apart: at most one unknown pack; optional inputs wait for all sizes."""
    unknown = [s for part in tensor.parts for s in part.extent.free_symbols if s not in p.known and s not in derived]
    if isinstance(tensor.default, Expr):
        return not unknown and all(s in p.known for part in tensor.parts for s in part.extent.free_symbols)
    return len([a for a in tensor.axes if _pack(a) is not None and _pack(a) not in p.packs]) <= 1


def _pack(axis: Axis) -> Size | None:
    extent = axis[0].extent if len(axis) == 1 else None
    return extent if isinstance(extent, Size) and extent.is_pack else None


def _unpack(p: Prologue, tensor: Tensor, derived: dict[Size, Expr]) -> None:
    if isinstance(tensor.default, Expr) and all(s in p.known for q in tensor.parts for s in q.extent.free_symbols):
        p.optional.append(tensor)
        return
    targets: list[str] = []
    fresh: list[Size] = []
    for axis in tensor.axes:
        target, size = _target(p, tensor, axis, derived, fresh)
        targets.append(target)
        fresh += [size] if size is not None else []
    if all(t in ("_", "*_") for t in targets):
        return
    if len(fresh) == len(tensor.axes):
        p.held.append(tensor)
    shape = call(p.use("axes"), constant(tensor.name), name(tensor.name), letters_of(tensor))
    _bind_targets(p, targets, shape, tensor)
    for size in fresh:
        p.known[size] = None
        if size.is_pack:
            product = call("math.prod", name(p.packs[size]))
            p.assign(p.identifier(size.name), product)


def _bind_targets(p: Prologue, targets: list[str], shape: ast.expr, tensor: Tensor) -> None:
    """``N, *pack, K = shape``; packs known already are stepped over."""
    stars = [t for t in targets if t.startswith("*")]
    if len(stars) > 1:
        raise InputError(f"{tensor.name} has two packs of unknown length", mend="give another input one of them")
    items: list[ast.expr] = []
    for t in targets:
        stored = ast.Name(t.lstrip("*"), ast.Store())
        items.append(ast.Starred(stored, ast.Store()) if t.startswith("*") else stored)
    p.assign(ast.Tuple(items, ast.Store()), shape)


def _target(
    p: Prologue, tensor: Tensor, axis: Axis, derived: dict[Size, Expr], fresh: list[Size]
) -> tuple[str, Size | None]:
    """The name an axis's length goes to, and the size it tells."""
    pack = _pack(axis)
    if pack is not None:
        if pack in p.packs:
            return "*_", None
        p.packs[pack] = p.identifier("pack" if pack.name == "..." else f"{pack.name.lstrip('*')}_axes")
        return f"*{p.packs[pack]}", pack
    extent = axis[0].extent + axis[0].below if len(axis) == 1 else None
    if isinstance(extent, Size) and extent not in p.known and extent not in derived and extent not in fresh:
        return p.identifier(extent.name), extent
    unknown = [s for part in axis for s in part.extent.free_symbols if s not in p.known and s not in derived]
    if unknown:
        length = p.identifier(f"{tensor.name}_{tensor.axes.index(axis)}")
        p.later.append((tensor, axis, length))
        return length, None
    return "_", None


def _factors(p: Prologue, derived: dict[Size, Expr]) -> None:
    """``C = length // groups`` where one part of an axis is unknown."""
    for entry in list(p.later):
        tensor, axis, length = entry
        e = Mul(*(part.extent for part in axis))
        unknown = [s for s in sorted(e.free_symbols, key=str) if s not in p.known]
        if len(unknown) > 1 or (unknown and unknown[0].is_pack):  # a length does not tell a pack's axes
            continue
        p.later.remove(entry)
        if not unknown or unknown[0] in derived:
            continue
        size = unknown[0]
        value = _solved(p, tensor, axis, e, size, name(length))
        p.assign(p.identifier(size.name), value)
        p.known[size] = None


def _solved(p: Prologue, tensor: Tensor, axis: Axis, e: Expr, size: Symbol, length: ast.expr) -> ast.expr:
    """The size for which e equals the axis's length; the check that follows tells where it does not."""
    coefficient = e.expand().coeff(size, 1)
    rest = (e.expand() - coefficient * size).expand()
    if rest != 0:
        length = ast.BinOp(length, ast.Sub(), p.numbers(rest))
    if coefficient == 1:
        return length
    return call(p.use("divided"), constant(tensor.name), constant(axis_text(axis)), length, p.numbers(coefficient))


# ------------------------------------------------------------------------------ checks and parts


def axis_text(axis: Axis) -> str:
    """An axis as the definition writes it."""
    text = ", ".join(str(part.extent) for part in axis)
    return text if len(axis) == 1 else f"[{text}]"


def letters_of(tensor: Tensor) -> ast.expr:
    return tuple_of([constant(axis_text(axis)) for axis in tensor.axes])


def user_shape(p: Prologue, tensor: Tensor) -> list[ast.expr]:
    """One item an axis: a length, or a pack spread."""
    items: list[ast.expr] = []
    for axis in tensor.axes:
        pack = _pack(axis)
        if pack is not None:
            items.append(ast.Starred(name(p.packs[pack]), ast.Load()))
        else:
            items.append(p.numbers(Mul(*(part.extent + part.below for part in axis))))
    return items


def _check(p: Prologue, tensor: Tensor) -> None:
    """The whole shape against what the sizes say, where unpacking alone does not hold it."""
    if tensor not in p.held:
        shape = tuple_of(user_shape(p, tensor))
        p.statements.append(
            ast.Expr(call(p.use("expect"), constant(tensor.name), name(tensor.name), letters_of(tensor), shape))
        )


def _require(p: Prologue, condition: Basic) -> None:
    test = p.numbers(condition)
    message = constant(f"{p.plan.name} needs {ast.unparse(test)}")
    p.statements.append(ast.If(ast.UnaryOp(ast.Not(), test), [ast.Raise(call("ValueError", message), None)], []))


def _parts(p: Prologue, tensor: Tensor) -> None:
    """One axis a part."""
    if all(len(axis) == 1 and _pack(axis) is None for axis in tensor.axes):
        return
    shape = [p.numbers(part.extent + part.below) for part in tensor.parts]
    p.assign(tensor.name, method(name(tensor.name), "reshape", *shape))


__all__ = ["Integer", "Prologue", "default_of", "open_parameters", "prologue"]
