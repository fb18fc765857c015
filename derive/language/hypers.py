"""Hyperparameters: values checked against their kinds, symbols for those that stay open."""

from __future__ import annotations

import ast
import math
import numbers
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Float, Integer, Rational

from derive.errors import InputError
from derive.language.context import Context, Static
from derive.language.definition import Definition, HyperInput
from derive.language.expressions import elaborate
from derive.language.suggest import nearest
from derive.language.tables import NeedStatic, Scope
from derive.program import INF, Hyper, Parameter, Truth

REQUIRED = object()


@dataclass(frozen=True)
class Open:
    """A choice that decides what the structure asks of a hyperparameter, while equations keep its symbol."""

    value: Any


def kind_of(hyper: HyperInput, ctx: Context) -> tuple[str, int]:
    """Kind and length; an untyped one is what its default is."""
    if hyper.kind:
        return hyper.kind, hyper.length
    assert hyper.default is not None
    value = elaborate(hyper.default, ctx)
    first = value[0] if isinstance(value, tuple) and value else value
    length = len(value) if isinstance(value, tuple) else 0
    if isinstance(first, Truth):
        return "Bool", length
    if isinstance(first, str):
        return "Text", length
    if first is None:
        return "Real", 0
    whole = all(isinstance(n.value, int) for n in ast.walk(hyper.default) if isinstance(n, ast.Constant))
    return ("Int" if whole else "Real"), length


def check_names(definition: Definition, choices: dict[str, Any]) -> None:
    """Every choice names a hyperparameter, or an input that may be absent."""
    known = [h.name for h in definition.hypers]
    optional = {i.name: i for i in definition.inputs}
    for name, value in choices.items():
        if name in known:
            continue
        if name in optional:
            if value is None and optional[name].default is not None:
                continue
            mend = f"{name}=None leaves it out" if optional[name].default is not None else "give it when calling"
            raise InputError(f"{name} is an input of {definition.name}, not a hyperparameter", mend=mend)
        close = nearest(name, [*known, *(n for n, i in optional.items() if i.default is not None)])
        mend = f"did you mean {close}?" if close else f"it takes {', '.join(known) or 'none'}"
        raise InputError(f"{definition.name} has no hyperparameter {name!r}", mend=mend)


def chosen(hyper: HyperInput, kind: str, length: int, value: Any, name: str) -> Any:
    """A value from outside, checked and exact."""
    if value is None and isinstance(hyper.default, ast.Constant) and hyper.default.value is None:
        return None
    if kind == "Text":
        if value is None and "none" in hyper.allowed:
            return "none"
        if not isinstance(value, str):
            raise _wrong(hyper, name, value, "a text", hyper.allowed)
        if hyper.allowed and value not in hyper.allowed:
            close = nearest(value, hyper.allowed)
            mend = f"did you mean {close!r}?" if close else f"it is one of {', '.join(map(repr, hyper.allowed))}"
            raise InputError(f"{name}: {hyper.name} cannot be {value!r}", mend=mend)
        return value
    if kind == "Bool":
        if (isinstance(value, numbers.Number) and value in (0, 1)) or type(value).__name__ == "bool_":
            return Truth(bool(value))
        raise _wrong(hyper, name, value, "True or False")
    if length:
        items = [value] * length if not isinstance(value, (list, tuple)) else list(value)
        if len(items) != length:
            message = f"{name}: {hyper.name} has {length} values, not {len(items)}"
            raise InputError(message, mend=f"give one number, or {length}: {hyper.name}=({', '.join(['1'] * length)})")
        return tuple(_number(hyper, kind, v, name) for v in items)
    return _number(hyper, kind, value, name)


def _number(hyper: HyperInput, kind: str, value: Any, name: str) -> Expr:
    if isinstance(value, (bool, str, bytes)) or value is None:
        raise _wrong(hyper, name, value, "an integer" if kind == "Int" else "a number")
    if isinstance(value, Expr) and value.is_Rational:
        value = Fraction(int(value.p), int(value.q))
    if isinstance(value, Float):
        value = float(value)
    if kind == "Int":
        if isinstance(value, numbers.Integral) or (isinstance(value, Fraction) and value.denominator == 1):
            whole = int(value)
            if abs(whole) < 2**63:
                return Integer(whole)
        raise _wrong(hyper, name, value, "an integer")
    if isinstance(value, (numbers.Integral, Fraction)):
        return Rational(Fraction(value).numerator, Fraction(value).denominator)
    if isinstance(value, numbers.Real) and not math.isnan(value):
        if math.isinf(value):
            return INF if float(value) > 0 else -INF
        return Rational(repr(float(value)))
    raise _wrong(hyper, name, value, "a number")


def _wrong(hyper: HyperInput, name: str, value: Any, expected: str, allowed: tuple[str, ...] = ()) -> InputError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "…"
    mend = f"one of {', '.join(map(repr, allowed))}" if allowed else f"give {hyper.name} {expected}"
    return InputError(f"{name}: {hyper.name} is {expected}, not {shown}", mend=mend)


def fill(value: Any, length: int) -> Any:
    """One number fills a vector."""
    return (value,) * length if length and isinstance(value, Expr) else value


def callee_value(hyper: HyperInput, given: ast.expr | None, value: Any, scope: Scope, ctx: Context) -> Any:
    """The value of a called definition's hyperparameter: given by the caller, or its default."""
    inner = Context(scope)
    kind, length = kind_of(hyper, inner)
    if given is None:
        if hyper.default is None:
            raise ctx.error(f"{scope.definition.name} needs {hyper.name}", scope.call_node, f"give {hyper.name}=…")
        return fill(elaborate(hyper.default, inner), length)
    value = fill(value, length)
    expected = {"Text": str, "Bool": Truth, "Int": Expr, "Real": Expr}[kind]
    items = value if length and isinstance(value, tuple) else (value,)
    nothing = value is None and isinstance(hyper.default, ast.Constant) and hyper.default.value is None
    if not nothing and not all(isinstance(v, expected) and (kind == "Bool") == isinstance(v, Truth) for v in items):
        raise ctx.error(f"{hyper.name} of {scope.definition.name} is {kind}", given, f"give it a value of kind {kind}")
    if length and len(items) != length:
        raise ctx.error(f"{hyper.name} has {length} values, not {len(items)}", given, f"give {length}")
    if hyper.allowed and value not in hyper.allowed:
        raise ctx.error(
            f"{hyper.name} cannot be {value!r}", given, f"it is one of {', '.join(map(repr, hyper.allowed))}"
        )
    if kind == "Int" and any(v.is_Rational and not v.is_Integer for v in items if isinstance(v, Expr)):
        raise ctx.error(f"{hyper.name} is an integer", given, "give a whole number")
    return value


def symbol(hyper: HyperInput, kind: str, length: int) -> Any:
    """The symbols an open hyperparameter stands for."""
    return Parameter(hyper.name, kind, length).symbols if length else Hyper(hyper.name, kind == "Int")


def give_root(
    definition: Definition, scope: Scope, choices: dict[str, Any], structural: dict[str, NeedStatic | None]
) -> tuple[Parameter, ...]:
    """The program's hyperparameters; those chosen or structural have values, the others stay symbols."""
    parameters = []
    for hyper in definition.hypers:
        ctx = Context(scope)
        kind, length = kind_of(hyper, ctx)
        default = fill(elaborate(hyper.default, ctx), length) if hyper.default is not None else REQUIRED
        _check_default(hyper, kind, length, default, ctx)
        fixed: Any = REQUIRED
        given = choices.get(hyper.name)
        if isinstance(given, Open) and given.value is not None:
            value = chosen(hyper, kind, length, given.value, definition.name)
            pairs = (
                zip(symbol(hyper, kind, length), value, strict=True) if length else [(symbol(hyper, kind, 0), value)]
            )
            scope.build.open.update(pairs)
        elif hyper.name in choices:
            fixed = chosen(hyper, kind, length, choices[hyper.name], definition.name)
        elif hyper.name in structural or kind in ("Bool", "Text") or default is None:
            fixed = _structural(hyper, default, structural, definition)
        value = fixed if fixed is not REQUIRED else symbol(hyper, kind, length)
        if fixed is REQUIRED and default is not REQUIRED:
            scope.build.optional.update(dict.fromkeys(value if length else (value,)))
        scope.hypers[hyper.name] = Static(value)
        parameters.append(
            Parameter(
                hyper.name, kind, length,
                default=None if default is REQUIRED else outside(default),
                required=default is REQUIRED, allowed=hyper.allowed,
                structural=hyper.name in structural or kind in ("Bool", "Text") or default is None,
                value=None if fixed is REQUIRED else outside(fixed),
            )
        )  # fmt: skip
    return tuple(parameters)


def _check_default(hyper: HyperInput, kind: str, length: int, default: Any, ctx: Context) -> None:
    if default is REQUIRED or default is None:
        return
    items = default if isinstance(default, tuple) else (default,)
    right = {"Text": str, "Bool": Truth, "Int": Expr, "Real": Expr}[kind]
    fits = all(isinstance(v, right) and (kind == "Bool") == isinstance(v, Truth) for v in items)
    if kind == "Int" and any(isinstance(v, Expr) and v.is_Rational and not v.is_Integer for v in items):
        fits = False
    if not fits or (isinstance(default, tuple) and len(default) != length):
        shape = f"{kind}[{length}]" if length else kind
        raise ctx.error(
            f"the default of {hyper.name} is not {shape}", hyper.default, f"give it a value of kind {shape}"
        )
    if hyper.allowed and default not in hyper.allowed:
        raise ctx.error(f"the default of {hyper.name} is not allowed", hyper.default, "take one of the allowed texts")


def _structural(hyper: HyperInput, default: Any, structural: dict[str, Any], definition: Definition) -> Any:
    if default is not REQUIRED:
        return default
    cause = structural.get(hyper.name)
    place = cause.error.place if cause is not None else definition.source.place(hyper.node)
    example = {"Bool": "True", "Text": repr(hyper.allowed[0]) if hyper.allowed else "'…'"}.get(hyper.kind, "2")
    message = f"{definition.name} cannot be derived without a value for {hyper.name}"
    raise InputError(message, place=place, mend=f"give one: {hyper.name}={example}")


def outside(value: Any) -> Any:
    """A value as ``Parameter`` holds it: text, bool, None, an exact number or expression, or a tuple of these."""
    return bool(value) if isinstance(value, Truth) else value
