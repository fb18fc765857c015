"""A definition made definite: choices taken, calls inlined, ranges known, statements in order."""

from __future__ import annotations

import ast
from typing import Any

from derive.language.axes import choose_axes
from derive.language.context import Context, resolve
from derive.language.covers import check_pieces
from derive.language.definition import Definition
from derive.language.derived import read_derived
from derive.language.finish import (
    drop_units,
    refuse_unknown,
    settle_extents,
    solve_all,
    statement_of,
    tensor_of,
    write_out,
)  # fmt: skip
from derive.language.hypers import check_names, give_root
from derive.language.inline import expand_calls, note_updates
from derive.language.inputs import add_input, declare_sizes
from derive.language.kinds import infer
from derive.language.lefts import elaborate_equation
from derive.language.optimizer import desugar
from derive.language.parse import DERIVED
from derive.language.ranges import Facts, settle_agreements, settle_checks
from derive.language.recurrence import ordered
from derive.language.scalars import settle_all
from derive.language.splits import split_letters
from derive.language.tables import Build, Constant, Equation, NeedStatic, Ref, Row, Scope
from derive.language.walk import Call, Walk, walk_base, walk_body
from derive.program import Fresh, Parameter, Program, Size


def specialise(definition: Definition, **choices: Any) -> Program:
    """The program of a definition; hyperparameters that are neither chosen nor structural stay symbols."""
    check_names(definition, choices)
    if definition.role == DERIVED:
        return read_derived(definition, choices)
    structural: dict[str, NeedStatic | None] = {}
    while True:
        try:
            return _build(definition, choices, structural)
        except NeedStatic as need:
            new = [n for n in need.names if n not in structural]
            if not new:
                raise need.error from None
            structural.update(dict.fromkeys(new, need))


def _build(definition: Definition, choices: dict[str, Any], structural: dict[str, NeedStatic | None]) -> Program:
    plain = desugar(definition)
    build = Build(Fresh(_names(plain)))
    scope = Scope(build, plain)
    parameters = give_root(plain, scope, choices, structural)
    choose_axes(scope)
    inputs = scope.definition.inputs
    declare_sizes(inputs, scope)
    if plain.steps:
        scope.sizes[plain.steps] = Size(plain.steps)
    for declared in inputs:
        add_input(declared, scope, None if choices.get(declared.name, 0) is None else "present")
    calls: list[Call] = []
    state = walk_body(scope, calls)
    _add_bases(plain, scope, state)
    expand_calls(calls, scope)
    for inner in scope.turns:
        settle_all(inner)
    outputs = _outputs(state, scope)
    _unique(build)
    return _finish(plain, build, parameters, outputs)


def _add_bases(definition: Definition, scope: Scope, state: Walk) -> None:
    """An optimizer's state before its first step."""
    for name, bases in definition.bases.items():
        if name in scope.names:
            for base in bases:
                walk_base(base, state)


def _names(definition: Definition) -> list[str]:
    """Every name a definition's text uses: what is inlined must avoid them."""
    names = [definition.name, *(i.name for i in definition.inputs), *(h.name for h in definition.hypers)]
    for node in ast.walk(definition.node):
        if isinstance(node, ast.Name):
            names.append(node.id)
    for statement in definition.body:
        names += [n.id for n in ast.walk(statement) if isinstance(n, ast.Name)]
    return names


def _unique(build: Build) -> None:
    """Tensors of loop turns whose name is taken get another."""
    seen: dict[str, Row] = {}
    for row in build.rows:
        if row.name in seen:
            row.name = build.names.name(row.name)
        seen[row.name] = row


def _outputs(state: Walk, scope: Scope) -> list[Row]:
    if not state.returned:
        raise scope.error(f"{scope.definition.name} returns nothing", None, "end it with return y")
    rows: list[Row] = []
    for node, inside, aliases in state.returned:
        ctx = Context(inside, aliases)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "update":
            note_updates(node, ctx)
            continue
        if not isinstance(node, ast.Name):
            raise ctx.error("a definition returns tensors by name", node, "give the result a name, then return it")
        found = resolve(inside, aliases, node.id)
        if not isinstance(found, (Ref, Constant)):
            mend = "return a tensor the body defines"
            raise ctx.error(f"{node.id} is not a tensor", node, mend)
        rows.append(_output(node, found, rows, ctx))
    if not rows:
        raise scope.error(f"{scope.definition.name} returns no tensor", None, "return one: return y, update(…)")
    return rows


def _output(node: ast.Name, found: Any, rows: list[Row], ctx: Context) -> Row:
    """The row that is returned; an input that is returned, or a tensor returned twice, is copied."""
    if isinstance(found, Ref) and found.joins is None and not found.row.given and found.row not in rows:
        taken = any(r.name == node.id for r in ctx.scope.build.rows)
        if found.row.name != node.id and not taken:
            found.row.name = node.id
        return found.row
    from derive.language.copies import copy_of

    return copy_of(node, found, ctx)


def _finish(definition: Definition, build: Build, parameters: tuple[Parameter, ...], outputs: list[Row]) -> Program:
    build.reserved = frozenset([*(r.name for r in build.rows), *(p.name for p in parameters)])
    for equation in _by_row(build):
        elaborate_equation(equation)
    settle_extents(build)
    settle_agreements(build)
    facts = Facts(build)
    refuse_unknown(build, facts)
    settle_checks(build)
    solve_all(build, facts)
    write_out(build, Facts(build))
    check_pieces(build, Facts(build))
    drop_units(build)
    split_letters(build, Facts(build))
    infer(build)
    statements = ordered([statement_of(r) for r in build.rows if not r.given and r.pieces], build)
    _all_defined(build)
    return Program(
        name=definition.name,
        inputs=tuple(tensor_of(r) for r in build.rows if r.given),
        statements=statements,
        outputs=tuple(r.name for r in outputs),
        parameters=parameters,
        sizes=tuple((s, e) for s, e in build.sizes),
        updates=tuple((a.name, b.name) for a, b in build.updates),
        requirements=tuple(build.requirements),
        role=definition.role,
        doc=definition.doc,
        origin=f"{definition.source.file}:{definition.node.lineno}",
    )


def _by_row(build: Build) -> list[Equation]:
    """Equations in the order their tensors were met."""
    return [e for row in build.rows for e in row.equations]


def _all_defined(build: Build) -> None:
    for row in build.rows:
        if not row.given and not row.pieces and row.definition is not None:
            raise row.definition.error(f"{row.name} is declared but has no equation", row.node, "write one")
