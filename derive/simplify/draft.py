"""What the passes work on: a program's derived statements as polynomials, beside how they were written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.program import Law, Letter, Part, Piece, Program, Statement, tensors_read
from derive.simplify.algebra import Algebra, OverBudget
from derive.simplify.atoms import Polynomial
from derive.simplify.basis import Basis
from derive.simplify.build import Builder
from derive.simplify.convert import Converter
from derive.simplify.cost import cost
from derive.simplify.divisors import Divisors
from derive.simplify.linear import derived_names

Forms = tuple[Polynomial, ...]


@dataclass
class Draft:
    """A program under way.  ``forms`` holds a polynomial per piece; a statement without stays as written."""

    program: Program
    algebra: Algebra
    convert: Converter
    build: Builder
    derived: tuple[str, ...]
    divisors: Divisors
    forms: dict[str, Forms] = field(default_factory=dict)
    laws: tuple[Law, ...] = ()
    basis: Basis | None = None
    inlined: dict[str, None] = field(default_factory=dict)

    @property
    def given(self) -> tuple[Statement, ...]:
        """The definition's own statements."""
        return tuple(s for s in self.program.statements if s.name not in self.derived)

    def finished(self) -> Program:
        """The program as it stands, each statement in the shorter of its two forms."""
        statements = tuple(self._statement(s) for s in self.program.statements if s.name not in self.inlined)
        return replace(self.program, statements=statements, laws=self.laws)

    @property
    def unsound(self) -> tuple[str, ...]:
        """Statements that divide by what neither the definition nor the mechanical form divides by, or may overflow."""
        kept = ((name, forms) for name, forms in self.forms.items() if name not in self.inlined)
        return tuple(name for name, forms in kept if not all(map(self.divisors.covers, forms)))

    def _statement(self, statement: Statement) -> Statement:
        if statement.name not in self.forms:
            return statement
        forms = self.forms[statement.name]
        pieces = tuple(replace(p, rhs=self.build(f, p.letters)) for p, f in zip(statement.pieces, forms, strict=True))
        made = replace(statement, pieces=pieces)
        replaceable = not any(name in self.inlined for name in tensors_read(statement))
        return statement if replaceable and length(statement) <= length(made) else made


def length(statement: Statement) -> int:
    return sum(cost(p.rhs) for p in statement.pieces)


def draft_of(program: Program, formal: bool = True, skipped: tuple[str, ...] = ()) -> Draft:
    """The program with every derived statement's normal form; one skipped, or whose form grows too large, has none."""
    algebra = Algebra(formal)
    convert = Converter(algebra)
    cotangents, derived = derived_names(program)
    algebra.linear = dict.fromkeys((*cotangents, *derived))
    draft = Draft(program, algebra, convert, Builder(algebra, _reserved(program)), derived, Divisors(algebra))
    for statement in program.statements:
        if statement.name in derived and statement.name not in skipped:
            _normalise(draft, statement)
    return draft


def _reserved(program: Program) -> frozenset[str]:
    """Names a new letter may not take."""
    sizes = (s.name for t in program.tensors.values() for part in t.parts for s in part.extent.free_symbols)
    return frozenset(
        (*program.tensors, *(p.name for p in program.parameters), *sizes, *(s.name for s, _ in program.sizes))
    )


def _normalise(draft: Draft, statement: Statement) -> None:
    for piece in statement.pieces:
        for bind in piece.binds:
            draft.algebra.scope[bind.letter] = (bind.lo, bind.hi)
    try:
        forms = tuple(draft.convert(p.rhs) for p in statement.pieces)
    except OverBudget:
        return
    draft.forms[statement.name] = forms
    for form in forms:
        draft.divisors.note(form)


def covering_letters(statement: Statement) -> tuple[Letter, ...] | None:
    """The letters of a statement of one piece that gives every stored point, None for another."""
    if len(statement.pieces) != 1:
        return None
    piece: Piece = statement.pieces[0]
    letters = tuple(i for i in piece.indices if isinstance(i, Letter))
    if piece.conditions or len(dict.fromkeys(letters)) != len(piece.indices):
        return None
    ranges = {b.letter: (b.lo, b.hi) for b in piece.binds}
    covers = all(ranges[i] == _stored(p) for i, p in zip(letters, statement.tensor.parts, strict=True))
    return letters if covers else None


def _stored(part: Part) -> tuple:
    return (part.extent * 0 + part.origin - part.below, part.extent + part.origin)
