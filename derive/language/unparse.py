"""A program as text of the definition language: a tree of Python's syntax, printed once.

The text carries the marker ``@derived``: every range, filter and declaration stands in it as the program
has them, and its reader (``derive.language.derived``) infers nothing.  What ordinary definitions do not need:

* ``x: Real[part(T, origin=1, below=1)]``: an axis that counts from 1 and keeps one halo point;
* ``dx: Real[N] = 0``: zero where no equation gives a point; ``w[0]: Real[N] = given()``: an input of that name;
* ``letter(...)``, ``size(...)``, ``letter(a)``, ``size(A)``: the letter and the extent of the packs ``...`` and ``*A``;
* ``default(bias=0)`` an input's default where the signature cannot hold it, ``optional(bias)``,
  ``structural(mode)`` and ``fixed(mode="mean")`` hyperparameters that were chosen, ``law[n](left, right)`` theorems.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sympy import Basic, Expr, Rational

from derive.language.layout import laid_out
from derive.language.notation import ExpressionWriter, call_tree, name_tree, pack_tree, tensor_tree, tuple_tree
from derive.program import (
    Axis,
    Bind,
    Draw,
    Fresh,
    Hyper,
    Letter,
    Parameter,
    Part,
    Piece,
    Program,
    Size,
    Statement,
    Tensor,
    free_letters,
    piece_expressions,
    walk,
)

NAME_LENGTH = 32
KIND_WORDS = {"real": "Real", "const": "Const", "index": "Index", "bool": "Bool"}


def to_text(program: Program) -> str:
    """The program as a definition that parses back to it, up to the names of letters."""
    return laid_out(_Writer(program).definition())


class _Writer(ExpressionWriter):
    """Program to syntax tree."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.tensors, _letters_apart(program))
        self.program = program

    # -------------------------------------------------------------------------- the definition

    def definition(self) -> ast.FunctionDef:
        program = self.program
        signature, declared, defaults = self._split_inputs()
        body: list[ast.stmt] = [ast.Expr(ast.Constant(program.doc))] if program.doc else []
        body += declared
        body += self._notes(defaults)
        body += [ast.Assign([name_tree(size.name)], self.expression(e)) for size, e in program.sizes]
        body += [ast.Assert(self.expression(e)) for e in program.requirements]
        for statement in program.statements:
            body += self._statement(statement)
        body += [self._law(law.left, law.right) for law in program.laws]
        body.append(self._return())
        return ast.FunctionDef(self._short_name(), signature, body, [self._marker()])

    def _marker(self) -> ast.expr:
        program = self.program
        arguments: list[ast.expr] = [ast.Constant(program.derived)] if program.derived else []
        settings = {} if program.role == "layer" else {"role": program.role}
        if self._short_name() != program.name:
            settings["name"] = program.name
        keywords = [ast.keyword(key, ast.Constant(value)) for key, value in settings.items()]
        return ast.Call(name_tree("derived"), arguments, keywords) if arguments or keywords else name_tree("derived")

    def _short_name(self) -> str:
        """The program's name as far as a definition may be called it."""
        return self.program.name[:NAME_LENGTH].rstrip("_")

    def _split_inputs(self) -> tuple[ast.arguments, list[ast.stmt], list[Tensor]]:
        """The signature; declarations of inputs whose names it cannot hold; inputs whose defaults it cannot."""
        inputs = self.program.inputs
        plain = next((n for n, t in enumerate(inputs) if not t.name.isidentifier()), len(inputs))
        first, rest = inputs[:plain], inputs[plain:]
        last_bare = max((n for n, t in enumerate(first) if _bare(t)), default=-1)
        trailing = first[last_bare + 1 :]
        parameters = self.program.parameters
        signature = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(t.name, self._type(t)) for t in first],
            kwonlyargs=[ast.arg(p.name, _parameter_type(p)) for p in parameters],
            kw_defaults=[None if p.required else self._value(p.default) for p in parameters],
            defaults=[self._value(t.default) for t in trailing],
        )
        declared: list[ast.stmt] = [self._declared(t, call_tree("given", *self._default(t))) for t in rest]
        return signature, declared, [t for t in first[: last_bare + 1] if t.default is not None]

    def _default(self, t: Tensor) -> list[ast.expr]:
        return [] if t.default is None else [self._value(t.default)]

    def _notes(self, defaults: Sequence[Tensor]) -> list[ast.stmt]:
        """``default(…)``, ``optional(…)``, ``structural(…)``, ``fixed(…)`` where there is anything to note."""
        optional = [tensor_tree(t.name) for t in self.program.inputs if t.optional]
        structural = [name_tree(p.name) for p in self.program.parameters if p.structural]
        chosen = [p for p in self.program.parameters if p.value is not None]
        notes = [
            call_tree("default", **{t.name: self._value(t.default) for t in defaults}),
            call_tree("optional", *optional),
            call_tree("structural", *structural),
            call_tree("fixed", **{p.name: self._value(p.value) for p in chosen}),
        ]
        return [ast.Expr(call) for call in notes if call.args or call.keywords]

    def _return(self) -> ast.Return:
        results: list[ast.expr] = [tensor_tree(name) for name in self.program.outputs]
        if self.program.updates:
            results.append(call_tree("update", **{buffer: tensor_tree(t) for buffer, t in self.program.updates}))
        return ast.Return(results[0] if len(results) == 1 else ast.Tuple(results))

    def _law(self, left: Expr, right: Expr) -> ast.stmt:
        free = sorted(free_letters(left) | free_letters(right), key=str)
        law = ast.Subscript(name_tree("law"), tuple_tree([self.index(x) for x in free])) if free else name_tree("law")
        return ast.Expr(ast.Call(law, [self.expression(left), self.expression(right)], []))

    def _value(self, value: Any) -> ast.expr:
        """A default or a fixed value: of Python, or an expression."""
        if isinstance(value, tuple | list):
            return ast.Tuple([self._value(v) for v in value])
        if isinstance(value, Draw):
            return call_tree(value.distribution, *map(self.expression, value.arguments))
        if isinstance(value, Basic):
            return self.expression(value)
        if isinstance(value, Fraction):
            return self.expression(Rational(value.numerator, value.denominator))
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)

    # -------------------------------------------------------------------------- declarations

    def _type(self, t: Tensor) -> ast.expr:
        word = name_tree(KIND_WORDS[t.kind])
        return ast.Subscript(word, tuple_tree([self._axis(axis) for axis in t.axes])) if t.axes else word

    def _axis(self, axis: Axis) -> ast.expr:
        parts = [self._part(part) for part in axis]
        return parts[0] if len(parts) == 1 else ast.List(parts)

    def _part(self, part: Part) -> ast.expr:
        extent = part.extent
        plain = pack_tree(extent.name) if isinstance(extent, Size) and extent.is_pack else self.expression(extent)
        halo = {"origin": part.origin, "below": part.below}
        noted = {key: ast.Constant(value) for key, value in halo.items() if value}
        return call_tree("part", self.expression(extent), **noted) if noted else plain

    def _statement(self, statement: Statement) -> list[ast.stmt]:
        t = statement.tensor
        elsewhere = ast.Constant(0) if statement.zero_elsewhere else None
        return [self._declared(t, elsewhere)] + [
            ast.Assign([self._left(t, p)], self.expression(p.rhs)) for p in statement.pieces
        ]

    def _declared(self, t: Tensor, value: ast.expr | None) -> ast.stmt:
        target = tensor_tree(t.name)
        assert isinstance(target, ast.Name | ast.Subscript)
        return ast.AnnAssign(target, self._type(t), value, simple=int(isinstance(target, ast.Name)))

    def _left(self, t: Tensor, piece: Piece) -> ast.expr:
        """``y[n, 1 <= k < K, condition]``: stated ranges in place where entries come in the order of the indices."""
        letters = dict.fromkeys(i for i in piece.indices if not i.is_Integer)
        in_place = tuple(e.letter for e in piece.entries[: len(letters)] if isinstance(e, Bind)) == tuple(letters)
        stated = {e.letter: e for e in piece.binds} if in_place else {}
        indices = []
        for index, part in zip(piece.indices, t.parts, strict=True):
            bind = stated.pop(index, None)
            usual = bind is None or (bind.lo == part.origin and bind.hi == part.origin + part.extent)
            indices.append(self.index(index) if bind is None or usual else self.bind(bind, chain=True))
        tail = piece.entries[len(letters) :] if in_place else piece.entries
        elements = [*self.by_axes(t, indices), *self.entries(tail, chain=True)]
        if not elements:
            return self.scalar(t.name)
        return ast.Subscript(tensor_tree(t.name), tuple_tree(elements))


def _bare(t: Tensor) -> bool:
    """Whether an input must be given, so that its signature entry has no default."""
    return t.default is None


def _parameter_type(p: Parameter) -> ast.expr:
    values = [ast.Constant(v) for v in p.allowed] if p.allowed else [ast.Constant(p.length)] if p.length else []
    return ast.Subscript(name_tree(p.kind), tuple_tree(values)) if values else name_tree(p.kind)


def _letters_apart(program: Program) -> dict[str, str]:
    """New names for letters that are called like a tensor, a size or a hyperparameter."""
    expressions = [e for s in program.statements for p in s.pieces for e in piece_expressions(p)]
    expressions += [e for law in program.laws for e in (law.left, law.right)]
    letters = dict.fromkeys(n.name for e in expressions for n in walk(e) if isinstance(n, Letter))
    taken = {n.name for e in expressions for n in walk(e) if isinstance(n, Size | Hyper) and not n.name.startswith("*")}
    taken |= {*program.tensors, *(p.name for p in program.parameters), *(s.name for s, _ in program.sizes)}
    taken |= {s.name for t in program.tensors.values() for p in t.parts for s in p.extent.free_symbols} - {"..."}
    fresh = Fresh(taken | set(letters))
    return {name: fresh.name(name) for name in letters if name in taken and name != "..."}
