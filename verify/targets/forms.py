"""Each kind of thing a user has, as targets: a table from what it is to how it becomes a function of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as trees

from derive.errors import InputError
from derive.verify.targets import modules, pairs
from derive.verify.targets.resolve import raised, where
from derive.verify.targets.target import Target, bound

_KINDS = "a function of tensors, an autograd.Function, a torch.library operation, an nn.Module, a forward/backward pair"


@dataclass(frozen=True)
class Form:
    """How one kind is called: what to call, where its gradient is written, what its arguments are named after."""

    function: Callable[..., Any]
    written: Any
    signature: Any
    own: bool = True
    skip: int = 0


def is_optimizer(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, torch.optim.Optimizer)


def is_pair(thing: Any) -> bool:
    return isinstance(thing, tuple | list) and len(thing) == 2 and all(map(callable, thing))


def is_checkable(thing: Any) -> bool:
    """Whether it is one of the kinds that a user writes in Python."""
    return callable(thing) or is_pair(thing)


def name_of(thing: Any) -> str:
    """How a verdict calls it."""
    if is_pair(thing):
        thing = thing[0]
    if isinstance(thing, nn.Module):
        return type(thing).__name__
    if isinstance(thing, torch.library.CustomOpDef if hasattr(torch.library, "CustomOpDef") else ()):
        return str(thing._qualname)
    written = inspect.isfunction(thing) or isinstance(thing, type)
    name = getattr(thing, "__qualname__" if written else "__name__", None) or type(thing).__name__
    return str(name).rpartition("<locals>.")[2]


def made(thing: Any) -> Any:
    """An instance of a module class that takes no arguments; everything else as it is."""
    if not (isinstance(thing, type) and issubclass(thing, nn.Module)):
        return thing
    try:
        inspect.signature(thing).bind()
    except TypeError as error:
        mend = "check an instance, or a function of no arguments that makes one"
        raise InputError(f"{thing.__name__} cannot be made without arguments: {error}", mend=mend) from None
    return called(thing)


def takes_nothing(function: Any) -> bool:
    """Whether it is a function without parameters: one that makes something."""
    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def called(function: Callable[[], Any]) -> Any:
    """What it makes."""
    try:
        return function()
    except Exception as error:
        raise InputError(f"{name_of(function)}() raises {raised(error)}") from error


def targets(
    thing: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, backward: Callable | None = None, name: str = ""
) -> Iterable[Target]:
    """What is to be checked of a thing at these example inputs; a module gives one target per mode."""
    name = name or name_of(thing)
    thing = made(thing)
    if backward is not None:
        thing = (thing, backward)
    if not is_checkable(thing):
        raise InputError(f"{name} is a {type(thing).__name__}: nothing to check", mend=f"name {_KINDS}")
    if isinstance(thing, nn.Module):
        return modules.targets(thing, args, kwargs, _names(thing.forward, 0), name)
    form = _form(thing, args)
    call, inputs = bound(form.function, args, kwargs, _names(form.signature, form.skip))
    return (Target(name, call, inputs, own=form.own, functional=not is_pair(thing)),)


def where_of(thing: Any, backward: Callable | None = None) -> str:
    """``file:line`` of the gradient a user wrote, else of the thing itself."""
    if backward is not None or isinstance(thing, nn.Module):
        return where(backward or type(thing).forward) or where(type(thing))
    if isinstance(thing, type) and issubclass(thing, nn.Module):
        return where(thing.forward) or where(thing)
    return where(_form(thing, ()).written)


def _form(thing: Any, args: tuple[Any, ...]) -> Form:
    """The row of its kind."""
    if is_pair(thing):
        forward, backward = thing
        numpy = not any(isinstance(x, torch.Tensor) for x in trees.tree_leaves(args))
        return Form(pairs.joined(forward, backward, numpy=numpy), backward, forward)
    if isinstance(thing, type) and issubclass(thing, torch.autograd.Function):
        with_context = thing.setup_context is torch.autograd.Function.setup_context
        return Form(thing.apply, thing.backward, thing.forward, skip=int(with_context))
    definition = _definition(thing)
    if definition is not None:
        written = getattr(definition, "_backward_fn", None) or definition._init_fn
        return Form(thing, written, definition._init_fn)
    return Form(thing, thing, thing, own=False)


def _definition(thing: Any) -> Any:
    """The ``torch.library.custom_op`` behind an operation, if it was made by one."""
    from torch._library.custom_ops import OPDEFS, CustomOpDef

    if isinstance(thing, CustomOpDef):
        return thing
    known = getattr(thing, "_qualified_op_name", None) or getattr(thing, "_name", "")
    return OPDEFS.get(str(known).split(".")[0])


def _names(function: Any, skip: int) -> tuple[str, ...]:
    """The names of a function's positional arguments, as far as it says."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        found = [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]
    except (TypeError, ValueError):
        return ()
    return tuple(found[skip:])


def as_arguments(given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a user gives as example inputs: a tensor, a tuple, a dict of keywords, or a tuple and a dict."""
    if isinstance(given, dict):
        return (), given
    if not isinstance(given, tuple | list):
        return (given,), {}
    if len(given) == 2 and isinstance(given[0], tuple | list) and isinstance(given[1], dict):
        return tuple(given[0]), given[1]
    return tuple(given), {}


def drawn(shapes: tuple[tuple[int, ...], ...], seed: int, *, numpy: bool) -> tuple[Any, ...]:
    """Normal values in those shapes."""
    rng = np.random.default_rng([seed, 23])
    arrays = [rng.normal(size=shape) for shape in shapes]
    return tuple(arrays if numpy else (torch.from_numpy(np.asarray(a)) for a in arrays))
