"""Optimizers that torch has not: a constructor from a definition's hyperparameters, torch's Optimizer below."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from derive.language import load_definition
from derive.optim.table import BOUNDS, Entry


def base(name: str, entry: Entry) -> type:
    """A subclass of torch's Optimizer that is constructed as the definition says; the step is put in by the factory."""
    import torch

    signature = _signature(entry.definition)
    members: dict[str, Any] = {"__init__": _init(name, signature)}
    if "x" in entry.states:
        members |= _AVERAGED
    return type(f"{name}Base", (torch.optim.Optimizer,), members)


def _signature(definition: str) -> inspect.Signature:
    """``(self, params, lr=…, betas=…, …)``: the definition's hyperparameters in order, with their defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("self", kind), inspect.Parameter("params", kind)]
    for hyper in load_definition(definition).hypers:
        default = inspect.Parameter.empty if hyper.default is None else ast.literal_eval(hyper.default)
        parameters.append(inspect.Parameter(hyper.name, kind, default=default))
    only = inspect.Parameter.KEYWORD_ONLY
    parameters.append(inspect.Parameter("differentiable", only, default=False))
    return inspect.Signature(parameters)


def _init(name: str, signature: inspect.Signature) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        import torch

        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        options = {n: v for n, v in bound.arguments.items() if n not in ("self", "params")}
        for option, value in options.items():
            _check(name, option, value)
        torch.optim.Optimizer.__init__(self, bound.arguments["params"], options)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def _check(name: str, option: str, value: Any) -> None:
    least, below = BOUNDS.get(option, (-float("inf"), float("inf")))
    for number in value if isinstance(value, tuple | list) else (value,):
        if not least <= number < below:
            raise ValueError(f"{name}: {option} is {value}, outside {least} <= {option} < {below}")


# ------------------------------------------------------------------------------ averaged parameters


def _swap(inward: bool) -> Callable[[Any], None]:
    def swap(self: Any) -> None:
        import torch

        with torch.no_grad():
            for group in self.param_groups:
                if group.setdefault("averaged", False) == inward:
                    continue
                group["averaged"] = inward
                for p in group["params"]:
                    x = self.state[p].get("x")
                    if x is not None:
                        kept = p.clone()
                        p.copy_(x)
                        x.copy_(kept)

    swap.__doc__ = "Puts the average x in the parameters' place." if inward else "Takes the average x out again."
    return swap


#: Schedule-free optimizers train at theta and are evaluated at the average x.
_AVERAGED = {"eval": _swap(True), "train": _swap(False)}
