"""Example inputs of a user's function: named, drawn in given shapes, or found beside it by convention.

By convention ``NAME_inputs`` in the same module (NAME without its dots' owners), or ``example_inputs`` on the thing
itself; either may be the inputs or a function of no arguments that makes them.
"""

from __future__ import annotations

from typing import Any

import torch

from derive.errors import InputError
from derive.verify.request import Request
from derive.verify.targets.forms import as_arguments, drawn, is_pair
from derive.verify.targets.resolve import module, raised, resolve

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def example_inputs(request: Request, thing: Any, *, backward: bool) -> Arguments | None:
    """The arguments of a call to be checked, or None where nobody says."""
    if request.inputs:
        return _made(resolve(request.inputs), request.inputs, request.seed)
    if request.shapes:
        return drawn(request.shapes, request.seed, numpy=backward or is_pair(thing)), {}
    if hasattr(thing, "example_inputs"):
        return _made(thing.example_inputs, f"{request.target}.example_inputs", request.seed)
    for name in conventional(request.target):
        home, _, attribute = name.partition(":")
        owner = module(home)
        for part in attribute.split("."):
            owner = getattr(owner, part, None)
        if owner is not None:
            return _made(owner, name, request.seed)
    return None


def conventional(target: str) -> tuple[str, ...]:
    """Where a module may keep the example inputs of ``module:attribute``."""
    home, colon, attribute = target.partition(":")
    if not colon or attribute.startswith(":"):
        return ()
    last = attribute.rpartition(".")[2]
    return tuple(
        dict.fromkeys((f"{home}:{attribute}_inputs", f"{home}:{last}_inputs", f"{home}:{last.lower()}_inputs"))
    )


def _made(given: Any, name: str, seed: int) -> Arguments:
    """The inputs themselves, or what their function makes under the seed."""
    if callable(given) and not isinstance(given, torch.Tensor):
        torch.manual_seed(seed)
        try:
            given = given()
        except Exception as error:
            raise InputError(
                f"{name}() raises {raised(error)}", mend="it makes the example inputs, of no arguments"
            ) from error
    if given is None:
        raise InputError(
            f"{name} gives no inputs but None", mend="return a tensor, a tuple of them, or a dict of keywords"
        )
    return as_arguments(given)


def wanted(target: str) -> str:
    """How to give example inputs, for one who gave none."""
    named = conventional(target)
    beside = f"put {named[-2] if len(named) > 1 else named[0]} beside it" if named else "give it example_inputs"
    return (
        f"no example inputs: give --inputs module:attribute or --shape 4,5 --shape 3,5, or {beside}, a tuple of "
        "tensors or a function that returns one"
    )
