"""derive.function under autograd: first, second and third order, subsets, strides, dtypes, devices."""

import pytest
import torch

import derive
from derive.errors import InputError
from tests.function.cases import CASES, leaves, tuple_of

BY_NAME = {case.name: case for case in reversed(CASES)}


@pytest.fixture(scope="module", params=CASES, ids=lambda c: c.title)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def f(case):
    return derive.function(case.name, **case.hypers, **case.choices)


def gradients(f, tensors, seed=0, create_graph=False):
    """Outputs and gradients along random cotangents."""
    ys = tuple_of(f(*tensors))
    generator = torch.Generator().manual_seed(seed)
    dys = [torch.randn(y.shape, generator=generator, dtype=y.dtype) for y in ys]
    wrt = [t for t in tensors if t.requires_grad]
    return ys, torch.autograd.grad(ys, wrt, dys, create_graph=create_graph)


def assert_close(ours, truth, tolerance=1e-12):
    assert len(ours) == len(truth)
    for a, b in zip(ours, truth, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), (a - b).abs().max()


def test_outputs_and_gradients_equal_autograd_of_primitives(case, f):
    ours, truth = (gradients(g, leaves(case.inputs())) for g in (f, case.torch))
    assert_close(ours[0], truth[0])
    assert_close(ours[1], truth[1])


def test_gradcheck(case, f):
    assert torch.autograd.gradcheck(f, leaves(case.inputs()), fast_mode=False, check_batched_grad=True)


def test_second_order_equals_autograd_of_primitives(case, f):
    def second(g):
        tensors = leaves(case.inputs())
        _, first = gradients(g, tensors, create_graph=True)
        total = sum((d * d).sum() for d in first) + 0 * sum(t.sum() for t in tensors if t.requires_grad)
        return torch.autograd.grad(total, [t for t in tensors if t.requires_grad], materialize_grads=True)

    assert_close(second(f), second(case.torch), 1e-11)


THIRD = ("linear", "softmax", "layer_norm", "gelu", "conv2d", "cross_entropy", "rnn")


@pytest.mark.parametrize("name", THIRD)
def test_third_order_equals_autograd_of_primitives(name):
    case = BY_NAME[name]

    def third(g):
        tensors = leaves(case.inputs())
        total = sum((y * y * y).sum() for y in tuple_of(g(*tensors)))
        wrt = [t for t in tensors if t.requires_grad]
        for _ in range(2):
            first = torch.autograd.grad(total, wrt, create_graph=True, materialize_grads=True)
            total = sum((d * d).sum() for d in first)
        return torch.autograd.grad(total, wrt, materialize_grads=True)

    ours, truth = third(derive.function(name, **case.hypers)), third(case.torch)
    scale = max(float(t.abs().max()) for t in truth)
    for a, b in zip(ours, truth, strict=True):
        assert float((a - b).abs().max()) <= 1e-10 * scale


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "conv2d", "linear"])
def test_gradgradcheck(name):
    case = BY_NAME[name]
    assert torch.autograd.gradgradcheck(derive.function(name, **case.hypers), leaves(case.inputs()))


def test_every_subset_of_inputs_that_need_gradient(case, f):
    tensors = case.inputs()
    real = [k for k, t in enumerate(tensors) if t.is_floating_point()]
    for chosen in [*([k] for k in real), real[1:], real[:-1]]:
        if not chosen:
            continue
        ours, truth = (
            gradients(g, [t.clone().requires_grad_(k in chosen) if k in real else t for k, t in enumerate(tensors)])[1]
            for g in (f, case.torch)
        )
        assert_close(ours, truth)


def test_cotangents_of_any_strides(case, f):
    tensors = leaves(case.inputs())
    ys = tuple_of(f(*tensors))
    wrt = [t for t in tensors if t.requires_grad]
    dys = [torch.randn(y.shape, dtype=y.dtype) for y in ys]
    plain = torch.autograd.grad(ys, wrt, dys, retain_graph=True)
    strided = [torch.stack([d, d], dim=-1)[..., 0] for d in dys]
    flipped = [d.mT.contiguous().mT if d.ndim >= 2 else d for d in dys]
    for other in (strided, flipped):
        assert_close(torch.autograd.grad(ys, wrt, other, retain_graph=True), plain)
    ones = [torch.ones((), dtype=y.dtype).expand(y.shape) for y in ys]
    whole = [torch.ones_like(y) for y in ys]
    assert_close(
        torch.autograd.grad(ys, wrt, ones, retain_graph=True), torch.autograd.grad(ys, wrt, whole, retain_graph=True)
    )


def test_inputs_of_any_strides_and_none_is_changed(case, f):
    tensors = case.inputs()
    before = [t.clone() for t in tensors]
    strided = [t.mT.contiguous().mT if t.ndim >= 2 else torch.stack([t, t], -1)[..., 0] for t in tensors]
    ours = gradients(f, [t.detach().requires_grad_(t.is_floating_point()) for t in strided])
    plain = gradients(f, leaves(tensors))
    assert_close(ours[0], plain[0])
    assert_close(ours[1], plain[1])
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


def test_outputs_do_not_alias_inputs(case, f):
    tensors = case.inputs()
    owned = {t.untyped_storage().data_ptr() for t in tensors}
    assert all(y.untyped_storage().data_ptr() not in owned for y in tuple_of(f(*tensors)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_dtype_is_kept(case, f, dtype):
    tensors = leaves([t.to(dtype) if t.is_floating_point() else t for t in case.inputs()])
    ys, grads = gradients(f, tensors)
    assert {t.dtype for t in (*ys, *grads)} == {dtype}
    truth = tuple_of(f(*case.inputs()))
    loose = {torch.float32: 1e-4, torch.bfloat16: 0.15}[dtype]
    for y, t in zip(ys, truth, strict=True):
        assert float((y.double() - t).norm()) <= loose * float(t.norm())


def test_a_planted_wrong_gradient_is_seen():
    case = BY_NAME["softmax"]

    def wrong(x):
        return derive.function("softmax")(x) * 1.001

    ours, truth = (gradients(g, leaves(case.inputs())) for g in (wrong, case.torch))
    with pytest.raises(AssertionError):
        assert_close(ours[1], truth[1])


@pytest.mark.gpu
def test_the_same_on_cuda(case, f):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device: torch.cuda.is_available() is False")
    on_gpu = leaves([t.cuda() for t in case.inputs()])
    ys = tuple_of(f(*on_gpu))
    dys = [torch.randn(y.shape, dtype=y.dtype) for y in ys]
    grads = torch.autograd.grad(ys, [t for t in on_gpu if t.requires_grad], [d.cuda() for d in dys])
    here = leaves(case.inputs())
    truth = torch.autograd.grad(tuple_of(f(*here)), [t for t in here if t.requires_grad], dys)
    assert_close([g.cpu() for g in grads], truth, 1e-9)


# ------------------------------------------------------------------------------ the door


def test_positions_names_defaults_and_hyperparameters():
    f = derive.function("conv2d")
    x, w, b = (t for t in BY_NAME["conv2d"].inputs())
    truth = torch.nn.functional.conv2d(x, w, b, stride=2)
    assert torch.allclose(f(x, w, b, stride=2), truth)
    assert torch.allclose(f(x, weight=w, bias=b, stride=(2, 2)), truth)
    assert torch.allclose(f(x, w, stride=2), truth - b[:, None, None])
    assert torch.allclose(f(x, w, None, stride=2), truth - b[:, None, None])


def test_structural_choices_at_the_call():
    f = derive.function("conv2d")
    x, w = torch.randn(2, 4, 5, 5), torch.randn(6, 2, 3, 3)
    assert torch.allclose(f(x, w, groups=2), torch.nn.functional.conv2d(x, w, groups=2), atol=1e-5)


def test_a_program_is_a_target_too():
    f = derive.function(derive.load("layer_norm"))
    x = torch.randn(3, 4, dtype=torch.float64)
    assert torch.allclose(f(x), torch.nn.functional.layer_norm(x, (4,)))
    assert torch.allclose(f(x, eps=0.1), torch.nn.functional.layer_norm(x, (4,), eps=0.1))


def test_dropout_is_drawn_by_torch_and_replayed():
    f = derive.function("dropout")
    x = torch.randn(50, 60, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    y = f(x, p=0.25)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert torch.allclose(dx, torch.where(y == 0, 0.0, 4 / 3).double())
    assert 0.2 < float((y == 0).double().mean()) < 0.3
    torch.manual_seed(0)
    assert torch.equal(f(x, p=0.25), y)
    keep = torch.zeros(50, 60, dtype=torch.bool)
    assert not f(x, keep).any()
    assert torch.equal(f(x, training=False), x)


def test_running_statistics_are_written_back():
    f = derive.function("batch_norm")
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    other = torch.nn.BatchNorm1d(3).double()
    assert torch.allclose(f(x, mean, var), other(x))
    leaf = x.clone().requires_grad_()
    (ours,) = torch.autograd.grad((f(leaf, mean.clone(), var.clone()) ** 3).sum(), leaf)
    (truth,) = torch.autograd.grad((torch.nn.functional.batch_norm(leaf, None, None, training=True) ** 3).sum(), leaf)
    assert torch.allclose(ours, truth)
    assert torch.allclose(mean, other.running_mean) and torch.allclose(var, other.running_var)
    other.eval()
    assert torch.allclose(f(x, mean, var, training=False), other(x))


def test_an_optimizer_returns_theta_after_each_step():
    f = derive.function("adam")
    theta, grads = torch.randn(3, 4, dtype=torch.float64), torch.randn(5, 3, 4, dtype=torch.float64)
    parameter = torch.nn.Parameter(theta.clone())
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    for got, grad in zip(f(theta, grads, lr=0.1), grads, strict=True):
        parameter.grad = grad
        optimizer.step()
        assert torch.allclose(got, parameter, rtol=1e-12)


def test_an_optimizer_is_differentiable_by_its_gradients():
    f = derive.function("sgd")
    theta, grads = torch.randn(3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: f(a, b, lr=0.1, momentum=0.9), leaves([theta, grads]))


@pytest.mark.parametrize(
    ("arguments", "hypers", "words"),
    [
        (((2, 3), (4, 5)), {}, ("I", "weight", "5", "3")),
        (((2, 3), (4,)), {}, ("weight", "axes")),
        (((2, 3),), {}, ("weight", "missing")),
        (((2, 3), (4, 3), (4,), (1,)), {}, ("takes 3 inputs", "4 were given")),
        (((2, 3), (4, 3)), {"stride": 2}, ("linear", "stride")),
        (((2, 3), (4, 3)), {"biass": None}, ("biass", "bias?")),
    ],
)
def test_bad_calls_say_what_and_how_to_mend(arguments, hypers, words):
    with pytest.raises(InputError) as caught:
        derive.function("linear")(*(torch.randn(s) for s in arguments), **hypers)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_wrong_dtypes_are_refused_before_anything_runs():
    f = derive.function("embedding")
    with pytest.raises(InputError, match="token has dtype float"):
        f(torch.randn(3), torch.randn(5, 4))
    with pytest.raises(InputError, match="expected a floating-point one"):
        derive.function("relu")(torch.arange(3))
    with pytest.raises(InputError, match="float32"):
        derive.function("linear")(torch.randn(2, 3), torch.randn(4, 3, dtype=torch.float64))
