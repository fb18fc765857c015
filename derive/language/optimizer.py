"""Optimizers as recurrences over steps ``t = 1 … T``: parameters and state one step back, gradients one a step.

``theta`` is given as ``theta_0``; ``theta[0, ...] = theta_0[...]``; state that reads its past starts at 0.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace

from derive.language.definition import Definition, Input
from derive.language.parse import elements

STEP = "t"

Written = tuple[str, ast.Subscript, ast.Assign]
FirstIndex = tuple[str, ast.expr]


def desugar(definition: Definition) -> Definition:
    """The plain definition an optimizer stands for; any other definition is itself."""
    if definition.role != "optimizer":
        return definition
    body = [copy.deepcopy(s) for s in definition.body]
    if definition.inputs and not any(i.typed for i in definition.inputs):
        for statement in body:
            _widen(statement)
    written = [s for s in definition.body if not isinstance(s, ast.AnnAssign)]  # an axis declared T is the steps'
    used = {n.id for s in written for n in ast.walk(s) if isinstance(n, ast.Name)}
    steps = _free("T", used)
    equations, reads = list(_equations(body)), list(_reads(body))
    states = tuple(dict.fromkeys(_states(equations)))
    moving = dict.fromkeys(name for name, first in reads if _moves(first) or name in states)
    given = {i.name: _free(f"{i.name}_0", used) for i in definition.inputs if i.name in states}
    for _, _, equation in equations:
        equation.value = _Started(given).visit(equation.value)
    reads = list(_reads(body))
    inputs = tuple(_input(i, given, steps if i.name in moving else "") for i in definition.inputs)
    bases = {n: _bases(n, given.get(n), equations, reads) for n in states}
    if given and not any(isinstance(n, ast.Return) for s in body for n in ast.walk(s)):
        body.append(_return([n for n in states if n in given], definition))
    return replace(definition, inputs=inputs, body=tuple(body), steps=steps, states=states, bases=bases)


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name += "_"
    return name


def _widen(tree: ast.AST) -> None:
    """``grad[t]`` → ``grad[t, ...]``, where parameters are untyped."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Tuple) and _moves(node.slice):
            dots = ast.copy_location(ast.Constant(Ellipsis), node.slice)
            node.slice = ast.copy_location(ast.Tuple([node.slice, dots], ast.Load()), node.slice)


def _equations(body: list[ast.stmt]) -> Iterator[Written]:
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                target = node.targets[0]
                if isinstance(target.value, ast.Name):
                    yield target.value.id, target, node


def _states(equations: list[Written]) -> Iterator[str]:
    """Tensors with an equation at step t."""
    for name, target, _ in equations:
        first = elements(target.slice)[0]
        if isinstance(first, ast.Name) and first.id == STEP:
            yield name


def _reads(body: list[ast.stmt]) -> Iterator[FirstIndex]:
    """(tensor, first index) of every read."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.value.id, elements(node.slice)[0]


class _Started(ast.NodeTransformer):
    """``theta[0, ...] → theta_0[...]``: the start of what is given is an input."""

    def __init__(self, given: dict[str, str]) -> None:
        self.given = given

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        first, *rest = elements(node.slice)
        if not (isinstance(node.value, ast.Name) and node.value.id in self.given and _literal(first) == 0):
            return node
        value: ast.expr = ast.copy_location(ast.Name(self.given[node.value.id], ast.Load()), node)
        if not rest:
            return value
        index = ast.copy_location(ast.Tuple(rest, ast.Load()), node.slice)
        return ast.copy_location(ast.Subscript(value, index, ast.Load()), node)


def _moves(index: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id == STEP for n in ast.walk(index))


def _input(declared: Input, given: dict[str, str], steps: str) -> Input:
    """``theta`` becomes ``theta_0``; ``grad`` gets an axis of steps."""
    if declared.name in given:
        return replace(declared, name=given[declared.name])
    if not steps:
        return declared
    axes = declared.axes if declared.typed else (ast.copy_location(ast.Constant(Ellipsis), declared.node),)
    axis = ast.copy_location(ast.Name(steps, ast.Load()), declared.node)
    return replace(declared, axes=(axis, *axes), typed=True)


def _bases(name: str, given: str | None, equations: list[Written], reads: list[FirstIndex]) -> tuple[ast.Assign, ...]:
    """The equations of a tensor at step 0 and before, where its reads reach them and the text has none."""
    reached = max((_lag(first) for read, first in reads if read == name), default=0)
    if given:
        reached = max(reached, 1)
    written = {_literal(elements(target.slice)[0]) for n, target, _ in equations if n == name}
    model = next(node for n, t, node in equations if n == name and _moves(elements(t.slice)[0]))
    return tuple(_base(model, step, given) for step in range(1 - reached, 1) if step not in written)


def _lag(index: ast.expr) -> int:
    """1 for ``t - 1``, 0 for ``t``."""
    if isinstance(index, ast.BinOp) and isinstance(index.op, ast.Sub) and isinstance(index.right, ast.Constant):
        return index.right.value if isinstance(index.right.value, int) else 0
    return 0


def _literal(index: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(index)
    except ValueError:
        return None
    return value if isinstance(value, int) else None


def _base(model: ast.Assign, step: int, given: str | None) -> ast.Assign:
    target = copy.deepcopy(model.targets[0])
    assert isinstance(target, ast.Subscript)
    rest = list(elements(target.slice)[1:])
    target.slice = ast.Tuple([ast.Constant(step), *rest], ast.Load())
    value: ast.expr = ast.Constant(0)
    if given:
        value = ast.Name(given, ast.Load())
        if rest:
            value = ast.Subscript(value, ast.Tuple(copy.deepcopy(rest), ast.Load()), ast.Load())
    base = ast.Assign([target], value)
    for node in ast.walk(base):
        ast.copy_location(node, model)
    return base


def _return(names: list[str], definition: Definition) -> ast.Return:
    elts: list[ast.expr] = [ast.Name(n, ast.Load()) for n in names]
    node = ast.Return(elts[0] if len(elts) == 1 else ast.Tuple(elts, ast.Load()))
    for inner in ast.walk(node):
        ast.copy_location(inner, definition.node)
    return node
