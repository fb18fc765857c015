"""Reads text marked ``@derived``, as ``derive.language.unparse`` writes it: nothing is inferred.

Ranges and filters are those written, in the order written; every tensor is declared before its equations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Basic, Expr

from derive.errors import InputError
from derive.functions import FUNCTIONS
from derive.language.definition import Definition, HyperInput, Source
from derive.language.hypers import chosen, outside
from derive.language.literal import ExpressionReader, called, elements, pack_name
from derive.program import (
    Axis,
    Bind,
    Draw,
    Law,
    Letter,
    Parameter,
    Part,
    Piece,
    Program,
    Size,
    Statement,
    Tensor,
)

Letters = dict[str, Letter]
KINDS = {"Real": "real", "Const": "const", "Index": "index", "Bool": "bool"}
_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_DRAWS = ("bernoulli", "uniform", "normal")


def read_derived(definition: Definition, choices: Mapping[str, Any] | None = None) -> Program:
    """The program a marked definition stands for, with numbers put in for the hyperparameters chosen."""
    program = _Reader(definition.node, definition.source).program()
    mapping: dict[Basic, Basic] = {}
    parameters = []
    for parameter, hyper in zip(program.parameters, definition.hypers, strict=True):
        if choices and parameter.name in choices:
            value = _choice(parameter, hyper, choices[parameter.name])
            each = value if isinstance(value, tuple) else (value,) * len(parameter.symbols)
            mapping.update(zip(parameter.symbols, each, strict=True))
            parameter = replace(parameter, value=outside(value))
        parameters.append(parameter)
    return _with_numbers(replace(program, parameters=tuple(parameters)), mapping) if mapping else program


def _choice(parameter: Parameter, hyper: HyperInput, given: Any) -> Any:
    if parameter.value is not None and given != parameter.value:
        message = f"{parameter.name} is {parameter.value} in this derived text, but is given as {given}"
        raise InputError(message, mend="derive again from the definition")
    return chosen(hyper, parameter.kind, parameter.length, given, parameter.name)


def _with_numbers(program: Program, mapping: Mapping[Basic, Basic]) -> Program:
    """Every expression of the program with symbols replaced."""

    def put(e: Any) -> Any:
        return e.xreplace(mapping) if isinstance(e, Basic) else e

    def tensor(t: Tensor) -> Tensor:
        axes = tuple(tuple(replace(p, extent=put(p.extent)) for p in axis) for axis in t.axes)
        return replace(t, axes=axes, default=put(t.default))

    def piece(p: Piece) -> Piece:
        return Piece(tuple(map(put, p.indices)), tuple(map(put, p.entries)), put(p.rhs))

    return replace(
        program,
        inputs=tuple(map(tensor, program.inputs)),
        statements=tuple(
            Statement(tensor(s.tensor), tuple(map(piece, s.pieces)), s.zero_elsewhere) for s in program.statements
        ),
        sizes=tuple((size, put(e)) for size, e in program.sizes),
        requirements=tuple(map(put, program.requirements)),
        laws=tuple(Law(put(law.left), put(law.right)) for law in program.laws),
    )


class _Reader(ExpressionReader):
    """Syntax tree to program."""

    def __init__(self, node: ast.FunctionDef, source: Source) -> None:
        super().__init__(source)
        self.node = node
        self.notes = self._notes()

    # -------------------------------------------------------------------------- the definition

    def program(self) -> Program:
        node, marker = self.node, next(d for d in self.node.decorator_list if called(d) == "derived")
        self._read_parameters()
        inputs = self._read_inputs()
        zero = self._declare()
        sizes = tuple(self._size_equations())
        statements = tuple(self._statements(zero))
        outputs, updates = self._returned()
        settings = {k.arg: self._plain(k.value) for k in marker.keywords} if isinstance(marker, ast.Call) else {}
        derived = [self._plain(a) for a in marker.args] if isinstance(marker, ast.Call) else []
        return Program(
            settings.get("name", node.name),
            inputs,
            statements,
            outputs,
            tuple(self.parameters.values()),
            sizes,
            updates,
            tuple(self.expression(s.test) for s in node.body if isinstance(s, ast.Assert)),
            settings.get("role", "layer"),
            ast.get_docstring(node, clean=False) or "",
            tuple(self._laws()),
            derived[0] if derived else "",
            f"{self.source.file}:{node.lineno}",
        )

    def _notes(self) -> dict[str, ast.Call]:
        """``default``, ``optional``, ``structural``, ``fixed``: the calls that stand alone in the body."""
        calls = [s.value for s in self.node.body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
        return {called(c): c for c in calls if called(c)}

    def _keywords(self, note: str) -> dict[str, ast.expr]:
        return {k.arg or "": k.value for k in self.notes[note].keywords} if note in self.notes else {}

    def _listed(self, note: str) -> list[str]:
        return [self._tensor_name(a) for a in self.notes[note].args] if note in self.notes else []

    def _read_parameters(self) -> None:
        fixed, structural = self._keywords("fixed"), self._listed("structural")
        arguments = self.node.args
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            kind, values = self._annotation(argument)
            words = [self._plain(v) for v in values]
            name = argument.arg
            self.parameters[name] = Parameter(
                name,
                kind,
                words[0] if words and kind != "Text" else 0,
                None if default is None else self._value(default),
                default is None,
                tuple(words) if kind == "Text" else (),
                name in structural,
                self._value(fixed[name]) if name in fixed else None,
            )

    def _read_inputs(self) -> tuple[Tensor, ...]:
        arguments = self.node.args
        without = len(arguments.args) - len(arguments.defaults)
        defaults = dict(zip((a.arg for a in arguments.args[without:]), arguments.defaults, strict=True))
        defaults |= self._keywords("default")
        optional = self._listed("optional")
        found: list[tuple[str, ast.arg | ast.AnnAssign, ast.expr | None]]
        found = [(a.arg, a, defaults.get(a.arg)) for a in arguments.args]
        for s in self.node.body:
            if isinstance(s, ast.AnnAssign) and isinstance(s.value, ast.Call):
                found.append((self._tensor_name(s.target), s, s.value.args[0] if s.value.args else None))
        declared = [(name, self._annotation(a), default) for name, a, default in found]
        for _, (_, axes), _ in declared:
            list(map(self._axis, axes))  # the sizes that defaults may speak of
        inputs = []
        for name, (kind, axes), default in declared:
            value = None if default is None else self._value(default)
            inputs.append(self._tensor(name, kind, axes, value, name in optional))
        return tuple(inputs)

    def _declare(self) -> dict[str, bool]:
        """Declared tensors, with whether they are zero elsewhere."""
        zero: dict[str, bool] = {}
        for s in self.node.body:
            if isinstance(s, ast.AnnAssign) and not isinstance(s.value, ast.Call):
                name = self._tensor_name(s.target)
                self._tensor(name, *self._annotation(s))
                zero[name] = s.value is not None
        for s in self.node.body:
            if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and s.targets[0].id not in self.tensors:
                self.sizes[s.targets[0].id] = Size(s.targets[0].id)
        return zero

    def _tensor(
        self, name: str, kind: str, axes: Sequence[ast.expr], default: Any = None, optional: bool = False
    ) -> Tensor:
        if kind not in KINDS or name in self.tensors:
            raise self.error(f"{name} is declared {'twice' if name in self.tensors else 'as no kind of tensor'}")
        self.tensors[name] = Tensor(name, tuple(map(self._axis, axes)), KINDS[kind], default, optional)
        return self.tensors[name]

    def _annotation(self, node: ast.arg | ast.AnnAssign) -> tuple[str, tuple[ast.expr, ...]]:
        """The word of a type and what stands in its bracket."""
        annotation = node.annotation
        base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        if not isinstance(base, ast.Name):
            raise self.error("this declaration has no known type", node)
        return base.id, elements(annotation.slice) if isinstance(annotation, ast.Subscript) else ()

    def _axis(self, node: ast.expr) -> Axis:
        return tuple(self._part(e) for e in (node.elts if isinstance(node, ast.List) else [node]))

    def _part(self, node: ast.expr) -> Part:
        if isinstance(node, ast.Call) and called(node) == "part":
            halo = {k.arg or "": self._plain(k.value) for k in node.keywords}
            return Part(self._extent(node.args[0]), halo.get("origin", 0), halo.get("below", 0))
        pack = pack_name(node)
        return Part(Size(pack) if pack else self._extent(node))

    def _extent(self, node: ast.expr) -> Expr:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id not in self.parameters and child.id not in ("size", *FUNCTIONS):
                self.sizes[child.id] = Size(child.id)
        return self.expression(node)

    def _size_equations(self) -> Iterator[tuple[Size, Expr]]:
        for s in self.node.body:
            if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and s.targets[0].id not in self.tensors:
                yield self.sizes[s.targets[0].id], self.expression(s.value)

    def _returned(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        last = self.node.body[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            raise self.error("a definition ends with return", last)
        results = elements(last.value)
        updates = [r for r in results if isinstance(r, ast.Call)]
        pairs = [(k.arg or "", self._tensor_name(k.value)) for call in updates for k in call.keywords]
        return tuple(self._tensor_name(r) for r in results if r not in updates), tuple(pairs)

    def _laws(self) -> Iterator[Law]:
        for s in self.node.body:
            call = s.value if isinstance(s, ast.Expr) else None
            if not isinstance(call, ast.Call):
                continue
            head = call.func.value if isinstance(call.func, ast.Subscript) else call.func
            if isinstance(head, ast.Name) and head.id == "law":
                free = elements(call.func.slice) if isinstance(call.func, ast.Subscript) else ()
                self.letters = {letter.name: letter for letter in map(self.letter, free) if letter}
                yield Law(self.expression(call.args[0]), self.expression(call.args[1]))

    # -------------------------------------------------------------------------- equations

    def _statements(self, zero: dict[str, bool]) -> Iterator[Statement]:
        pieces: dict[str, list[Piece]] = {name: [] for name in zero}
        for s in self.node.body:
            if not isinstance(s, ast.Assign):
                continue
            target = s.targets[0]
            base = target.value if isinstance(target, ast.Subscript) and not self._is_tensor(target) else target
            if isinstance(target, ast.Name) and target.id not in self.tensors:
                continue
            name = self._tensor_name(base)
            if name not in pieces:
                raise self.error(f"{name} has an equation but no declaration", s)
            bracket = elements(target.slice) if base is not target and isinstance(target, ast.Subscript) else ()
            pieces[name].append(self._piece(self.tensors[name], bracket, s.value))
        for name, found in pieces.items():
            yield Statement(self.tensors[name], tuple(found), zero[name])

    def _is_tensor(self, node: ast.Subscript) -> bool:
        """Whether a subscript is itself a tensor's name (``w[0]``)."""
        return isinstance(node.value, ast.Name) and ast.unparse(node) in self.tensors

    def _piece(self, t: Tensor, bracket: Sequence[ast.expr], rhs: ast.expr) -> Piece:
        self.letters = {}
        indices: list[Expr] = []
        stated: dict[Letter, Bind] = {}
        defaults: dict[Letter, Bind] = {}
        flat = [e for node in bracket[: len(t.axes)] for e in (node.elts if isinstance(node, ast.List) else [node])]
        if len(flat) != len(t.parts):
            raise self.error(f"{t.name} has {len(t.parts)} indices, but {len(flat)} are written", rhs)
        for node, part in zip(flat, t.parts, strict=True):
            middle = node.comparators[0] if isinstance(node, ast.Compare) else node
            letter = self.letter(middle)
            indices.append(letter if letter is not None else self.expression(node))
            if letter is not None:
                self.letters[letter.name] = letter
                defaults.setdefault(letter, Bind(letter, part.origin, part.origin + part.extent))
        for node in flat:
            if isinstance(node, ast.Compare):
                bind = self.range(node)
                stated[bind.letter] = bind
        tail = [e for node in bracket[len(t.axes) :] for e in self._left_entries(node)]
        in_tail = [e.letter for e in tail if isinstance(e, Bind)]
        front = [stated.get(letter, bind) for letter, bind in defaults.items() if letter not in in_tail]
        return Piece(tuple(indices), (*front, *tail), self.expression(rhs))

    def _left_entries(self, node: ast.expr) -> list[Basic]:
        """What follows the indices of a left side: a range around a letter alone is a ``Bind``."""
        if isinstance(node, ast.Compare) and len(node.ops) == 2 and self.letter(node.comparators[0]) is not None:
            return [self.range(node)]
        return self.filters(node)

    # -------------------------------------------------------------------------- values

    def _value(self, node: ast.expr) -> Any:
        """A default: a Python value, a random draw, or an expression."""
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            return node.value
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return node.value
        if isinstance(node, ast.Tuple):
            return tuple(map(self._value, node.elts))
        if isinstance(node, ast.Call) and called(node) in _DRAWS:
            return Draw(called(node), tuple(map(self.expression, node.args)))
        return self.expression(node)

    def _plain(self, node: ast.expr) -> Any:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return -node.operand.value  # type: ignore[operator]
        if not isinstance(node, ast.Constant):
            raise self.error("a literal stands here", node)
        return node.value

    def _tensor_name(self, node: ast.expr) -> str:
        return ast.unparse(node)
