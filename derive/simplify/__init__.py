"""The simplifier: from the mechanical derivative to the textbook's form, by rule, for any program.

The pipeline is ``PASSES``; each pass is gated by evaluation.  May import program, functions, errors, order,
bind and the interpreter.
"""

from __future__ import annotations

from dataclasses import replace

from derive.program import Program
from derive.simplify.dead import drop_dead
from derive.simplify.draft import draft_of
from derive.simplify.gate import NotMeasured, check_equal
from derive.simplify.passes import PASSES, Pass

__all__ = ["PASSES", "simplify"]


def simplify(
    program: Program, primal: Program | None = None, *, gate: str = "end", passes: tuple[Pass, ...] = PASSES
) -> Program:
    """An equal program in the form a person would write, with the laws it rests on.

    ``primal``: what the program is the derivative of; its definitions may then be read even where the
    mechanical form did not.  ``gate``: evaluate at the "end", after "each" pass, or "never".
    """
    whole = program if primal is None else _beside(program, primal)
    try:
        done = _rewritten(whole, passes, gate)
        if gate == "end":
            check_equal(whole, done)
    except NotMeasured:  # what cannot be held against the original is left as it was
        done = whole
    return drop_dead(done)


def _rewritten(whole: Program, passes: tuple[Pass, ...], gate: str) -> Program:
    """The passes applied; statements that would come out unsound are left as they were, in a second and third try."""
    formal, skipped = True, tuple[str, ...]()
    while True:
        draft = draft_of(whole, formal, skipped)
        for rewrite in passes:
            rewrite(draft)
            if gate == "each":
                check_equal(whole, draft.finished())
        unsound = draft.unsound
        if not unsound:
            return draft.finished()
        skipped = skipped if formal else (*skipped, *unsound)
        formal = False


def _beside(program: Program, primal: Program) -> Program:
    """The derived program with all definitions of its primal."""
    defined = program.definitions
    own = tuple(s for s in program.statements if s.name not in primal.definitions)
    return replace(program, statements=(*(defined.get(s.name, s) for s in primal.statements), *own))
