"""How each step of a plan is printed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from derive.lower.plan import (
    Allocate,
    Assign,
    Choose,
    Finish,
    Fused,
    Into,
    Judge,
    Let,
    Loop,
    Node,
    Prepare,
    Store,
    Turn,
)
from derive.targets.dependence import VIEWS, invariants, written
from derive.targets.numbers import assign, call, constant, name, tuple_of

if TYPE_CHECKING:
    from derive.targets.array_code import Printer


def _assign(p: Printer, step: Assign) -> None:
    e = p.target.operations[step.value.op](p, step.value, [p.value(a) for a in step.value.args])
    if step.value in p.memo:
        e = name(p.memo[step.value])
    which = p.identifier(step.name)
    p.body.append(assign(which, e))
    if step.value.op not in VIEWS:
        p.memo.setdefault(step.value, which)


def _let(p: Printer, step: Let) -> None:
    p.symbol(step.size)
    e = p.value(step.value) if isinstance(step.value, Node) else p.number(step.value)
    p.body.append(assign(p.identifier(step.size.name), e))


def _allocate(p: Printer, step: Allocate) -> None:
    p.body += p.target.allocate(p, step)


def _store(p: Printer, step: Store) -> None:
    value = p.value(step.value)
    p.body += p.target.steps["store"](p, step, value)
    p.forget(step.name)


def _finish(p: Printer, step: Finish) -> None:
    p.body += p.target.steps["finish"](p, step)
    p.forget(step.name)


def _loop(p: Printer, step: Loop) -> None:
    varying = {str(step.letter), *written(step.body)}
    for node in invariants(step.body, varying):
        if node not in p.memo:
            e = p.target.operations[node.op](p, node, [p.value(a) for a in node.args])
            p.named(node, e)
    p.symbol(step.letter)
    body = p.block(step.body)
    start, stop = p.number(step.start), p.number(step.stop)
    args = [stop] if step.start == 0 else [start, stop]
    if step.down:
        args = [p.number(step.stop - 1), p.number(step.start - 1), constant(-1)]
    target = ast.Name(p.identifier(step.letter.name), ast.Store())
    p.body.append(ast.For(target, call("range", *args), body, [], lineno=0))


def _choose(p: Printer, step: Choose) -> None:
    test = p.number(step.condition)
    p.body.append(ast.If(test, p.block(step.then), p.block(step.otherwise) if step.otherwise else []))


def _fused(p: Printer, step: Fused) -> None:
    """``y, mu = kernel((x, weight), (shapes…), (kinds…), (sizes…), (numbers…))``."""
    given = tuple_of([name(p.identifier(n)) for n in step.inputs])
    shapes = tuple_of([p.shape(s) for s in step.shapes])
    kinds = tuple_of([constant(k) for k in step.kinds])
    numbers = (tuple_of([p.number(e) for e in group]) for group in (step.integers, step.reals))
    targets: list[ast.expr] = [ast.Name(p.identifier(n), ast.Store()) for n in step.outputs]
    value = call(name(step.kernel), given, shapes, kinds, *numbers)
    p.body.append(ast.Assign([ast.Tuple(targets, ast.Store())], value, lineno=0))


def _prepare(p: Printer, step: Prepare) -> None:
    """``step = kernel.turns((x, …), ((1, 0), …), (sizes…), (numbers…), place of t, start, stop)``."""
    given = tuple_of([name(p.identifier(n)) for n, _, _ in step.slices])
    places: list[ast.expr] = [
        constant(None) if by is None or at is None else tuple_of([constant(by), p.number(at)])
        for _, by, at in step.slices
    ]
    integers, reals = (tuple_of([p.number(e) for e in group]) for group in (step.integers, step.reals))
    span = [p.number(step.start), p.number(step.stop)]
    value = call(f"{step.kernel}.turns", given, tuple_of(places), integers, reals, constant(step.turn), *span)
    p.body.append(assign(p.identifier(step.name), value))


def _turn(p: Printer, step: Turn) -> None:
    p.body.append(ast.Expr(call(name(p.identifier(step.name)), p.number(step.letter))))
    for which in step.written:
        p.forget(which)


def _into(p: Printer, step: Into) -> None:
    product = call(f"{p.target.library}.mm", p.value(step.left), p.value(step.right), out=name(p.identifier(step.name)))
    p.body.append(ast.Expr(product))
    p.forget(step.name)


def _judge(p: Printer, step: Judge) -> None:
    p.body.append(ast.Expr(call(f"{p.identifier(step.name)}.judge")))


STEPS: dict[type, Callable] = {
    Assign: _assign, Let: _let, Allocate: _allocate, Store: _store, Finish: _finish, Loop: _loop, Choose: _choose,
    Fused: _fused, Prepare: _prepare, Turn: _turn, Into: _into, Judge: _judge,
}  # fmt: skip
