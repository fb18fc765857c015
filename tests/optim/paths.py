"""The path of theta under a definition, by interpreter and generated code, and under an optimizer class."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from derive import interpreter
from derive.language import load_definition, specialise
from derive.language.hypers import Open
from derive.program import Program
from derive.targets.files import callable_of
from derive.verify.references import optimizer

TOLERANCE = 1e-12


@lru_cache(maxsize=512)
def _program(name: str, fixed: tuple, decided: tuple) -> Program:
    chosen = {n: Open(v) for n, v in decided}
    return specialise(load_definition(name), **dict(fixed), **chosen)


@lru_cache(maxsize=512)
def _code(program: Program, target: str):
    return callable_of(program, target)


def program_for(name: str, hypers: dict) -> tuple[Program, dict]:
    """The program at these choices, numbers left open, and the numbers."""
    fixed = tuple((n, v) for n, v in hypers.items() if isinstance(v, bool | str | int) and not _is_real(name, n))
    numbers = {n: v for n, v in hypers.items() if n not in dict(fixed) and v is not None}
    decided = tuple(numbers.items()) if name in ("sgd", "rmsprop") else ()
    program = _program(name, fixed, decided)
    defaults = {p.name: _number(p.default) for p in program.parameters if p.value is None}
    return program, {**defaults, **numbers}


def _number(value):
    return tuple(map(float, value)) if isinstance(value, tuple) else float(value)


def _is_real(name: str, hyper: str) -> bool:
    return next(h.kind for h in load_definition(name).hypers if h.name == hyper) == "Real"


def by_definition(name: str, hypers: dict, theta: np.ndarray, grads: np.ndarray, target: str) -> np.ndarray:
    """theta after each step, by interpreter, NumPy or Torch."""
    program, numbers = program_for(name, hypers)
    inputs = {"theta_0": theta, "grad": grads, **optimizer.given(name, grads)}
    if target == "interpreter":
        return interpreter.run(program, inputs, numbers)["theta"]
    arrays = [inputs[t.name] for t in program.inputs]
    if target == "torch":
        return _code(program, target)(*map(torch.from_numpy, arrays), **numbers)[0].numpy()
    return _code(program, target)(*arrays, **numbers)[0]


def by_class(
    make, theta: np.ndarray, grads: np.ndarray, *, sparse: bool = False, beside=lambda p, g: None
) -> np.ndarray:
    """theta after each step of ``make([parameter])``."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        p = torch.nn.Parameter(torch.from_numpy(theta.copy()))
        stepping, found = make([p]), []
        for grad in torch.from_numpy(grads):
            p.grad = grad.to_sparse() if sparse else grad.clone()
            beside(p, grad)
            stepping.step()
            found.append(p.detach().clone())
    finally:
        torch.set_default_dtype(default)
    return torch.stack(found).numpy()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest relative difference; what is not finite on one side alone is infinitely far."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        found = np.where(same, 0.0, np.abs(a - b) / (1 + np.abs(b)))
    return float(np.nan_to_num(found, nan=np.inf).max(initial=0.0))
