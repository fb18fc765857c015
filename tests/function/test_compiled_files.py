"""Generated Torch files under torch.compile and torch.export: the second wrapper, an operation of torch's library."""

import pytest
import torch

import derive
from tests.function.cases import CASES, leaves, tuple_of

NAMES = ("layer_norm", "max_pool2d", "embedding", "lstm")
CHOSEN = {c.name: c for c in CASES if c.name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def made(request):
    case = CHOSEN[request.param]
    program = derive.load(case.name, **case.choices)
    return case, getattr(derive.generate(program, target="torch").module(), case.name)


def gradients(f, case):
    tensors = leaves(case.inputs())
    ys = tuple_of(f(*tensors, **case.hypers))
    dys = [torch.sin(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape) for y in ys]
    return [*ys, *torch.autograd.grad(ys, [t for t in tensors if t.requires_grad], dys)]


def test_captured_whole_and_right(made):
    case, function = made
    captured = torch.compile(function, fullgraph=True, backend="aot_eager")
    for a, b in zip(gradients(captured, case), gradients(function, case), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def operation_and_arguments(case, function, monkeypatch):
    """The operation, and what the function hands it while a graph is captured."""
    names, taken = function.__globals__, []
    operation = names[f"{case.name}_operation"]
    monkeypatch.setitem(names, f"{case.name}_operation", lambda *args: taken.append(args) or operation(*args))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    function(*leaves(case.inputs()), **case.hypers)
    monkeypatch.undo()
    return operation, taken[0]


def test_torchs_own_check_of_an_operation(made, monkeypatch):
    case, function = made
    operation, arguments = operation_and_arguments(case, function, monkeypatch)
    found = torch.library.opcheck(operation, arguments, raise_exception=False)
    assert set(found.values()) == {"SUCCESS"}, found


def test_autocast_is_single_precision_in_both_wrappers(made, monkeypatch):
    case, function = made
    single = [t.float() if t.is_floating_point() else t for t in leaves(case.inputs())]
    halves = [t.bfloat16() if k == 0 and t.is_floating_point() else t for k, t in enumerate(single)]
    plain = function(*(t.float() if t.is_floating_point() else t for t in halves), **case.hypers)
    with torch.autocast("cpu", torch.bfloat16):
        ran = function(*halves, **case.hypers)
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
        captured = function(*halves, **case.hypers)
    for each in zip(*map(tuple_of, (ran, captured, plain)), strict=True):
        assert len({y.dtype for y in each}) == 1 and torch.equal(each[0], each[2]) and torch.equal(each[1], each[2])


def test_a_gradient_that_is_wrong_is_seen(made):
    case, function = made

    def doubled(*args, **kwargs):
        return tuple(y + y - y.detach() for y in tuple_of(function(*args, **kwargs)))

    pairs = zip(gradients(doubled, case), gradients(function, case), strict=True)
    assert not all(torch.allclose(a, b) for a, b in pairs)


def test_exported_as_one_operation():
    module = derive.generate(derive.load("layer_norm"), target="torch").module()

    class Net(torch.nn.Module):
        def forward(self, x):
            return module.layer_norm(x)

    graph = torch.export.export(Net(), (torch.randn(4, 5),)).graph
    targets = [str(n.target) for n in graph.nodes if n.op == "call_function"]
    assert any(t.startswith("derive.layer_norm_") for t in targets)
