"""A target made fit for checks: in the precision it takes, deterministic, changing nothing; or why it cannot be.

Differences tell most in float64, so that is tried first.  A function that draws random numbers is called under the
same seed every time; one that works in place is given copies.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

from derive.errors import DeriveError
from derive.verify.targets.resolve import raised
from derive.verify.targets.target import Structure, Target, tensors_of
from derive.verify.verdict import FAILED, NOT_APPLICABLE, PASSED, Row

_NO_DEVICE = ("cuda", "gpu", "nvidia", "hip", "xpu", "mps", "triton")
_NO_DEVICE_SAYS = (
    "not compiled", "driver", "not available", "unavailable", "no cuda", "not linked", "found no", "pointer argument",
    "cpu tensor", "no such device",
)  # fmt: skip


#: Precisions that a function may compute in while it returns float64, the coarsest first.
_COARSE = (torch.bfloat16, torch.float16, torch.float32)


@dataclass(frozen=True)
class Settled:
    """A target at example inputs it can be checked at, and what it rounds by."""

    target: Target
    eps: float
    rows: tuple[Row, ...] = ()

    @property
    def inputs(self) -> Mapping[str, Array]:
        return self.target.inputs


def settle(target: Target, seed: int) -> Settled | tuple[Row, ...]:
    """The target as it will be checked, with what was seen on the way; or the rows that say why nothing can be."""
    case = target.case("as given")

    def row(check: str, status: str, words: str) -> Row:
        if status == FAILED:
            return Row(check, case, FAILED, seed=seed, detail=words)
        return Row(check, case, status, reason=words, seed=seed)

    if not target.differentiable:
        words = "no input is a real tensor: nothing to differentiate by"
        return (row("inputs", NOT_APPLICABLE, words),)
    absent = _absent_device(target)
    if absent:
        return (row("call", NOT_APPLICABLE, absent),)
    called = _called(target)
    if isinstance(called, Exception):
        if needs_device(called):
            return (row("call", NOT_APPLICABLE, f"needs a device that is not there: {raised(called)}"),)
        check = "structure" if isinstance(called, Structure) else "call"
        return (row(check, FAILED, said(called)),)
    target, eps, notes = called
    rows = [row("precision", NOT_APPLICABLE, words) for words in notes]
    target, more = _unchanging(target, row)
    rows += more
    same, more = _repeatable(target, row, seed)
    rows += more
    if same is None:
        return tuple(rows)
    target, more = _without_constants(same, row)
    rows += more
    try:
        why = _not_differentiable(target)
    except Exception as error:
        return (*rows, row("call", FAILED, f"under autograd it {said(error)}"))
    if why:
        return (*rows, row("gradient", NOT_APPLICABLE, why))
    return Settled(target, eps, tuple(rows))


def said(error: BaseException) -> str:
    """An error in words: ours as it is, another's with its place in the user's code."""
    return str(error) if isinstance(error, DeriveError) else f"raises {raised(error)}"


def needs_device(error: BaseException) -> bool:
    words = f"{type(error).__name__} {error}".lower()
    if not any(w in words for w in _NO_DEVICE):
        return False
    return any(w in words for w in _NO_DEVICE_SAYS) and not torch.cuda.is_available()


def _absent_device(target: Target) -> str:
    kinds = sorted({x.device.type for x in target.inputs.values()} - {"cpu"})
    if kinds == ["meta"]:
        return "the example inputs are on the meta device: they hold no values"
    return ""


# ------------------------------------------------------------------------------ precision


def promoted(x: Array) -> Array:
    return x.to(torch.float64) if x.is_floating_point() else x


def _called(target: Target) -> tuple[Target, float, list[str]] | Exception:
    """The target in float64, or as given if it takes no float64, or what it raises."""
    precise = target.at({n: promoted(x) for n, x in target.inputs.items()})
    try:
        y = _values(precise.at({n: _finer(x) for n, x in precise.inputs.items()}))
    except Exception as error:
        refused = error
    else:
        dtype = held_in(y)
        notes = [] if dtype is torch.float64 else [f"it computes in {_word(dtype)} inside: differences are coarse"]
        return precise, torch.finfo(dtype).eps, notes
    kinds = sorted({_word(x.dtype) for x in target.inputs.values() if x.is_floating_point()})
    if kinds == ["float64"]:
        return refused
    try:
        _values(target)
    except Exception as error:
        return error
    eps = max(torch.finfo(x.dtype).eps for x in target.inputs.values() if x.is_floating_point())
    return target, eps, [f"float64 is refused ({raised(refused)}): checked in {', '.join(kinds)}"]


def _finer(x: Array) -> Array:
    """The same values but for digits that float32 does not have, none larger than it was."""
    if not x.is_floating_point():
        return x
    generator = torch.Generator().manual_seed(0)
    return x * (1 - 1e-10 * torch.rand(x.shape, generator=generator, dtype=torch.float64).to(x.device))


def _values(target: Target) -> tuple[Array, ...]:
    """The outputs at copies of the inputs, outside of autograd."""
    with torch.no_grad():
        return tensors_of(target.call(*(x.clone() for x in target.inputs.values())))


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def held_in(outputs: tuple[Array, ...]) -> torch.dtype:
    """The coarsest precision that holds every one of the values, though float64 went in."""
    real = [v for v in outputs if v.is_floating_point()]
    low = [v.dtype for v in real if v.dtype != torch.float64]
    if low:
        return max(low, key=lambda d: torch.finfo(d).eps)
    values = torch.cat([v.reshape(-1) for v in real] or [torch.zeros(0)])
    scaled = values * 16  # whole numbers and short fractions have few digits in any precision
    telling = values[torch.isfinite(values) & (scaled != scaled.round())]
    if telling.numel() < 3:
        return torch.float64
    fitting = (d for d in _COARSE if bool((telling.to(d).double() == telling).all()))
    return next(fitting, torch.float64)


# ------------------------------------------------------------------------------ changes and chance


def _unchanging(target: Target, row: Callable[[str, str, str], Row]) -> tuple[Target, list[Row]]:
    """Copies for a function that writes to what it is given; whether it may do so."""
    given = [x.clone() for x in target.inputs.values()]
    with torch.no_grad():
        outputs = tensors_of(target.call(*given))
    changed = [
        (name, x, before)
        for (name, before), x in zip(target.inputs.items(), given, strict=True)
        if not torch.equal(torch.nan_to_num(x), torch.nan_to_num(before))
    ]
    copying = target.calling(lambda *tensors: target.call(*(x.clone() for x in tensors)))
    owned = {y.untyped_storage().data_ptr() for y in outputs}
    for name, x, before in changed:
        if x.untyped_storage().data_ptr() in owned:
            words = f"works in place: it returns its input {name}, changed; copies are checked"
            return copying, [row("contract, nothing given is changed", NOT_APPLICABLE, words)]
        at = tuple(int(i) for i in (x != before).nonzero()[0])
        words = f"the call changes {name}{list(at) if at else ''} from {before[at].item():.6g} to {x[at].item():.6g}"
        return copying, [row("contract, nothing given is changed", FAILED, words)]
    return target, []


def seeded(target: Target, seed: int) -> Target:
    """Called under the same state of every global generator."""

    def call(*tensors: Array) -> Any:
        seed_all(seed)
        return target.call(*tensors)

    return replace(target.calling(call), functional=False)


def seed_all(seed: int) -> None:
    """Every global generator, without what ``torch.manual_seed`` does for devices that are not there."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _repeatable(target: Target, row: Callable[[str, str, str], Row], seed: int) -> tuple[Target | None, list[Row]]:
    """The target if two calls agree, else seeded; None if they differ even so."""
    if _same(target):
        return target, []
    tamed = seeded(target, seed)
    if _same(tamed):
        words = f"two calls differ; the generators are seeded with {seed} before every call of the checks"
        return tamed, [row("random, seeded before every call", PASSED, words)]
    words = "random: two calls differ, however torch, NumPy and random are seeded; pass it a seed or a generator"
    return None, [row("repeated call", NOT_APPLICABLE, words)]


def _same(target: Target) -> bool:
    first, second = _values(target), _values(target)
    return len(first) == len(second) and all(
        a.shape == b.shape and torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        for a, b in zip(first, second, strict=True)
    )


# ------------------------------------------------------------------------------ derivatives


def _without_constants(target: Target, row: Callable[[str, str, str], Row]) -> tuple[Target, list[Row]]:
    """Inputs of which the function says that they cannot require a gradient are constants of it."""

    def refusal(name: str) -> str:
        leaves = {n: x.clone().requires_grad_(n == name) for n, x in target.inputs.items()}
        try:
            with torch.enable_grad():
                target.call(*leaves.values())
        except RuntimeError as error:
            words = str(error)
            return words.splitlines()[0] if "not differentiable" in words or "requires_grad" in words else ""
        except Exception:
            return ""
        return ""

    told = {n: words for n in target.differentiable if (words := refusal(n))}
    if not told or len(told) == len(target.differentiable):
        return target, []
    rows = [row(f"gradient by {n}", NOT_APPLICABLE, words) for n, words in told.items()]
    return replace(target, constants=frozenset(told)), rows


def _not_differentiable(target: Target) -> str:
    """Why there is no gradient to check, empty if there is one."""
    leaves = {n: x.clone().requires_grad_(n in target.differentiable) for n, x in target.inputs.items()}
    with torch.enable_grad():
        raw = target.call(*leaves.values())
    outputs = target.outputs_of(raw)
    if not outputs:
        kinds = sorted({str(v.dtype).removeprefix("torch.") for v in tensors_of(raw)})
        return f"returns {', '.join(kinds)} only: not differentiable"
    bad = next((v for v in outputs if not torch.isfinite(v).all()), None)
    if bad is not None:
        kind = "nan" if torch.isnan(bad).any() else "infinite"
        return f"the forward is {kind} at the example inputs: give inputs at which it is finite"
    if not any(v.requires_grad for v in outputs):
        return "not differentiable: no output depends on an input as autograd sees it (detached, or under no_grad)"
    return ""
