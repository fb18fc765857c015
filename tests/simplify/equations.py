"""Closed forms written short, and equality of expressions up to the names of bound letters."""

from __future__ import annotations

import re

from sympy import Add, Basic, Expr, Mul

import derive
from derive.calculus.adjoint import adjoint
from derive.calculus.tangent import tangent
from derive.program import Bind, Letter, Program, Read, Reduce, Size
from derive.simplify import simplify

MODES = {"vjp": adjoint, "jvp": tangent}

#: What a catalogue entry needs to be loaded.
CHOICES: dict[str, dict] = {"group_norm": {"num_groups": 2}, "pixel_shuffle": {"upscale_factor": 2}}


def simplified(target: str, mode: str = "vjp", gate: str = "each", **choices) -> Program:
    primal = derive.load(target, **{**CHOICES.get(target, {}), **choices})
    return simplify(MODES[mode](primal), primal, gate=gate)


def r(text: str) -> Expr:
    """``r("y[..., k]")``: a read whose indices are letters or numbers; ``r("loss")``: a scalar."""
    name, _, inside = text.partition("[")
    indices = [i.strip() for i in inside.rstrip("]").split(",") if i.strip()]
    return Read(name, *(Letter(i) if re.match(r"[a-z.*]", i) else int(i) for i in indices))


def total(ranges: str, body: Expr) -> Reduce:
    """``total("n<N, k<K", body)``: a sum over those ranges."""
    pairs = [item.strip().split("<") for item in ranges.split(",")]
    return Reduce("sum", [Bind(Letter(a), 0, Size(b) if not b.isdigit() else int(b)) for a, b in pairs], body)


def right(program: Program, name: str) -> Expr:
    (piece,) = program.definitions[name].pieces
    return piece.rhs


def derived_lines(program: Program, primal: Program) -> list[str]:
    return [s.name for s in program.statements if s.name not in primal.definitions]


def same(a: Basic, b: Basic, names: dict[Basic, Basic] | None = None) -> bool:
    """Whether two expressions are one but for the order of terms and factors and the names of bound letters."""
    names = names or {}
    if type(a) is not type(b) or len(a.args) != len(b.args):
        return False
    if not a.args:
        return names.get(a, a) == b
    if isinstance(a, Reduce):
        names = {**names, **dict(zip(a.letters, b.letters, strict=False))}
    if isinstance(a, Add | Mul):
        return _matched(list(a.args), list(b.args), names)
    return all(same(x, y, names) for x, y in zip(a.args, b.args, strict=True))


def _matched(left: list, right: list, names: dict) -> bool:
    if not left:
        return not right
    return any(
        same(left[0], y, names) and _matched(left[1:], right[:n] + right[n + 1 :], names) for n, y in enumerate(right)
    )
