"""The public doors: load, vjp, jvp, generate, function.  Each hands its work to one room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from derive.errors import InputError
from derive.program import Program

if TYPE_CHECKING:
    from derive.targets.files import Generated


def load(target: str, /, **choices: Any) -> Program:
    """The program of a catalogue name, a ``path/to/file.py:name`` or a definition's text, its choices taken.

    ``load("conv2d", stride=2)`` fixes a hyperparameter, ``bias=None`` leaves an input out; what is not
    chosen stays a symbol unless the structure depends on it.
    """
    from derive.language import load_definition, specialise

    return specialise(load_definition(target), **choices)


def _program(target: str | Program) -> Program:
    return target if isinstance(target, Program) else load(target)


def _names(wrt: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """The inputs named; a single one may stand alone."""
    if wrt is None or isinstance(wrt, str):
        return wrt if wrt is None else (wrt,)
    names = tuple(wrt) if isinstance(wrt, Iterable) else ()
    if not names or not all(isinstance(n, str) for n in names):
        raise InputError(f"wrt is {wrt!r}, which names no input", mend="name them: wrt=['x'], or leave wrt out")
    return names


def _by(program: Program, names: tuple[str, ...] | None) -> tuple[Program, tuple[str, ...] | None]:
    """The program with the hyperparameters among the names as inputs."""
    inputs = {t.name for t in program.inputs}
    hypers = [n for n in names or () if n not in inputs and n in {p.name for p in program.parameters}]
    if not hypers:
        return program, names
    from derive.calculus.hyperparameters import with_inputs

    return with_inputs(program, hypers), names


def vjp(program: str | Program, wrt: str | Sequence[str] | None = None) -> Program:
    """The vector-Jacobian product, simplified: ``dx = Σ dy · ∂y/∂x`` for each differentiable input (or ``wrt``).

    ``wrt`` may name real hyperparameters: ``vjp("adam", wrt=["lr", "theta_0"])``.
    """
    from derive.calculus.adjoint import adjoint
    from derive.simplify import simplify

    primal, names = _by(_program(program), _names(wrt))
    return simplify(adjoint(primal, names), primal)


def jvp(program: str | Program, wrt: str | Sequence[str] | None = None) -> Program:
    """The Jacobian-vector product, simplified: ``ty = Σ ∂y/∂x · tx`` over each differentiable input (or ``wrt``)."""
    from derive.calculus.tangent import tangent
    from derive.simplify import simplify

    primal, names = _by(_program(program), _names(wrt))
    return simplify(tangent(primal, names), primal)


def generate(program: str | Program, target: str = "numpy", wrt: str | Sequence[str] | None = None) -> Generated:
    """Self-contained code for ``"numpy"`` or ``"torch"``: ``.text``, ``.save(path)``, ``.module()``.

    ``wrt``: the inputs whose gradients the backward gives, all differentiable ones by default.
    """
    from derive.targets.files import generate as made

    return made(_program(program), target, _names(wrt))


def function(program: str | Program, **choices: Any) -> Callable[..., Any]:
    """A torch callable, differentiable to any order by derived code: ``f(x, weight, bias, stride=2)``."""
    from derive.callables import function as made

    return made(program, **choices)
