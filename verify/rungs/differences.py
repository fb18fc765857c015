"""The derived gradient against the forward itself: Richardson probes, and complex steps through generated code."""

from __future__ import annotations

from collections.abc import Iterator

from derive.verify import autograd, complex_step
from derive.verify.compare import compare
from derive.verify.inputs import Case, make
from derive.verify.probes import Arrays, Claim
from derive.verify.probing import judged, resampled
from derive.verify.rungs.base import Options, has_gradient, sizes, title, weighted
from derive.verify.subject import Subject
from derive.verify.verdict import NOT_APPLICABLE, Row

_KINDS = ("plain", "asymmetric")
#: Kinds probed at settings after the first, where autograd's gradient is compared at every kind.
PROBED = ("asymmetric",)


def probed(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived gradient against differences of the forward, drawn again where there is a kink."""
    if not (case.smooth if subject.first else case.kind in PROBED) or not has_gradient(case):
        return

    def row(k: int) -> Row:
        seed = options.seed + k
        at = case if k == 0 else make(case.program, case.kind, seed) or case
        return judged("probes", title(subject, at.title()), claim_of(subject, at, seed), seed, causes=False)

    yield resampled(row, options.seed)


def claim_of(subject: Subject, case: Case, seed: int) -> Claim:
    inputs, weights = weighted(subject, case, 1, seed)
    outputs = autograd.real_outputs(case.program)
    names = [t.name for t in subject.vjp.inputs[len(case.program.inputs) :]]

    def pullback(cotangents: Arrays) -> Arrays:
        given = {
            **case.inputs,
            **{n: cotangents[o].reshape(inputs[n].shape) for n, o in zip(names, outputs, strict=True)},
        }
        found = subject.run("interpreter", subject.vjp, given, case)
        return {n: found[o] for o, n in zip(subject.vjp.outputs, case.differentiable, strict=True)}

    cotangents = dict(zip(outputs, weights[0], strict=True))
    return Claim(autograd.near(case), pullback, case.inputs, cotangents, pullback(cotangents), sizes(case))


def complex_steps(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """Im f(x + i·h·v)/h by the generated NumPy, with h so small that nothing is left out, against ⟨∇, v⟩."""
    if case.kind not in (_KINDS if subject.first else PROBED) or not has_gradient(case) or "numpy" not in options.codes:
        return
    at = title(subject, case.title())
    reason = complex_step.not_analytic(case.program)
    if reason:
        yield Row(complex_step.CHECK, at, NOT_APPLICABLE, reason=reason, seed=options.seed)
        return
    claim = claim_of(subject, case, options.seed)

    def forward(moved: Arrays) -> Arrays:
        found = subject.run("numpy", case.program, dict(moved), case)
        return {n: found[n] for n in claim.cotangents}

    found = complex_step.pairs(forward, claim, options.seed)
    if isinstance(found, str):
        yield Row(complex_step.CHECK, at, NOT_APPLICABLE, reason=found, seed=options.seed)
        return
    analytic, stepped, scale = found
    yield compare(
        complex_step.CHECK, at, analytic, stepped, complex_step.TOLERANCE, seed=options.seed, scale=scale,
    )  # fmt: skip
