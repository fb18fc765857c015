"""Classes made from the table: torch's own constructor, groups, closures and state; the step is generated code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from derive.errors import InputError
from derive.optim.advance import advance
from derive.optim.table import TORCHS, Entry


def optimizer_class(name: str) -> type:
    """The class of that name."""
    import torch

    base = getattr(torch.optim, name)
    entry = TORCHS[name]
    members = {
        "__doc__": f"torch.optim.{name} whose step is generated from the definition `{entry.definition}`.",
        "__module__": "derive.optim",
        "__qualname__": name,
        "add_param_group": _add_param_group,
        "step": _step(entry, _lists(base)),
    }
    return type(name, (base,), members)


def _lists(base: type) -> int:
    """How many lists torch's own gathering of a group fills."""
    return len(inspect.signature(base._init_group).parameters) - 2  # type: ignore[attr-defined]


def _add_param_group(self: Any, group: dict[str, Any]) -> None:
    """A parameter group, refused where the definitions do not reach."""
    super(type(self), self).add_param_group(group)
    _refuse(self, self.param_groups[-1])


def _refuse(optimizer: Any, group: dict[str, Any]) -> None:
    name = type(optimizer).__name__
    if group.get("capturable"):
        raise InputError(
            f"derive.optim.{name} does not take capturable=True: its step counts on the CPU",
            mend="leave capturable out, or use torch.optim for CUDA graphs",
        )
    for p in group["params"]:
        if p.is_complex():
            raise InputError(
                f"derive.optim.{name} takes real parameters, not {p.dtype}",
                mend="give torch.view_as_real(parameter) as the parameter",
            )


def _step(entry: Entry, lists: int) -> Callable[..., Any]:
    def step(self: Any, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient; the closure's loss, if there is a closure."""
        import torch

        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            for group in self.param_groups:
                gathered: list[list[Any]] = [[] for _ in range(lists)]
                self._init_group(group, *gathered)
                advance(entry, self.state, group, gathered[0], gathered[1])
        return loss

    return step
