"""What torch's arguments mean where a name does not say it all: spellings, flags, legacy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """A call on its way: the definition, torch's arguments by name, and what is done to the result."""

    definition: str
    arguments: dict[str, Any]
    afterwards: list[Callable[[Any], Any]] = field(default_factory=list)

    @property
    def first(self) -> Any:
        """The data: torch's first argument."""
        return next(iter(self.arguments.values()))


def _inplace(call: Call) -> None:
    """The result is written into the input, of which the function sees a copy."""
    if call.arguments.pop("inplace"):
        name, original = next(iter(call.arguments.items()))
        call.arguments[name] = original.clone()
        call.afterwards.append(original.copy_)


def _reduction(call: Call) -> None:
    """``size_average`` and ``reduce``, the older spelling of ``reduction``."""
    from torch.nn import _reduction

    average, reduce = call.arguments.pop("size_average", None), call.arguments.pop("reduce", None)
    if average is not None or reduce is not None:
        call.arguments["reduction"] = _reduction.legacy_get_string(average, reduce)


def _dtype(call: Call) -> None:
    """The input is converted first."""
    dtype = call.arguments.pop("dtype")
    if dtype is not None:
        name, value = next(iter(call.arguments.items()))
        call.arguments[name] = value.to(dtype)


def _ignored(name: str) -> Callable[[Call], None]:
    def drop(call: Call) -> None:
        call.arguments.pop(name)

    return drop


#: Arguments that mean the same wherever they occur.
EVERYWHERE: dict[str, Callable[[Call], None]] = {
    "inplace": _inplace,
    "size_average": _reduction,
    "reduce": _reduction,
    "dtype": _dtype,
    "_stacklevel": _ignored("_stacklevel"),
}


def _layer_norm(call: Call) -> None:
    """``normalized_shape``: how many of the last axes."""
    call.arguments["axes"] = len(call.arguments.pop("normalized_shape"))


#: Functions whose arguments say something that no name does.
READINGS: dict[str, Callable[[Call], None]] = {}

#: Functions of torch.nn.functional that have no derivative to derive: torch's own serve.
WITHOUT_GRADIENT = ("one_hot", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
