"""Every planted fault is turned red by the ladder; the right gradient is green."""

import pytest

import derive
from derive.errors import DeriveError
from derive.verify import check
from derive.verify.mutation.operators import BACKWARD
from derive.verify.mutation.running import Bench
from derive.verify.mutation.sweep import Sweep
from derive.verify.subject import Subject

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


@pytest.mark.parametrize("name", LAYERS)
def test_fault_in_the_gradient_is_red(name):
    """Every mutant fails, but for those that are shown to be the same function."""
    subject = Subject(name, derive.load(name, **LAYERS[name]), LAYERS[name])
    sweep = Sweep((Bench(subject),), seed=0, limit=2)
    findings = [f for operator in BACKWARD for f in sweep.of(operator)]
    places = {f.operator for f in findings if f.status != "not applicable"}
    assert len(places) >= 18, set(BACKWARD) - places
    assert not [f for f in findings if f.status not in ("killed", "equivalent", "not applicable")]
    same = [f for f in findings if f.status == "equivalent"]
    assert len(same) < len(findings) / 4 and all(f.proof for f in same)


WRONG_FORWARDS = {
    "stride and dilation": ("conv2d", "p*stride[0] + i*dilation[0]", "p*dilation[0] + i*stride[0]"),
    "height and width": ("conv2d", "+ j*dilation[1] - left", "+ j*dilation[1] - top"),
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
