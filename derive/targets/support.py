"""Support functions: whole functions a generated file carries, read from a target's support file."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def support_functions(path: str) -> dict[str, ast.FunctionDef]:
    """The functions of a support file, by name."""
    if path not in _SUPPORT:
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read())
        _SUPPORT[path] = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    return _SUPPORT[path]


_SUPPORT: dict[str, dict[str, ast.FunctionDef]] = {}


def with_dependencies(path: str, names: Sequence[str]) -> tuple[str, ...]:
    """The named support functions and those they call, in the file's order."""
    every = support_functions(path)
    wanted = dict.fromkeys(names)
    stack = list(names)
    for n in stack:
        for m in ast.walk(every[n]):
            if isinstance(m, ast.Name) and m.id in every and m.id not in wanted:
                wanted[m.id] = None
                stack.append(m.id)
    return tuple(n for n in every if n in wanted)


def calls_math(path: str, which: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "math" for n in ast.walk(support_functions(path)[which]))
