"""Generated files: imported alone they give forward, backward and tangent; they train; they are saved whole."""

import ast
import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch

import derive
from derive.errors import DeriveError, InputError, UnknownName
from tests.function.cases import CASES, leaves, tuple_of

BY_NAME = {case.name: case for case in reversed(CASES)}
GOLDEN_CODE = Path(__file__).parent.parent / "golden_code"
TARGETS = ("numpy", "torch")

#: Committed files: one of each shape of file.
GOLDENS = ("softmax", "layer_norm", "conv2d", "max_pool2d", "embedding", "lstm", "batch_norm", "cross_entropy", "adam")


@pytest.fixture(scope="module", params=CASES, ids=lambda c: c.title)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def files(case):
    return {target: derive.generate(derive.load(case.name, **structural(case)), target=target) for target in TARGETS}


@pytest.fixture(scope="module")
def modules(files):
    return {target: made.module() for target, made in files.items()}


def structural(case):
    absent = {"attn_mask": None, "keep": None} if case.name == "scaled_dot_product_attention" else {}
    return absent | case.choices


def give(case, target):
    tensors = case.inputs()
    return [t.numpy() for t in tensors] if target == "numpy" else tensors


def truth(case):
    """Outputs, cotangents, gradients and tangents by torch's autograd of primitives."""
    tensors = leaves(case.inputs())
    ys = tuple_of(case.torch(*tensors))
    generator = torch.Generator().manual_seed(1)
    dys = [torch.randn(y.shape, generator=generator, dtype=y.dtype) for y in ys]
    real = [t for t in tensors if t.requires_grad]
    return ys, dys, torch.autograd.grad(ys, real, dys)


def close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(torch.as_tensor(a).detach()), np.asarray(b.detach())
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.allclose(a, b, rtol=1e-11, atol=1e-12), np.abs(a - b).max()


@pytest.mark.parametrize("target", TARGETS)
def test_forward_and_backward(case, modules, target):
    module, (ys, dys, gradients) = modules[target], truth(case)
    forward, backward = (getattr(module, f"{case.name}_{part}") for part in ("forward", "backward"))
    result, saved = forward(*give(case, target), **case.hypers)
    close(tuple_of(result), ys)
    close(tuple_of(backward(saved, *(d.numpy() if target == "numpy" else d for d in dys))), gradients)
    close(tuple_of(getattr(module, case.name)(*give(case, target), **case.hypers)), ys)


@pytest.mark.parametrize("target", TARGETS)
def test_tangent(case, modules, target):
    tensors = case.inputs()
    places = [k for k, t in enumerate(tensors) if t.is_floating_point()]
    generator = torch.Generator().manual_seed(2)
    tangents = [torch.randn(tensors[k].shape, generator=generator, dtype=torch.float64) for k in places]

    def of_reals(*values):
        full = list(tensors)
        for k, v in zip(places, values, strict=True):
            full[k] = v
        return tuple_of(case.torch(*full))

    _, expected = torch.func.jvp(of_reals, tuple(tensors[k] for k in places), tuple(tangents))
    program = derive.load(case.name, **structural(case))
    names = [t.name for t in program.inputs]
    given = dict(zip(names, give(case, target), strict=False))
    pushed = {f"t{names[k]}": (t.numpy() if target == "numpy" else t) for k, t in zip(places, tangents, strict=True)}
    close(tuple_of(getattr(modules[target], f"{case.name}_jvp")(**given, **pushed, **case.hypers)), expected)


def test_the_torch_callable_under_autograd(case, modules):
    f = getattr(modules["torch"], case.name)
    assert torch.autograd.gradcheck(lambda *t: f(*t, **case.hypers), leaves(case.inputs()))
    tensors = leaves(case.inputs())
    _, dys, gradients = truth(case)
    ys = tuple_of(f(*tensors, **case.hypers))
    close(torch.autograd.grad(ys, [t for t in tensors if t.requires_grad], dys), gradients)


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "conv2d", "linear", "cross_entropy", "rnn"])
def test_the_torch_callable_twice_and_under_torch_func(name):
    case = BY_NAME[name]
    f = getattr(derive.generate(derive.load(name), target="torch").module(), name)
    tensors = leaves(case.inputs())
    assert torch.autograd.gradgradcheck(lambda *t: f(*t, **case.hypers), tensors)
    real = tuple(t.detach() for t in case.inputs() if t.is_floating_point())
    rest = [t for t in case.inputs() if not t.is_floating_point()]

    def of_reals(g):
        return lambda *values: tuple_of(g(*values, *rest, **(case.hypers if g is f else {})))

    directions = tuple(torch.randn_like(t) for t in real)
    ours, theirs = (torch.func.jvp(of_reals(g), real, directions)[1] for g in (f, case.torch))
    close(ours, theirs)
    assert any(float(t.abs().max()) > 0 for t in ours)
    batch = torch.stack([real[0], -real[0]])
    got = torch.vmap(lambda first: of_reals(f)(first, *real[1:]))(batch)
    rows = [of_reals(f)(row, *real[1:]) for row in batch]
    close(got, [torch.stack(ys) for ys in zip(*rows, strict=True)])

    def squares(g):
        return lambda first: sum((y**2).sum() for y in of_reals(g)(first, *real[1:]))

    each = [torch.func.grad(squares(case.torch))(row) for row in batch]
    close([torch.vmap(torch.func.grad(squares(f)))(batch)], [torch.stack(each)])


def test_only_the_gradients_needed_are_computed():
    module = derive.generate(derive.load("conv2d"), target="torch").module()
    x, w, b = BY_NAME["conv2d"].inputs()
    y, saved = module.conv2d_forward(x, w, b)
    dx, dweight, dbias = module.conv2d_backward(saved, torch.ones_like(y), (False, True, False))
    assert dx is None and dbias is None and dweight.shape == w.shape


def test_a_gradient_left_out_is_refused_not_zero():
    module = derive.generate(derive.load("linear"), target="torch", wrt=("weight",)).module()
    x, w, b = leaves(BY_NAME["linear"].inputs())
    with pytest.raises(RuntimeError, match="without the gradient by x"):
        module.linear(x, w, b.detach()).sum().backward()
    module.linear(x.detach(), w, b.detach()).sum().backward()
    assert w.grad is not None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("name", "hypers"), [("adam", {"lr": 0.05}), ("sgd", {"lr": 0.1, "momentum": 0.9})])
def test_optimizer_steps_equal_torchs(name, hypers, target):
    choices = {k: v for k, v in hypers.items() if k != "lr"}
    module = derive.generate(derive.load(name, **choices), target=target).module()
    parameter = torch.nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
    optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[name]([parameter], **hypers)
    theta = parameter.detach().clone()
    theta = theta.numpy() if target == "numpy" else theta
    state = module.init_state(theta)
    for t in range(1, 6):
        parameter.grad = torch.randn(3, 4, dtype=torch.float64)
        grad = parameter.grad.numpy() if target == "numpy" else parameter.grad
        before = np.array(theta)
        new, state = getattr(module, f"{name}_step")(theta, grad, state, t, lr=hypers["lr"])
        assert np.array_equal(before, np.asarray(theta))  # nothing given is changed
        theta = new
        optimizer.step()
        close([theta], [parameter])


def test_running_statistics_in_both_targets():
    x = torch.randn(4, 3, 5, dtype=torch.float64, requires_grad=True)
    other = torch.nn.BatchNorm1d(3).double()
    other(x)
    for target in TARGETS:
        module = derive.generate(derive.load("batch_norm"), target=target).module()
        data = x.detach().numpy() if target == "numpy" else x
        like = np if target == "numpy" else torch
        mean, var = like.zeros(3, dtype=like.float64), like.ones(3, dtype=like.float64)
        y = module.batch_norm(data, mean, var)
        close([mean, var], [other.running_mean, other.running_var])
        if target == "torch":
            y.square().sum().backward()  # what autograd saved is not what was written back


# ------------------------------------------------------------------------------ the text


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_stands_alone_and_is_formatted(case, files, target):
    text = files[target].text
    tree = ast.parse(text)
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"math", "itertools", target}
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert max(map(len, text.splitlines())) <= 120
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert text.count("    # ") > 1 and ast.get_docstring(tree)


def test_the_same_text_every_time(case, files):
    again = derive.generate(derive.load(case.name, **structural(case)), target="torch")
    assert again.text == files["torch"].text


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_the_same_text_under_every_hash_seed(seed):
    code = "import derive, sys; sys.stdout.write(derive.generate(derive.load('layer_norm'), target='torch').text)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == derive.generate(derive.load("layer_norm"), target="torch").text


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", GOLDENS)
def test_golden_code(name, target, golden):
    made = derive.generate(derive.load(name), target=target)
    golden(f"../golden_code/{made.filename}", made.text)


@pytest.mark.parametrize("path", sorted(GOLDEN_CODE.glob("*.py")), ids=lambda p: p.name)
def test_committed_golden_code_runs_alone(path):
    code = (
        f"import sys, runpy; names = runpy.run_path({str(path)!r}); "
        "assert 'derive' not in sys.modules and 'sympy' not in sys.modules; "
        f"assert {path.stem.endswith('torch')!r} or 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_planted_fault_in_a_file_is_seen():
    made = derive.generate(derive.load("softmax"), target="numpy")
    line = next(row for row in made.text.splitlines() if row.lstrip().startswith("dx = "))
    spec = util.spec_from_loader("broken", loader=None)
    assert spec
    module = util.module_from_spec(spec)
    exec(made.text.replace(line, line + " * 1.001"), module.__dict__)
    case = BY_NAME["softmax"]
    _, dys, gradients = truth(case)
    with pytest.raises(AssertionError):
        close([module.softmax_backward(module.softmax_forward(*give(case, "numpy"))[1], dys[0].numpy())], gradients)


# ------------------------------------------------------------------------------ saving


def test_save_writes_whole_files_and_never_over_others(tmp_path):
    made = derive.generate(derive.load("relu"))
    path = made.save(tmp_path)
    assert path == tmp_path / "relu_numpy.py" and path.read_text() == made.text
    path.write_text("mine")
    with pytest.raises(InputError, match="already there"):
        made.save(path)
    assert path.read_text() == "mine"
    assert made.save(path, force=True).read_text() == made.text
    assert [p.name for p in tmp_path.iterdir()] == ["relu_numpy.py"]


def test_a_place_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    made = derive.generate(derive.load("relu"))
    with pytest.raises(DeriveError, match="cannot write"):
        made.save(tmp_path / "nowhere" / "relu.py")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DeriveError, match="No space left"):
        made.save(tmp_path / "relu.py")
    assert not list(tmp_path.iterdir())


def test_an_unknown_target_lists_those_there_are():
    with pytest.raises(UnknownName, match="jax") as caught:
        derive.generate(derive.load("relu"), target="jax")
    assert "numpy" in str(caught.value) and "torch" in str(caught.value)
