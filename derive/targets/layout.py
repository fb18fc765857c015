"""The functions of a generated file as trees, and their text: the formula above each line."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from derive.language.unparse import to_text
from derive.program import Program
from derive.targets.array_code import Code
from derive.targets.numbers import constant, name, tuple_of
from derive.targets.rows import Group
from derive.targets.text import LINE, body_lines, source


@dataclass(frozen=True)
class Listing:
    """One function of a file."""

    name: str
    arguments: ast.arguments
    groups: tuple[Group, ...]
    doc: str
    comments: Mapping[str, Sequence[str]]
    decorators: tuple[ast.expr, ...] = ()

    def text(self) -> str:
        """Its source."""
        lines = [f"@{source(d)}" for d in self.decorators]
        lines += [signature(self.name, self.arguments), *_indented(docstring(self.doc).splitlines())]
        return "\n".join([*lines, *body_lines(self.groups, self.comments)]) + "\n"


def _indented(lines: Iterable[str], by: int = 1) -> list[str]:
    return ["    " * by + line if line else "" for line in lines]


def docstring(doc: str) -> str:
    """One sentence on one line, more on several."""
    doc = doc.strip().replace("\\", "\\\\").replace('"""', "'''")
    lines = [w for line in doc.splitlines() for w in _wrapped(line)]
    if len(lines) == 1 and len(lines[0]) <= LINE - 10:
        return f'"""{lines[0]}"""'
    return '"""' + "\n".join(lines) + '\n"""'


def _wrapped(line: str) -> list[str]:
    """A line of a docstring; formulas, which are indented, are as long as they come."""
    return [line] if len(line) <= LINE - 8 or line.startswith(" ") else folded(line, LINE - 8, "")


def signature(title: str, a: ast.arguments, returns: ast.expr | None = None) -> str:
    """``def f(x, *, stride=(1, 1)):``, one argument a line where long."""
    result = f" -> {ast.unparse(returns)}" if returns else ""
    shown = f"def {title}({ast.unparse(a)}){result}:"
    if len(shown) <= LINE:
        return shown
    first = len(a.args) - len(a.defaults)
    items = [
        ast.unparse(arg) if k < first else f"{arg.arg}={ast.unparse(a.defaults[k - first])}"
        for k, arg in enumerate(a.args)
    ]
    for arg, default in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        items += ["*"] if arg is a.kwonlyargs[0] else []
        items.append(arg.arg if default is None else f"{arg.arg}={ast.unparse(default)}")
    return f"def {title}(\n" + "".join(f"    {item},\n" for item in items) + _folded_result(f"){result}:")


def _folded_result(last: str) -> str:
    """``) -> tuple[…]:`` on several lines where long."""
    return textwrap.fill(last, LINE, subsequent_indent="    ", break_long_words=False)


# ------------------------------------------------------------------------------ formulas


def formulas(program: Program) -> dict[str, list[str]]:
    """Each tensor's equations as lines of the definition language."""
    (tree,) = ast.parse(to_text(program)).body
    assert isinstance(tree, ast.FunctionDef)
    found: dict[str, list[str]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
            while isinstance(target, ast.Subscript) and not isinstance(target.value, ast.Name):
                target = target.value
            which = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(which, ast.Name):
                found.setdefault(which.id, []).extend(folded(ast.unparse(statement)))
    return found


def folded(line: str, width: int = LINE - 10, indent: str = "    ") -> list[str]:
    """A long line over several, the later ones indented."""
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


# ------------------------------------------------------------------------------ trees


def assign(target: str | ast.expr, value: ast.expr) -> ast.stmt:
    """``target = value``."""
    return ast.Assign([ast.Name(target, ast.Store()) if isinstance(target, str) else target], value, lineno=0)


def unpack(targets: Sequence[str], value: ast.expr) -> ast.stmt:
    """``a, b = value``."""
    return assign(ast.Tuple([ast.Name(t, ast.Store()) for t in targets], ast.Store()), value)


def names(words: Iterable[str]) -> list[ast.expr]:
    return [name(w) for w in words]


def bundle(words: Sequence[str]) -> ast.expr:
    """``a`` or ``(a, b)``."""
    return name(words[0]) if len(words) == 1 else tuple_of(names(words))


def result_and(words: Sequence[str], other: str) -> ast.expr:
    """``y, saved`` or ``(h, last), saved``, to assign to."""
    stored: list[ast.expr] = [ast.Name(w, ast.Store()) for w in words]
    result = stored[0] if len(stored) == 1 else ast.Tuple(stored, ast.Store())
    return ast.Tuple([result, ast.Name(other, ast.Store())], ast.Store())


def call_with(function: str, a: ast.arguments, given: Mapping[str, ast.expr] | None = None) -> ast.Call:
    """``function(x, weight, stride=stride)``: a call with the names it is declared with, or what is given for them."""
    values = given or {}
    args = [values.get(arg.arg, name(arg.arg)) for arg in a.args]
    keywords = [ast.keyword(arg.arg, values.get(arg.arg, name(arg.arg))) for arg in a.kwonlyargs]
    return ast.Call(name(function), args, keywords)


# ------------------------------------------------------------------------------ what serves which output


def guarded(code: Code, outputs: int, flag: str) -> tuple[Group, ...]:
    """The groups, each run only if an output it serves is wanted: ``if needs[0] or needs[2]:``."""
    (prologue, *body, (_, last)) = code.groups
    returned = last[-1]
    assert isinstance(returned, ast.Return)
    values = returned.value.elts if isinstance(returned.value, ast.Tuple) and outputs > 1 else [returned.value]
    assert len(values) == outputs
    wanted = [_slice(body, _loaded([v])) for v in values if v is not None]
    groups = [Group(prologue[0], tuple(prologue[1]))]
    for k, (tensors, statements) in enumerate(body):
        serves = [n for n, needed in enumerate(wanted) if k in needed]
        guard = None if len(serves) == outputs else _any_of(flag, serves)
        groups.append(Group(tensors, tuple(statements), guard))
    chosen: list[ast.expr] = [
        ast.IfExp(_flag(flag, n), v, constant(None)) for n, v in enumerate(values) if v is not None
    ]
    return (*groups, Group((), (*last[:-1], ast.Return(tuple_of(chosen)))))


def _slice(body: Sequence[tuple[Sequence[str], Sequence[ast.stmt]]], names_wanted: dict[str, None]) -> dict[int, None]:
    """The groups a value depends on, by position."""
    found: dict[int, None] = {}
    for k in range(len(body) - 1, -1, -1):
        if any(n in names_wanted for n in _stored(body[k][1])):
            found[k] = None
            names_wanted = {**names_wanted, **_loaded(body[k][1])}
    return found


def _loaded(trees: Iterable[ast.AST]) -> dict[str, None]:
    return {n.id: None for t in trees for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _stored(trees: Iterable[ast.AST]) -> dict[str, None]:
    """Names a group gives or changes: ``x[0] = …`` changes x."""
    found: dict[str, None] = {}
    for n in (n for t in trees for n in ast.walk(t)):
        while isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name):
            found[n.value.id] = None
            break
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            found[n.id] = None
    return found


def _flag(flag: str, position: int) -> ast.expr:
    return ast.Subscript(name(flag), constant(position), ast.Load())


def _any_of(flag: str, positions: Sequence[int]) -> ast.expr:
    flags = [_flag(flag, n) for n in positions]
    return flags[0] if len(flags) == 1 else ast.BoolOp(ast.Or(), flags)
