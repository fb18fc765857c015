"""derive.nn against torch.nn on torch's own samples of its modules (``module_db``, private, of the pinned version).

For every sample: the same initial values from the same seed, the same outputs, first and second derivatives,
the same buffers afterwards; and no derivative of torch's own among those that flow.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

import derive.nn
from derive.errors import DeriveError
from derive.nn.rebound import derived_function
from derive.verify import module_samples
from derive.verify.module_samples import ASYMMETRIC, LEFT_OUT

TOLERANCE = 1e-10
#: What torch itself may differentiate: changes of place and precision, no arithmetic.
MOVES = frozenset((
    "AccumulateGrad", "Alias", "AsStrided", "Cat", "Clone", "Copy", "CopySlices", "Error", "Expand", "Permute",
    "Reshape", "ReshapeAlias", "Select", "Slice", "Split", "SplitWithSizes", "Squeeze", "Stack", "T", "ToCopy",
    "Transpose", "Unbind", "UnsafeView", "Unsqueeze", "View",
))  # fmt: skip


#: Torch's gradient by the first input is a derivative only when that comes out of log_softmax.
AFTER_LOG_SOFTMAX = ("CTCLoss",)


def _bce(module: Any, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross entropy by primitives: torch's second derivative of its own adds 1e-12 to x(1 − x)."""
    e = -(target * x.log().clamp(min=-100) + (1 - target) * (1 - x).log().clamp(min=-100))
    e = e if module.weight is None else e * module.weight
    return {"none": e, "sum": e.sum(), "mean": e.mean()}[module.reduction]


def _hardsigmoid(module: Any, x: torch.Tensor) -> torch.Tensor:
    """By primitives: torch's own slope is 1/6 in single precision."""
    return (x / 6 + 0.5).clamp(0, 1)


def _local_response(module: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.local_response_norm(x, module.size, module.alpha, module.beta, module.k)


#: Modules whose derivatives torch rounds off: the same by primitives, whose values are held to torch's.
PRIMITIVES: dict[str, Any] = {"BCELoss": _bce, "Hardsigmoid": _hardsigmoid, "CrossMapLRN2d": _local_response}
#: Modules whose values are not torch's, and why; they are held to the primitives alone.
OFF = {"CrossMapLRN2d": "torch's window runs a channel short and its gradient is not the derivative"}


@dataclass(frozen=True)
class Outcome:
    """One sample: whether it agreed, and if not (or not wholly) why."""

    module: str
    sample: int
    setting: str
    passed: bool
    reason: str = ""
    orders: int = 0


def modules() -> dict[str, Any]:
    """Class name → torch's own description of it."""
    from torch.testing._internal.common_modules import module_db

    return {info.module_cls.__name__: info for info in module_db}


def names() -> list[str]:
    """Every class that has samples: torch's bed first, then what it leaves out."""
    return [*modules(), *(n for n in LEFT_OUT if n not in modules())]


def outcomes(name: str, order: int = 2, chosen: slice = slice(None)) -> Iterator[Outcome]:
    """Every sample of a module class, compared up to that order of derivative."""
    for number, sample in list(enumerate(samples(name)))[chosen]:
        yield outcome(name, number, sample, order)


def samples(name: str) -> list[Any]:
    """Torch's own samples of a class, float64, then ours."""
    found: list[Any] = []
    if name in modules():
        info = modules()[name]
        torch.manual_seed(0)
        found = list(
            info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=True)
        )
    return found + module_samples.samples(LEFT_OUT, name) + module_samples.samples(ASYMMETRIC, name)


def count(name: str) -> int:
    """How many samples torch has of a class."""
    return len(list(samples(name)))


def outcome(name: str, number: int, sample: Any, order: int) -> Outcome:
    """One sample."""
    build, call = sample.constructor_input, sample.forward_input
    setting = ", ".join([*map(_short, build.args), *(f"{k}={_short(v)}" for k, v in build.kwargs.items())])
    setting += " | " + ", ".join([*map(_short, call.args), *(f"{k}={_short(v)}" for k, v in call.kwargs.items())])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            told = _compare(name, build, call, order)
        except DeriveError as error:
            return Outcome(name, number, setting, False, f"{type(error).__name__}: {str(error).splitlines()[0]}")
        except Exception as error:  # a bed goes on whatever one sample does
            return Outcome(
                name, number, setting, False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            )
    return Outcome(name, number, setting, not told[0], told[0], told[1])


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "…"


# ------------------------------------------------------------------------------ one comparison


def _compare(name: str, build: Any, call: Any, order: int) -> tuple[str, int]:
    theirs, ours = (_made(nn, name, build, call) for nn in (torch.nn, derive.nn))
    difference = _differs("initial values", ours.state_dict(), theirs.state_dict())
    if difference:
        return difference, 0
    truth, got = _run(theirs, call), _run(ours, call)
    found = _differs("forward", got.outputs, truth.outputs) or _differs("buffers", *map(_buffers, (ours, theirs)))
    if found or not order:
        return found, 0
    return _derivatives(truth, got, order)


def _made(namespace: Any, name: str, build: Any, call: Any) -> Any:
    """The module; a lazy one after a first call has given it its shapes."""
    args, kwargs = copy.deepcopy((build.args, build.kwargs))
    if namespace is derive.nn:
        args, kwargs = pytree.tree_map(_converted, (tuple(args), dict(kwargs)))
    torch.manual_seed(7)
    made = getattr(namespace, name)(*args, **kwargs).to(torch.float64)
    if any(map(torch.nn.parameter.is_lazy, made.parameters())):
        made(*call.args, **call.kwargs)
    return made


def _converted(value: Any) -> Any:
    return derive.nn.converted(value) if isinstance(value, torch.nn.Module) else derived_function(value)


def _buffers(module: Any) -> dict[str, torch.Tensor]:
    return dict(module.named_buffers())


@dataclass
class _Ran:
    """Outputs, and the leaves that derivatives are by."""

    outputs: list[torch.Tensor]
    leaves: list[torch.Tensor]


def _run(module: Any, call: Any) -> _Ran:
    args, kwargs = pytree.tree_map(_leaf, (tuple(call.args), dict(call.kwargs)))
    given = [v for v in pytree.tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor) and v.requires_grad]
    args, kwargs = pytree.tree_map(_in_a_graph, (args, kwargs))
    if type(module).__name__ in AFTER_LOG_SOFTMAX:
        namespace = derive.nn if type(module).__module__ == "derive.nn" else torch.nn
        args = (namespace.functional.log_softmax(args[0], -1), *args[1:])
    torch.manual_seed(11)
    name, primitives = type(module).__name__, None
    if name in PRIMITIVES and type(module).__module__ != "derive.nn":
        primitives = PRIMITIVES[name](module, *args, **kwargs)
    result = module(*args, **kwargs)
    if primitives is not None:
        assert name in OFF or torch.allclose(primitives, result, rtol=TOLERANCE, atol=TOLERANCE)
        result = primitives
    leaves = [*given, *(p for p in module.parameters() if p.requires_grad)]
    return _Ran([v for v in pytree.tree_leaves(result) if isinstance(v, torch.Tensor)], leaves)


def _leaf(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)


def _in_a_graph(value: Any) -> Any:
    """No leaf: some modules write into what they are given."""
    return value.clone() if isinstance(value, torch.Tensor) and value.requires_grad else value


def _derivatives(truth: _Ran, got: _Ran, order: int) -> tuple[str, int]:
    theirs, ours = truth.outputs, got.outputs
    for level in range(1, order + 1):
        kept = [k for k, y in enumerate(theirs) if y.requires_grad]
        if not kept:
            return "", level - 1
        own = {"Add"} if level > 1 else set()  # autograd's own, where gradients of several uses meet
        foreign = [w for w in strangers([ours[k] for k in kept if ours[k].requires_grad]) if w not in own]
        if foreign:
            return f"torch differentiates {', '.join(foreign)}", level - 1
        torch.manual_seed(20 + level)
        cotangents = [torch.randn_like(theirs[k]) for k in kept]
        try:
            expected = _gradients([theirs[k] for k in kept], truth.leaves, cotangents, level < order)
        except (RuntimeError, NotImplementedError):
            return "", level - 1
        found = _gradients([ours[k] for k in kept], got.leaves, cotangents, level < order)
        difference = _differs(f"derivative of order {level}", found, expected)
        if difference:
            return difference, level - 1
        theirs, ours = expected, found
    return "", order


def _gradients(
    outputs: list[torch.Tensor], leaves: list[torch.Tensor], cotangents: list[torch.Tensor], again: bool
) -> list[torch.Tensor]:
    pairs = [(y, c) for y, c in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not pairs:
        return [torch.zeros_like(x) for x in leaves]
    ys, cs = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ys, leaves, cs, create_graph=again, allow_unused=True, materialize_grads=True))


def strangers(outputs: list[torch.Tensor]) -> list[str]:
    """Operations on the way to the leaves whose derivative would be torch's."""
    found: dict[str, None] = {}
    seen: set[Any] = set()
    ahead = [y.grad_fn for y in outputs]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        word = node.name().partition("Backward")[0].rpartition("::")[2]
        if word != "Derived" and word not in MOVES:
            found.setdefault(word)
        ahead += [after for after, _ in node.next_functions]
    return list(found)


def _differs(what: str, got: Any, expected: Any) -> str:
    """What is different, or nothing."""
    pairs = zip(pytree.tree_leaves(got), pytree.tree_leaves(expected), strict=True)
    if len(pytree.tree_leaves(got)) != len(pytree.tree_leaves(expected)):
        return f"{what}: another number of tensors"
    for k, (a, b) in enumerate(pairs):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{what} {k}: {a.dtype} {list(a.shape)}, torch {b.dtype} {list(b.shape)}"
        with contextlib.suppress(RuntimeError):
            a, b = a.detach(), b.detach()
        if not torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            return f"{what} {k}: off by {float((a - b).abs().max()) if a.is_floating_point() else 'some'}"
    return ""
