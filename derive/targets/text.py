"""Code trees as text: a formatted function with the formulas above its lines, a whole small file."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence

from derive.targets.array_code import Code, support_functions

IMPORTS = {"np": "import numpy as np", "torch": "import torch", "math": "import math", "itertools": "import itertools"}
LINE = 100


def function_text(code: Code, comments: Mapping[str, Sequence[str]] | None = None, doc: str = "") -> str:
    """The function's source; ``comments[tensor]``: lines for above the statements that compute it."""
    lines = [*(f"@{_double_quoted(ast.unparse(d))}" for d in code.decorators), _signature(code)]
    if doc or code.doc:
        lines += textwrap.indent(_docstring(doc or code.doc), "    ").splitlines()
    for names, body in code.groups:
        for n in names:
            lines += [f"    # {c}" for c in (comments or {}).get(n, ())]
        for statement in body:
            lines += textwrap.indent(statement_text(statement), "    ").splitlines()
    return "\n".join(lines) + "\n"


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
    keywords = [k.arg if d is None else f"{k.arg}={ast.unparse(d)}" for k, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    items = [*positional, *(["*", *keywords] if keywords else [])]
    return f"def {code.name}(\n" + "".join(f"    {i},\n" for i in items) + "):"


def statement_text(statement: ast.stmt) -> str:
    """One statement as source."""
    return _double_quoted(ast.unparse(ast.fix_missing_locations(statement)))


def _double_quoted(source: str) -> str:
    """``'a'`` as ``"a"``, as formatters write it."""
    return _SINGLE.sub(lambda m: m.group(0) if '"' in m.group(1) else f'"{m.group(1)}"', source)


#: A string without quotes or escapes inside.
_SINGLE = re.compile(r"'([^'\\\n]*)'")


def support_text(code: Code, path: str) -> list[str]:
    """The support functions a function needs, each as source."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    every = support_functions(path)
    return ["\n".join(lines[every[n].lineno - 1 : every[n].end_lineno]) + "\n" for n in code.support]


def module_text(codes: Sequence[Code], path: str, comments: Mapping | None = None) -> str:
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
