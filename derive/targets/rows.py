"""A function's statements as a function of a few rows, run over all of them a cache's worth at a time."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.targets.numbers import constant, name, tuple_of

Statements = tuple[ast.stmt, ...]


@dataclass(frozen=True)
class ByRows:
    """The Python names: the function of some rows, what it takes, what it gives row by row, what it sums."""

    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sums: tuple[str, ...]

    @property
    def results(self) -> tuple[str, ...]:
        return (*self.outputs, *self.sums)


@dataclass(frozen=True)
class Group:
    """Statements that compute tensors; ``guard``: when they are wanted at all; ``inside``: the function they are in."""

    names: tuple[str, ...]
    body: Statements
    guard: ast.expr | None = None
    inside: ast.FunctionDef | None = None


def by_rows(groups: Sequence[Group], rows: ByRows | None) -> tuple[Group, ...]:
    """``def rows(x): …``, ``(y,) = _by_rows(rows, x)`` in place of what is between the prologue and the return."""
    if rows is None:
        return tuple(groups)
    first, *middle, last = groups
    wanted = _guards(last.body[-1], rows)
    arguments = ast.arguments([], [ast.arg(i) for i in rows.inputs], None, [], [], None, [])
    define = ast.FunctionDef(rows.function, arguments, [], [], None, lineno=0)
    give = ast.Return(tuple_of([_results(rows.outputs, wanted), _results(rows.sums, wanted)]))
    inner = [replace(g, inside=define) for g in (*middle, Group((), (give,)))]
    apply = ast.Call(name("_by_rows"), [name(w) for w in (rows.function, *rows.inputs)], [])
    targets: list[ast.expr] = [ast.Name(r, ast.Store()) for r in rows.results]
    assign = ast.Assign([ast.Tuple(targets, ast.Store())], apply, lineno=0)
    return first, *inner, Group((), (assign,)), last


def _results(which: Sequence[str], wanted: dict[str, ast.expr]) -> ast.expr:
    """The named results as a tuple, None for those not wanted."""
    shown: list[ast.expr] = []
    for w in which:
        shown.append(ast.IfExp(wanted[w], name(w), constant(None)) if w in wanted else name(w))
    return tuple_of(shown)


def _guards(last: ast.stmt, rows: ByRows) -> dict[str, ast.expr]:
    """When each result is wanted, as the return says: ``dx.reshape(…) if needs[0] else None``."""
    found: dict[str, ast.expr] = {}
    for n in ast.walk(last):
        if isinstance(n, ast.IfExp):
            inside = [m.id for m in ast.walk(n.body) if isinstance(m, ast.Name) and m.id in rows.results]
            found.update(dict.fromkeys(inside, n.test))
    return found
