"""A template's tree with expressions, lists of them and statements in the places of names in capitals."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Filling(ast.NodeTransformer):
    """``one`` for a name, ``several`` for a starred name or argument, ``statements`` for a line, ``words`` in text."""

    one: Mapping[str, ast.expr]
    several: Mapping[str, Sequence[ast.expr]]
    statements: Mapping[str, Sequence[ast.stmt]]
    words: Mapping[str, str]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.one:
            return _in_context(self.one[node.id], node.ctx)
        return ast.Name(self.words.get(node.id, node.id), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        return ast.Constant(" ".join(self.words.get(word, word) for word in node.value.split(" ")))

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return ast.Tuple(self._expanded(node.elts, node.ctx), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        return ast.Call(self.visit(node.func), self._expanded(node.args, ast.Load()), keywords)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        words = [w for a in node.args.args for w in self._argument(a.arg)]
        node.args = ast.arguments([], [ast.arg(w) for w in words], None, [], [], None, [])
        return self._named(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._named(node)

    def _named(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        node.name, node.body = self.words.get(node.name, node.name), self._body(node.body)
        return node

    def _argument(self, word: str) -> list[str]:
        if word not in self.several:
            return [self.words.get(word, word)]
        return [e.id for e in self.several[word] if isinstance(e, ast.Name)]

    def _expanded(self, items: Sequence[ast.expr], context: ast.expr_context) -> list[ast.expr]:
        found: list[ast.expr] = []
        for item in items:
            inner = item.value if isinstance(item, ast.Starred) else None
            if isinstance(inner, ast.Name) and inner.id in self.several:
                found += [_in_context(e, context) for e in self.several[inner.id]]
            else:
                found.append(self.visit(item))
        return found

    def _body(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Name) and value.id in self.statements:
                found += self.statements[value.id]
            else:
                made = self.visit(statement)
                found += [] if _says_nothing(made) else [made]
        return found


def _in_context(e: ast.expr, context: ast.expr_context) -> ast.expr:
    """The expression as something to read or to assign to."""
    if isinstance(e, ast.Name):
        return ast.Name(e.id, context)
    if isinstance(e, ast.Tuple):
        return ast.Tuple([_in_context(item, context) for item in e.elts], context)
    return e


def _says_nothing(statement: ast.stmt) -> bool:
    """``() = …``, ``ctx.hypers = ()`` and a call without arguments."""
    if isinstance(statement, ast.Assign):
        return any(isinstance(e, ast.Tuple) and not e.elts for e in (statement.targets[0], statement.value))
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and not (call.args or call.keywords)
