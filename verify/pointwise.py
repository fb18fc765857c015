"""Scalar functions and segment reductions in torch, differentiable to any order."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from sympy import Expr
from torch import Tensor as Array

from derive.functions import function_name

_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "log1p": torch.log1p,
    "expm1": torch.expm1,
    "abs": torch.abs,
    "sign": torch.sign,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "atan2": torch.atan2,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda x: -torch.nn.functional.logsigmoid(-x),
    "logsigmoid": torch.nn.functional.logsigmoid,
    "relu": torch.relu,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "lgamma": torch.lgamma,
    "digamma": torch.digamma,
    "polygamma": lambda n, x: torch.polygamma(int(n[0]), x) if len(n) else x,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "max": torch.maximum,
    "min": torch.minimum,
    "clamp": lambda x, lo, hi: torch.clamp(x, lo, hi),
}


def apply(e: Expr, arguments: list[Array]) -> Array:
    """A scalar function of arrays; whole numbers become real first, except where both may stay whole."""
    name = function_name(e)
    assert name in _FUNCTIONS, f"no torch primitive for {type(e).__name__}"
    whole = name in ("abs", "max", "min", "clamp", "sign")
    if not (whole and all(a.dtype == torch.long for a in arguments)):
        arguments = [a.to(torch.float64) if a.dtype == torch.long else a for a in arguments]
    return _FUNCTIONS[name](*arguments)


def power(base: Array, exponent: Expr, evaluated: Callable[[], Array]) -> Array:
    """base ** exponent; whole and half exponents exactly, others by ``torch.pow``."""
    if exponent.is_Integer and exponent >= 0:
        return base ** int(exponent)
    base = base.to(torch.float64) if base.dtype == torch.long else base
    if exponent.is_Integer:
        return 1 / base ** -int(exponent)
    if (2 * exponent).is_Integer:
        root = torch.sqrt(base)
        n = int(2 * exponent)
        return root**n if n > 0 else 1 / root**-n
    return torch.pow(base, evaluated())


def _columns(values: Array, origin: Array, count: int, empty: float) -> Array:
    """Segments side by side, as a (count, longest) array; short ones are filled with ``empty``."""
    lengths = torch.bincount(origin, minlength=count)
    longest = int(lengths.max()) if count else 0
    start = torch.cumsum(lengths, 0) - lengths
    place = origin * longest + torch.arange(len(origin)) - start[origin]
    filled = torch.full((count * longest,), empty, dtype=values.dtype)
    return filled.index_copy(0, place, values).reshape(count, longest)


def first_best(values: Array, origin: Array, count: int, largest: bool) -> tuple[Array, Array]:
    """For each segment that has points: the position of its first best one; and which segments those are."""
    plain = values.detach().to(torch.float64)
    table = _columns(plain if largest else -plain, origin, count, -math.inf)
    lengths = torch.bincount(origin, minlength=count)
    found = torch.nonzero(lengths).reshape(-1)
    if not len(found):
        return found, found
    rows = table[found]
    column = (rows == rows.amax(1, keepdim=True)).to(torch.int8).argmax(1)
    return (torch.cumsum(lengths, 0) - lengths)[found] + column, found


def reduce(op: str, values: Array, origin: Array, count: int) -> Array:
    """The reduction of every segment: the values whose ``origin`` is that segment, in order."""
    if op in ("max", "min"):
        worst = -math.inf if op == "max" else math.inf
        best, found = first_best(values, origin, count, op == "max")
        kind = values.dtype if len(found) == count else torch.promote_types(values.dtype, torch.float32)
        return torch.full((count,), worst if kind.is_floating_point else 0, dtype=kind).index_copy(
            0, found, values[best].to(kind)
        )
    if op in ("amax", "amin"):
        table = _columns(values, origin, count, -math.inf if op == "amax" else math.inf)
        return getattr(torch, op)(table, 1) if table.shape[1] else values.new_full((count,), _EMPTY[op])
    if op == "prod":
        out = torch.ones(count, dtype=values.dtype)
        for column in _columns(values, origin, count, 1).unbind(1):
            out = out * column
        return out
    if op in ("any", "all"):
        hits = torch.zeros(count, dtype=torch.long).index_add(0, origin, (values if op == "any" else ~values).long())
        return hits > 0 if op == "any" else hits == 0
    if op == "count":
        values = values.long() if values.dtype == torch.bool else torch.ones(len(origin), dtype=torch.long)
    return torch.zeros(count, dtype=values.dtype).index_add(0, origin, values)


_EMPTY = {"amax": -math.inf, "amin": math.inf}
