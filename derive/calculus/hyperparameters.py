"""A real hyperparameter made an input, so that derivatives by it are the derivatives by any input.

y = f(x; lr)   →   y = f(x, lr),   lr: Real;   betas of length 2 becomes betas: Real[2]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Basic, Expr, Integer

from derive.errors import InputError
from derive.program import Parameter, Part, Piece, Program, Read, Statement, Tensor


def with_inputs(program: Program, names: Sequence[str]) -> Program:
    """The program with these hyperparameters among its inputs, last; a scalar keeps its default."""
    by_name = {p.name: p for p in program.parameters}
    put: dict[Basic, Expr] = {}
    new: list[Tensor] = []
    for name in dict.fromkeys(names):
        parameter = by_name.get(name)
        if parameter is None:
            known = ", ".join(p.name for p in program.parameters if _is_open(p)) or "none"
            raise InputError(f"{program.name} has no hyperparameter {name}", mend=f"open real ones: {known}")
        _check(program, parameter)
        reads = [Read(name, *((Integer(n),) if parameter.length else ())) for n in range(len(parameter.symbols))]
        put.update(zip(parameter.symbols, reads, strict=True))
        axes = ((Part(Integer(parameter.length)),),) if parameter.length else ()
        new.append(Tensor(name, axes, default=_default(parameter)))
    statements = tuple(
        Statement(s.tensor, tuple(_piece(p, put) for p in s.pieces), s.zero_elsewhere) for s in program.statements
    )
    parameters = tuple(p for p in program.parameters if p.name not in names)
    return replace(
        program, inputs=(*program.inputs, *new), statements=statements, parameters=parameters, laws=(),
        requirements=tuple(r for r in program.requirements if not r.free_symbols & put.keys()),
    )  # fmt: skip


def _is_open(p: Parameter) -> bool:
    return p.kind == "Real" and p.value is None and not p.structural


def _check(program: Program, p: Parameter) -> None:
    """Only a real number that stays a symbol, and sizes nothing, moves smoothly."""
    if p.kind != "Real":
        message = f"{p.name} of {program.name} is {p.kind}, and nothing is differentiable by it"
        raise InputError(message, mend="differentiate by real hyperparameters")
    if not _is_open(p):
        raise InputError(
            f"{p.name} of {program.name} decides which equations hold, so it is fixed at {p.value}",
            mend=f"choose the equations and leave it open: load(…, {p.name}=Open({p.value}))",
        )
    extents = [part.extent for t in program.tensors.values() for part in t.parts] + [e for _, e in program.sizes]
    if any(s in e.free_symbols for e in extents for s in p.symbols):
        raise InputError(f"{p.name} of {program.name} is in a size, which does not move smoothly")


def _default(p: Parameter) -> Expr | None:
    return p.default if not p.length and isinstance(p.default, Expr) and p.default.is_number else None


def _piece(piece: Piece, put: dict[Basic, Expr]) -> Piece:
    entries = tuple(e.xreplace(put) for e in piece.entries)
    return Piece(tuple(i.xreplace(put) for i in piece.indices), entries, piece.rhs.xreplace(put))
