"""What every rung is given, and the small things they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.verify import autograd
from derive.verify.inputs import Case
from derive.verify.probes import bounded
from derive.verify.subject import Subject
from derive.verify.verdict import Row

FORWARD, GRADIENT = 1e-10, 1e-12
CODES = ("numpy", "torch")


@dataclass(frozen=True)
class Options:
    """What a run of the ladder covers."""

    seed: int = 0
    orders: tuple[int, ...] = (1, 2)
    codes: tuple[str, ...] = CODES
    rungs: tuple[str, ...] = ()


Rung = Callable[[Subject, Case, Options], Iterator[Row]]


def title(subject: Subject, case: str) -> str:
    """The case in words, and the setting."""
    return f"{case}; {subject.title()}" if subject.choices else case


def has_gradient(case: Case) -> bool:
    return bool(case.differentiable and autograd.real_outputs(case.program))


def sizes(case: Case) -> dict[str, int]:
    return {s.name: n for s, n in case.sizes.items()}


def flat(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(x).reshape(-1) for name, x in arrays.items()}


def shaped(values: dict[str, np.ndarray], like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values in the shapes of another run of the same program, where they fit, so that words name an index."""
    fit = {n: like[n].shape for n, x in values.items() if n in like and np.size(like[n]) == np.size(x)}
    return {n: np.asarray(x).reshape(fit[n]) if n in fit else x for n, x in values.items()}


def hypers_by_name(case: Case) -> dict[str, Any]:
    """Every hyperparameter's value, the fixed ones too, as torch's functions want them."""
    return {p.name: case.hyper(p) for p in case.program.parameters}


def weighted(
    subject: Subject, case: Case, order: int, seed: int
) -> tuple[dict[str, np.ndarray], list[list[np.ndarray]]]:
    """Inputs of the program of that order, its cotangents drawn at random, and those cotangents by order."""
    rng = np.random.default_rng([seed, 17])
    inputs, weights = dict(case.inputs), []
    shapes = autograd.shapes(case)
    for k in range(1, order + 1):
        before, program = subject.derived(k - 1), subject.derived(k)
        new = program.inputs[len(before.inputs) :]
        outputs = [n for n in before.outputs if before.tensor(n).kind == "real"]
        drawn = [bounded(rng, shapes[n]) for n in outputs]
        weights.append(drawn)
        inputs |= {t.name: w for t, w in zip(new, drawn, strict=True)}
        real = [t.name for t in before.inputs if t.differentiable]
        shapes = {o: inputs[n].shape for o, n in zip(program.outputs, real, strict=True)}
    return inputs, weights
