"""Code trees as text: a formatted function with the formulas above its lines, a whole small file."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence

from derive.targets.array_code import Code
from derive.targets.rows import Group, by_rows
from derive.targets.support import support_source

IMPORTS = {"np": "import numpy as np", "torch": "import torch", "math": "import math", "itertools": "import itertools"}
LINE = 100


def function_text(code: Code, comments: Mapping[str, Sequence[str]] | None = None, doc: str = "") -> str:
    """The function's source; ``comments[tensor]``: lines for above the statements that compute it."""
    lines = [*(f"@{_double_quoted(ast.unparse(d))}" for d in code.decorators), _signature(code)]
    if doc or code.doc:
        lines += textwrap.indent(_docstring(doc or code.doc), "    ").splitlines()
    groups = by_rows([Group(n, tuple(body)) for n, body in code.groups], code.rows)
    return "\n".join([*lines, *body_lines(groups, comments or {})]) + "\n"


def body_lines(groups: Sequence[Group], comments: Mapping[str, Sequence[str]]) -> list[str]:
    """A function's lines: the groups under their ``def`` and ``if``, the formulas above each."""
    lines: list[str] = []
    above: list[str] = []
    for group in groups:
        heads = [f"def {group.inside.name}({ast.unparse(group.inside.args)}):"] if group.inside else []
        heads += [f"if {ast.unparse(group.guard)}:"] if group.guard else []
        if group.inside and heads[0] not in above:
            lines.append("")
        for depth, head in enumerate(heads):
            if above[: depth + 1] != heads[: depth + 1]:
                lines.append("    " * (depth + 1) + head)
        if above and above[0].startswith("def") and not group.inside:
            lines.append("")
        above = heads
        shown = [f"# {c}" for n in group.names for c in comments.get(n, ())]
        shown += [line for statement in group.body for line in source(statement).splitlines()]
        lines += ["    " * (len(heads) + 1) + line if line else "" for line in shown]
    return lines


def source(tree: ast.AST) -> str:
    """A statement as source; one name taken out of a tuple is written ``(x,) = …``."""
    return _ONE.sub(r"\1(\2,) =", statement_text(tree))  # type: ignore[arg-type]


_ONE = re.compile(r"^( *)(\*?\w+), =", re.MULTILINE)


def _docstring(doc: str) -> str:
    return f'"""{doc.strip()}"""'


def _signature(code: Code) -> str:
    """``def f(x, *, stride=(1, 1)):``, one argument a line where long."""
    shown = f"def {code.name}({ast.unparse(code.arguments)}):"
    if len(shown) <= LINE:
        return shown
    a = code.arguments
    positional = [arg.arg for arg in a.args]
    for k, default in enumerate(reversed(a.defaults)):
        positional[-1 - k] += f"={ast.unparse(default)}"
    pairs = zip(a.kwonlyargs, a.kw_defaults, strict=True)
    keywords = [k.arg if d is None else f"{k.arg}={ast.unparse(d)}" for k, d in pairs]
    items = [*positional, *(["*", *keywords] if keywords else [])]
    return f"def {code.name}(\n" + "".join(f"    {i},\n" for i in items) + "):"


def statement_text(statement: ast.stmt) -> str:
    """One statement as source."""
    source = _double_quoted(ast.unparse(ast.fix_missing_locations(statement)))
    return "\n".join(line for long in source.splitlines() for line in wrapped(long))


def wrapped(line: str, width: int = LINE - 4) -> list[str]:
    """A long line broken inside its longest brackets, one item a line where they do not fit on one."""
    indent = line[: len(line) - len(line.lstrip())]
    spans = _brackets(line)
    if len(line) <= width or not spans or line.endswith(":"):
        return [line]
    start, end = max(spans, key=lambda s: s[1] - s[0])
    head, body, tail = line[: start + 1], line[start + 1 : end], line[end:]
    inside = f"{indent}    {body}"
    if len(inside) <= width:
        lines = [inside]
    else:
        items = _items(body)
        comma = "," if len(items) > 1 and not body.startswith("*") else ""
        lines = [w for item in items for w in wrapped(f"{indent}    {item}{comma}", width)]
        lines = lines if comma else [f"{indent}    {body}"]
    return [head, *lines, f"{indent}{tail}"] if lines and len(tail) <= width else [line]


def _brackets(line: str) -> list[tuple[int, int]]:
    """The outermost bracket pairs with something inside."""
    spans, depth, start, quoted = [], 0, 0, False
    for k, c in enumerate(line):
        quoted ^= c == '"'
        if quoted:
            continue
        if c in "([{":
            start = k if depth == 0 else start
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0 and k > start + 1:
                spans.append((start, k))
    return spans


def _items(body: str) -> list[str]:
    """The body's comma-separated items."""
    items, depth, begin, quoted = [], 0, 0, False
    for k, c in enumerate(body):
        quoted ^= c == '"'
        if quoted:
            continue
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            items.append(body[begin:k].strip())
            begin = k + 1
    return [*items, body[begin:].strip()] if body[begin:].strip() else items


def _double_quoted(source: str) -> str:
    """``'a'`` as ``"a"``, as formatters write it."""
    return _SINGLE.sub(lambda m: m.group(0) if '"' in m.group(1) else f'"{m.group(1)}"', source)


#: A string without quotes or escapes inside.
_SINGLE = re.compile(r"'([^'\\\n]*)'")


def support_text(code: Code, path: tuple[str, ...]) -> list[str]:
    """The support functions a function needs, each as source."""
    return [support_source(path, n) for n in code.support]


def module_text(codes: Sequence[Code], path: tuple[str, ...], comments: Mapping | None = None) -> str:
    """A file with the functions and what they need; for tests and for looking."""
    needed: dict[str, None] = {}
    modules: dict[str, None] = {}
    for code in codes:
        needed.update(dict.fromkeys(code.support))
        modules.update(dict.fromkeys(code.modules))
    bodies = [t for code in codes for t in support_text(code, path)]
    unique = list(dict.fromkeys(bodies))
    text = "\n\n".join(unique)
    if "itertools." in text:
        modules["itertools"] = None
    imports = [IMPORTS[m] for m in sorted(modules, key=lambda m: (m in ("np", "torch"), m))]
    functions = [function_text(code, comments) for code in codes]
    return "\n".join(imports) + "\n\n\n" + "\n\n".join([*unique, *functions])


Formatter = Callable[[Code], str]
