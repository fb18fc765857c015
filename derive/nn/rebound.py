"""A method of torch's, its code among other globals: what it computes by leads to definitions."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

#: What a method's code reaches computation by, and what stands there instead.
DOORS = ("F", "_VF", "torch", "_cross_map_lrn2d")
#: The word that stands for ``+`` in a method that adds tensors.
PLUS = "plus"


def leads_out(method: types.FunctionType) -> bool:
    """Whether the code names a door, constructs modules that do, or adds in a ``forward``."""
    words = method.__code__.co_names
    constructs = any(is_module_class(method.__globals__.get(word)) for word in words)
    return constructs or any(word in DOORS for word in words) or _adds(method)


def is_module_class(value: Any) -> bool:
    """A class of torch.nn that is more than a holder of others."""
    import torch

    return isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ not in HOLDERS


#: Where torch keeps the modules that hold others and compute nothing.
HOLDERS = ("torch.nn.modules.module", "torch.nn.modules.container", "torch.nn.parallel.data_parallel")


def _adds(method: types.FunctionType) -> bool:
    sums = (i.opname == "BINARY_OP" and i.argrepr == "+" for i in dis.get_instructions(method))
    return method.__name__ == "forward" and not method.__code__.co_freevars and any(sums)


def rebound(method: types.FunctionType, of_class: Callable[[Any], Any]) -> types.FunctionType:
    """The method among other globals; ``of_class``: what stands for a class that it constructs."""
    code = _with_plus(method) if _adds(method) else method.__code__
    globals_ = _globals(method, of_class)
    defaults = tuple(map(derived_function, method.__defaults__ or ())) or None
    made = types.FunctionType(code, globals_, method.__name__, defaults, method.__closure__)
    made.__kwdefaults__, made.__doc__, made.__annotations__ = (
        method.__kwdefaults__, method.__doc__, method.__annotations__)  # fmt: skip
    made.__qualname__ = method.__qualname__
    return made


def _globals(method: types.FunctionType, of_class: Callable[[Any], Any]) -> dict[str, Any]:
    """The method's own, but for the doors, the classes it constructs and the functions that lead out."""
    from derive.nn import functional, namespaces

    doors: dict[str, Any] = {
        "F": functional,
        "_VF": namespaces.variable_functions(),
        "torch": namespaces.torch_itself(),
    }
    doors["_cross_map_lrn2d"] = namespaces.cross_map()
    found = {n: v for n, v in method.__globals__.items() if n != "__name__"}  # nobody is to look names up elsewhere
    for word in method.__code__.co_names:
        value = found.get(word)
        if value is method:
            continue  # it names itself for whoever overrides it
        if derived_function(value) is not value:
            found[word] = derived_function(value)
        elif isinstance(value, types.FunctionType) and value.__module__ == method.__module__:
            if any(name in DOORS for name in value.__code__.co_names):
                found[word] = rebound(value, of_class)
        elif is_module_class(value):
            found[word] = of_class(value)
    return found | {n: v for n, v in doors.items() if n in found} | {PLUS: plus()}


def derived_function(value: Any) -> Any:
    """A function of torch.nn.functional as the derived one; anything else as it is."""
    import torch

    name = getattr(value, "__name__", "")
    if not callable(value) or not name or getattr(torch.nn.functional, name, None) is not value:
        return value
    from derive.nn.binding import functional

    return value if name.startswith("_") else functional(name)


@functools.cache
def _with_plus(method: types.FunctionType) -> types.CodeType:
    """The method's code, ``a + b`` written ``plus(a, b)``; lines and file are torch's own."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    ast.increment_lineno(tree, method.__code__.co_firstlineno - 1)
    tree = ast.fix_missing_locations(_Plus().visit(tree))
    module = compile(tree, method.__code__.co_filename, "exec", dont_inherit=True)
    return next(c for c in module.co_consts if isinstance(c, types.CodeType) and c.co_name == method.__name__)


class _Plus(ast.NodeTransformer):
    """``a + b → plus(a, b)``"""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        return ast.copy_location(ast.Call(ast.Name(PLUS, ast.Load()), [node.left, node.right], []), node)


@functools.cache
def plus() -> Callable[[Any, Any], Any]:
    """a + b, by the definition where both are real tensors; the compiler reads it, so nothing is looked up in it."""
    import torch

    from derive.nn.binding import bound

    add = bound("add")

    def plus(a: Any, b: Any) -> Any:
        tensors = isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
        if not tensors or not (a.is_floating_point() and b.is_floating_point()):
            return a + b
        return add(a, b)

    return plus


def functions_in(found: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that hold functions of torch's, as derived ones."""
    return {n: derived_function(v) for n, v in found.items() if derived_function(v) is not v}
