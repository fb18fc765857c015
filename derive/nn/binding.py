"""Torch's arguments become a definition's inputs and hyperparameters, by name.

A definition's hyperparameter takes the argument of its name; so does an input, and the inputs whose names
torch does not use take, in order, the tensor arguments that are left.  What is left then must be at its
default, or be one of the ``EVERYWHERE`` arguments; anything else is refused by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from derive.errors import InputError, UnknownName
from derive.language.find import catalogue_definition, catalogue_index, torch_names
from derive.nn.arguments import EVERYWHERE, READINGS, WITHOUT_GRADIENT, Call
from derive.nn.signatures import signature


@functools.cache
def definitions() -> dict[str, str]:
    """Name under ``torch.`` of every function that has a definition → the definition's name."""
    import torch

    found = {f"nn.functional.{name}": name for name in catalogue_index() if hasattr(torch.nn.functional, name)}
    found |= {name: name for name in catalogue_index() if callable(getattr(torch, name, None))}
    for name, words in torch_names().items():
        found |= {word: name for word in words if not word.rpartition(".")[2][:1].isupper()}
    return found


@functools.cache
def functional(name: str) -> Any:
    """``derive.nn.functional.<name>``."""
    import torch

    try:
        original = getattr(torch.nn.functional, name)
    except AttributeError as error:
        raise AttributeError(f"module 'derive.nn.functional' has no attribute {name!r}") from error
    path = f"nn.functional.{name}"
    if path in definitions() or path in READINGS:
        return bound(path)
    if name.startswith("_") or name in WITHOUT_GRADIENT:
        return original
    raise UnknownName(f"no definition stands for torch.nn.functional.{name}", mend="`derive list` shows what there is")


@functools.cache
def bound(path: str) -> Callable[..., Any]:
    """The derived function under torch's name and arguments."""
    word = path.rpartition(".")[2]

    def function(*args: Any, **kwargs: Any) -> Any:
        return run(path, args, kwargs)

    function.__name__ = word
    function.__qualname__ = word
    function.__module__ = "derive.nn.functional" if path.startswith("nn.functional.") else "derive.nn"
    return function


def run(path: str, args: tuple, kwargs: Mapping[str, Any]) -> Any:
    """One call."""
    given = signature(path).bind(*args, **kwargs)
    given.apply_defaults()
    call = Call(definitions().get(path, ""), dict(given.arguments))
    for name in [n for n in call.arguments if n in EVERYWHERE]:
        EVERYWHERE[name](call)
    if path in READINGS:
        READINGS[path](call)
    inputs, hypers = sorted_out(path, call)
    result = derived(call.definition)(**inputs, **hypers)
    for finish in call.afterwards:
        result = finish(result)
    return result


@functools.cache
def derived(name: str) -> Callable[..., Any]:
    """The definition as a torch function; one for all modules, so that what is derived is derived once."""
    from derive.callables import function

    return function(name)


@functools.cache
def _names(definition: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = catalogue_definition(definition)
    assert found is not None, definition
    return tuple(i.name for i in found.inputs), tuple(h.name for h in found.hypers)


def sorted_out(path: str, call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and hyperparameters of the definition, what is absent left out."""
    inputs, hypers = _names(call.definition)
    left = {n: v for n, v in call.arguments.items() if n not in inputs and n not in hypers}
    given = {n: v for n, v in call.arguments.items() if n in inputs}
    unnamed = [n for n in inputs if n not in call.arguments]
    for name, (argument, value) in zip(unnamed, list(left.items()), strict=False):
        if not _is_tensor(value):
            break
        given[name] = value
        del left[argument]
    defaults = signature(path).parameters
    for name, value in left.items():
        if name not in defaults or defaults[name].default is not value:
            raise InputError(
                f"{path.rpartition('.')[2]} does not support {name}={value!r}", mend=f"leave {name} at its default"
            )
    chosen = {n: v for n, v in call.arguments.items() if n in hypers and v is not None}
    return {n: v for n, v in given.items() if v is not None}, chosen


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)
