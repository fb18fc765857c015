"""Are the derived programs right?  Against torch's autograd of torch primitives, at every order, and forwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derive.verify import autograd
from derive.verify.compare import compare
from derive.verify.inputs import Case
from derive.verify.rounding import within
from derive.verify.rungs.base import GRADIENT, Options, flat, has_gradient, shaped, sizes, title, weighted
from derive.verify.subject import Subject
from derive.verify.verdict import NOT_APPLICABLE, Row

#: Kinds at which higher orders are looked at: smooth ones, and ties for the conventions; the first at later settings.
_HIGHER = ("plain", "asymmetric", "ties")


def gradients(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived programs of order 1, 2, … against autograd of torch primitives."""
    many = _HIGHER if subject.first else _HIGHER[:1]
    orders = [k for k in options.orders if k == 1 or case.kind in (many if k == 2 else _HIGHER[:1])]
    at = title(subject, case.title())
    if not has_gradient(case) or not orders:
        yield Row("gradient", at, NOT_APPLICABLE, reason="nothing to differentiate")
        return
    inputs, weights = weighted(subject, case, max(orders), options.seed)
    truth = autograd.towers(case, weights)
    for order in orders:
        program = subject.derived(order)
        expected = dict(zip(program.outputs, truth[order - 1], strict=True))
        given = {t.name: inputs[t.name] for t in program.inputs}
        for target in ("interpreter", *options.codes):
            if target == "interpreter" and order > 1 and case.kind != "plain":
                continue  # slow, and the code it would confirm is compared all the same
            found = shaped(subject.run(target, program, given, case), expected)
            name = "gradient" if order == 1 else f"gradient of order {order}"
            row = compare(
                f"{name}, {target}", at, found, expected, GRADIENT * 10 ** (order - 1), seed=options.seed,
                sizes=sizes(case),
            )  # fmt: skip
            yield within(row, program, case, given, found, expected)


def tangents(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived Jacobian-vector product against autograd of torch primitives."""
    if not has_gradient(case):
        return
    rng = np.random.default_rng([options.seed, 19])
    along = [rng.normal(size=case.inputs[n].shape) for n in case.differentiable]
    new = subject.jvp.inputs[len(case.program.inputs) :]
    inputs = {**case.inputs, **{t.name: v for t, v in zip(new, along, strict=True)}}
    expected = dict(zip(subject.jvp.outputs, (g.reshape(-1) for g in autograd.pushed(case, along)), strict=True))
    found = flat(subject.run("interpreter", subject.jvp, inputs, case))
    row = compare(
        "tangent, interpreter", title(subject, case.title()), found, expected, GRADIENT, seed=options.seed,
        sizes=sizes(case),
    )  # fmt: skip
    yield within(row, subject.jvp, case, inputs, found, expected)
