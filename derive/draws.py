"""Inputs that a definition draws at random: ``keep: Bool[...] = bernoulli(1 - p)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr

from derive.bind.words import declared
from derive.errors import InputError
from derive.program import Draw, Hyper, Program, Tensor, tensors_read


def beside(tensor: Tensor, program: Program, tensors: Mapping[str, Any]) -> Any:
    """An input that is declared alike: noise is laid out in memory, and so drawn, in its order."""
    alike = (o.name for o in program.inputs if o.axes == tensor.axes and o.kind == "real" and o.name in tensors)
    name = next(alike, None)
    return None if name is None else tensors[name]


def drawn(
    program: Program, tensor: Tensor, shape: Any, numbers: Mapping[str, Any], like: Any, alike: Any = None
) -> Any:
    """A random input, drawn if it is read, and as torch draws it; then an ordinary input: the backward replays it."""
    import torch

    if not isinstance(tensor.default, Draw):
        raise InputError(f"input {tensor.name} of {program.name} is missing", mend=f"give {declared(tensor)}")
    if shape is None and alike is None:
        raise InputError(f"{tensor.name} is drawn at random in a shape of its own, for sizes that are not known",
                         mend="torch.compile with dynamic=False")  # fmt: skip
    device, dtype = (like.device, like.dtype) if like is not None else (None, torch.get_default_dtype())
    a, *more = [_number(a, numbers) for a in tensor.default.arguments]
    noise = torch.zeros(shape, dtype=dtype, device=device) if alike is None else torch.zeros_like(alike)
    read = tensor.name in {name for s in program.statements for name in tensors_read(s)}
    certain = tensor.default.distribution == "bernoulli" and not 0 < a < 1
    if read and certain:
        noise.fill_(a)
    elif read:
        getattr(noise, f"{tensor.default.distribution}_")(a, *more)
    return noise.bool() if tensor.kind == "bool" else noise


def _number(e: Expr, numbers: Mapping[str, Any]) -> float:
    """The value of an expression over hyperparameters."""
    values = {}
    for name, value in numbers.items():
        each = value if isinstance(value, tuple) else (value,)
        for k, v in enumerate(each):
            symbol = f"{name}[{k}]" if isinstance(value, tuple) else name
            values.update({Hyper(symbol): v, Hyper(symbol, True): v})
    return float(e.xreplace(values))
