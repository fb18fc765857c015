"""What plans look like: shapes of the code, memory, checks, precision, determinism."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

import derive
from derive.calculus import adjoint
from derive.lower import lower
from derive.lower.plan import Loop
from derive.verify.inputs import make
from tests.lower.programs import program
from tests.lower.running import compiled, run, source

ENTRIES = ("softmax", "layer_norm", "conv2d", "embedding", "lstm", "cross_entropy", "pixel_shuffle", "linear", "adam")


def load(name):
    return derive.load(name, **{"pixel_shuffle": {"upscale_factor": 2}}.get(name, {}))


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_single_precision_stays(name, target):
    for p in (load(name), adjoint(load(name))):
        case = make(p, "plain")
        inputs = {n: v.astype(np.float32) if v.dtype == float else v for n, v in case.inputs.items()}
        for value in run(p, target, inputs, case.hypers).values():
            assert value.dtype == np.float32


@pytest.mark.parametrize("name", ENTRIES)
def test_outputs_own_their_memory(name):
    for p in (load(name), adjoint(load(name))):
        case = make(p, "plain")
        outputs = list(run(p, "numpy", case.inputs, case.hypers).values())
        assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(outputs, 2))
        assert not any(np.shares_memory(a, b) for a in outputs for b in case.inputs.values())


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_strides_do_not_matter_and_inputs_stay(name, target):
    p = adjoint(load(name))
    case = make(p, "plain")
    spread = {n: np.repeat(v.T, 2, axis=-1)[..., ::2].T if v.ndim else v for n, v in case.inputs.items()}
    before = {n: v.copy() for n, v in spread.items()}
    wanted = run(p, target, case.inputs, case.hypers)
    for n, value in run(p, target, spread, case.hypers).items():
        np.testing.assert_allclose(value, wanted[n], rtol=1e-12, atol=1e-12)
    assert all(np.array_equal(v, before[n]) for n, v in spread.items())


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"x": (2, 3), "weight": (4, 5)}, ("weight", "axis I", "5", "3")),
        ({"x": (2, 3), "weight": (4,)}, ("weight", "(4,)", "K, I")),
    ],
)
def test_wrong_shapes_are_named(target, shapes, words):
    f = compiled(
        derive.load(
            "@layer\ndef f(x: Real[N, I], weight: Real[K, I]):\n"
            "    y[n, k] = sum[i](x[n, i]*weight[k, i])\n    return y"
        ),
        target,
    )
    make_array = np.zeros if target == "numpy" else torch.zeros
    with pytest.raises(ValueError) as error:
        f(**{n: make_array(s) for n, s in shapes.items()})
    assert all(w in str(error.value) for w in words)


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_composite_axis_that_does_not_divide(target):
    f = compiled(derive.load("group_norm", num_groups=2), target)
    make_array = np.zeros if target == "numpy" else torch.zeros
    with pytest.raises(ValueError, match=r"x axis .* has size 3; expected a multiple of 2"):
        f(make_array((2, 3, 4)), make_array(3), make_array(3))


def test_a_hyperparameter_of_the_wrong_length():
    f = compiled(derive.load("conv2d"), "numpy")
    with pytest.raises(ValueError, match="expected 2 numbers"):
        f(np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 2, 2)), stride=(1, 2, 3))


def test_what_does_not_depend_on_the_state_is_computed_before_the_loop():
    block = lower(derive.load("rnn")).blocks[0]
    before = [type(s).__name__ for s in block.steps[: [isinstance(s, Loop) for s in block.steps].index(True)]]
    assert "Assign" in before  # W x[t] for all t at once
    text = source(derive.load("rnn"), "numpy")
    assert text.count("tensordot") == 1 and text.index("tensordot") < text.index("for t in")


def test_the_weight_gradient_of_a_recurrence_is_one_product_after_the_loop():
    text = source(adjoint(derive.load("rnn")), "numpy")
    assert text.rindex("for t in") < text.index("dweight_hh = np.tensordot")


def test_equal_values_are_computed_once():
    text = source(
        derive.load(
            "@layer\ndef f(x: Real[N]):\n    y[n] = exp(x[n]) + 1/exp(x[n])**2\n    z[n] = 2*exp(x[n])\n    return y, z"
        ),
        "numpy",
    )
    assert text.count("np.exp(x)") == 1


def test_convolutions_use_forward_primitives_only():
    for p in (derive.load("conv2d"), adjoint(derive.load("conv2d"))):
        text = source(p, "torch")
        assert "functional.conv2d" in text
        assert not any(word in text for word in ("_backward", "nn.grad", "conv2d_input", "autograd", "data_ptr"))


def test_text_is_the_same_whatever_the_hash_seed():
    script = (
        "import derive; from derive.calculus import adjoint; from tests.lower.running import source\n"
        "for p in map(derive.load, ('conv2d', 'lstm', 'cross_entropy')):\n"
        "    print(source(p, 'numpy'), source(adjoint(p), 'torch'))"
    )
    texts = {
        subprocess.run([sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "PATH": "", "OMP_NUM_THREADS": "1"},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("0", "1", "77")
    }  # fmt: skip
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["softmax", "conv2d", "rnn", "embedding"])
def test_torch_code_is_transparent_to_transforms(name):
    p = load(name)
    case = make(p, "plain")
    f = compiled(p, "torch")
    real = [t.name for t in p.inputs if t.differentiable]
    inputs = {n: torch.tensor(v) for n, v in case.inputs.items()}

    def g(*xs):
        y = f(**{**inputs, **dict(zip(real, xs, strict=True))}, **case.hypers)
        return y[0] if isinstance(y, tuple) else y

    xs = tuple(inputs[n] for n in real)
    batched = torch.func.vmap(g)(*(torch.stack([x, 2 * x]) for x in xs))
    torch.testing.assert_close(batched[1], g(*(2 * x for x in xs)))
    primal, tangent = torch.func.jvp(g, xs, xs)
    h = 1e-6
    torch.testing.assert_close(primal, g(*xs))
    torch.testing.assert_close(tangent, (g(*(x * (1 + h) for x in xs)) - g(*(x * (1 - h) for x in xs))) / (2 * h))
    assert torch.autograd.gradcheck(g, tuple(x.clone().requires_grad_() for x in xs), fast_mode=True)


def test_program_of_a_python_number():
    assert "x / math.sqrt(N)" in source(program("number"), "torch")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ENTRIES)
def test_torch_code_runs_unchanged_on_a_gpu(name):
    for p in (load(name), adjoint(load(name))):
        case = make(p, "asymmetric")
        f = compiled(p, "torch")
        there = f(**{n: torch.tensor(v, device="cuda") for n, v in case.inputs.items()}, **case.hypers)
        here = f(**{n: torch.tensor(v) for n, v in case.inputs.items()}, **case.hypers)
        for a, b in zip(*(v if isinstance(v, tuple) else (v,) for v in (there, here)), strict=True):
            assert a.device.type == "cuda"
            torch.testing.assert_close(a.cpu(), b, rtol=1e-10, atol=1e-10)
