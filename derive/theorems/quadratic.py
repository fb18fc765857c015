"""The update rule closed on itself: its gradient is that of ½λθ², its held states are given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.program import Hyper, Parameter, Piece, Program, Read, Statement, Tensor
from derive.theorems.rule import Rule

#: The curvature of the quadratic.
CURVATURE = Hyper("λ")


def closed_loop(rule: Rule, held: Iterable[str]) -> Program:
    """The program whose gradient is λ·θ[t − 1]; ``steps`` only says how many steps there are."""
    program, theta = rule.program, rule.theta
    given = tuple(held)
    gradient = program.tensor(rule.gradients[0])
    model = next(p for p in program.definitions[theta.name].pieces if p.letters and p.indices == theta.indices)
    closed = Statement(gradient, (Piece(theta.indices, model.entries, CURVATURE * theta.before),))
    steps = Tensor("steps", ((gradient.parts[theta.at],),), "const")
    fixed = tuple(replace(program.tensor(n), axes=_without_halo(program.tensor(n))) for n in given)
    inputs = tuple(t for t in program.inputs if t.name != gradient.name)
    own = tuple(s for s in program.statements if s.name not in given)
    return replace(
        program, name=f"{program.name}_quadratic", inputs=(*inputs, *fixed, steps), statements=(*own, closed),
        outputs=(theta.name,), updates=(), laws=(), role="layer", requirements=(),
        parameters=(*program.parameters, Parameter(CURVATURE.name, "Real", default=1)),
    )  # fmt: skip


def _without_halo(tensor: Tensor) -> tuple:
    return tuple(tuple(replace(p, below=0) for p in axis) for axis in tensor.axes)


__all__ = ["CURVATURE", "Read", "closed_loop"]
