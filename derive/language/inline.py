"""Calls: a definition's inputs matched to the caller's tensors, its equations joined to the caller's."""

from __future__ import annotations

import ast
from typing import Any

from sympy import Expr

from derive.functions import FUNCTIONS
from derive.language.axes import choose_axes, member
from derive.language.context import REDUCERS, Context, Static, resolve
from derive.language.definition import Definition
from derive.language.expressions import elaborate, number
from derive.language.find import definition_called
from derive.language.hypers import callee_value
from derive.language.inputs import add_input, early_sizes
from derive.language.match import match_input
from derive.language.parse import DERIVED, parse_text
from derive.language.scalars import settle_all
from derive.language.suggest import nearest
from derive.language.tables import Absent, Constant, Family, Macro, Ref, Row, Scope
from derive.language.walk import Call, Walk, is_whole_call, walk_body

NESTED = 16


def elementwise(name: str) -> Definition:
    """A scalar function as a definition, so that it may be called on whole tensors."""
    letters = "xyz"[: FUNCTIONS[name].arity]
    inputs = ", ".join(f"{a}: Real[...]" for a in letters)
    reads = ", ".join(f"{a}[...]" for a in letters)
    return parse_text(f"def {name}({inputs}):\n    r[...] = {name}({reads})\n    return r\n", name)[0]


def callee_of(name: str, node: ast.AST, ctx: Context) -> Definition:
    """The definition a call names."""
    found = definition_called(name, ctx.scope.definition)
    if found is not None and found.role == DERIVED:
        raise ctx.error(f"{name} is derived text and cannot be called", node, "call the definition it was derived from")
    if found is not None:
        return found
    if name in FUNCTIONS:
        return elementwise(name)
    from derive.language.find import catalogue_index

    known = [*FUNCTIONS, *REDUCERS, *ctx.scope.definition.siblings, *catalogue_index()]
    close = nearest(name, known)
    mend = f"did you mean {close}?" if close else "define it in the same file: @layer def …"
    raise ctx.error(f"there is no function {name}", node, mend)


# ------------------------------------------------------------------------------ calls on whole tensors


def expand_calls(calls: list[Call], scope: Scope) -> None:
    """Every pending call, each once its arguments are known."""
    while calls:
        ready = next((c for c in calls if _ready(c.node, c)), None)
        if ready is None:
            missing = next(m for m in (_missing(c.node, c) for c in calls) if m is not None)
            raise calls[0].scope.error(f"{missing.id} is not known", missing, "define it, or break the circle of calls")
        calls.remove(ready)
        call_on_tensors(ready, calls)


def _ready(node: ast.Call, call: Call) -> bool:
    return _missing(node, call) is None


def _missing(node: ast.expr, call: Call) -> ast.Name | None:
    """The first tensor among a call's arguments that is not known yet."""
    if isinstance(node, ast.Name):
        found = resolve(call.scope, call.aliases, node.id)
        return node if found is None else None
    if isinstance(node, ast.Call):
        ctx = Context(call.scope, call.aliases)
        callee = callee_of(node.func.id, node, ctx)  # type: ignore[attr-defined]
        names = {i.name for i in callee.inputs}
        given = [*node.args, *(k.value for k in node.keywords if k.arg in names)]
        return next((m for m in (_missing(a, call) for a in given) if m is not None), None)
    return None


def call_on_tensors(call: Call, calls: list[Call]) -> None:
    """One call: its equations join the program, its results get the caller's names."""
    results = _expand(call.node, call, calls, call.targets)
    if len(results) != len(call.targets):
        callee = call.node.func.id  # type: ignore[attr-defined]
        message = f"{callee} returns {len(results)} tensors, {len(call.targets)} are named here"
        raise call.scope.error(message, call.statement, f"write one name for each: a, b = {callee}(…)")
    for name, result in zip(call.targets, results, strict=True):
        call.scope.names[name] = result


def _expand(node: ast.Call, call: Call, calls: list[Call], targets: tuple[str, ...]) -> list[Any]:
    ctx = Context(call.scope, call.aliases)
    callee = callee_of(node.func.id, node, ctx)  # type: ignore[attr-defined]
    arguments = bind_arguments(callee, node, ctx)
    scope = new_scope(callee, node, ctx)
    give_hypers(scope, arguments, ctx)
    tensors = {n: _argument(a, call, calls) for n, a in arguments.items() if n in {i.name for i in callee.inputs}}
    give_inputs(scope, tensors, node, ctx)
    state = enter(scope, calls)
    return results_of(state, scope, call, targets)


def new_scope(callee: Definition, node: ast.AST, ctx: Context, macro: bool = False) -> Scope:
    build = ctx.scope.build
    scope = Scope(build, callee, macro=macro, caller=ctx.scope, call_node=node)
    depth, around = 0, ctx.scope.top
    while around.caller is not None:
        depth, around = depth + 1, around.caller.top
    if depth >= NESTED:
        raise ctx.error(f"{callee.name} is called {NESTED} deep", node, "a definition cannot call itself")
    return scope


def enter(scope: Scope, calls: list[Call]) -> Walk:
    """Walk a called definition; its tensors get names of their own."""
    build = scope.build
    before = len(build.rows)
    build.depth += 1
    state = walk_body(scope, calls)
    inner = [c for c in calls if c.scope.top is scope]
    for call in inner:
        calls.remove(call)
    expand_calls(inner, scope)
    for around in scope.turns:
        settle_all(around)
    for row in build.rows[before:]:
        if not row.settled:
            row.name, row.settled = build.names.name(row.name), True
    build.depth -= 1
    return state


def results_of(state: Walk, scope: Scope, call: Call, targets: tuple[str, ...]) -> list[Any]:
    """What a called definition returns, by the caller's names."""
    if not state.returned:
        raise scope.error(f"{scope.definition.name} returns nothing", None, "end it with return y")
    results: list[Any] = []
    for node, inside, aliases in state.returned:
        ctx = Context(inside, aliases)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "update":
            note_updates(node, ctx)
            continue
        if not isinstance(node, ast.Name):
            raise ctx.error("a definition returns tensors by name", node, "give the result a name, then return it")
        found = resolve(inside, aliases, node.id)
        if not isinstance(found, (Ref, Constant)):
            raise ctx.error(f"{node.id} is not a tensor", node, "return a tensor the body defines")
        if isinstance(found, Ref) and not found.row.given and len(results) < len(targets):
            rename(found.row, targets[len(results)], call)
        results.append(found)
    return results


def rename(row: Row, name: str, call: Call) -> None:
    """The caller's name for a result, unless it already has one from an inner call's caller."""
    if row.definition is call.scope.definition and not row.settled:
        return
    build = call.scope.build
    wanted = name + call.scope.turn
    if build.depth == 0 and not call.scope.turn and not any(r.name == wanted for r in build.rows):
        row.name = wanted
    elif row.name != wanted:
        row.name = build.names.name(wanted)
    row.settled = True


def note_updates(node: ast.Call, ctx: Context) -> None:
    """``update(running_mean=new_mean)``: what a module writes back."""
    if node.args:
        raise ctx.error("update names what it writes", node, "write update(running_mean=new_mean)")
    for keyword in node.keywords:
        target = resolve(ctx.scope, ctx.aliases, keyword.arg or "")
        if not isinstance(keyword.value, ast.Name):
            raise ctx.error("update takes tensors by name", keyword.value, "give the value an equation, then its name")
        source = resolve(ctx.scope, ctx.aliases, keyword.value.id)
        if isinstance(target, (Absent, Constant)):  # an input that is not given is not written back
            continue
        if not isinstance(target, Ref) or not target.row.given:
            raise ctx.error(f"{keyword.arg} is not an input", node, "update writes inputs back")
        if not isinstance(source, Ref) or source.row.given:
            raise ctx.error(f"{keyword.value.id} is not defined here", keyword.value, "name a tensor of the body")
        ctx.scope.build.updates.append((target.row, source.row))


# ------------------------------------------------------------------------------ arguments


def bind_arguments(callee: Definition, node: ast.Call, ctx: Context) -> dict[str, ast.expr]:
    """Input and hyperparameter names of a callee to the arguments given."""
    names = [i.name for i in callee.inputs]
    if len(node.args) > len(names):
        takes = ", ".join(names)
        extra = node.args[len(names)]
        raise ctx.error(f"{callee.name} takes {len(names)} inputs, not {len(node.args)}", extra, f"they are {takes}")
    out: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
    known = names + [h.name for h in callee.hypers]
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ctx.error("a starred argument", keyword.value, "write the arguments one by one")
        if keyword.arg not in known:
            close = nearest(keyword.arg, known)
            mend = f"did you mean {close}?" if close else f"it takes {', '.join(known)}"
            raise ctx.error(f"{callee.name} has no {keyword.arg}", keyword.value, mend)
        if keyword.arg in out:
            raise ctx.error(f"{keyword.arg} is given twice", keyword.value, "give it once")
        out[keyword.arg] = keyword.value
    return out


def _argument(node: ast.expr, call: Call, calls: list[Call]) -> Any:
    """The tensor an argument stands for."""
    ctx = Context(call.scope, call.aliases)
    if isinstance(node, ast.Constant) and node.value is None:
        return Absent()
    if isinstance(node, ast.Name):
        return resolve(call.scope, call.aliases, node.id)
    if isinstance(node, ast.Call) and is_whole_call(node, ctx):
        results = _expand(node, call, calls, ())
        if len(results) != 1:
            raise ctx.error("this call returns several tensors", node, "give it a line of its own")
        return results[0]
    if isinstance(node, ast.Subscript):
        from derive.language.reads import family_member

        return family_member(node, ctx)
    raise ctx.error("a call takes whole tensors", node, "give the value an equation of its own, then its name")


def give_hypers(scope: Scope, arguments: dict[str, ast.expr], ctx: Context) -> None:
    """A callee's hyperparameters: given by keyword, or their defaults."""
    for hyper in scope.definition.hypers:
        given = arguments.get(hyper.name)
        value = elaborate(given, ctx) if given is not None else None
        scope.hypers[hyper.name] = Static(callee_value(hyper, given, value, scope, ctx))


def give_inputs(scope: Scope, tensors: dict[str, Any], node: ast.Call, ctx: Context) -> None:
    """A callee's inputs: the caller's tensors, defaults, or nothing."""
    choose_axes(scope)
    early_sizes(scope)
    postponed: list[tuple[ast.expr, Expr, ast.AST]] = []
    absent = []
    for declared in scope.definition.inputs:
        found = tensors.get(declared.name)
        if found is None or (isinstance(found, Absent) and declared.default is not None):
            absent.append(declared)
        elif isinstance(found, Absent):
            raise ctx.error(f"{scope.definition.name} needs {declared.name}", node, "give it")
        elif isinstance(found, Family) != (declared.family is not None):
            raise ctx.error(
                f"{declared.name} {'is' if declared.family else 'is not'} a family", node, "w[i] is one member"
            )
        elif isinstance(found, Family):
            each = [(member(declared, i, scope), m) for i, m in enumerate(found.members)]
            members = tuple(match_input(one, m, scope, postponed, node, ctx) for one, m in each)
            scope.names[declared.name] = Family(members)
        else:
            scope.names[declared.name] = match_input(declared, found, scope, postponed, node, ctx)
    from derive.language.match import settle_postponed

    settle_postponed(postponed, scope, node, ctx)
    for declared in absent:
        add_input(declared, scope, called=node, caller=ctx)


# ------------------------------------------------------------------------------ calls on scalars


def call_on_scalars(node: ast.Call, name: str, ctx: Context) -> Expr:
    """``silu(a[n])``: a pointwise definition inside an equation."""
    callee = callee_of(name, node, ctx)
    arguments = bind_arguments(callee, node, ctx)
    scope = new_scope(callee, node, ctx, macro=True)
    give_hypers(scope, arguments, ctx)
    tensors: dict[str, Any] = {}
    for declared in callee.inputs:
        if declared.name in arguments:
            tensors[declared.name] = _scalar_argument(arguments[declared.name], callee, node, ctx)
    give_inputs(scope, tensors, node, ctx)
    calls: list[Call] = []
    state = walk_body(scope, calls)
    if calls:
        message = f"{name} calls other definitions on whole tensors"
        raise ctx.error(message, node, f"give it a line of its own: y = {name}(…)")
    for inner in scope.turns:
        settle_all(inner)
    results = [r for r in state.returned if isinstance(r[0], ast.Name)]
    if len(results) != 1:
        raise ctx.error(f"{name} does not return one tensor", node, f"give it a line of its own: a, b = {name}(…)")
    result, inside, aliases = results[0]
    found = resolve(inside, aliases, result.id)  # type: ignore[attr-defined]
    if isinstance(found, Macro):
        from derive.language.expressions import macro_read

        return macro_read(found, name, node, ctx)
    if isinstance(found, Constant):
        return found.value
    raise ctx.error(f"{name} is not pointwise", node, f"give it a line of its own: y = {name}(…)")


def _scalar_argument(node: ast.expr, callee: Definition, call: ast.Call, ctx: Context) -> Any:
    if isinstance(node, ast.Constant) and node.value is None:
        return Absent()
    if isinstance(node, ast.Name) and not ctx.letters(node.id):
        found = resolve(ctx.scope, ctx.aliases, node.id)
        if isinstance(found, Ref) and found.items:
            mend = (
                f"write {callee.name}({node.id}[…]), or give the call a line of its own: y = {callee.name}({node.id})"
            )
            raise ctx.error(f"{node.id} is a whole tensor inside an equation", node, mend)
    return Constant(number(node, ctx), ())
