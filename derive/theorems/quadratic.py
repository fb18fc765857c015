"""The update rule closed on itself: its gradient is that of ½λθ², its held states are given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.program import Hyper, Parameter, Piece, Program, Statement, Tensor
from derive.theorems.rule import Rule

#: The curvature of the quadratic.
CURVATURE = Hyper("λ")


def hold(program: Program, names: Iterable[str]) -> Program:
    """The program with some of its values given instead of computed."""
    given = tuple(names)
    fixed = tuple(program.tensor(n) for n in given)
    own = tuple(s for s in program.statements if s.name not in given)
    return replace(program, inputs=(*program.inputs, *fixed), statements=own)


def closed_loop(rule: Rule, held: Iterable[str]) -> Program:
    """The program whose gradient is λ·θ[t − 1]; ``steps`` only says how many steps there are."""
    program, theta = hold(rule.program, held), rule.theta
    gradient = program.tensor(rule.gradients[0])
    model = next(p for p in program.definitions[theta.name].pieces if p.letters and p.indices == theta.indices)
    closed = Statement(gradient, (Piece(theta.indices, model.entries, CURVATURE * theta.before),))
    steps = Tensor("steps", ((gradient.parts[theta.at],),), "const")
    inputs = tuple(t for t in program.inputs if t.name != gradient.name)
    return replace(
        program, name=f"{program.name}_quadratic", inputs=(*inputs, steps),
        statements=(*program.statements, closed),
        outputs=(theta.name,), updates=(), laws=(), role="layer", requirements=(),
        parameters=(*program.parameters, Parameter(CURVATURE.name, "Real", default=1)),
    )  # fmt: skip
