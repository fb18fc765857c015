"""Every planted fault is turned red by the ladder; the right gradient is green."""

from functools import lru_cache

import numpy as np
import pytest

import derive
from derive import interpreter
from derive.errors import DeriveError
from derive.fields import MP
from derive.verify import check
from derive.verify.inputs import make
from tests.verify.mutants import FAULTS

QUICK = {"orders": (1,), "codes": ()}
LAYERS = {
    "conv1d": {},
    "layer_norm": {},
    "softmax": {},
    "max_pool2d": {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 1)},
    "rnn": {},
}


@pytest.mark.parametrize("name", LAYERS)
def test_right_gradient_is_green(name):
    program = derive.load(name, **LAYERS[name])
    verdict = check(program, kinds=("asymmetric",), vjp=derive.vjp(program), **QUICK)
    assert verdict.passed, verdict.failures


#: The faults that a layer's gradient has a place for: a sum of terms, a filter, a guard, such a hyperparameter.
ALWAYS = ("sign", "scale 1+1e-6", "1/N", "path dropped", "loop one short")
PLACES = {
    "conv1d": (*ALWAYS, "factor dropped", "filter missing", "stride for dilation", "off by one"),
    "layer_norm": (*ALWAYS, "term dropped", "factor dropped"),
    "softmax": (*ALWAYS, "term dropped", "factor dropped"),
    "max_pool2d": (*ALWAYS, "term dropped", "filter missing", "stride and dilation", "off by one"),
    "rnn": (*ALWAYS, "term dropped", "factor dropped", "guard dropped", "guard inverted", "off by one"),
}
#: What softmax subtracts before exp may be any number at all: a change of it changes nothing.
EQUIVALENT = {("softmax", "term dropped"), ("softmax", "factor dropped"), ("softmax", "loop one short")}


@lru_cache(maxsize=1)
def _gradient(name):
    program = derive.load(name, **LAYERS[name])
    return program, derive.vjp(program)


def _mutants(name, fault):
    right = _gradient(name)[1]
    return [m for m in FAULTS[fault](right) if m != right]


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n, faults in PLACES.items() for f in faults])
def test_fault_in_the_gradient_is_red(name, fault):
    """Every mutant fails, but for those that give the same values to thirty digits."""
    program, right = _gradient(name)
    kind = "asymmetric" if name == "conv1d" else "plain"
    survivors = [m for m in _mutants(name, fault) if check(program, kinds=(kind,), vjp=m, **QUICK).passed]
    assert bool(survivors) == ((name, fault) in EQUIVALENT)
    for mutant in survivors:
        same = all(_equivalent(right, mutant, make(program, k)) for k in ("plain", "asymmetric"))
        assert same, f"{fault} survived in {name}: {_difference(right, mutant)}"


@pytest.mark.parametrize("name", LAYERS)
def test_faults_are_planted_wherever_there_is_a_place_for_them(name):
    assert sorted(PLACES[name]) == sorted(f for f in FAULTS if _mutants(name, f))


def test_every_fault_is_planted_somewhere():
    assert set(FAULTS) == {*sum(PLACES.values(), ()), *EXCHANGED}


def _equivalent(right, mutant, case):
    """Whether a mutant gives the same values to thirty digits."""
    rng = np.random.default_rng(1)
    given = dict(case.inputs)
    for t, shape in zip(right.inputs[len(given) :], _output_shapes(case), strict=True):
        given[t.name] = rng.normal(size=shape)
    try:
        runs = [interpreter.run(p, given, case.hypers, MP) for p in (right, mutant)]
    except DeriveError:
        return False
    pairs = [(a, b) for n in right.outputs for a, b in zip(runs[0][n].flat, runs[1][n].flat, strict=True)]
    return all(abs(a - b) < 1e-25 for a, b in pairs)


def _output_shapes(case):
    return [y.shape for y in interpreter.run(case.program, case.inputs, case.hypers).values()]


def _difference(right, mutant):
    changed = [(a, b) for a, b in zip(right.statements, mutant.statements, strict=True) if a != b]
    return "; ".join(f"{a.name}: {a.pieces[0].rhs} became {b.pieces[0].rhs}" for a, b in changed)


EXCHANGED = ("stride and dilation", "height and width", "padding and stride")


@pytest.mark.parametrize("fault", EXCHANGED)
def test_exchanged_hyperparameters_of_a_convolution_are_red(fault):
    program = derive.load("conv2d")
    (mutant,) = FAULTS[fault](derive.vjp(program))
    assert check(program, kinds=("asymmetric",), vjp=mutant, **QUICK).failures


WRONG_FORWARDS = {
    "stride and dilation": ("conv2d", "p*stride[0] + i*dilation[0]", "p*dilation[0] + i*stride[0]"),
    "height and width": ("conv2d", "+ j*dilation[1] - padding[1]", "+ j*dilation[1] - padding[0]"),
    "dilation[0] twice": ("conv2d", "j*dilation[1]", "j*dilation[0]"),
    "padding counted": ("max_pool2d", "max[i < kernel_size[0]", "sum[i < kernel_size[0]"),
    "eps outside the root": ("layer_norm", "1/sqrt(v[...] + eps)", "1/(sqrt(v[...]) + eps)"),
    "sum for mean": ("layer_norm", "v[...] = mean", "v[...] = sum"),
    "biased running variance": ("batch_norm", "*points/(points - 1)", ""),
    "mask upside down": ("scaled_dot_product_attention", "s <= l", "l <= s"),
    "no scale": ("scaled_dot_product_attention", "1/sqrt(E)", "1/E"),
    "gates exchanged": ("lstm", "a[t, n, [1, k]]", "a[t, n, [0, k]]"),
    "sum over all targets": ("cross_entropy", "sum[n, ..., target[n, ...] != ignore_index]", "sum[n, ...]"),
    "damped first step": ("sgd", "where(t == 1, g[t, ...], ", "where(t == 0, g[t, ...], "),
    "bias not corrected": ("adam", "(1 - betas[0]**t)*m", "(1 - betas[0])*m"),
    "eps inside the root": (
        "adam",
        "(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)",
        "sqrt(v[t, ...]/(1 - betas[1]**t) + eps)",
    ),
    "order of the maximum": ("adam", "max(u[t - 1, ...], v[t, ...])", "max(v[t - 1, ...], v[t, ...])"),
}


@pytest.mark.parametrize("fault", WRONG_FORWARDS)
def test_fault_in_the_forward_is_red(fault):
    """A wrong forward has a consistent gradient: only torch's own operation can tell."""
    name, right, wrong = WRONG_FORWARDS[fault]
    text = _text(name)
    assert right in text
    kinds = ("plain",) if name in ("sgd", "adam") else ("asymmetric",)
    verdict = check(text.replace(right, wrong), kinds=kinds, rungs=("forward", "trajectory"), **QUICK)
    assert any(row.check.startswith(("forward, torch", "trajectory")) for row in verdict.failures), fault


def _text(name):
    """One definition's text, cut out of the catalogue."""
    definition = derive.language.load_definition(name)
    first, last = definition.node.lineno, definition.node.end_lineno
    decorator = definition.node.decorator_list[0].lineno
    return "\n".join(definition.source.lines[min(first, decorator) - 1 : last]) + "\n"


def test_an_exception_inside_a_rung_is_a_row_and_the_sweep_goes_on():
    program = derive.load("relu")
    broken = derive.load("linear")
    verdict = check(program, kinds=("plain", "asymmetric"), vjp=broken, **QUICK)
    assert len({row.case for row in verdict.failures}) == 2
    assert any(row.status == "passed" for row in verdict.rows)


def test_nothing_to_check_says_so():
    verdict = check("@layer\ndef f(x: Real[N]):\n    y[n] = x[n]\n    return y\n", kinds=())
    assert not verdict.checked and verdict.exit_code == 5


def test_text_that_cannot_be_read_raises_at_the_door():
    with pytest.raises(DeriveError):
        check("no_such_layer")
