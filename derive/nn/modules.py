"""Classes of ``torch.nn`` whose methods lead to derived functions: one mechanism for all of them.

A module of torch is thin: it keeps parameters and calls ``F.conv2d(…)``.  Ours is a subclass whose inherited
methods run with another ``F`` (and ``_VF``, ``torch``, and the classes they construct): derived functions
under the same names.  Everything else is torch's.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from derive.errors import InputError
from derive.nn.adaptive import METHODS
from derive.nn.rebound import functions_in, is_module_class, leads_out, rebound


def attribute(name: str) -> Any:
    """``derive.nn.<name>``: a derived class, or torch's own object where nothing is computed."""
    import torch

    value = getattr(torch.nn, name, None)
    value = _unlisted(name) if value is None else value
    if value is None:
        raise AttributeError(f"module 'derive.nn' has no attribute {name!r}")
    return derived(value) if is_computation(value) else value


def _unlisted(name: str) -> Any:
    """A class that torch's modules construct, though ``torch.nn`` does not list it."""
    import torch

    rooms = [v for v in vars(torch.nn.modules).values() if isinstance(v, types.ModuleType)]
    found = [vars(room)[name] for room in rooms if not name.startswith("_") and name in vars(room)]
    return next((v for v in found if is_module_class(v)), None)


#: Original → ours; filled before the methods are, since a class may name itself.
_MADE: dict[type, type] = {}


def is_computation(value: Any) -> bool:
    """Whether it is a module class that computes with tensors, rather than hold other modules."""
    return is_module_class(value) and any(True for _ in _methods(value))


def derived(original: type) -> type:
    """The subclass of a torch module, and of ours of its bases, whose methods are rebound; it says it is derive's."""
    if original not in _MADE:
        name = original.__name__
        body = {"__doc__": original.__doc__, "__module__": "derive.nn", "__qualname__": name, **_REFUSALS}
        base = next((b for b in original.__mro__[1:] if is_computation(b) and _is_torchs(b)), None)
        _MADE[original] = type(name, (original,) if base is None else (original, derived(base)), body)
        try:
            _complete(_MADE[original], original)
        except BaseException:
            del _MADE[original]  # never a class that is half torch's
            raise
    return _MADE[original]


def _complete(made: type, original: type) -> None:
    for word, method in _methods(original):
        setattr(made, word, rebound(method, _standing))
    for word, other in METHODS.get(original.__name__, {}).items():
        setattr(made, word, other)
    become = vars(original).get("cls_to_become")
    if become is not None:
        made.cls_to_become = derived(become)  # type: ignore[attr-defined]


def _without_script(module: Any) -> Any:
    """What ``torch.jit.script`` asks for."""
    raise _of_no_script(module, "torch.jit.script")


def _without_trace(module: Any, *_: Any, **__: Any) -> Any:
    """What ``torch.jit.trace`` calls in the place of ``forward``."""
    raise _of_no_script(module, "torch.jit.trace")


def _of_no_script(module: Any, word: str) -> InputError:
    name = type(module).__name__
    mend = "torch.compile and torch.export do, and torch.nn's model takes this one's state_dict"
    return InputError(f"{word} does not support derive.nn.{name}: TorchScript has no derived derivatives", mend=mend)


_REFUSALS = {"__prepare_scriptable__": _without_script, "_slow_forward": _without_trace}


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
    """Whether torch has it under its name; a user's class is the user's."""
    import torch

    return kind in (getattr(torch.nn, kind.__name__, None), _unlisted(kind.__name__))


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
