"""Support functions: whole functions a generated file carries, read from a target's support file."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache

#: A target's support files.
Paths = tuple[str, ...]


@cache
def support_functions(paths: Paths) -> dict[str, ast.FunctionDef]:
    """The functions of support files, by name."""
    return {name: node for path in paths for name, (node, _) in _functions(path).items()}


@cache
def _functions(path: str) -> dict[str, tuple[ast.FunctionDef, str]]:
    """A file's functions: tree and text."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    lines = text.splitlines()
    found = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    return {n.name: (n, "\n".join(lines[n.lineno - 1 : n.end_lineno]) + "\n") for n in found}


def support_source(paths: Paths, which: str) -> str:
    """A support function as it is written in its file."""
    return next(_functions(path)[which][1] for path in paths if which in _functions(path))


def with_dependencies(paths: Paths, names: Sequence[str]) -> tuple[str, ...]:
    """The named support functions and those they call, in the files' order."""
    every = support_functions(paths)
    wanted = dict.fromkeys(names)
    stack = list(names)
    for n in stack:
        for m in ast.walk(every[n]):
            if isinstance(m, ast.Name) and m.id in every and m.id not in wanted:
                wanted[m.id] = None
                stack.append(m.id)
    return tuple(n for n in every if n in wanted)


def calls_math(paths: Paths, which: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "math" for n in ast.walk(support_functions(paths)[which]))
