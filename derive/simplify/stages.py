"""The simplifier watched: the program after each pass, the substitutions found, the laws.

The passes are ``PASSES`` themselves, each gated by evaluation; watching changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr

from derive.program import Law, Program
from derive.simplify import simplify
from derive.simplify.dead import drop_dead
from derive.simplify.draft import Draft
from derive.simplify.passes import PASSES, Pass


@dataclass(frozen=True)
class Stage:
    """A pass by name, what it promises, and the program after it."""

    name: str
    promise: str
    program: Program


@dataclass
class Watched:
    """What was seen: a stage a pass, ``left → right`` for each earlier name said in a later one, the laws."""

    stages: list[Stage] = field(default_factory=list)
    substitutions: list[tuple[Expr, Expr]] = field(default_factory=list)
    laws: tuple[Law, ...] = ()

    def watching(self, rewrite: Pass) -> Pass:
        """The pass, and then a note of what it left."""

        def watched(draft: Draft) -> None:
            first = draft.basis is None
            rewrite(draft)
            if first:  # a second try begins again
                self.stages.clear()
                self.substitutions = list(_substitutions(draft))
            self.laws = draft.laws
            name, promise = rewrite.__name__, (rewrite.__doc__ or "").strip()
            self.stages.append(Stage(name, promise, drop_dead(draft.finished())))

        return watched


def watch(program: Program, primal: Program) -> tuple[Program, Watched]:
    """``simplify(program, primal)``, gated after each pass, and what was seen."""
    seen = Watched()
    passes = tuple(seen.watching(rewrite) for rewrite in PASSES)
    return simplify(program, primal, gate="each", passes=passes), seen


def _substitutions(draft: Draft) -> list[tuple[Expr, Expr]]:
    if draft.basis is None:
        return []
    build, algebra = draft.build, draft.algebra
    return [(build(algebra.atom(a), letters), build(image, letters)) for a, letters, image in draft.basis.solved]
