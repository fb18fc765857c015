"""Classes of ``torch.nn`` whose methods lead to derived functions: one mechanism for all of them.

A module of torch is thin: it keeps parameters and calls ``F.conv2d(…)``.  Ours is a subclass whose inherited
methods run with another ``F`` (and ``_VF``, ``torch``, and the classes they construct): derived functions
under the same names.  Everything else is torch's.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

from derive.errors import UnknownName
from derive.nn.outside import UNSUPPORTED

#: What a method's code reaches computation by, and what stands there instead.
DOORS = ("F", "_VF", "torch")
#: Where torch keeps the modules that hold others and compute nothing.
HOLDERS = ("torch.nn.modules.module", "torch.nn.modules.container", "torch.nn.parallel.data_parallel")


def attribute(name: str) -> Any:
    """``derive.nn.<name>``: a derived class, or torch's own object where nothing is computed."""
    import torch

    if name in UNSUPPORTED:
        raise UnknownName(f"derive.nn has no {name}: {UNSUPPORTED[name]}", mend=f"torch.nn.{name} is torch's own")
    try:
        value = getattr(torch.nn, name)
    except AttributeError as error:
        raise AttributeError(f"module 'derive.nn' has no attribute {name!r}") from error
    return derived(value) if is_computation(value) else value


#: Original → ours; filled before the methods are, since a class may name itself.
_MADE: dict[type, type] = {}


@functools.cache
def is_computation(value: Any) -> bool:
    """Whether it is a module class that computes with tensors, rather than hold other modules."""
    import torch

    if not isinstance(value, type) or not issubclass(value, torch.nn.Module) or value.__module__ in HOLDERS:
        return False
    return any(True for _ in _methods(value))


def derived(original: type) -> type:
    """The subclass of a torch module whose methods are rebound; it says it lives in ``derive.nn``."""
    if original not in _MADE:
        name = original.__name__
        body = {"__doc__": original.__doc__, "__module__": "derive.nn", "__qualname__": name}
        made = _MADE[original] = type(name, (original,), body)
        for word, method in _methods(original):
            setattr(made, word, _rebound(method))
        become = vars(original).get("cls_to_become")
        if become is not None:
            made.cls_to_become = derived(become)  # type: ignore[attr-defined]
    return _MADE[original]


def converted(model: Any) -> Any:
    """The model, its torch modules made derive's in place: parameters, buffers and hooks stay the same objects."""
    for part in model.modules():
        if type(part) not in _MADE.values() and is_computation(type(part)) and _is_torchs(type(part)):
            part.__class__ = derived(type(part))
    return model


def _is_torchs(kind: type) -> bool:
    import torch

    return getattr(torch.nn, kind.__name__, None) is kind


def _methods(original: type) -> Iterator[tuple[str, types.FunctionType]]:
    """Plain methods of the class and its bases in torch.nn, each name once, as attribute lookup finds them."""
    import torch

    seen: set[str] = set()
    for base in original.__mro__:
        if base is torch.nn.Module or base is object:
            return
        for name, value in vars(base).items():
            if name not in seen and isinstance(value, types.FunctionType):
                seen.add(name)
                if _leads_out(value.__code__, value.__globals__):
                    yield name, value


def _leads_out(code: types.CodeType, globals_: Mapping[str, Any]) -> bool:
    """Whether the code names a door, or constructs modules that do."""
    return any(word in DOORS or _is_module(globals_.get(word)) for word in code.co_names)


def _is_module(value: Any) -> bool:
    import torch

    return isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ not in HOLDERS


def _rebound(method: types.FunctionType) -> types.FunctionType:
    """The same code among other globals."""
    import torch

    from derive.nn import functional, namespaces

    doors = {"F": functional, "_VF": namespaces.variable_functions(), "torch": namespaces.torch_itself()}
    globals_ = {n: v for n, v in method.__globals__.items() if n != "__name__"}
    for word in method.__code__.co_names:
        if is_computation(globals_.get(word)) and hasattr(torch.nn, word):
            globals_[word] = derived(globals_[word])
    globals_.update({n: v for n, v in doors.items() if n in globals_})
    made = types.FunctionType(method.__code__, globals_, method.__name__, method.__defaults__, method.__closure__)
    made.__kwdefaults__, made.__doc__, made.__annotations__ = (
        method.__kwdefaults__, method.__doc__, method.__annotations__)  # fmt: skip
    made.__qualname__ = method.__qualname__
    return made
