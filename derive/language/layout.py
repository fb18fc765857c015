"""The lines of a printed definition: one statement a line, long ones broken inside their brackets."""

from __future__ import annotations

import ast
import io
import itertools
import tokenize

WIDTH, INDENT = 100, 8
_OPEN, _CLOSE = "([{", ")]}"
_BEFORE = {
    "+": 0,
    "-": 0,
    "and": 0,
    "or": 0,
    "*": 1,
    "/": 1,
    "//": 1,
}  # a new line may start with these; the looser first


def laid_out(definition: ast.FunctionDef) -> str:
    """The text of a definition."""
    head = ast.FunctionDef(definition.name, definition.args, [ast.Pass()], definition.decorator_list)
    *lines, _ = ast.unparse(ast.fix_missing_locations(head)).split("\n")
    text = [line for long in lines for line in _broken(long, 0)]
    for statement in definition.body:
        text += _statement(ast.fix_missing_locations(statement))
    return "\n".join(text) + "\n"


def _statement(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        function = ast.FunctionDef("f", ast.arguments([], [], None, [], [], None, []), [statement], [])
        return ast.unparse(ast.fix_missing_locations(function)).split("\n")[1:]
    line = ast.unparse(statement)
    if isinstance(statement, ast.Assign) and len(line) + 4 > WIDTH and isinstance(statement.value, ast.BinOp):
        line = f"{ast.unparse(statement.targets[0])} = ({ast.unparse(statement.value)})"
    return _broken(line, 4)


def _broken(line: str, indent: int) -> list[str]:
    """Greedy: as much on each line as fits, breaking where the brackets are shallowest and the operator is loosest."""
    breaks = _break_points(line) if len(line) + indent > WIDTH else []
    lines: list[str] = []
    start, room = 0, WIDTH - indent
    while len(line) - start > room:
        within = [(strength, -at) for at, strength in breaks if start < at <= start + room]
        late = [b for b in within if -b[1] > start + room // 3]
        if not within:
            break
        _, at = min(late or within)
        lines.append(line[start:-at].rstrip())
        start, room = -at, WIDTH - indent - INDENT
    lines.append(line[start:])
    return [" " * (indent + INDENT * (n > 0)) + part for n, part in enumerate(lines)]


def _break_points(line: str) -> list[tuple[int, int]]:
    """Columns where a new line may start, and how strongly what stands around holds together."""
    words = [t for t in tokenize.generate_tokens(io.StringIO(line).readline) if t.string.strip()]
    depth, points = 0, []
    for before, word in itertools.pairwise(words):
        if before.string in _OPEN:
            depth += 1
        elif before.string in _CLOSE:
            depth -= 1
        spaced = word.start[1] > before.end[1]
        if depth > 0 and spaced and (before.string == "," or word.string in _BEFORE):
            points.append((word.start[1], 3 * depth + _BEFORE.get(word.string, 0)))
    return points
