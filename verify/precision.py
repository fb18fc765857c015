"""Low precision against float64: what arithmetic of roundoff u may do, never what its own differences say.

For a program the bound is its running error, ``c·u·Σ|terms|`` of the very formula.  For a function of which nothing is
known it is what float64 gives when each input is moved by a unit in its last place: a result that is off by many times
that was lost inside, where sums grow, not in what was given.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor as Array

from derive.verify.bound import Bound
from derive.verify.verdict import FAILED, NOT_APPLICABLE, PASSED, Row

#: Short formats and their unit roundoff.
ROUNDOFF: dict[str, float] = {"float32": 2.0**-24, "bfloat16": 2.0**-8, "float16": 2.0**-11}
#: Code may order a formula's terms otherwise.
FACTOR = 4.0
#: Moves of the inputs, and how many units of theirs a result may be off by.
_MOVES, _UNITS = 4, 16.0


def rows(bound: Bound, case: str, formats: tuple[str, ...] = ("float32", "bfloat16")) -> Iterator[Row]:
    """A torch function's outputs and gradients in short formats against its own in float64 at the same inputs."""
    for name in formats:
        yield _row(bound, case, name)


def _row(bound: Bound, case: str, name: str) -> Row:
    check, dtype = f"low precision, {name}", getattr(torch, name)
    short = {n: x.detach().to(dtype) if x.is_floating_point() else x for n, x in bound.inputs.items()}
    exact = Bound(bound.function, {n: _double(x) for n, x in short.items()}, bound.names, bound.seed)
    lossy = Bound(bound.function, short, bound.names, bound.seed)
    weights = tuple(w.to(dtype) for w in exact.cotangents)
    try:
        found = _everything(lossy, weights)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = f"it takes no {name}: {str(error).strip().splitlines()[0][:120]}"
        return Row(check, case, NOT_APPLICABLE, reason=reason, seed=bound.seed)
    if any(y.dtype != dtype for y in lossy.plain):
        return Row(check, case, NOT_APPLICABLE, reason=f"its result is not {name}", seed=bound.seed)
    wide = tuple(_double(w) for w in weights)
    true = _everything(exact, wide)
    allowed = _allowed(exact, wide, true, ROUNDOFF[name])
    return _compared(check, case, found, true, allowed, name, bound.seed)


def _everything(bound: Bound, weights: tuple[Array, ...]) -> dict[str, Array]:
    """Outputs and gradients, as float64."""
    with torch.no_grad():
        outputs = {f"output {i}": _double(y.detach()) for i, y in enumerate(bound.plain)}
    return outputs | {f"gradient by {n}": _double(g.detach()) for n, g in bound.gradients(weights).items()}


def _double(x: Array) -> Array:
    return x.detach().to(torch.float64) if x.is_floating_point() else x


def _allowed(exact: Bound, weights: tuple[Array, ...], true: dict[str, Array], u: float) -> dict[str, float]:
    """For each result: sixteen times what a unit in the last place of every input does, and one of its own."""
    generator = torch.Generator().manual_seed(exact.seed + 31)
    moved = dict.fromkeys(true, 0.0)
    for _ in range(_MOVES):
        signs = {n: 1 + u * _signs(exact.inputs[n], generator) for n in exact.names}
        other = exact.at({n: exact.inputs[n] * signs[n] for n in exact.names})
        ws = tuple(w * (1 + u * _signs(w, generator)) for w in weights)
        for name, x in _everything(other, ws).items():
            moved[name] = max(moved[name], _largest(x - true[name]))
    whole = max(map(_largest, true.values()), default=0.0)  # what cancels to 0 rounds by the size of what cancelled
    return {name: _UNITS * (moved[name] + u * whole) for name in true}


def _signs(x: Array, generator: torch.Generator) -> Array:
    return torch.randint(0, 2, x.shape, generator=generator).to(torch.float64) * 2 - 1


def _largest(x: Array) -> float:
    return float(x.abs().max()) if x.numel() else 0.0


def _compared(
    check: str,
    case: str,
    found: dict[str, Array],
    true: dict[str, Array],
    allowed: dict[str, float],
    name: str,
    seed: int,
) -> Row:
    errors = {n: _largest(found[n] - true[n]) for n in true}
    if not all(torch.isfinite(x).all() for x in true.values()):
        return Row(check, case, NOT_APPLICABLE, reason="not finite in float64", seed=seed)
    worst = max(errors, key=lambda n: errors[n] / allowed[n] if allowed[n] else 0.0)
    error, limit = errors[worst], allowed[worst]
    if error <= limit:
        return Row(check, case, PASSED, error, limit, seed=seed)
    words = (
        f"{worst} in {name} is off by {error:.2e} from float64 at the same inputs; a unit in the last place of every "
        f"input and of the result makes no more than {limit / _UNITS:.1e}, and {_UNITS:.0f} of those are allowed: "
        f"precision is lost inside (a long sum kept in {name}, or a difference of large numbers)"
    )
    return Row(check, case, FAILED, error, limit, seed=seed, detail=words)
