"""The static walk over a body: control is decided, loops unrolled, equations and calls collected."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sympy import Integer

from derive.functions import FUNCTIONS
from derive.language.context import WORDS, Context, Static, resolve
from derive.language.expressions import condition, truth, whole_number
from derive.language.find import definition_called
from derive.language.lefts import add_equation, axes_items
from derive.language.lengths import holds
from derive.language.parse import KINDS, elements
from derive.language.tables import Equation, Later, Row, Scope
from derive.program import Hyper, Size, Truth, walk

TURNS = 256


@dataclass(eq=False)
class Call:
    """A call on whole tensors, waiting until its arguments are known."""

    scope: Scope
    node: ast.Call
    targets: tuple[str, ...]
    aliases: dict[str, Any]
    statement: ast.stmt


@dataclass(eq=False)
class Walk:
    """The state of one walk: bare assignments in force, calls met, what is returned."""

    scope: Scope
    aliases: dict[str, Any]
    calls: list[Call]
    returned: list[tuple[ast.expr, Scope, dict[str, Any]]]
    done: bool = False

    def context(self) -> Context:
        return Context(self.scope, self.aliases)


def walk_body(scope: Scope, calls: list[Call]) -> Walk:
    """Walk a definition's body."""
    scope.assigned = assigned_names(scope.definition.body)
    state = Walk(scope, {}, calls, [])
    statements(scope.definition.body, state)
    scope.final = dict(state.aliases)
    return state


def walk_base(base: ast.Assign, state: Walk) -> None:
    """An equation the language adds to a body."""
    _assign(base, state)


def assigned_names(body: tuple[ast.stmt, ...]) -> frozenset[str]:
    """Every name that stands on a left side somewhere in a body."""
    names: dict[str, None] = {}
    for statement in body:
        for node in ast.walk(statement):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = list(node.targets)
            elif isinstance(node, (ast.AnnAssign, ast.For)):
                targets = [node.target]
            for target in targets:
                for t in elements(target):
                    base = t.value if isinstance(t, ast.Subscript) else t
                    if isinstance(base, ast.Name):
                        names.setdefault(base.id)
    return frozenset(names)


def statements(body: Any, state: Walk) -> None:
    for statement, before in zip(body, (None, *body), strict=False):
        if state.done:
            if isinstance(before, ast.Return):
                raise state.scope.error("nothing may follow the return", statement, "put the return last")
            return
        state.scope.build.work(state.scope, statement, cost=20)
        row = _STATEMENTS.get(type(statement))
        if row is None:
            mend = "a body is equations, such as y[n, k] = exp(x[n, k])"
            raise state.scope.error(f"{type(statement).__name__} is not a statement of the language", statement, mend)
        row(statement, state)


def _assign(node: ast.Assign, state: Walk) -> None:
    if len(node.targets) != 1:
        raise state.scope.error("two left sides in one equation", node, "write one equation for each")
    target = node.targets[0]
    if isinstance(target, ast.Subscript):
        add_equation(Equation(state.scope, target, node.value, state.aliases))
    elif isinstance(target, ast.Name):
        _assign_name(target, node.value, node, state)
    elif isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
        _assign_several(target, node, state)
    else:
        raise state.scope.error("this left side is not known", target, "write y[n, k] = …, or y = …")


def _assign_several(target: ast.Tuple, node: ast.Assign, state: Walk) -> None:
    names = tuple(e.id for e in target.elts if isinstance(e, ast.Name))
    if isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(names):
        before = state.aliases
        after = dict(before)
        for e, value in zip(target.elts, node.value.elts, strict=True):
            state.aliases = before
            assert isinstance(e, ast.Name)
            _assign_name(e, value, node, state)
            after.update({e.id: state.aliases[e.id]} if e.id in state.aliases else {})
        state.aliases = after
        return
    if not (isinstance(node.value, ast.Call) and is_whole_call(node.value, state.context())):
        raise state.scope.error("several names on the left", node, "only a call returns several: out, h = rnn(x, w)")
    for name in names:
        _new_name(name, node, state)
    state.calls.append(Call(state.scope, node.value, names, state.aliases, node))


def _assign_name(target: ast.Name, value: ast.expr, node: ast.stmt, state: Walk) -> None:
    scope, name = state.scope, target.id
    if isinstance(value, ast.Name) and _is_tensor(value.id, state.context()):
        _alias(name, value.id, node, state)
        return
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        from derive.language.reads import family_member

        member = family_member(value, state.context())
        if member is not None:
            state.aliases = {**state.aliases, name: member}
            return
    if isinstance(value, ast.Call) and is_whole_call(value, state.context()):
        _new_name(name, node, state)
        state.calls.append(Call(scope, value, (name,), state.aliases, node))
        return
    if name in scope.declared and not scope.declared[name].items:
        add_equation(Equation(scope, target, value, state.aliases))
        return
    if scope.early.get(name) is value:
        return
    _new_name(name, node, state)
    scope.scalars[name] = Equation(scope, target, value, state.aliases)


def _alias(name: str, source: str, node: ast.stmt, state: Walk) -> None:
    scope = state.scope
    if scope.find("hypers", name) is not None or scope.find("sizes", name) is not None:
        raise scope.error(f"{name} is a hyperparameter or a size", node, "choose another name")
    found = state.aliases.get(source)
    if found is None:
        found = scope.find("names", source)
    state.aliases = {**state.aliases, name: found if found is not None else Later(scope, source, dict(state.aliases))}


def _new_name(name: str, node: ast.AST, state: Walk) -> None:
    """A name may be bound once."""
    scope = state.scope
    taken = name in scope.names or name in scope.scalars or name in scope.hypers or name in scope.sizes
    if taken or any(name in c.targets and c.scope is scope for c in state.calls):
        raise scope.error(f"the name {name} is bound twice", node, "give the second one its own name")
    if name in FUNCTIONS or name in WORDS:
        raise scope.error(f"{name} is a function's name", node, "choose another name")
    if name in state.aliases:
        mend = f"give the value a name of its own, then pass it on: y = …, then {name} = y"
        raise scope.error(f"{name} stands for another tensor already", node, mend)


def _is_tensor(name: str, ctx: Context) -> bool:
    if name in ctx.aliases or ctx.scope.find("names", name) is not None:
        return True
    scopes = tuple(ctx.scope.chain())
    numbers = any(name in s.sizes or name in s.hypers or name in s.scalars for s in scopes)
    return not numbers and any(name in s.assigned for s in scopes)


def is_whole_call(node: ast.Call, ctx: Context) -> bool:
    """Whether a call takes whole tensors: bare names, members of families, None, other such calls."""
    if not isinstance(node.func, ast.Name):
        return False
    name = node.func.id
    if name in WORDS:
        return False
    callee = definition_called(name, ctx.scope.definition)
    if callee is None and name not in FUNCTIONS:
        return False
    tensors = [*node.args, *(k.value for k in node.keywords if callee and k.arg in {i.name for i in callee.inputs})]
    if callee is None or name in FUNCTIONS:
        return bool(tensors) and any(_is_whole(a, ctx) for a in tensors)
    return all(_is_whole(a, ctx) or (isinstance(a, ast.Constant) and a.value is None) for a in tensors)


def _is_whole(node: ast.expr, ctx: Context) -> bool:
    if isinstance(node, ast.Name):
        return _is_tensor(node.id, ctx) or any(node.id in s.scalars for s in ctx.scope.chain())
    if isinstance(node, ast.Call):
        return is_whole_call(node, ctx)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        from derive.language.tables import Family

        return isinstance(resolve(ctx.scope, ctx.aliases, node.value.id), Family)
    return False


def _declare(node: ast.AnnAssign, state: Walk) -> None:
    """``y: Real[N, K]``: extents and kind."""
    scope, annotation = state.scope, node.annotation
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if not isinstance(node.target, ast.Name) or not isinstance(base, ast.Name) or base.id not in KINDS:
        raise scope.error("this declaration is not known", node, "write y: Real[N, K]")
    if node.value is not None:
        raise scope.error("a declaration has no value", node.value, "write the equation on its own line")
    name = node.target.id
    _new_name(name, node, state)
    axes = elements(annotation.slice) if isinstance(annotation, ast.Subscript) else ()
    row = Row(scope.turn_name(name), axes_items(axes, state.context()), KINDS[base.id], declared=True, node=node)
    row.definition = scope.definition
    scope.declared[name] = row
    scope.names[name] = row.ref()
    scope.build.rows.append(row)


def _if(node: ast.If, state: Walk) -> None:
    statements(node.body if truth(node.test, state.context()) else node.orelse, state)


def _for(node: ast.For, state: Walk) -> None:
    scope = state.scope
    if not isinstance(node.target, ast.Name) or node.orelse:
        raise scope.error("this loop is not known", node, "write for i in range(n):")
    for turn in _turns(node, state):
        inner = Scope(scope.build, scope.definition, scope, assigned=scope.assigned, turn=f"{scope.turn}_{turn}")
        inner.hypers[node.target.id] = Static(Integer(turn))
        inner.macro = scope.macro
        inside = Walk(inner, state.aliases, state.calls, state.returned)
        statements(node.body, inside)
        inner.final = dict(inside.aliases)
        state.aliases = inside.aliases
        if inside.done:
            state.done = True
            return


def _turns(node: ast.For, state: Walk) -> range:
    scope, call = state.scope, node.iter
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"):
        raise scope.error("a loop runs over a range", node.iter, "write for i in range(n):")
    if call.keywords or not 1 <= len(call.args) <= 3:
        raise scope.error("range takes one to three numbers", call, "write range(n)")
    numbers = [whole_number(a, state.context()) for a in call.args]
    if len(numbers) == 3 and numbers[2] == 0:
        raise scope.error("the step of a range is 0", call, "write range(n)")
    turns = range(*numbers)
    if len(turns) > TURNS:
        message = f"a loop of {len(turns)} turns is over the limit of {TURNS}"
        raise scope.error(message, call, "write a recurrence: h[t, n] = f(h[t - 1, n])")
    return turns


def _assert(node: ast.Assert, state: Walk) -> None:
    """Each part of a conjunction is required by itself: one that is false is so whatever the others wait for."""
    whole = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And)
    for test in node.test.values if whole else [node.test]:  # type: ignore[attr-defined]
        _require(test, node, state)


def _require(test: ast.expr, node: ast.Assert, state: Walk) -> None:
    settled = holds(test, state.context())
    c = Truth(settled) if settled is not None else condition(test, state.context())
    if isinstance(c, Truth):
        if not c:
            text = f": {node.msg.value!s}" if isinstance(node.msg, ast.Constant) else ""
            raise state.scope.error(f"this does not hold here{text}", test, "choose hyperparameters that satisfy it")
        return
    if not any(isinstance(n, (Size, Hyper)) for n in walk(c)):
        raise state.scope.error("this cannot be decided while deriving", test, "assert on hyperparameters")
    if c not in state.scope.build.requirements:
        state.scope.build.requirements.append(c)


def _return(node: ast.Return, state: Walk) -> None:
    if node.value is None:
        raise state.scope.error("nothing is returned", node, "return one tensor or several")
    state.returned += [(e, state.scope, state.aliases) for e in elements(node.value)]
    state.done = True


def _expression(node: ast.Expr, state: Walk) -> None:
    if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
        raise state.scope.error("an expression alone does nothing", node, "give it a left side: y[n] = …")


def _pass(node: ast.Pass, state: Walk) -> None:
    """Nothing."""


_STATEMENTS: dict[type[ast.stmt], Callable[[Any, Walk], None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _declare,
    ast.If: _if,
    ast.For: _for,
    ast.Assert: _assert,
    ast.Return: _return,
    ast.Expr: _expression,
    ast.Pass: _pass,
}
