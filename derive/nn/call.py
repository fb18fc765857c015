"""A call on its way from torch's arguments to a definition's inputs and hyperparameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from derive.language.definition import Definition
from derive.language.find import catalogue_definition


@functools.cache
def declared(name: str) -> Definition:
    """A definition of the catalogue as written."""
    found = catalogue_definition(name)
    assert found is not None, name
    return found


@dataclass
class Call:
    """The function called, the definition that stands for it, torch's arguments by name; then what they mean.

    ``afterwards``: what is done to the result, the last first; ``lasting``: only shapes were looked at, no numbers.
    """

    path: str
    definition: str
    arguments: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    hypers: dict[str, Any] = field(default_factory=dict)
    afterwards: list[Callable[[Any], Any]] = field(default_factory=list)
    lasting: bool = True

    @property
    def declared(self) -> Definition:
        """The definition as written."""
        return declared(self.definition)

    @property
    def word(self) -> str:
        """``conv2d`` of ``nn.functional.conv2d``, for messages."""
        return self.path.rpartition(".")[2]

    @property
    def first(self) -> str:
        """Torch's first argument: the data."""
        return next(iter(self.arguments))
