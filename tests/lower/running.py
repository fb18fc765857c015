"""Generated code run beside the interpreter."""

from __future__ import annotations

import numpy as np
import torch

from derive import interpreter
from derive.lower import lower
from derive.lower.lowering import returned
from derive.targets import to_numpy, to_torch
from derive.targets.text import module_text

TARGETS = {"numpy": to_numpy, "torch": to_torch}


def source(program, target):
    """The program as a small file."""
    module = TARGETS[target]
    return module_text([module.function(lower(program), "f")], module.SUPPORT)


def compiled(program, target):
    """The program as a function."""
    namespace = {}
    exec(compile(source(program, target), f"<{program.name} on {target}>", "exec"), namespace)
    return namespace["f"]


def run(program, target, inputs, hypers=None):
    """Outputs by name, as NumPy arrays."""
    f = compiled(program, target)
    if target == "torch":
        inputs = {n: torch.as_tensor(np.array(v)) for n, v in inputs.items()}
    values = f(**inputs, **(hypers or {}))
    values = values if isinstance(values, tuple) else (values,)
    return dict(zip(returned(program), (np.asarray(v) for v in values), strict=True))


def distance(got, wanted):
    """The largest error relative to 1 + |wanted|; equal infinities and NaNs are equal."""
    wanted = np.array(wanted, dtype=float)
    assert got.shape == wanted.shape
    got = got.astype(float)
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(all="ignore"):
        error = np.where(same, 0.0, np.abs(got - wanted) / (1 + np.abs(wanted)))
    return np.inf if np.isnan(error).any() else float(error.max(initial=0.0))


def errors(program, inputs, hypers=None):
    """{(target, output): distance to the interpreter}."""
    with np.errstate(all="ignore"):
        wanted = interpreter.run(program, inputs, hypers or {})
    found = {}
    for target in TARGETS:
        for name, value in run(program, target, inputs, hypers).items():
            found[target, name] = distance(value, wanted[name])
    return found
