"""What our torch function promises beside its values: the contract, ``torch.func``, forward mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.verify import autograd, contract, forward_mode
from derive.verify.inputs import Case
from derive.verify.rungs.base import Options, has_gradient, sizes, title
from derive.verify.subject import Subject
from derive.verify.verdict import Row

_KINDS = ("plain", "asymmetric", "ones", "empty")
#: Kinds at settings after the first: what the function promises is the same code around another program.
_LATER = ("plain", "empty")


def promises(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """Every promise of a torch function with a gradient of its own."""
    if case.kind not in (_KINDS if subject.first else _LATER) or "torch" not in options.codes or not has_gradient(case):
        return
    bound, at = bound_function(subject, case, options.seed), title(subject, case.title())
    yield from contract.rows(bound, at, seed=options.seed, transforms=case.kind == "plain")
    if case.kind != "empty":
        yield from forward_mode.rows(bound, at)


def bound_function(subject: Subject, case: Case, seed: int) -> contract.Contract:
    """The program's function, given copies of the buffers that it updates in place, at the case's inputs."""
    buffers = {buffer for buffer, _ in case.program.updates}

    def function(*tensors: Any) -> Any:
        pairs = zip(case.inputs, tensors, strict=True)
        return subject.function(*(x.clone() if n in buffers else x for n, x in pairs), **case.hypers)

    inputs = autograd.tensors(case.inputs)
    made = OfFewSubsets if subject.first else OfOneSubset
    return made(function, inputs, case.differentiable, seed, sizes=sizes(case), own=True)


class OfFewSubsets(contract.Contract):
    """Every subset has a derived program of its own: the first input alone, the last, and all but the first."""

    def subsets(self) -> Iterator[tuple[str, ...]]:
        yield from dict.fromkeys(
            s for s in (self.names[:1], self.names[-1:], self.names[1:]) if 0 < len(s) < len(self.names)
        )


class OfOneSubset(contract.Contract):
    """At settings after the first: one subset, and vmap, which make programs of this one.

    ``torch.func`` goes the road that it goes at the first setting, and would derive a second order on the way.
    """

    def subsets(self) -> Iterator[tuple[str, ...]]:
        if len(self.names) > 1:
            yield self.names[:1]

    def transforms(self) -> Iterator[tuple[str, contract.Promise]]:
        yield from (promise for promise in super().transforms() if promise[0] == "vmap")
