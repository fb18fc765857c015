"""Inputs that a definition draws at random: ``keep: Bool[...] = bernoulli(1 - p)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from derive.bind.words import declared
from derive.errors import InputError
from derive.program import Draw, Hyper, Program, Tensor, tensors_read


@dataclass(frozen=True, eq=False)
class Noise:
    """How a random input is drawn, as torch draws it; then it is an ordinary input: the backward replays it.

    ``alike`` names an input that is declared alike: noise is laid out in memory, and so drawn, in its order.  What
    nothing reads is not drawn.
    """

    tensor: Tensor
    arguments: tuple[float, ...]
    shape: tuple[int, ...] | None
    alike: str | None
    read: bool

    def __call__(self, tensors: Mapping[str, Any], like: Any) -> Any:
        """A draw beside the given inputs, on the device and in the precision of ``like``."""
        import torch

        if self.alike is not None:
            noise = torch.zeros_like(tensors[self.alike])
        else:
            device, dtype = (like.device, like.dtype) if like is not None else (None, torch.get_default_dtype())
            noise = torch.zeros(self.shape, dtype=dtype, device=device)  # type: ignore[arg-type]
        assert isinstance(self.tensor.default, Draw)
        distribution, (a, *more) = self.tensor.default.distribution, self.arguments
        if self.read and distribution == "bernoulli" and not 0 < a < 1:
            noise.fill_(a)
        elif self.read:
            getattr(_in_memory_order(noise), f"{distribution}_")(a, *more)
        return noise.bool() if self.tensor.kind == "bool" else noise


def noise_of(
    program: Program, tensor: Tensor, shape: Any, numbers: Mapping[str, Any], given: Mapping[str, Any]
) -> Noise:
    """How a missing input is drawn; raises InputError where it is none that is drawn, or its shape is not known."""
    if not isinstance(tensor.default, Draw):
        raise InputError(f"input {tensor.name} of {program.name} is missing", mend=f"give {declared(tensor)}")
    alike = next(
        (o.name for o in program.inputs if o.axes == tensor.axes and o.kind == "real" and o.name in given), None
    )
    if shape is None and alike is None:
        raise InputError(f"{tensor.name} is drawn at random in a shape of its own, for sizes that are not known",
                         mend="torch.compile with dynamic=False")  # fmt: skip
    read = tensor.name in {name for s in program.statements for name in tensors_read(s)}
    return Noise(tensor, tuple(_number(a, numbers) for a in tensor.default.arguments), shape, alike, read)


def _in_memory_order(noise: Any) -> Any:
    """The same memory without gaps between axes: a captured graph draws by axes, not by memory."""
    strides = noise.stride()
    return noise if noise.is_contiguous() else noise.permute(sorted(range(noise.ndim), key=lambda k: -strides[k]))


def _number(e: Expr, numbers: Mapping[str, Any]) -> float:
    """The value of an expression over hyperparameters."""
    values = {}
    for name, value in numbers.items():
        each = value if isinstance(value, tuple) else (value,)
        for k, v in enumerate(each):
            symbol = f"{name}[{k}]" if isinstance(value, tuple) else name
            values.update({Hyper(symbol): v, Hyper(symbol, True): v})
    return float(e.xreplace(values))
