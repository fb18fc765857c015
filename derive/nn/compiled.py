"""Derived functions under ``torch.compile``: one node of the captured graph each, traced into by what follows.

Dynamo cannot read an ``autograd.Function`` that has forward mode, nor should it read the derivation itself.  A
function that is allowed in the graph is run as it stands when the graph is traced further, on tensors without
data, so what is compiled is the generated code.  The permission is given at the first capture, since asking for it
imports the compiler.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def in_graph(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which ``torch.compile`` takes whole."""
    import torch

    is_compiling = torch.compiler.is_compiling

    def allow() -> None:
        torch._dynamo.allow_in_graph(whole)

    allow._dynamo_marked_constant = True  # type: ignore[attr-defined]  # run, not read, during a capture

    def whole(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    @functools.wraps(function)
    def either(*args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            allow()
            return whole(*args, **kwargs)
        return function(*args, **kwargs)

    return either
