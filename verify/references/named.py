"""The oracle of an entry without a row: the function of torch that its definition names.

Arguments of torch's go to the definition's inputs and hyperparameters of the same name; the inputs that are left
take, in order, the arguments that are left.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import torch
from torch import Tensor as Array

from derive.language.definition import Definition
from derive.nn.signatures import signature
from derive.verify.references.form import Hypers, Inputs, Reference


def named(definition: Definition) -> Reference | None:
    """A call of the first function among the torch names, or None if they name classes alone."""
    words = [w for w in definition.torch if not w.rpartition(".")[2][:1].isupper()]
    if not words:
        return None
    if words[0] == "einsum":
        return _einsum
    function: Any = operator.attrgetter(words[0])(torch)
    places = _places(definition, words[0])

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        given = {places[n]: v for n, v in {**inputs, **hypers}.items() if v is not None}
        result = function(**given)
        return tuple(result) if isinstance(result, tuple) else (result,)

    return call


def _einsum(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (torch.einsum(hypers["equation"], *inputs.values()),)


@functools.lru_cache(maxsize=64)
def _places(definition: Definition, word: str) -> dict[str, str]:
    """Name in the definition → the argument of torch's that it is."""
    ours = [*(i.name for i in definition.inputs), *(h.name for h in definition.hypers)]
    arguments = list(signature(word).parameters)
    left = iter([a for a in arguments if a not in ours])
    return {n: n if n in arguments else next(left, n) for n in ours}
