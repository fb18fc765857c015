"""The autograd wrapper of a Torch file: the template's tree with the layer's own names in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from derive.lower.residuals import differentiable, returned
from derive.targets.layout import assign, bundle, call_with, docstring, names
from derive.targets.numbers import constant, name
from derive.targets.text import statement_text

if TYPE_CHECKING:
    from derive.targets.assembly import Parts

TEMPLATE = Path(__file__).with_name("template_torch.py")


def wrapper_text(parts: Parts) -> str:
    """The class and the callable, as source."""
    _, _, _, class_tree, function_tree = ast.parse(TEMPLATE.read_text(encoding="utf-8")).body
    filling = Filling(*fillings(parts))
    made_class, made_function = filling.visit(class_tree), filling.visit(function_tree)
    made_function.args = parts.forward.arguments
    doc = f"{', '.join(parts.program.outputs)} of {parts.program.name}, differentiable by autograd and torch.func."
    made_function.body.insert(0, ast.Expr(ast.Constant(doc)))
    return f"{_spaced(made_class)}\n\n\n{_spaced(made_function)}\n"


class Filling(ast.NodeTransformer):
    """Puts expressions, lists of them and statements in the places of names in capitals."""

    def __init__(
        self,
        one: Mapping[str, ast.expr],
        several: Mapping[str, Sequence[ast.expr]],
        statements: Mapping[str, Sequence[ast.stmt]],
        words: Mapping[str, str],
    ) -> None:
        self.one, self.several, self.statements, self.words = one, several, statements, words

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.one:
            return _in_context(self.one[node.id], node.ctx)
        return ast.Name(self.words.get(node.id, node.id), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            for word, text in self.words.items():
                node = ast.Constant(node.value.replace(word, text)) if word in str(node.value) else node
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return ast.Tuple(self._expanded(node.elts, node.ctx), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.Call(self.visit(node.func), self._expanded(node.args, ast.Load()), node.keywords)

    def _expanded(self, items: Sequence[ast.expr], context: ast.expr_context) -> list[ast.expr]:
        found: list[ast.expr] = []
        for item in items:
            inner = item.value if isinstance(item, ast.Starred) else None
            if isinstance(inner, ast.Name) and inner.id in self.several:
                found += [_in_context(e, context) for e in self.several[inner.id]]
            else:
                found.append(self.visit(item))
        return found

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.words.get(node.name, node.name)
        listed: list[str] = []
        for arg in node.args.args:
            listed += [_word(e) for e in self.several[arg.arg]] if arg.arg in self.several else [arg.arg]
        node.args.args = [ast.arg(word) for word in listed]
        node.body = self._statements(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.words.get(node.name, node.name)
        node.body = self._statements(node.body)
        return node

    def _statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Name) and value.id in self.statements:
                found += self.statements[value.id]
            else:
                made = self.visit(statement)
                found += [] if _is_empty(made) else [made]
        return found


def _word(e: ast.expr) -> str:
    assert isinstance(e, ast.Name)
    return e.id


def _in_context(e: ast.expr, context: ast.expr_context) -> ast.expr:
    """The expression as something to read or to assign to."""
    if isinstance(e, ast.Name):
        return ast.Name(e.id, context)
    if isinstance(e, ast.Tuple):
        return ast.Tuple([_in_context(item, context) for item in e.elts], context)
    return e


def _is_empty(statement: ast.stmt) -> bool:
    """``() = …`` and ``ctx.mark_non_differentiable()``: nothing is said."""
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        hollow = isinstance(statement.value, ast.Tuple) and not statement.value.elts and isinstance(target, ast.Attribute)
        return hollow or (isinstance(target, ast.Tuple) and not target.elts)
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not (call.args or call.keywords)


def _spaced(tree: ast.stmt) -> str:
    """Source with a blank line between the methods."""
    text = statement_text(tree)
    text = re.sub(r'^(\s*)("""|\'\'\')(.*?)\2$', lambda m: f"{m.group(1)}{docstring(m.group(3))}", text, flags=re.M | re.S)
    return text


# ------------------------------------------------------------------------------ what goes where


def fillings(parts: Parts) -> tuple[dict, dict, dict, dict]:
    """What stands in each place of the template."""
    program, cut = parts.program, parts.cut
    assert cut and parts.backward and parts.jvp
    inputs = [t.name for t in program.inputs]
    hypers = [arg.arg for arg in parts.forward.arguments.kwonlyargs if arg.arg not in inputs]
    results = returned(program)
    moving = [o for o in program.outputs if program.tensor(o).kind == "real"]
    own = [*results, *parts.residuals]
    one = {
        "RESULT": bundle(results),
        "FORWARD": call_with(parts.forward.name, parts.forward.arguments),
        "BACKWARD": _backward_call(parts),
        "TANGENT": call_with(parts.jvp.name, parts.jvp.arguments),
        "GRADIENTS": bundle(cut.backward.outputs),
        "PUSHED": bundle([f"t{o}" for o in moving]),
    }
    several = {
        "INPUTS": names(inputs),
        "HYPERS": names(hypers),
        "SAVED": names(parts.saved),
        "RETURNED": names(own),
        "FIXED": names(n for n in own if n not in moving),
        "RESIDUALS": names(cut.saved),
        "LIKE": [_like(o) for o in moving] if len(moving) > 1 else [],
        "COTANGENTS": [name(d) for d in _cotangent_names(parts, own, moving)],
        "TANGENTS": names(f"t{n}" for n in (*inputs, *hypers)),
        "NEEDS": [_needed(inputs.index(n)) for n in parts.wrt],
        "EVERY_GRADIENT": _every_gradient(parts, inputs, hypers),
        "EVERY_TANGENT": [name(f"t{n}") if n in moving else constant(None) for n in own],
    }
    return one, several, _statements(parts, inputs, moving), _words(parts)


def _statements(parts: Parts, inputs: Sequence[str], moving: Sequence[str]) -> dict[str, list[ast.stmt]]:
    from derive.targets.assembly import write_back

    ...
    raise AssertionError
