"""Shapes that torch allows beside a definition's own: no batch axis, sizes that spread, no axis at all.

Each rule looks at the declared axes alone, so that it serves every definition.  Axes are put in and taken out by
views; what spreads does so by a definition, whose derivative is the sum back.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from derive.language.definition import Input
from derive.nn.call import Call


def _text(axes: tuple[ast.expr, ...]) -> tuple[str, ...]:
    return tuple(ast.unparse(a) for a in axes)


def _is_pack(axis: ast.expr) -> bool:
    return isinstance(axis, ast.Starred) or (isinstance(axis, ast.Constant) and axis.value is ...)


def _without_batch(call: Call) -> None:
    """``[C, H, W]`` where ``[N, C, H, W]`` is declared, N in front of every data input: a batch of one."""
    data = [i for i in call.declared.inputs if i.name in call.inputs and _leads(i, _batch(call))]
    first = call.declared.inputs[0]
    if not _batch(call) or call.inputs[first.name].ndim != len(first.axes) - 1:
        return
    for i in data:
        if call.inputs[i.name].ndim == len(i.axes) - 1:
            call.inputs[i.name] = call.inputs[i.name].unsqueeze(0)
    call.afterwards.append(_each(lambda y: y.squeeze(0)))


def _batch(call: Call) -> str:
    """The letter in front of the data, where the number of its axes is fixed."""
    axes = call.declared.inputs[0].axes
    return axes[0].id if axes and isinstance(axes[0], ast.Name) and not any(map(_is_pack, axes)) else ""


def _leads(declared: Input, letter: str) -> bool:
    return bool(declared.axes) and ast.unparse(declared.axes[0]) == letter


def _spread(call: Call) -> None:
    """Inputs declared with the same axes take a common shape, as torch broadcasts them."""
    import torch

    alike: dict[tuple[str, ...], list[str]] = {}
    for i in call.declared.inputs:
        if i.name in call.inputs and any(map(_is_pack, i.axes)):
            alike.setdefault(_text(i.axes), []).append(i.name)
    for names in alike.values():
        shapes = [tuple(call.inputs[n].shape) for n in names]
        if all(shape == shapes[0] for shape in shapes[1:]):
            continue
        try:
            common = torch.broadcast_shapes(*shapes)
        except RuntimeError:
            continue  # the definition says it with its letters
        for n in names:
            call.inputs[n] = spread(call.inputs[n], tuple(common))


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """x repeated along axes in front and along axes of length 1."""
    from derive.callables import function

    if not x.is_floating_point():
        return x.expand(shape)
    front = shape[: len(shape) - x.ndim]
    if front:
        x = function("spread_front")(x, n=_product(front)).reshape(*front, *x.shape)
    for axis in range(len(front), len(shape)):
        if x.shape[axis] != shape[axis]:
            x = function("spread_axis")(x, axis=axis, n=shape[axis])
    return x


def _product(lengths: tuple[int, ...]) -> int:
    total = 1
    for n in lengths:
        total *= n
    return total


def _without_axes(call: Call) -> None:
    """A number where an axis is asked for: an axis of one entry."""
    first = call.declared.inputs[0]
    x = call.inputs.get(first.name)
    if x is None or x.ndim or all(map(_is_pack, first.axes)):
        return
    for i in call.declared.inputs:
        if _text(i.axes) == _text(first.axes) and i.name in call.inputs:
            call.inputs[i.name] = call.inputs[i.name].unsqueeze(0)
    call.afterwards.append(_each(lambda y: y.squeeze(0) if y.ndim == 1 else y))


def _each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The change made to a result, or to each of several."""
    return lambda result: tuple(map(change, result)) if isinstance(result, tuple) else change(result)


#: In the order in which they are tried.
SHAPES: tuple[Callable[[Call], None], ...] = (_without_axes, _without_batch, _spread)
