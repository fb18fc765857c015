"""Support functions: whole functions a generated file carries, read from a target's support file."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def support_functions(path: str) -> dict[str, ast.FunctionDef]:
    """The functions of a support file, by name."""
    if path not in _SUPPORT:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        functions = {n.name: n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
        _SUPPORT[path] = functions, text.splitlines()
    return _SUPPORT[path][0]


def support_source(path: str, which: str) -> str:
    """A support function as it is written in the file."""
    node = support_functions(path)[which]
    return "\n".join(_SUPPORT[path][1][node.lineno - 1 : node.end_lineno]) + "\n"


_SUPPORT: dict[str, tuple[dict[str, ast.FunctionDef], list[str]]] = {}


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
