"""The checker beside ``torch.autograd.gradcheck``: faults found, false alarms, and what a check costs.

The same functions at the same inputs, in one run.  Faults: every right backward under every fault of ``FAULTS``.  False
alarms: two thousand random runs of right functions.  Cost: three layers of real size; slow mode is run once.  Of cost,
the gradient's check stands beside fast mode, which checks the gradient alone; the contract, which it does not look at,
is timed too.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from benchmarks.measure import Row, interleaved
from derive.verify import contract, probing

RUNS = 2000


@dataclass(frozen=True)
class Case:
    """A function and what draws its inputs."""

    function: Callable[..., Any]
    drawn: Callable[[torch.Generator], dict[str, Array]]


def _normal(**shapes: tuple[int, ...]) -> Callable[[torch.Generator], dict[str, Array]]:
    return lambda g: {n: torch.randn(*s, generator=g, dtype=torch.float64) for n, s in shapes.items()}


def _between(lo: float, hi: float, **shapes: tuple[int, ...]) -> Callable[[torch.Generator], dict[str, Array]]:
    return lambda g: {n: lo + (hi - lo) * torch.rand(*s, generator=g, dtype=torch.float64) for n, s in shapes.items()}


def _attend(q: Array, k: Array, v: Array) -> Array:
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def _lstm(x: Array, w: Array, u: Array, b: Array) -> Array:
    n, h = x.shape[1], u.shape[1]
    zero = torch.zeros(1, n, h, dtype=x.dtype)
    return torch.lstm(x, (zero, zero), (w, u, b, torch.zeros_like(b)), True, 1, 0.0, False, False, False)[0]


#: Right functions: smooth, piecewise, with ties in reach, reductions, recurrences, badly scaled.
RIGHT: dict[str, Case] = {
    "linear": Case(F.linear, _normal(x=(4, 6), w=(3, 6), b=(3,))),
    "conv2d": Case(lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=1), _normal(x=(2, 3, 6, 5), w=(4, 3, 3, 2))),
    "max_pool": Case(lambda x: F.max_pool2d(x, 3, 2, 1), _normal(x=(2, 2, 7, 6))),
    "relu": Case(lambda x, w: F.relu(x @ w), _normal(x=(8, 6), w=(6, 7))),
    "tanh": Case(torch.tanh, _normal(x=(40,))),
    "gelu": Case(F.gelu, _normal(x=(30,))),
    "softmax": Case(lambda x: torch.softmax(8 * x, -1), _normal(x=(5, 7))),
    "log_softmax": Case(lambda x: torch.log_softmax(30 * x, -1), _normal(x=(5, 7))),
    "layer_norm": Case(lambda x, w, b: F.layer_norm(x, (8,), w, b), _normal(x=(5, 8), w=(8,), b=(8,))),
    "layer_norm of near constants": Case(lambda x: F.layer_norm(1 + 1e-3 * x, (8,)), _normal(x=(5, 8))),
    "batch_norm": Case(lambda x: F.batch_norm(x, None, None, training=True), _normal(x=(6, 3, 4))),
    "attention": Case(_attend, _normal(q=(2, 4, 3), k=(2, 5, 3), v=(2, 5, 3))),
    "lstm": Case(_lstm, _normal(x=(4, 2, 3), w=(8, 3), u=(8, 2), b=(8,))),
    "cross_entropy": Case(lambda x: F.cross_entropy(x, torch.arange(5)), _normal(x=(5, 6))),
    "prod": Case(lambda x: x.prod(-1), _normal(x=(4, 5))),
    "logsumexp": Case(lambda x: torch.logsumexp(x, 0), _normal(x=(9, 3))),
    "sqrt": Case(lambda x: x.sqrt().sum(0), _between(0.05, 4, x=(5, 4))),
    "log": Case(lambda x: torch.log(x).mean(), _between(0.01, 3, x=(30,))),
    "division": Case(lambda x, y: x / y, _between(0.2, 2, x=(4, 5), y=(4, 5))),
    "abs": Case(lambda x: x.abs().sum(-1), _normal(x=(6, 9))),
    "norm": Case(lambda x: x.norm(dim=-1), _normal(x=(4, 5))),
    "determinant": Case(torch.linalg.det, _normal(x=(3, 4, 4))),
    "large": Case(lambda x: (1e4 * x) ** 2, _normal(x=(10,))),
    "offset": Case(lambda x: torch.sin(x + 1e4), _normal(x=(10,))),
    "exp": Case(lambda x: torch.exp(3 * x), _normal(x=(12,))),
}


def bound(case: Case, seed: int) -> contract.Contract:
    """The function at inputs drawn by that seed."""
    inputs = case.drawn(torch.Generator().manual_seed(seed))
    return contract.Contract(case.function, inputs, tuple(inputs), seed)


# ------------------------------------------------------------------------------ the three checkers


def ours(made: contract.Contract) -> bool:
    """Whether the probes and the contract find nothing wrong."""
    rows = (*probing.rows(made, ""), *contract.rows(made, "", seed=made.seed))
    return not any(row.status == "failed" for row in rows)


def _gradcheck(fast: bool) -> Callable[[contract.Contract], bool]:
    def run(made: contract.Contract) -> bool:
        inputs = tuple(x.detach().clone().requires_grad_(n in made.names) for n, x in made.inputs.items())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(torch.autograd.gradcheck(made.function, inputs, raise_exception=False, fast_mode=fast))

    return run


CHECKERS: dict[str, Callable[[contract.Contract], bool]] = {
    "ours": ours, "fast": _gradcheck(True), "slow": _gradcheck(False),
}  # fmt: skip

# ------------------------------------------------------------------------------ planted faults

Gradients = tuple[Array, ...]
Fault = Callable[[Gradients, Array, Gradients], Gradients]


def _first(change: Callable[[Array], Array]) -> Fault:
    """The gradient by the first input changed."""
    return lambda found, dy, xs: (change(found[0]), *found[1:])


def _one_entry(by: float) -> Fault:
    def change(g: Array) -> Array:
        wrong = g.clone(memory_format=torch.contiguous_format)
        wrong.view(-1)[-1] += by
        return wrong

    return _first(change)


def _dense(t: Array) -> Array:
    """The memory of t read in rows, whatever its strides."""
    odd = t.numel() > 1 and 0 not in t.stride() and not t.is_contiguous()
    return torch.as_strided(t, t.shape, torch.empty(t.shape).stride()) if odd else t


#: Applied to a right backward: (gradients, cotangent, inputs) -> gradients.
FAULTS: dict[str, Fault] = {
    "sign": _first(torch.neg),
    "path dropped": _first(torch.zeros_like),
    "counted twice": _first(lambda g: 2 * g),
    "scale 1+1e-2": _first(lambda g: 1.01 * g),
    "scale 1+5e-4": _first(lambda g: 1.0005 * g),
    "scale 1+1e-4": _first(lambda g: 1.0001 * g),
    "scale 1+1e-6": _first(lambda g: 1.000001 * g),
    "1/N": _first(lambda g: g / max(g.shape[0], 2)),
    "last lost": _first(lambda g: torch.cat([g[:-1], torch.zeros_like(g[-1:])])),
    "shifted": _first(lambda g: g.roll(1, -1)),
    "reversed": _first(lambda g: g.flip(-1)),
    "one entry off by 1e-2": _one_entry(1e-2),
    "one entry off by 1e-4": _one_entry(1e-4),
    "float32 inside": _first(lambda g: g.float().double()),
    "not linear": lambda found, dy, xs: (found[0] + 1e-5 * found[0] * dy.abs().sum(), *found[1:]),
    "writes its cotangent": lambda found, dy, xs: (found, dy.mul_(1.0 + 1e-3))[0],
    "depends on others' needs": lambda found, dy, xs: (
        found if all(x.requires_grad for x in xs) else (0 * found[0], *found[1:])
    ),
}  # fmt: skip
#: Faults of reading memory: the cotangent read in rows, whatever its strides.
STRIDES = "cotangent read in rows"


def mutant(case: Case, fault: str) -> Case:
    """The function with that fault in its backward."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *xs: Array) -> Array:
            ctx.save_for_backward(*xs)
            return case.function(*xs)

        @staticmethod
        def backward(ctx: Any, dy: Array) -> Gradients:  # type: ignore[override]
            xs = ctx.saved_tensors
            given = [x.detach().requires_grad_() for x in xs]
            with torch.enable_grad():
                y = case.function(*given)
            if fault == STRIDES:
                return torch.autograd.grad(y, given, _dense(dy))
            found = torch.autograd.grad(y, given, dy)
            asked = tuple(x.detach().requires_grad_(n) for x, n in zip(xs, ctx.needs_input_grad, strict=True))
            return FAULTS[fault](found, dy, asked)

    return Case(Wrong.apply, case.drawn)


def equivalent(case: Case, fault: str, seed: int) -> bool:
    """Whether the fault changes nothing: the same gradients, to the last bit, however cotangents lie in memory."""
    right, wrong = bound(case, seed), bound(mutant(case, fault), seed)
    if fault in (STRIDES, "writes its cotangent"):
        return all(y.ndim < 2 for y in right.plain) and fault == STRIDES
    if fault == "depends on others' needs":
        return len(right.names) < 2
    return all(torch.equal(right.expected[n], wrong.expected[n]) for n in right.names)


# ------------------------------------------------------------------------------ the numbers


def kills() -> dict[str, tuple[int, int]]:
    """Of the mutants that differ from the right gradient, those each checker finds: (found, all)."""
    found = dict.fromkeys(CHECKERS, 0)
    total = 0
    for case in RIGHT.values():
        for fault in (*FAULTS, STRIDES):
            if equivalent(case, fault, 0):
                continue
            total += 1
            for name, checker in CHECKERS.items():
                found[name] += not checker(bound(mutant(case, fault), 0))
    return {name: (n, total) for name, n in found.items()}


def alarms(runs: int = RUNS) -> dict[str, int]:
    """Right functions called wrong, of so many random runs."""
    found = dict.fromkeys(CHECKERS, 0)
    cases = list(RIGHT.values())
    for k in range(runs):
        for name, checker in CHECKERS.items():
            found[name] += not checker(bound(cases[k % len(cases)], 10_000 + k))
    return found


def _of_size() -> dict[str, Case]:
    return {
        "conv2d 2×8×16×16": Case(
            lambda x, w, b: F.conv2d(x, w, b, padding=1), _normal(x=(2, 8, 16, 16), w=(8, 8, 3, 3), b=(8,))
        ),
        "layer norm 32×256": Case(
            lambda x, w, b: F.layer_norm(x, (256,), w, b), _normal(x=(32, 256), w=(256,), b=(256,))
        ),
        "LSTM T10 B4 h16": Case(_lstm, _between(-0.25, 0.25, x=(10, 4, 16), w=(64, 16), u=(64, 16), b=(64,))),
    }


def _probed(made: contract.Contract) -> bool:
    """The gradient alone, what gradcheck looks at: a fresh binding, nothing kept from the last time."""
    return all(row.status == "passed" for row in probing.rows(made, ""))


def costs() -> list[Row]:
    rows = []
    for name, case in _of_size().items():
        seconds = interleaved(
            {
                "probes": lambda case=case: _probed(bound(case, 1)),
                "all": lambda case=case: ours(bound(case, 1)),
                "fast": lambda case=case: CHECKERS["fast"](bound(case, 1)),
            }
        )
        start = time.perf_counter()
        CHECKERS["slow"](bound(case, 1))
        slow = time.perf_counter() - start
        alone, whole, fast = (1e3 * seconds[key] for key in ("probes", "all", "fast"))
        rows.append(
            Row(f"{name}, gradient", alone, fast, "gradcheck fast", 3.0, note=f"with the contract {whole:.1f} ms")
        )
        rows.append(Row(f"{name}, gradient and contract", whole, 1e3 * slow, "gradcheck slow", 1 / 50))
    return rows


def rows() -> list[Row]:
    """Faults missed (bar: none), false alarms (bar: none), milliseconds."""
    torch.manual_seed(0)
    killed, alarmed = kills(), alarms()
    total = killed["ours"][1]
    missed = {n: total - k for n, (k, _) in killed.items()}
    found = [
        Row(f"faults missed of {total}", missed["ours"], missed[n], f"gradcheck {n}", 0.0, unit="")
        for n in ("fast", "slow")
    ]
    peers = ", ".join(f"gradcheck {n}: {alarmed[n]}" for n in ("fast", "slow"))
    found.append(Row("false alarms", alarmed["ours"], RUNS, "right runs", 0.0, unit="", note=peers))
    return found + costs()
