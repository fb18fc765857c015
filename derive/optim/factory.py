"""Classes made from the table: torch's constructor, groups, closures and state; the step is generated code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from derive.errors import InputError
from derive.optim.advance import advance
from derive.optim.table import OWN, TORCHS, Entry


def optimizer_class(name: str) -> type:
    """The class of that name."""
    import torch

    from derive.optim import own, quasi_newton

    if name in OWN:
        return _made(name, own.base(name, OWN[name]), OWN[name])
    base, entry = getattr(torch.optim, name), TORCHS[name]
    if name == "LBFGS":
        return _made(name, base, entry, step=quasi_newton.step)
    return _made(name, base, entry)


def _made(name: str, base: type, entry: Entry, **members: Any) -> type:
    what = f"The optimizer of the definition `{entry.definition}`: torch's own {name} in every other respect."
    if name in OWN:
        what = f"The optimizer of the definition `{entry.definition}`."
    members = {
        "__doc__": what,
        "__module__": "derive.optim",
        "__qualname__": name,
        "step": _step(entry, _gather(entry, base)),
        **members,
    }
    made = type(name, (base,), members)

    def add_param_group(self: Any, group: dict[str, Any]) -> None:
        """A parameter group, refused where the definition does not reach."""
        base.add_param_group(self, group)  # type: ignore[attr-defined]
        _refuse(name, entry, self.param_groups[-1])

    made.add_param_group = add_param_group  # type: ignore[attr-defined]
    return made


def _refuse(name: str, entry: Entry, group: dict[str, Any]) -> None:
    if group.get("capturable"):
        raise InputError(
            f"derive.optim.{name} does not take capturable=True: its step is counted on the CPU",
            mend="leave capturable out, or use torch.optim for CUDA graphs",
        )
    for p in group["params"]:
        if p.is_complex():
            raise InputError(
                f"derive.optim.{name} takes real parameters, not {p.dtype}",
                mend="give torch.view_as_real(parameter) as the parameter",
            )
        if entry.ranks and p.ndim not in entry.ranks:
            raise InputError(
                f"derive.optim.{name} takes matrices, not a parameter of shape {tuple(p.shape)}",
                mend="give the others to another optimizer, such as AdamW",
            )


Gather = Callable[[Any, dict[str, Any]], tuple[list, list]]


def _gather(entry: Entry, base: type) -> Gather:
    """A group's parameters that have a gradient, and the gradients; their state is there afterwards."""
    if not hasattr(base, "_init_group"):
        return lambda self, group: _gathered(entry, self.state, group)
    lists = len(inspect.signature(base._init_group).parameters) - 2

    def gather(self: Any, group: dict[str, Any]) -> tuple[list, list]:
        found: list[list[Any]] = [[] for _ in range(lists)]
        self._init_group(group, *found)
        return found[0], found[1]

    return gather


def _gathered(entry: Entry, states: Any, group: dict[str, Any]) -> tuple[list, list]:
    params = [p for p in group["params"] if p.grad is not None]
    for p in params:
        if p.grad.is_sparse and not entry.sparse:
            raise RuntimeError(f"{entry.definition} does not support sparse gradients")
        if not p.grad.is_sparse and not entry.dense:
            raise RuntimeError(f"{entry.definition} does not support dense gradients")
        if not states[p]:
            states[p][entry.clock] = 0
    return params, [p.grad for p in params]


def _step(entry: Entry, gather: Gather) -> Callable[..., Any]:
    def step(self: Any, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient; the closure's loss, if there is a closure."""
        import torch

        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            for group in self.param_groups:
                advance(entry, self.state, group, *gather(self, group))
        return loss

    return step
