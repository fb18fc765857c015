"""Torch's arguments become a definition's inputs and hyperparameters, by name.

A definition's hyperparameter takes the argument of its name; so does an input, and the inputs whose names
torch does not use take, in order, the tensor arguments that are left.  What is left then must be at its
default, or be one of the ``EVERYWHERE`` arguments; anything else is refused by name.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from derive.calls import Call as ReadyCall
from derive.calls import Seen, likeness
from derive.errors import InputError, UnknownName
from derive.language.definition import Input
from derive.language.find import catalogue_index, torch_names
from derive.nn.arguments import EVERYWHERE, GLUE, READINGS, WITHOUT_GRADIENT
from derive.nn.call import Call, declared
from derive.nn.compiled import in_graph
from derive.nn.precision import in_one_precision
from derive.nn.shapes import SHAPES
from derive.nn.signatures import signature


@functools.cache
def definitions() -> dict[str, tuple[str, ...]]:
    """Name under ``torch.`` of every function that has a definition → the definitions, the first that fits serves."""
    import torch

    found: dict[str, dict[str, None]] = {}
    named = {
        name: [w for w in words if not w.rpartition(".")[2][:1].isupper()] for name, words in torch_names().items()
    }
    for name in catalogue_index():
        for word in named.get(name, ()):
            found.setdefault(word, {}).setdefault(name)
        if hasattr(torch.nn.functional, name):
            found.setdefault(f"nn.functional.{name}", {}).setdefault(name)
        if callable(getattr(torch, name, None)):
            found.setdefault(name, {}).setdefault(name)
    return {word: tuple(names) for word, names in found.items()}


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
    spelled = _spelled(name)
    if spelled is not None:
        return spelled
    if name in GLUE:
        from derive.nn.rebound import rebound

        return rebound(original, lambda kind: kind)
    if name.startswith("_") or name in WITHOUT_GRADIENT or isinstance(original, type) or not callable(original):
        return original
    raise without_definition(path)


def _spelled(name: str) -> Any:
    """``relu_`` and ``max_pool2d_with_indices``: another function with a flag."""
    for ending, flag in (("_", "inplace"), ("_with_indices", "return_indices")):
        whole = f"nn.functional.{name.removesuffix(ending)}"
        if name.endswith(ending) and whole in definitions() and flag in signature(whole).parameters:
            return functools.partial(bound(whole), **{flag: True})
    return None


def without_definition(path: str) -> UnknownName:
    """Never torch's own derivative in silence."""
    return UnknownName(f"no definition stands for torch.{path}", mend="`derive list` shows what there is")


@functools.cache
def bound(path: str) -> Callable[..., Any]:
    """The derived function under torch's name and arguments."""
    word = path.rpartition(".")[2]

    def function(*args: Any, **kwargs: Any) -> Any:
        return run(path, args, kwargs)

    function.__name__ = word
    function.__qualname__ = word
    function.__module__ = "derive.nn.functional" if path.startswith("nn.functional.") else "derive.nn"
    return in_graph(function)


def run(path: str, args: tuple, kwargs: Mapping[str, Any]) -> Any:
    """One call."""
    import torch

    alike: tuple | None = None
    leaves: list[Any] = []
    if not torch._C._is_any_autocast_enabled():  # which chooses among precisions anew
        alike, leaves = likeness(args, kwargs)
        known = _SEEN[path].like(alike, leaves)
        if known is not None:
            return known()
    if takes_over(args, kwargs):
        return torch.overrides.handle_torch_function(bound(path), (*args, *kwargs.values()), *args, **kwargs)
    if _of_whole_numbers(path, args, kwargs):
        with torch.no_grad():  # torch refuses them in its own words, or moves them
            theirs: Any = functools.reduce(getattr, path.split("."), torch)
            result = theirs(*args, **kwargs)
        if not any(_is_tensor(v) and v.requires_grad for v in (*args, *kwargs.values())):
            return result
    call, known = translated(path, args, kwargs)
    if alike is not None and call.lasting and not call.afterwards:
        _SEEN[path].keep(alike, leaves, known)
    result = known()
    for finish in reversed(call.afterwards):
        result = finish(result)
    return result


def _of_whole_numbers(path: str, args: tuple, kwargs: Mapping[str, Any]) -> bool:
    """Whether the data, which a definition takes as real, are whole numbers, or no tensor."""
    if not path.startswith("nn.functional.") or path not in definitions():
        return False
    if declared(definitions()[path][0]).inputs[0].kind != "real":
        return False
    data: Any = args[0] if args else kwargs.get(next(iter(signature(path).parameters)))
    return not (_is_tensor(data) and (data.is_floating_point() or data.is_complex()))


def takes_over(args: tuple, kwargs: Mapping[str, Any]) -> bool:
    """Whether an argument has its own way with functions of torch: a proxy of ``torch.fx``, a tensor's subclass."""
    import torch

    everywhere = torch._C._is_torch_function_mode_enabled()  # asks nobody's argument
    return not everywhere and torch.overrides.has_torch_function((*args, *kwargs.values()))


#: Calls made before, by torch's name.
_SEEN: dict[str, Seen] = defaultdict(Seen)


def translated(path: str, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Call, ReadyCall]:
    """What torch's arguments mean, and the definition's call."""
    given = signature(path).bind(*args, **kwargs)
    given.apply_defaults()
    call = Call(path, _fitting(path, given.arguments), dict(given.arguments))
    for name in [n for n in call.arguments if n in EVERYWHERE]:
        EVERYWHERE[name](call)
    if path in READINGS:
        READINGS[path](call)
    if not call.definition:
        raise without_definition(path)
    sorted_out(call)
    for shape in SHAPES:
        shape(call)
    in_one_precision(call)
    return call, derived(call.definition).prepared((), {**call.inputs, **call.hypers})


def _fitting(path: str, arguments: Mapping[str, Any]) -> str:
    """Of several definitions the first whose inputs are of the kinds given: class indices, or probabilities."""
    names = definitions().get(path, ("",))
    for name in names[:-1]:
        kinds = {i.name: i.kind for i in declared(name).inputs}
        tensors = {n: v for n, v in arguments.items() if n in kinds and _is_tensor(v)}
        if all(kinds[n] != "index" or not v.is_floating_point() for n, v in tensors.items()):
            return name
    return names[-1]


@functools.cache
def derived(name: str) -> Any:
    """The definition as a torch function; one for all modules, so that what is derived is derived once."""
    from derive.callables import function

    return function(name)


def sorted_out(call: Call) -> None:
    """Inputs and hyperparameters of the definition; what is absent is left out, what has no place refused."""
    inputs = {i.name for i in call.declared.inputs}
    hypers = {h.name: h for h in call.declared.hypers}
    left = {n: v for n, v in call.arguments.items() if n not in inputs and n not in hypers}
    found = {n: v for n, v in call.arguments.items() if n in inputs}
    unnamed = [i.name for i in call.declared.inputs if i.name not in call.arguments]
    for name, (argument, value) in zip(unnamed, list(left.items()), strict=False):
        if not _is_tensor(value):
            break
        found[name] = value
        del left[argument]
    _refuse(call, left)
    call.inputs = {
        i.name: _of_kind(i, found[i.name], call) for i in call.declared.inputs if found.get(i.name) is not None
    }
    call.hypers = {n: _number(v, hypers[n].length) for n, v in call.arguments.items() if n in hypers and not _absent(v)}


def _of_kind(declared: Input, value: Any, call: Call) -> Any:
    """Whole numbers become real ones where the definition asks for these, in the precision of the data."""
    import torch

    if declared.kind not in ("real", "const") or not _is_tensor(value) or value.is_floating_point():
        return value
    like = next((v for v in call.arguments.values() if _is_tensor(v) and v.is_floating_point()), None)
    return value.to(torch.get_default_dtype() if like is None else like.dtype)


def _refuse(call: Call, left: Mapping[str, Any]) -> None:
    """Arguments that the definition does not have must be at their defaults."""
    defaults = signature(call.path).parameters
    for name, value in left.items():
        if name not in defaults or not _same(defaults[name].default, value):
            word = call.path.rpartition(".")[2]
            raise InputError(f"{word} does not support {name}={value!r}", mend=f"leave {name} at its default")


def _same(default: Any, value: Any) -> bool:
    return value is default or (type(value) is type(default) and not _is_tensor(value) and value == default)


def _absent(value: Any) -> bool:
    """None, and ``()``: torch's spellings of "the other default"."""
    return value is None or (isinstance(value, tuple | list) and not len(value))


def _number(value: Any, length: int) -> Any:
    """``(2,)`` is 2, wherever one number is asked for or fills the rest."""
    return value[0] if isinstance(value, tuple | list) and len(value) == 1 and length != 1 else value


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)
