"""Change of basis: elementwise definitions solved for the earlier name.

``y = e/s`` gives ``e → y·s``; ``xhat = (x − mu)·r`` gives ``x → mu + xhat/r``; ``r = 1/sqrt(v + eps)``
gives ``v → 1/r² − eps``; ``y = 1/(1 + exp(−x))`` gives ``exp(−x) → 1/y − 1``.  A definition is solved for
the one atom that holds all its letters, and only by dividing by what the forward itself divides by.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction

from sympy import Basic

from derive.program import Letter, Part, Piece, Program, Statement, reads
from derive.simplify.algebra import Algebra, OverBudget
from derive.simplify.atoms import ONE, Monomial, Polynomial, plain, scaled
from derive.simplify.convert import Converter
from derive.simplify.divisors import Divisors
from derive.simplify.letters import Pattern
from derive.simplify.rewrite import Rules, Support, holding


@dataclass
class Basis:
    """What the definitions of a program give: rules, the definitions' own normal forms, what may be divided by."""

    program: Program
    algebra: Algebra
    rules: Rules
    divisors: Divisors
    forms: dict[str, tuple[tuple[Letter, ...], Polynomial]] = field(default_factory=dict)
    solved: list[tuple[int, tuple[Letter, ...], Polynomial]] = field(default_factory=list)
    summed: dict[str, None] = field(default_factory=dict)


def find_basis(program: Program, given: tuple[Statement, ...], convert: Converter) -> Basis:
    """Rules from the definitions that can be solved."""
    algebra = convert.algebra
    basis = Basis(program, algebra, Rules(algebra), Divisors(algebra))
    for statement in given:
        _note(basis, statement, convert)
    for statement in given:
        if statement.name in basis.forms:
            with suppress(OverBudget):
                _solve(basis, statement)
    for _, _, image in basis.solved:
        for mono in image:
            for a in sums_in(algebra, mono):
                basis.rules.frozen[Pattern(algebra, a).key] = None
    return basis


def sums_in(algebra: Algebra, mono: Monomial) -> list[int]:
    """Sums in a monomial, those inside functions too."""
    found: list[int] = []
    for a, _ in mono:
        atom = algebra.atoms[a]
        if atom.kind == "sum":
            found.append(a)
        elif atom.kind in ("call", "exp", "base"):
            found += [s for m in algebra.inner(atom) for s in sums_in(algebra, m)]
    return found


# ------------------------------------------------------------------------------ what the forward says


def regular_piece(statement: Statement) -> Piece | None:
    """The one piece that gives all points but the halo's, if there is one."""
    regular = [p for p in statement.pieces if not _only_halo(p, statement.tensor.parts)]
    if len(regular) != 1 or regular[0].conditions or statement.zero_elsewhere:
        return None
    piece = regular[0]
    plain_indices = all(isinstance(i, Letter) for i in piece.indices) and len(set(piece.indices)) == len(piece.indices)
    return piece if plain_indices else None


def _only_halo(piece: Piece, parts: tuple[Part, ...]) -> bool:
    return any(i.is_Integer and i < part.origin for i, part in zip(piece.indices, parts, strict=True))


def _note(basis: Basis, statement: Statement, convert: Converter) -> None:
    """The definition's normal form, its sign, and what it divides by."""
    algebra = basis.algebra
    piece = regular_piece(statement)
    if piece is None or statement.tensor.kind != "real":
        return
    for bind in piece.binds:
        algebra.scope[bind.letter] = (bind.lo, bind.hi)
    try:
        form = convert(piece.rhs)
    except OverBudget:
        return
    letters = tuple(i for i in piece.indices if isinstance(i, Letter))
    basis.forms[statement.name] = (letters, form)
    basis.divisors.note(form)
    _note_support(basis, statement.name, letters, form)
    if len(form) == 1:
        ((mono, c),) = form.items()
        if c > 0 and algebra.positive_monomial(mono):
            algebra.positive_names[statement.name] = None
        if all(e < 0 or basis.divisors.nonvanishing(a) for a, e in mono):
            basis.divisors.always[statement.name] = None


def _note_support(basis: Basis, name: str, letters: tuple[Letter, ...], form: Polynomial) -> None:
    """The guards that all terms of a definition stand under: outside them it is zero."""
    algebra = basis.algebra
    first = next(iter(form), ())
    shared = [a for a, _ in first if algebra.atoms[a].kind == "guard" and all((a, 1) in m for m in form)]
    if shared and len(basis.program.definitions[name].pieces) == 1:
        basis.rules.supports[name] = Support(letters, tuple(algebra.atoms[a].head for a in shared))


# ------------------------------------------------------------------------------ solving


def _solve(basis: Basis, statement: Statement) -> None:
    """Rules from one definition t = form."""
    algebra = basis.algebra
    letters, form = basis.forms[statement.name]
    target = algebra.read(statement.name, *letters)
    for depth in range(3):
        a = _only_full_atom(basis, letters, form)
        if a is None:
            return
        image = _isolated(basis, form, a, target)
        if image is None or _hides(algebra, image, a) or not _worth(basis, a, letters, form, statement, depth):
            return
        guards = _guards_beside(basis, form, a)
        if guards and algebra.atoms[a].kind in ("read", "base"):
            return
        if guards:
            basis.rules.add_guarded(a, image, guards)
        else:
            basis.rules.add(a, letters, image)
        basis.solved.append((a, letters, image))
        if algebra.atoms[a].kind == "sum":
            basis.summed[statement.name] = None
        if algebra.atoms[a].kind != "base":
            return
        form, target = dict(algebra.atoms[a].args[0]), image


def _only_full_atom(basis: Basis, letters: tuple[Letter, ...], form: Polynomial) -> int | None:
    """The single atom that holds all letters of the definition."""
    algebra = basis.algebra
    wanted = frozenset(letters)
    full = dict.fromkeys(
        a
        for mono in form
        for a, _ in mono
        if wanted <= algebra.letters[a] and algebra.atoms[a].kind in ("read", "call", "exp", "base", "sum")
    )
    return next(iter(full)) if len(full) == 1 else None


def _isolated(basis: Basis, form: Polynomial, a: int, target: Polynomial) -> Polynomial | None:
    """target = α·a**p + β solved for a; None where that divides by what may vanish or takes an even root."""
    algebra = basis.algebra
    having = [(m, c) for m, c in form.items() if any(b == a for b, _ in m)]
    rest = {m: c for m, c in form.items() if all(b != a for b, _ in m)}
    exponents = {e for m, _ in having for b, e in m if b == a}
    if len(having) != 1 or len(exponents) != 1:
        return None
    (mono, c), p = having[0], exponents.pop()
    others = tuple(f for f in mono if f[0] != a)
    inverse = plain(1 / Fraction(p))
    guards = tuple(f for f in others if algebra.atoms[f[0]].kind == "guard")
    others = tuple(f for f in others if f not in guards)
    if not isinstance(inverse, int) or not basis.divisors.divisible(others) or (guards and rest):
        return None
    divided = algebra.times(algebra.plus(target, scaled(rest, -ONE)), algebra.power({others: c}, -1))
    return algebra.power(divided, inverse) if len(divided) == 1 or inverse == 1 else None


def _hides(algebra: Algebra, image: Polynomial, a: int) -> bool:
    """Whether the solved form still reads what it was solved for, behind ``constant`` or a reduction."""
    atom = algebra.atoms[a]
    if atom.kind != "read":
        return False
    beside = [algebra.atoms[b] for mono in image for b, _ in mono]
    return any(b.kind == "opaque" and any(r.tensor == atom.head for r in reads(b.head)) for b in beside)


def _guards_beside(basis: Basis, form: Polynomial, a: int) -> tuple[Basic, ...]:
    """Guards that must hold for the solved form: those of the definition, unless the atom is zero outside them too."""
    algebra = basis.algebra
    (mono,) = (m for m in form if any(b == a for b, _ in m))
    guards = [algebra.atoms[b].head for b, _ in mono if algebra.atoms[b].kind == "guard"]
    implied = list(holding(basis.rules, ((a, 1),), deep=False))
    return tuple(g for g in guards if g not in implied)


def _worth(
    basis: Basis, a: int, letters: tuple[Letter, ...], form: Polynomial, statement: Statement, depth: int
) -> bool:
    """A read is solved for only where the definition covers it point by point, and is more than a multiple of it."""
    whole = len(statement.pieces) == 1
    atom = basis.algebra.atoms[a]
    if atom.kind != "read":
        return frozenset(letters) == basis.algebra.letters[a] and (
            whole or _proves_regular(basis, a, letters, statement)
        )
    source = basis.program.tensors[atom.head]
    plain_indices = all(isinstance(i, Letter) for i in atom.args) and sorted(map(str, atom.args)) == sorted(
        map(str, letters)
    )
    if not plain_indices or source.kind != "real":
        return False
    parts = dict(zip(letters, statement.tensor.parts, strict=True))
    same = all(_within(part, parts[i], whole) for i, part in zip(atom.args, source.parts, strict=True))
    beside = any(basis.algebra.atoms[b].kind not in ("symbol", "number") for m in form for b, _ in m if b != a)
    return same and (beside or depth > 0)


def _within(source: Part, target: Part, whole: bool) -> bool:
    """Whether every index of the source is one for which the definition was written."""
    alike = source.extent == target.extent and source.origin == target.origin
    return alike and (not source.below or (whole and source.below <= target.below))


def _proves_regular(basis: Basis, a: int, letters: tuple[Letter, ...], statement: Statement) -> bool:
    """Whether evaluating the atom already needs every letter of a halo axis to be a regular point."""
    algebra = basis.algebra
    pending, found = [a], []
    while pending:
        atom = algebra.atoms[pending.pop()]
        if atom.kind == "read":
            parts = basis.program.tensors[atom.head].parts
            found += [i for i, part in zip(atom.args, parts, strict=True) if not part.below]
        pending += [b for m in algebra.inner(atom) for b, _ in m]
    halo = [i for i, part in zip(letters, statement.tensor.parts, strict=True) if part.below]
    return all(i in found for i in halo)
