"""Classes of ``torch.nn`` whose methods lead to derived functions: one mechanism for all of them.

A module of torch is thin: it keeps parameters and calls ``F.conv2d(…)``.  Ours is a subclass whose inherited
methods run with another ``F`` (and ``_VF``, ``torch``, and the classes they construct): derived functions
under the same names.  Everything else is torch's.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from derive.errors import UnknownName
from derive.nn.outside import UNSUPPORTED
from derive.nn.rebound import functions_in, is_module_class, leads_out, rebound


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


def is_computation(value: Any) -> bool:
    """Whether it is a module class that computes with tensors, rather than hold other modules."""
    return is_module_class(value) and any(True for _ in _methods(value))


def derived(original: type) -> type:
    """The subclass of a torch module whose methods are rebound; it says it lives in ``derive.nn``."""
    if original not in _MADE:
        name = original.__name__
        body = {"__doc__": original.__doc__, "__module__": "derive.nn", "__qualname__": name}
        _MADE[original] = type(name, (original,), body)
        try:
            _complete(_MADE[original], original)
        except BaseException:
            del _MADE[original]  # never a class that is half torch's
            raise
    return _MADE[original]


def _complete(made: type, original: type) -> None:
    for word, method in _methods(original):
        setattr(made, word, rebound(method, _standing))
    become = vars(original).get("cls_to_become")
    if become is not None:
        made.cls_to_become = derived(become)  # type: ignore[attr-defined]


def _standing(kind: Any) -> Any:
    """What stands for a class that a method constructs."""
    return derived(kind) if is_computation(kind) and _is_torchs(kind) else kind


def converted(model: Any) -> Any:
    """The model, its torch modules made derive's in place: parameters, buffers and hooks stay the same objects."""
    for part in model.modules():
        if type(part) not in _MADE.values() and is_computation(type(part)) and _is_torchs(type(part)):
            part.__class__ = derived(type(part))
            part.__dict__.update(functions_in(part.__dict__))
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
                if leads_out(value):
                    yield name, value
