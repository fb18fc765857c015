"""Hyperparameters: a number for every one that stayed a symbol."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import Basic

from derive.bind.words import nearest
from derive.closures import Compiler
from derive.errors import InputError
from derive.fields import FLOAT
from derive.program import INF, Hyper, Parameter, Program


def bind_hypers(program: Program, given: Mapping[str, Any]) -> dict[Hyper, Any]:
    """A number for every symbolic hyperparameter, defaults filled in."""
    known = [p.name for p in program.parameters]
    for name in given:
        if name not in known:
            raise InputError(f"{program.name} has no hyperparameter {name}", mend=nearest(name, known))
    values: dict[Hyper, Any] = {}
    for parameter in program.parameters:
        absent = parameter.default is None and not parameter.required
        if parameter.value is not None or absent:
            _check_fixed(program, parameter, given)
        elif parameter.kind in _KINDS and not parameter.structural:
            values.update(_parameter_values(program, parameter, given, values))
    return values


def _check_fixed(program: Program, parameter: Parameter, given: Mapping[str, Any]) -> None:
    name = parameter.name
    if name in given and given[name] != parameter.value:
        raise InputError(
            f"{name} was fixed at {parameter.value} when {program.name} was loaded, but is given as {given[name]}",
            mend=f"choose it when loading: load({program.name!r}, {name}={given[name]!r})",
        )


def _parameter_values(
    program: Program, parameter: Parameter, given: Mapping[str, Any], earlier: dict[Hyper, Any]
) -> dict[Hyper, Any]:
    value = given.get(parameter.name, parameter.default)
    if value is None:
        raise InputError(
            f"hyperparameter {parameter.name} of {program.name} is missing", mend=f"give {parameter.name}=..."
        )
    symbols = parameter.symbols
    listed = isinstance(value, (tuple, list)) or getattr(value, "ndim", 0) > 0
    if listed and (not parameter.length or len(value) != parameter.length):
        wanted = f"{parameter.length} numbers" if parameter.length else "one number"
        raise InputError(f"{parameter.name} is {value}, expected {wanted}")
    each = list(value) if listed else [value] * len(symbols)
    return {s: _hyper_number(parameter, v, earlier) for s, v in zip(symbols, each, strict=True)}


#: kind of hyperparameter -> what Python value it takes
_KINDS: dict[str, Any] = {"Int": numbers.Integral, "Real": numbers.Number, "Bool": bool}


def _hyper_number(parameter: Parameter, value: Any, earlier: dict[Hyper, Any]) -> Any:
    if isinstance(value, Basic):
        if value == INF or -value == INF:
            return math.inf if value == INF else -math.inf
        value = Compiler(FLOAT, earlier).exact(value)({})
        value = float(value) if isinstance(value, Fraction) else value
    if getattr(value, "requires_grad", False):
        message = f"{parameter.name} wants a gradient, but gradients are by inputs"
        raise InputError(message, mend=f"declare {parameter.name} among the inputs, or give {parameter.name}.detach()")
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    boolean = isinstance(value, bool)
    fits = isinstance(value, _KINDS[parameter.kind]) or hasattr(value, "_mpf_")
    if not fits or boolean != (parameter.kind == "Bool"):
        raise InputError(f"{parameter.name} is {value!r}, expected {_KIND_WORDS[parameter.kind]}")
    return value


_KIND_WORDS = {"Int": "an integer", "Real": "a number", "Bool": "True or False"}
