"""Text to definitions: signatures read, bodies kept as syntax trees; nothing is executed."""

from __future__ import annotations

import ast

from derive.errors import DefinitionError, Place
from derive.language.definition import Definition, HyperInput, Input, Source
from derive.language.limits import parse_tree

ROLES = ("layer", "loss", "optimizer", "model")
DERIVED = "derived"
KINDS = {"Real": "real", "Const": "const", "Index": "index", "Bool": "bool"}
HYPER_KINDS = ("Int", "Real", "Bool", "Text")
_TYPE_MEND = "inputs are Real[axes], Const[axes], Index[axes] or Bool[axes]"
_HYPER_MEND = 'hyperparameters are Int, Int[2], Real, Real[2], Bool or Text["mean", "sum"]'


def parse_text(text: str, file: str = "<text>") -> tuple[Definition, ...]:
    """Every definition of a text, in order."""
    source = Source(file, tuple(text.split("\n")))
    tree = parse_tree(text, source)
    siblings: dict[str, Definition] = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        if not isinstance(node, ast.FunctionDef):
            raise source.error("only definitions may stand here", node, "put equations inside a def")
        if node.name in siblings:
            raise source.error(f"{node.name} is defined twice", node, "give each definition its own name")
        siblings[node.name] = _definition(node, source, siblings)
    if not siblings:
        raise DefinitionError(
            "the text holds no definition", place=Place(file, 1), mend="write @layer, then def name(x: Real[N]): …"
        )
    return tuple(siblings.values())


def _definition(node: ast.FunctionDef, source: Source, siblings: dict[str, Definition]) -> Definition:
    arguments = node.args
    extra = arguments.vararg or arguments.kwarg
    if extra:
        raise source.error(f"{extra.arg} collects arguments", extra, "name every input and hyperparameter")
    if node.returns:
        raise source.error("a definition has no return annotation", node.returns, "declare it: y: Real[N, K]")
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    inputs = tuple(_input(a, d, source) for a, d in zip(positional, defaults, strict=True))
    hypers = tuple(_hyper(a, d, source) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    body, doc = node.body, ast.get_docstring(node) or ""
    return Definition(
        node.name, _role(node, source), doc, inputs, hypers, tuple(body[1:] if doc else body), source, node, siblings,
        torch=_torch_names(node, source),
    )  # fmt: skip


def _is_derived(decorator: ast.expr) -> bool:
    """``@derived``, ``@derived("vjp", role="loss")``: text as ``unparse`` prints it."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == DERIVED


def _role(node: ast.FunctionDef, source: Source) -> str:
    if len(node.decorator_list) == 1 and _is_derived(node.decorator_list[0]):
        return DERIVED
    roles = [d.id if isinstance(d, ast.Name) else "" for d in map(_undressed, node.decorator_list)]
    for role, decorator in zip(roles, node.decorator_list, strict=True):
        if role not in ROLES:
            raise source.error("this decorator is not known", decorator, f"write one of @{', @'.join(ROLES)}")
    if len(roles) > 1:
        raise source.error("a definition has one decorator", node.decorator_list[1], "keep one of them")
    return roles[0] if roles else "layer"


def _undressed(decorator: ast.expr) -> ast.expr:
    """``layer`` of ``@layer(torch="nn.Conv2d")``."""
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _torch_names(node: ast.FunctionDef, source: Source) -> tuple[str, ...]:
    """What torch calls it: ``@layer(torch="nn.Conv2d nn.functional.conv2d")``, names under ``torch.``."""
    names: list[str] = []
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or _is_derived(decorator):
            continue
        words = [k.value.value if isinstance(k.value, ast.Constant) else None for k in decorator.keywords]
        if decorator.args or [k.arg for k in decorator.keywords] != ["torch"] or not isinstance(words[0], str):
            mend = 'write @layer, or @layer(torch="nn.Conv2d")'
            raise source.error("a decorator takes torch's names, in quotes", decorator, mend)
        names += words[0].split()
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise source.error(f"{name!r} is no name", node.decorator_list[0], 'as in torch="nn.Conv2d"')
    return tuple(names)


def _input(node: ast.arg, default: ast.expr | None, source: Source) -> Input:
    annotation, family = node.annotation, None
    if annotation is None:
        return Input(node.arg, "real", (), default, None, node, typed=False)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Subscript):
        family, annotation = annotation.slice, annotation.value
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if not isinstance(base, ast.Name) or base.id not in KINDS:
        mend = _TYPE_MEND
        if isinstance(base, ast.Name) and base.id in HYPER_KINDS:
            mend = "hyperparameters stand after *"
        raise source.error(f"the type of {node.arg} is not known", node.annotation, mend)
    axes = elements(annotation.slice) if isinstance(annotation, ast.Subscript) else ()
    return Input(node.arg, KINDS[base.id], axes, default, family, node)


def _hyper(node: ast.arg, default: ast.expr | None, source: Source) -> HyperInput:
    annotation = node.annotation
    if annotation is None:
        if default is None:
            raise source.error(f"{node.arg} has neither a type nor a default", node, _HYPER_MEND)
        return HyperInput(node.arg, "", 0, (), default, node)
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if not isinstance(base, ast.Name) or base.id not in HYPER_KINDS:
        raise source.error(f"the type of {node.arg} is not known", annotation, _HYPER_MEND)
    length = 0
    allowed: tuple[str, ...] = ()
    if isinstance(annotation, ast.Subscript):
        length, allowed = _bracket(base.id, annotation, source)
    return HyperInput(node.arg, base.id, length, allowed, default, node)


def _bracket(kind: str, annotation: ast.Subscript, source: Source) -> tuple[int, tuple[str, ...]]:
    """``Int[2]`` has length 2; ``Text["a", "b"]`` allows two values."""
    values = [e.value if isinstance(e, ast.Constant) else None for e in elements(annotation.slice)]
    if kind == "Text" and values and all(isinstance(v, str) for v in values):
        return 0, tuple(str(v) for v in values)
    value = values[0] if len(values) == 1 else None
    if kind in ("Int", "Real") and isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 16:
        return value, ()
    raise source.error("this type is not known", annotation, _HYPER_MEND)


def elements(node: ast.expr) -> tuple[ast.expr, ...]:
    """What stands between the brackets: ``x[a, b]`` has two elements, ``x[a]`` one."""
    return tuple(node.elts) if isinstance(node, ast.Tuple) else (node,)
