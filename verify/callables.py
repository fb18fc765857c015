"""Checks of a torch function that we did not derive: its contract, its gradient and its gradient's gradient.

The function may be a callable of tensors or an ``autograd.Function``; it is checked at the inputs given, in float64,
since differences in float32 tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor as Array

from derive.errors import InputError
from derive.verify import probes
from derive.verify.compare import compare
from derive.verify.contract import Contract
from derive.verify.contract import rows as contract_rows
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Row, Verdict

FORWARD, CONTRACT = 1e-10, 1e-12
_CASE = "as given"


def check_callable(
    target: Any, inputs: tuple[Any, ...], *, seed: int = 0, reference: Callable | None = None
) -> Verdict:
    """The verdict over a torch function at these inputs; ``reference`` is an independent forward, if there is one."""
    function = _function(target)
    name = getattr(target, "__name__", type(target).__name__)
    given = {f"input {i}" if len(inputs) > 1 else "input": _tensor(x) for i, x in enumerate(inputs)}
    names = tuple(n for n, x in given.items() if x.is_floating_point())
    if not names:
        raise InputError(f"{name} got no real input", mend="give the tensors it is to be differentiated by")
    rows: list[Row] = []
    for rung, make in _RUNGS:
        try:
            rows += make(function, given, names, seed, reference)
        except Exception as error:
            rows.append(Row(rung, _CASE, FAILED, seed=seed, detail=f"{type(error).__name__}: {error}"))
    return Verdict(name, tuple(rows), f"derive.verify.check({name}, …, seed={seed})")


def _function(target: Any) -> Callable:
    if isinstance(target, type) and issubclass(target, torch.autograd.Function):
        return target.apply
    return target


def _tensor(x: Any) -> Array:
    x = x.detach() if isinstance(x, Array) else torch.as_tensor(x)
    return x.to(torch.float64) if x.is_floating_point() else x


Given = dict[str, Array]


def _against_reference(
    function: Callable, given: Given, names: tuple[str, ...], seed: int, reference: Callable | None
) -> Iterator[Row]:
    if reference is None:
        yield Row("forward", _CASE, NOT_APPLICABLE, reason="no independent forward was given", seed=seed)
        return
    found, expected = (_numbered(f(*given.values())) for f in (function, reference))
    yield compare("forward", _CASE, found, expected, FORWARD, seed=seed)


def _contract(
    function: Callable, given: Given, names: tuple[str, ...], seed: int, reference: Callable | None
) -> Iterator[Row]:
    yield from contract_rows(Contract(function, given, names, seed), _CASE, CONTRACT, seed)


def _gradient(
    function: Callable, given: Given, names: tuple[str, ...], seed: int, reference: Callable | None
) -> Iterator[Row]:
    """The gradient against differences of the forward."""
    yield _probed("probes", function, given, names, seed)


def _second(
    function: Callable, given: Given, names: tuple[str, ...], seed: int, reference: Callable | None
) -> Iterator[Row]:
    """The gradient's gradient against differences of the gradient, where the function has one."""
    weights = Contract(function, given, names, seed).cotangents

    def back(*tensors: Array) -> tuple[Array, ...]:
        leaves = [t if t.requires_grad else t.clone().requires_grad_() if t.is_floating_point() else t for t in tensors]
        y = [v for v in _several(function(*leaves)) if v.is_floating_point()]
        real = [t for t in leaves if t.is_floating_point()]
        found = torch.autograd.grad(y, real, weights, create_graph=True, allow_unused=True)
        return tuple(torch.zeros_like(t) if g is None else g for t, g in zip(real, found, strict=True))

    try:
        differentiable = any(g.requires_grad for g in back(*given.values()))
        if differentiable:
            Contract(back, given, names, seed).gradients()
    except RuntimeError as error:
        differentiable = False
        reason = f"no double backward: {error}".splitlines()[0]
    else:
        reason = "the gradient is constant or has no double backward"
    if not differentiable:
        yield Row("probes of order 2", _CASE, NOT_APPLICABLE, reason=reason, seed=seed)
        return
    yield _probed("probes of order 2", back, given, names, seed)


def _probed(check: str, function: Callable, given: Given, names: tuple[str, ...], seed: int) -> Row:
    contract = Contract(function, given, names, seed)
    cotangents = {str(i): w.numpy() for i, w in enumerate(contract.cotangents)}
    gradient = {n: g.detach().numpy() for n, g in contract.gradients().items()}
    inputs = {n: given[n].numpy() for n in names}

    def forward(moved: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        y = contract.outputs({n: torch.from_numpy(np.array(moved[n])) if n in moved else x for n, x in given.items()})
        return {str(i): v.detach().numpy() for i, v in enumerate(y)}

    return judged(check, _CASE, forward, gradient, inputs, cotangents, seed, {})


def judged(
    check: str,
    case: str,
    forward: probes.Forward,
    gradient: probes.Arrays,
    inputs: probes.Arrays,
    cotangents: probes.Arrays,
    seed: int,
    sizes: dict[str, int],
) -> Row:
    """Probes as a row: any wrong one fails, any undecided one is inconclusive, and says why."""
    results = probes.probes(forward, gradient, inputs, cotangents, seed)
    wrong = [p for p in results if p.conclusive and not p.passed]
    worst = max(wrong or results, key=lambda p: p.error - p.tolerance)
    if wrong:
        alone = {n: gradient[n] for p in wrong if len(p.inputs) == 1 for n in p.inputs}
        detail = probes.localise(forward, alone or gradient, inputs, cotangents, sizes)
        return Row(check, case, FAILED, worst.error, worst.tolerance, seed=seed, detail=detail)
    if not all(p.conclusive for p in results):
        reason = "a kink near: the error estimate does not shrink"
        return Row(check, case, INCONCLUSIVE, worst.error, worst.tolerance, reason, seed)
    return Row(check, case, PASSED, worst.error, worst.tolerance, seed=seed)


def _several(y: Any) -> tuple[Array, ...]:
    return y if isinstance(y, tuple) else (y,)


def _numbered(y: Any) -> dict[str, np.ndarray]:
    return {f"output {i}": v.detach().to(torch.float64).numpy() for i, v in enumerate(_several(y))}


_RUNGS = (
    ("forward", _against_reference),
    ("contract", _contract),
    ("probes", _gradient),
    ("probes of order 2", _second),
)
