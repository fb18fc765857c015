"""A user's function in the one form that is checked: named tensors in, real tensors out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array
from torch.utils import _pytree as trees

from derive.errors import InputError


class Structure(InputError):
    """A function gives back something of the wrong structure."""


@dataclass(frozen=True)
class Target:
    """``call`` takes the tensors of ``inputs`` in order; ``held`` names those whose shape is not ours to vary.

    ``own``: it claims a gradient of its own, not autograd's.  ``functional``: it can be
    transformed by ``torch.func``, and does the same in every precision.  ``constants``: inputs that it takes no
    derivative by.
    """

    name: str
    call: Callable[..., Any]
    inputs: Mapping[str, Array]
    held: frozenset[str] = frozenset()
    title: str = ""
    own: bool = False
    functional: bool = True
    constants: frozenset[str] = frozenset()

    def outputs(self, *tensors: Array) -> tuple[Array, ...]:
        """The real outputs of a call, flattened; complex ones as pairs of reals."""
        return real_outputs(self.call(*tensors))

    def outputs_of(self, raw: Any) -> tuple[Array, ...]:
        return real_outputs(raw)

    def at(self, inputs: Mapping[str, Array]) -> Target:
        return replace(self, inputs=dict(inputs))

    def calling(self, call: Callable[..., Any]) -> Target:
        return replace(self, call=call)

    @property
    def differentiable(self) -> tuple[str, ...]:
        return tuple(n for n, x in self.inputs.items() if x.is_floating_point() and n not in self.constants)

    def case(self, words: str) -> str:
        return "; ".join((words, *([self.title] if self.title else ())))


def tensors_of(y: Any) -> tuple[Array, ...]:
    """The tensors that a call gave back; anything without one is of the wrong structure."""
    leaves = trees.tree_leaves(y)
    found = tuple(v for v in leaves if isinstance(v, Array))
    if not found:
        raise Structure(f"returns {_said(y)}", mend="return a tensor, or a tuple of tensors")
    sparse = next((v for v in found if v.layout != torch.strided or v.is_quantized), None)
    if sparse is not None:
        raise Structure(
            f"returns a tensor of layout {sparse.layout}", mend="checks are of dense tensors: call .to_dense()"
        )
    return found


def real_outputs(y: Any) -> tuple[Array, ...]:
    """The outputs that a derivative can be taken of, as real tensors."""
    found = (torch.stack((v.real, v.imag), -1) if v.is_complex() else v for v in tensors_of(y))
    return tuple(v for v in found if v.is_floating_point())


def _said(y: Any) -> str:
    if y is None:
        return "None"
    if isinstance(y, np.ndarray):
        return "a NumPy array"
    if isinstance(y, list | tuple | dict):
        kinds = sorted({type(v).__name__ for v in trees.tree_leaves(y)})
        return f"a {type(y).__name__} of {', '.join(kinds) or 'nothing'}"
    return f"a value of type {type(y).__name__}"


def bound(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, ...] = ()
) -> tuple[Callable[..., Any], dict[str, Array]]:
    """The function of the tensors among its example arguments, the rest held, and those tensors by name."""
    paths, spec = trees.tree_flatten_with_path((_arrays(args), dict(kwargs)))
    given: dict[str, Array] = {}
    places: list[int] = []
    for i, (path, leaf) in enumerate(paths):
        if isinstance(leaf, Array | np.ndarray):
            given[_name(path, names, len(args))] = as_tensor(leaf)
            places.append(i)
    leaves = [leaf for _, leaf in paths]

    def call(*tensors: Array) -> Any:
        filled = list(leaves)
        for i, x in zip(places, tensors, strict=True):
            filled[i] = _joined(x) if isinstance(leaves[i], Array) and leaves[i].is_complex() else x
        positional, keywords = trees.tree_unflatten(filled, spec)
        return function(*positional, **keywords)

    return call, given


def _arrays(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers and lists of them are tensors where nothing else is one."""
    if any(isinstance(x, Array | np.ndarray) for x in trees.tree_leaves(args)):
        return args
    return tuple(torch.as_tensor(x) if _numbers(x) else x for x in args)


def _numbers(x: Any) -> bool:
    leaves = trees.tree_leaves(x)
    return bool(leaves) and all(isinstance(v, float) for v in leaves) and not isinstance(x, dict)


def as_tensor(x: Array | np.ndarray) -> Array:
    """A detached dense tensor, complex ones as pairs of reals along a last axis of two."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        raise InputError("an example input is a NumPy array of objects", mend="give arrays of numbers")
    x = x.detach() if isinstance(x, Array) else torch.from_numpy(np.ascontiguousarray(x).reshape(x.shape).copy())
    if x.layout != torch.strided or x.is_quantized:
        raise InputError(f"an example input has layout {x.layout}", mend="checks are of dense tensors")
    return torch.view_as_real(x.resolve_conj()) if x.is_complex() else x


def _joined(x: Array) -> Array:
    """re, im along the last axis → complex."""
    if x.shape[-1] != 2:
        raise ValueError("a complex input is a pair of reals along its last axis")
    return torch.complex(x[..., 0], x[..., 1])


def _name(path: tuple[Any, ...], names: tuple[str, ...], count: int) -> str:
    """``x``, ``hx[0]``; without a signature ``input`` or ``input 1``."""
    group, *rest = path
    if getattr(group, "idx", 0) == 1:
        first, *rest = rest
        base = str(first.key)
    else:
        first, *rest = rest
        base = names[first.idx] if first.idx < len(names) else f"input {first.idx}" if count > 1 else "input"
    return base + "".join(f"[{getattr(p, 'idx', getattr(p, 'key', p))}]" for p in rest)
