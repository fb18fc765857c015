"""What a reference is, and the usual ways to make one from a function of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor as Array

Inputs = dict[str, Array]
Hypers = dict[str, Any]
Reference = Callable[[Inputs, Hypers], "tuple[Array, ...]"]


def of(function: Callable, *names: str, **renamed: str) -> Reference:
    """A function of torch whose arguments are those inputs in order; hyperparameters by keyword."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        values = {renamed.get(k, k): v for k, v in hypers.items()}
        return (function(*(inputs.get(name) for name in names), **values),)

    return call
