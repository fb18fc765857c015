"""When kernels serve: big plain CPU tensors, where there is a compiler; array code takes the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.program import Program
from derive.targets.kernels.function import KernelFunction, kernel_function
from derive.targets.kernels.native import Unfit, compiler
from derive.targets.kernels.replay import Replay, Stale, recording, replay_of

#: Fewer entries than this are as fast by array code.
ENTRIES = 1 << 16
#: Shapes remembered before the oldest is dropped.
REMEMBERED = 1024


def callable_of(program: Program, eager: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """The program's outputs by kernels where they apply, by ``eager`` elsewhere."""
    if compiler() is None:
        return eager
    return Choice(program, eager)


class Choice:
    """Kernels for big plain CPU tensors; array code for the rest."""

    def __init__(self, program: Program, eager: Callable[..., tuple[Any, ...]]) -> None:
        self.program, self.eager = program, eager
        self.fast: KernelFunction | None = None
        self.refused = False
        self.replays: dict[tuple, Replay] = {}

    def __call__(self, *tensors: Any, **hypers: Any) -> tuple[Any, ...]:
        key = None if self.refused else _likeness(tensors, hypers)
        if key is None:
            return self.eager(*tensors, **hypers)
        try:
            replay = self.replays.get(key)
            if replay is not None:
                return replay(tensors)
        except Stale:
            pass
        try:
            return self._run(key, tensors, hypers)
        except Unfit:
            self.refused = self.fast is None
            return self.eager(*tensors, **hypers)

    def _run(self, key: tuple, tensors: tuple[Any, ...], hypers: dict[str, Any]) -> tuple[Any, ...]:
        if self.fast is None:
            self.fast = kernel_function(self.program)
        if not self.fast.only_kernels or key in self.replays:
            return self.fast.run(*tensors, **hypers)
        with recording() as calls:
            results = self.fast.run(*tensors, **hypers)
        replay = replay_of(calls, tensors, results)
        if replay is not None:
            if len(self.replays) >= REMEMBERED:
                self.replays.pop(next(iter(self.replays)))
            self.replays[key] = replay
        return results


def _likeness(tensors: tuple[Any, ...], hypers: dict[str, Any]) -> tuple | None:
    """Shapes, dtypes and hyperparameters, if there are entries enough, all in plain CPU tensors that nobody traces."""
    import torch

    entries, wrapped = 0, torch._C._functorch.is_functorch_wrapped_tensor
    parts: list[Any] = []
    for a in tensors:
        if type(a) not in (torch.Tensor, torch.nn.Parameter) or not a.is_cpu or wrapped(a):
            return None
        entries += a.numel()
        parts.append((a.shape, a.dtype))
    if entries < ENTRIES or torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack():
        return None
    return (*parts, *hypers.items())
