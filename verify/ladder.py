"""The ladder: forward, gradients, probes, exact identity, at every setting and every kind of input."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import DeriveError
from derive.language import load_definition
from derive.program import Program
from derive.verify import autograd, contract, exact
from derive.verify.callables import check_callable, judged
from derive.verify.compare import compare
from derive.verify.inputs import KINDS, Case, make
from derive.verify.references import OPTIMIZERS, REFERENCES, trajectory
from derive.verify.subject import Subject, subjects
from derive.verify.verdict import FAILED, INCONCLUSIVE, NOT_APPLICABLE, PASSED, Row, Verdict

FORWARD, GRADIENT, CONTRACT = 1e-10, 1e-12, 1e-12
_RESAMPLES = 5
CODES = ("numpy", "torch")


@dataclass(frozen=True)
class Options:
    """What a run of the ladder covers."""

    seed: int = 0
    orders: tuple[int, ...] = (1, 2)
    codes: tuple[str, ...] = CODES
    rungs: tuple[str, ...] = ()


Rung = Callable[[Subject, Case, Options], Iterator[Row]]


def check(
    target: Any,
    *inputs: Any,
    seed: int = 0,
    orders: tuple[int, ...] = (1, 2),
    kinds: tuple[str, ...] = KINDS,
    codes: tuple[str, ...] = CODES,
    rungs: tuple[str, ...] = (),
    vjp: Program | None = None,
    reference: Callable | None = None,
) -> Verdict:
    """The verdict over a catalogue name, ``path.py:name``, a definition's text, a program, or a torch function.

    ``inputs``: tensors at which to check a torch function; definitions are checked at inputs made for them.
    ``vjp``: a gradient to be checked instead of the derived one, as a program of the same inputs and cotangents.
    ``rungs``: names of ``RUNGS`` to climb, all if empty.  ``reference``: an independent forward of a torch function.
    """
    if callable(target):
        return check_callable(target, inputs, seed=seed, reference=reference)
    options = Options(seed, tuple(orders), tuple(codes), tuple(rungs))
    rows: list[Row] = []
    name = target.name if isinstance(target, Program) else load_definition(target).name
    for subject in subjects(target):
        if isinstance(subject, DeriveError):
            rows.append(Row("load", "", FAILED, seed=seed, detail=str(subject)))
            continue
        if vjp is not None:
            subject = subject.with_gradient(vjp)
        rows += _climb(subject, options, kinds)
    return Verdict(name, tuple(rows), _again(target, name, seed))


def _again(target: str | Program, name: str, seed: int) -> str:
    """How to run the check again: what was typed, a path too; ``-`` stands for a text."""
    if isinstance(target, Program):
        return f"derive.verify.check({name}, seed={seed})"
    return f"derive check {'-' if chr(10) in target else shlex.quote(target)} --seed {seed}"


def _climb(subject: Subject, options: Options, kinds: tuple[str, ...]) -> Iterator[Row]:
    for kind in kinds:
        try:
            case = make(subject.program, kind, options.seed)
        except Exception as error:  # a fault in the forward itself must not end the sweep
            yield Row("inputs", _title(subject, kind), FAILED, seed=options.seed, detail=_words(error))
            continue
        if case is None:
            reason = "the program admits no such sizes" if kind != "masked" else "no mask among the inputs"
            yield Row("inputs", _title(subject, kind), NOT_APPLICABLE, reason=reason, seed=options.seed)
            continue
        finite = _is_finite(case)
        for name, rung in RUNGS:
            if (finite or name == "forward") and (not options.rungs or name in options.rungs):
                yield from _attempt(name, rung, subject, case, options)
        if not finite:
            reason = "the forward is not finite here"
            yield Row("gradient", _title(subject, case.title()), NOT_APPLICABLE, reason=reason, seed=options.seed)


def _is_finite(case: Case) -> bool:
    """Whether there is a derivative to speak of; a forward that raises is for its own rung to tell."""
    try:
        return all(np.isfinite(y).all() for y in autograd.forward(case).values())
    except Exception:
        return True


def _attempt(name: str, rung: Rung, subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """A rung's rows; whatever it raises is a failed row, and the sweep goes on."""
    try:
        yield from rung(subject, case, options)
    except Exception as error:
        yield Row(name, _title(subject, case.title()), FAILED, seed=options.seed, detail=_words(error))


def _title(subject: Subject, case: str) -> str:
    return f"{case}; {subject.title()}" if subject.choices else case


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, DeriveError) else f"{type(error).__name__}: {error}"


# ------------------------------------------------------------------------------ forward


def _forward(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The interpreter and the generated code against torch primitives, and against torch's own operation."""
    title, sizes = _title(subject, case.title()), _sizes(case)
    expected = autograd.forward(case)
    for target in ("interpreter", *options.codes):
        found = subject.run(target, subject.program, case.inputs, case)
        yield compare(f"forward, {target}", title, _flat(found), expected, FORWARD, seed=options.seed, sizes=sizes)
    if subject.name not in REFERENCES or case.kind == "empty":
        return
    outputs = _torchs(subject, case, ())[1]
    if isinstance(outputs, str):
        yield Row("forward, torch's operation", title, NOT_APPLICABLE, reason=outputs, seed=options.seed)
        return
    names = (*subject.program.outputs, *(new for _, new in subject.program.updates))
    true = {n: y.detach().numpy().reshape(-1) for n, y in zip(names, outputs, strict=True)}
    yield compare("forward, torch's operation", title, expected, true, FORWARD, seed=options.seed, sizes=sizes)


def _reference_gradient(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived gradient against that of torch's own operation; at kinks and ties this holds the convention."""
    if subject.name not in REFERENCES or case.kind == "empty" or not case.differentiable:
        return
    given, outputs = _torchs(subject, case, case.differentiable)
    if isinstance(outputs, str):
        return
    inputs, weights = _weighted(subject, case, 1, options.seed)
    true = autograd.pulled_back(outputs[: len(weights[0])], weights[0], [given[n] for n in case.differentiable])
    found = subject.run("interpreter", subject.vjp, inputs, case)
    expected = dict(zip(subject.vjp.outputs, true, strict=True))
    yield compare(
        "gradient, torch's operation", _title(subject, case.title()), _flat(found), _flat(expected), FORWARD,
        seed=options.seed, sizes=_sizes(case),
    )  # fmt: skip


def _optimizer(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """Ten steps against torch.optim: gradients of 1e-3 to 1, a spike, zeros and changes of sign."""
    if subject.name not in OPTIMIZERS or case.kind != "plain":
        return
    import torch

    rng = np.random.default_rng([options.seed, 13])
    grads = rng.normal(size=(10, 3)) * 10.0 ** rng.uniform(-3, 0, size=(10, 3))
    grads[4], grads[7] = grads[4] * 1e3, 0.0
    theta = rng.normal(size=3)
    true = trajectory(subject.name, torch.from_numpy(theta), torch.from_numpy(grads), hypers_by_name(case))
    start, each = (t.name for t in subject.program.inputs)
    inputs = {start: theta, each: grads}
    for target in ("interpreter", *options.codes):
        found = subject.run(target, subject.program, inputs, case)
        first = {"theta": found[subject.program.outputs[0]]}
        yield compare(
            f"trajectory, {target}", _title(subject, "10 steps"), first, {"theta": true.numpy()}, GRADIENT,
            seed=options.seed,
        )  # fmt: skip


# ------------------------------------------------------------------------------ gradients


def _gradient(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived programs of order 1, 2, … against autograd of torch primitives."""
    orders = [k for k in options.orders if k == 1 or case.kind in ("plain", "asymmetric", "ties")]
    if not case.differentiable or not orders or not autograd.real_outputs(case.program):
        yield Row("gradient", _title(subject, case.title()), NOT_APPLICABLE, reason="nothing to differentiate")
        return
    inputs, weights = _weighted(subject, case, max(orders), options.seed)
    truth = autograd.towers(case, weights)
    for order in orders:
        program = subject.derived(order)
        expected = dict(zip(program.outputs, (g.reshape(-1) for g in truth[order - 1]), strict=True))
        given = {t.name: inputs[t.name] for t in program.inputs}
        for target in ("interpreter", *options.codes):
            if target == "interpreter" and order > 1 and case.kind != "plain":
                continue  # slow, and the code it would confirm is compared all the same
            found = _flat(subject.run(target, program, given, case))
            name = "gradient" if order == 1 else f"gradient of order {order}"
            yield compare(
                f"{name}, {target}", _title(subject, case.title()), found, expected, GRADIENT * 10 ** (order - 1),
                seed=options.seed, sizes=_sizes(case),
            )  # fmt: skip


def _weighted(
    subject: Subject, case: Case, order: int, seed: int
) -> tuple[dict[str, np.ndarray], list[list[np.ndarray]]]:
    """Inputs of the program of that order, its cotangents drawn at random, and those cotangents by order."""
    rng = np.random.default_rng([seed, 17])
    inputs, weights = dict(case.inputs), []
    shapes = {n: x.shape for n, x in subject.run("interpreter", case.program, case.inputs, case).items()}
    for k in range(1, order + 1):
        before, program = subject.derived(k - 1), subject.derived(k)
        new = program.inputs[len(before.inputs) :]
        outputs = [n for n in before.outputs if before.tensor(n).kind == "real"]
        drawn = [rng.normal(size=shapes[n]) for n in outputs]
        weights.append(drawn)
        inputs |= {t.name: w for t, w in zip(new, drawn, strict=True)}
        real = [t.name for t in before.inputs if t.differentiable] + []
        shapes = {o: inputs[n].shape for o, n in zip(program.outputs, real, strict=True)}
    return inputs, weights


def _tangent(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived Jacobian-vector product against autograd of torch primitives."""
    if not case.differentiable or not autograd.real_outputs(case.program):
        return
    rng = np.random.default_rng([options.seed, 19])
    tangents = [rng.normal(size=case.inputs[n].shape) for n in case.differentiable]
    new = subject.jvp.inputs[len(case.program.inputs) :]
    inputs = {**case.inputs, **{t.name: v for t, v in zip(new, tangents, strict=True)}}
    expected = dict(zip(subject.jvp.outputs, (g.reshape(-1) for g in autograd.pushed(case, tangents)), strict=True))
    found = _flat(subject.run("interpreter", subject.jvp, inputs, case))
    yield compare(
        "tangent, interpreter", _title(subject, case.title()), found, expected, GRADIENT, seed=options.seed,
        sizes=_sizes(case),
    )  # fmt: skip


def _probes(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The derived gradient against differences of the forward."""
    if not case.smooth or not case.differentiable or not autograd.real_outputs(case.program):
        return
    for seed in range(options.seed, options.seed + _RESAMPLES):
        at = case if seed == options.seed else make(case.program, case.kind, seed) or case
        row = _probed(subject, at, seed)
        if row.status != INCONCLUSIVE:
            break
    yield row


def _probed(subject: Subject, case: Case, seed: int) -> Row:
    inputs, weights = _weighted(subject, case, 1, seed)
    names = autograd.real_outputs(case.program)
    cotangents = {n: w.reshape(-1) for n, w in zip(names, weights[0], strict=True)}
    found = subject.run("interpreter", subject.vjp, inputs, case)
    gradient = {n: found[o] for o, n in zip(subject.vjp.outputs, case.differentiable, strict=True)}
    forward = autograd.near(case)
    return judged(
        "probes", _title(subject, case.title()), forward, gradient, case.inputs, cotangents, seed, _sizes(case)
    )


def _exact(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """⟨dy, J dx⟩ = ⟨Jᵀ dy, dx⟩ modulo a prime."""
    if case.kind not in ("asymmetric", "equal") or not case.differentiable:
        return
    if not autograd.real_outputs(case.program):
        return
    title = _title(subject, case.title())
    found = exact.identity(case, subject.adjoint, subject.tangent, options.seed)
    if isinstance(found, str):
        yield Row("exact identity", title, NOT_APPLICABLE, reason=found, seed=options.seed)
        return
    detail = "" if found.holds else f"⟨dy, J dx⟩ = {found.left} but ⟨Jᵀ dy, dx⟩ = {found.right} modulo the prime"
    reason = f"wrong with probability below {exact.FAILURE_PROBABILITY:.0e}"
    yield Row("exact identity", title, PASSED if found.holds else FAILED, None, 0.0, reason, options.seed, detail)


def _contract(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """What a torch function promises beside its values."""
    if case.kind not in ("plain", "asymmetric", "ones", "empty") or "torch" not in options.codes:
        return
    if not case.differentiable or not autograd.real_outputs(case.program):
        return

    buffers = {buffer for buffer, _ in case.program.updates}

    def function(*tensors: Any) -> Any:
        """The program's function, given copies of the buffers that it updates in place."""
        pairs = zip(case.inputs, tensors, strict=True)
        return subject.function(*(x.clone() if n in buffers else x for n, x in pairs), **case.hypers)

    bound = contract.Contract(function, autograd.tensors(case.inputs), case.differentiable, options.seed)
    yield from contract.rows(bound, _title(subject, case.title()), CONTRACT, options.seed)


#: The rungs, from cheap to strict.
RUNGS: tuple[tuple[str, Rung], ...] = (
    ("forward", _forward),
    ("gradient of torch's operation", _reference_gradient),
    ("trajectory", _optimizer),
    ("gradient", _gradient),
    ("tangent", _tangent),
    ("contract", _contract),
    ("probes", _probes),
    ("exact identity", _exact),
)

# ------------------------------------------------------------------------------ small things


def hypers_by_name(case: Case) -> dict[str, Any]:
    """Every hyperparameter's value, the fixed ones too, as torch's functions want them."""
    return {p.name: case.hyper(p) for p in case.program.parameters}


def _torchs(subject: Subject, case: Case, differentiable: tuple[str, ...]) -> tuple[dict, tuple | str]:
    """The inputs as tensors and what torch's operation makes of them, or in its own words why it will not."""
    given = autograd.tensors(case.inputs, differentiable)
    try:
        return given, REFERENCES[subject.name](given, hypers_by_name(case))
    except (RuntimeError, ValueError, IndexError) as error:
        return given, f"torch refuses: {error}"


def _flat(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(x).reshape(-1) for name, x in arrays.items()}


def _sizes(case: Case) -> dict[str, int]:
    return {s.name: n for s, n in case.sizes.items()}
