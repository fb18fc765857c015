"""A derivation told from its beginning to its end, every step evaluated: what ``--steps`` says.

Nothing here knows a layer: the steps are the calculus's own record, the simplifier's passes, the lowered
code, and a small example in numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Basic

from derive.calculus.trace import Trace, trace
from derive.errors import DeriveError, InputError
from derive.functions import FUNCTIONS, function_name
from derive.program import (
    Bind,
    Program,
    Read,
    Reduce,
    Statement,
    Stop,
    Where,
    piece_expressions,
    reads,
    tensors_read,
    walk,
)
from derive.simplify.matrix import Equation, matrix_form
from derive.simplify.stages import Watched, watch
from derive.verify.example import Example, example
from derive.verify.stepwise import check_steps
from derive.verify.written import Contraction, Run, check_written


@dataclass(frozen=True)
class Walkthrough:
    """All that is said of a derivation; ``compared``: how many values the checks compared, ``ran``: what of the
    written forms was run on the example.

    ``code``: the NumPy lines by the tensor they compute; ``matrices``: equations that are matrix formulas;
    ``einsums``: those that are one contraction; ``cases``: special cases, by key, with the names they are about.
    """

    trace: Trace
    seen: Watched
    derived: Program
    compared: int
    ran: tuple[Run, ...]
    example: Example | None
    code: dict[str, tuple[str, ...]]
    matrices: dict[str, Equation]
    einsums: dict[str, Contraction]
    cases: tuple[tuple[str, str], ...]


def walkthrough(program: Program, wrt: Sequence[str] | None = None) -> Walkthrough:
    """Derives, simplifies, lowers and evaluates; StepError or RewriteError where two steps differ."""
    found = trace(program, wrt)
    if not found.wrt:
        raise InputError(f"{program.name} has no differentiable input", mend="there is nothing to derive")
    compared = check_steps(found)
    derived, seen = watch(found.program, program)
    own = [s for s in derived.statements if s.name not in program.definitions]
    forms = {s.name: matrix_form(s, derived) for s in own}
    matrices = {n: m for n, m in forms.items() if m is not None}
    contractions = {s.name: einsum(s) for s in own}
    einsums = {n: c for n, c in contractions.items() if c is not None}
    numbers = example(found, derived)
    ran = check_written(found, derived, numbers, matrices, einsums) if numbers is not None else ()
    return Walkthrough(
        trace=found,
        seen=seen,
        derived=derived,
        compared=compared,
        ran=ran,
        example=numbers,
        code=numpy_lines(program, found.wrt),
        matrices=matrices,
        einsums=einsums,
        cases=tuple(special_cases(program, found, derived)),
    )


def numpy_lines(program: Program, wrt: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The generated backward's statements by the tensor they compute; none where no code is made."""
    from derive.targets.assembly import parts_of

    try:
        backward = parts_of(program, "numpy", wrt).backward
    except DeriveError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for names, body in backward.groups if backward else ():
        lines = tuple(line for s in body for line in ast.unparse(ast.fix_missing_locations(s)).splitlines())
        found.update(dict.fromkeys(names, lines))
    return found


def einsum(statement: Statement) -> Contraction | None:
    """``"po,oi->pi"`` and the tensors, where the equation is one contraction of them."""
    piece = statement.pieces[0]
    body = piece.rhs.body if isinstance(piece.rhs, Reduce) and piece.rhs.op == "sum" else piece.rhs
    factors = body.args if body.is_Mul else (body,)
    if len(statement.pieces) > 1 or piece.conditions or len(factors) < 2:
        return None
    if isinstance(piece.rhs, Reduce) and piece.rhs.filters:
        return None
    if not all(isinstance(f, Read) and all(i in _bound(piece) for i in f.indices) for f in factors):
        return None
    names: dict[Basic, str] = {}
    spare = iter("pqrstuvwxyzabcdefghijklmno")
    for letter in _bound(piece):
        taken = [*names.values(), *(str(x) for x in _bound(piece))]
        plain = str(letter) if len(str(letter)) == 1 else next(c for c in spare if c not in taken)
        names[letter] = plain
    lists = ["".join(names[i] for i in f.indices) for f in factors]
    left = "".join(names[i] for i in piece.indices)
    return f"{','.join(lists)}->{left}", tuple(f.tensor for f in factors)


def _bound(piece) -> dict[Basic, None]:  # type: ignore[no-untyped-def]
    """Every letter of an equation, in order."""
    return dict.fromkeys((*piece.letters, *(n.letter for n in walk(piece.rhs) if isinstance(n, Bind))))


# ------------------------------------------------------------------------------ special cases

Row = tuple[str, Callable[[Program, Trace, Program], str]]


def special_cases(program: Program, found: Trace, derived: Program):  # type: ignore[no-untyped-def]
    """(key, the names it is about) for each row of ``CASES`` that applies."""
    for key, about in CASES:
        names = about(program, found, derived)
        if names:
            yield key, names


def _nodes(program: Program, names: Sequence[str] | None = None) -> list[Basic]:
    chosen = [s for s in program.statements if names is None or s.name in names]
    return [n for s in chosen for p in s.pieces for e in piece_expressions(p) for n in walk(e)]


def _named(items) -> str:  # type: ignore[no-untyped-def]
    return ", ".join(dict.fromkeys(items))


def _active(found: Trace) -> list[str]:
    return [u.reader for uses in found.uses.values() for u in uses]


def _reductions(*ops: str) -> Callable[[Program, Trace, Program], str]:
    def about(program: Program, found: Trace, derived: Program) -> str:
        return _named(
            s.name
            for s in program.statements
            if s.name in _active(found)
            for n in _nodes(program, (s.name,))
            if isinstance(n, Reduce) and n.op in ops
        )

    return about


def _kinks(program: Program, found: Trace, derived: Program) -> str:
    names = (function_name(n) for n in _nodes(program, _active(found)) if n.is_Function)  # type: ignore[attr-defined]
    return _named(n for n in names if n and not FUNCTIONS[n].smooth)


def _stops(program: Program, found: Trace, derived: Program) -> str:
    return _named(r.tensor for n in _nodes(program) if isinstance(n, Stop) for r in reads(n))


def _filtered(program: Program, found: Trace, derived: Program) -> str:
    own = [s.name for s in derived.statements if s.name not in program.definitions]
    return _named(
        name for name in own for n in _nodes(derived, (name,)) if isinstance(n, Reduce) and n.op == "sum" and n.filters
    )


def _guarded(program: Program, found: Trace, derived: Program) -> str:
    return _named(s for s in _active(found) for n in _nodes(program, (s,)) if isinstance(n, Where))


def _gathered(program: Program, found: Trace, derived: Program) -> str:
    return _named(
        u.tensor for uses in found.uses.values() for u in uses if any(list(reads(i)) for i in u.occurrence.indices)
    )


def _recurrent(program: Program, found: Trace, derived: Program) -> str:
    return _named(
        s.name for s in program.statements if s.name in tensors_read(s) or any(p.below for p in s.tensor.parts)
    )


def _vanishing(program: Program, found: Trace, derived: Program) -> str:
    zero = [s.name for s in derived.statements if all(p.rhs == 0 for p in s.pieces)]
    return _named(name for name in zero if name in derived.outputs)


#: Special cases: the phrase's key, and which names of the program it is about ("" if it does not apply).
CASES: tuple[Row, ...] = (
    ("case first", _reductions("max", "min")),
    ("case even", _reductions("amax", "amin")),
    ("case product", _reductions("prod")),
    ("case kink", _kinks),
    ("case stop", _stops),
    ("case guard", _guarded),
    ("case empty", _filtered),
    ("case gather", _gathered),
    ("case recurrence", _recurrent),
    ("case zero", _vanishing),
)
