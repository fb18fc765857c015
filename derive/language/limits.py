"""What a definition's text may contain: Python's syntax tree, by whitelist, within limits; nothing runs."""

from __future__ import annotations

import ast
import keyword
import re
import warnings

from derive.errors import DefinitionError, Place
from derive.language.definition import Source

TEXT_BYTES = 64 * 1024
NODES = 20_000
DEPTH = 100
INTEGER = 2**63
EXPONENT = 256
_INTEGER_MEND = "integers stay below 2**63"

_NAME = re.compile(r"[A-Za-z_]\w{0,31}\Z", re.ASCII)

#: Every node type a definition may use.
ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AnnAssign, ast.Expr,
    ast.If, ast.For, ast.Assert, ast.Pass,
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitOr,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn,
    ast.Call, ast.keyword, ast.IfExp, ast.Constant, ast.Name, ast.Load, ast.Store,
    ast.Subscript, ast.Starred, ast.List, ast.Tuple,
)  # fmt: skip

#: What people try, and what to write instead.
REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("an import", "a definition is only equations: every function it may use is already there"),
    ast.ImportFrom: ("an import", "a definition is only equations: every function it may use is already there"),
    ast.Attribute: ("an attribute (a dot)", "write a function of the language: exp(x[n]), not x.exp()"),
    ast.Lambda: ("a lambda", "write a definition of its own, and call it"),
    ast.ClassDef: ("a class", "write one def for a layer"),
    ast.While: ("a while loop", "loop over a fixed count: for i in range(n)"),
    ast.With: ("a with statement", "a definition is only equations"),
    ast.Try: ("a try statement", "a definition is only equations"),
    ast.AugAssign: ("an augmented assignment", "write the whole right side in one equation"),
    ast.ListComp: ("a comprehension", "write a reduction: sum[k](x[k])"),
    ast.GeneratorExp: ("a comprehension", "write a reduction: sum[k](x[k])"),
    ast.SetComp: ("a comprehension", "write a reduction: sum[k](x[k])"),
    ast.DictComp: ("a comprehension", "write a reduction: sum[k](x[k])"),
    ast.MatMult: ("the operator @", "write the sum: y[n, k] = sum[j](x[n, j]*w[k, j])"),
    ast.JoinedStr: ("an f-string", "texts are literals"),
    ast.Slice: ("a slice", "name the letters: y[n < N - 1] = x[n + 1]"),
    ast.NamedExpr: ("a walrus", "give the value an equation of its own"),
    ast.Global: ("a global statement", "a definition has only its own names"),
    ast.Nonlocal: ("a nonlocal statement", "a definition has only its own names"),
    ast.AsyncFunctionDef: ("an async def", "write def"),
    ast.Await: ("an await", "a definition is only equations"),
    ast.Yield: ("a yield", "return the tensors"),
    ast.Delete: ("a del statement", "a definition is only equations"),
    ast.Raise: ("a raise statement", "write assert on hyperparameters"),
    ast.BitAnd: ("the operator &", "write and"),
    ast.BitXor: ("the operator ^", "write ** for a power"),
    ast.Invert: ("the operator ~", "write not"),
    ast.Dict: ("a dict", "use tuples of numbers or separate hyperparameters"),
    ast.Set: ("a set", "use tuples of numbers"),
}


def parse_tree(text: str, source: Source) -> ast.Module:
    """The syntax tree of a text within the limits."""
    size = len(text.encode(errors="replace"))
    if size > TEXT_BYTES:
        raise DefinitionError(
            f"a definition's text of {size} bytes is over the limit of {TEXT_BYTES}",
            place=Place(source.file, 1),
            mend="split it into several files",
        )
    if "\0" in text:
        raise _at("the text holds a NUL byte", source, text[: text.index("\0")], "save it as plain text")
    _bracket_depth(text, source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of an odd literal is no business of ours
            tree = ast.parse(text)
    except SyntaxError as error:
        place = _syntax_place(error, source)
        if "integer string conversion" in error.msg:
            raise DefinitionError("this integer is too large", place=place, mend=_INTEGER_MEND) from None
        raise DefinitionError(f"not Python syntax: {error.msg}", place=place, mend=_syntax_mend(place.text)) from None
    except (RecursionError, MemoryError):
        raise _too_deep(source, 1, "") from None
    except ValueError as error:
        raise DefinitionError(f"not readable: {error}", place=Place(source.file, 1), mend="save it as UTF-8") from None
    check_tree(tree, source)
    return tree


def _at(message: str, source: Source, before: str, mend: str) -> DefinitionError:
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    return DefinitionError(message, place=Place(source.file, line, column + 1, ""), mend=mend)


def _too_deep(source: Source, line: int, text: str, column: int = 1) -> DefinitionError:
    return DefinitionError(
        f"expressions are nested deeper than {DEPTH}",
        place=Place(source.file, line, column, text),
        mend="name a part of it in an equation of its own",
    )


def _bracket_depth(text: str, source: Source) -> None:
    """Refuse deep brackets before Python's own parser, which gives up with a MemoryError, meets them."""
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if character == "#" and depth == 0:
                break
            if character in "([{":
                depth += 1
                if depth > DEPTH:
                    raise _too_deep(source, number, line, column)
            elif character in ")]}":
                depth = max(depth - 1, 0)


def _syntax_place(error: SyntaxError, source: Source) -> Place:
    line = error.lineno or 1
    text = source.lines[line - 1] if 0 < line <= len(source.lines) else ""
    return Place(source.file, line, max(error.offset or 1, 1), text)


def _syntax_mend(text: str) -> str:
    if re.search(r"\bif\b(?!.*\belse\b)[^:]*\]", text):
        return "conditions of a reduction stand in its bracket: sum[n, x[n] > 0](…)"
    return "a definition is a def whose body is equations, such as y[n, k] = exp(x[n, k])"


def check_tree(tree: ast.Module, source: Source) -> None:
    """Whitelist, names, literals, number of nodes and depth."""
    count = 0
    level: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    for _ in range(DEPTH + 10):
        following: list[tuple[ast.AST, ast.AST]] = []
        for node, around in level:
            count += 1
            anchor = node if hasattr(node, "lineno") else around
            _check_node(node, anchor, source)
            following.extend((child, anchor) for child in ast.iter_child_nodes(node))
        if count > NODES:
            raise source.error(f"the text has more than {NODES} nodes", level[0][1], "split it into several files")
        if not following:
            return
        level = following
    place = source.place(level[0][1])
    raise _too_deep(source, place.line, place.text, place.column)


def _check_node(node: ast.AST, anchor: ast.AST, source: Source) -> None:
    if not isinstance(node, ALLOWED):
        what, mend = REFUSED.get(type(node), (f"{type(node).__name__}", "a definition is only equations"))
        raise source.error(f"{what} is not part of the language", anchor, mend)
    for name in _names(node):
        _check_name(name, anchor, source)
    if isinstance(node, ast.Constant):
        _check_constant(node, source)


def _names(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, (ast.arg, ast.keyword)):
        return (node.arg,) if node.arg else ()
    return (node.name,) if isinstance(node, ast.FunctionDef) else ()


def _check_name(name: str, node: ast.AST, source: Source) -> None:
    if not _NAME.match(name):
        mend = "names are letters, digits and underscores (ASCII), at most 32 of them"
        raise source.error(f"the name {name[:40]!r} is not allowed", node, mend)
    if name.startswith("__") or keyword.iskeyword(name):
        raise source.error(f"the name {name!r} is reserved", node, "choose another name")


def _check_constant(node: ast.Constant, source: Source) -> None:
    value = node.value
    if isinstance(value, bool) or value is None or value is Ellipsis or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) >= INTEGER:
            raise source.error("this integer is too large", node, _INTEGER_MEND)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise source.error("this number is too large", node, "write inf for infinity")
    else:
        raise source.error(f"{type(value).__name__} literals are not part of the language", node, "use real numbers")
