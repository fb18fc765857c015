"""derive.nn in the place of torch.nn: construction, state, copies, transforms, compilation, precision, refusals."""

import copy
import io
import pickle
import subprocess
import sys
import warnings

import pytest
import torch

import derive.nn as nn
from derive.errors import DeriveError
from derive.verify import modules as bed

#: A module of each kind, and the shape of what it is given.
KINDS = {
    "Linear": (lambda n: n.Linear(3, 4), (2, 3)),
    "Conv2d": (lambda n: n.Conv2d(2, 4, 3, stride=(2, 1), padding=(1, 0), groups=2), (2, 2, 5, 6)),
    "BatchNorm2d": (lambda n: n.BatchNorm2d(3), (2, 3, 4, 5)),
    "GELU": (lambda n: n.GELU(), (2, 3)),
    "Softmax": (lambda n: n.Softmax(dim=1), (2, 3, 4)),
    "MaxPool2d": (lambda n: n.MaxPool2d(2), (2, 3, 4, 6)),
    "Dropout": (lambda n: n.Dropout(0.4), (4, 5)),
    "GroupNorm": (lambda n: n.GroupNorm(2, 4), (2, 4, 3)),
}
CONSTRUCTED = [n for n in sorted(bed.modules()) if not n.startswith("Lazy")]


def both(kind):
    made = []
    for namespace in (torch.nn, nn):
        torch.manual_seed(5)
        made.append(KINDS[kind][0](namespace).double())
    return made


def given(kind, seed=0):
    return torch.randn(KINDS[kind][1], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a, b, tolerance=1e-12):
    for x, y in zip(torch.utils._pytree.tree_leaves(a), torch.utils._pytree.tree_leaves(b), strict=True):
        assert x.shape == y.shape and x.dtype == y.dtype
        assert torch.allclose(x, y, rtol=tolerance, atol=tolerance), (x - y).abs().max()


def forward(module, x, seed=3):
    torch.manual_seed(seed)
    return module(x)


# ------------------------------------------------------------------------------ import and names


def test_importing_it_loads_no_torch():
    code = "import sys, derive.nn as nn; assert 'torch' not in sys.modules; nn.Linear; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch._dynamo' not in sys.modules"], check=True)


def test_what_computes_nothing_is_torchs_own():
    for name in ("Sequential", "ModuleList", "ModuleDict", "Parameter", "Module", "Identity", "init", "utils"):
        assert getattr(nn, name) is getattr(torch.nn, name)
    with pytest.raises(AttributeError, match="no attribute 'Convolution'"):
        nn.Convolution  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'convolve'"):
        nn.functional.convolve  # noqa: B018


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_the_same_construction_state_and_copies(name):
    sample = next(iter(bed.samples(name))).constructor_input
    made = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for namespace in (torch.nn, nn):
            torch.manual_seed(1)
            args, kwargs = copy.deepcopy((sample.args, sample.kwargs))
            made.append(getattr(namespace, name)(*args, **kwargs))
    theirs, ours = made
    assert isinstance(ours, type(theirs)) and type(ours) is getattr(nn, name)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    close(ours.state_dict(), theirs.state_dict(), 0)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    again = pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)
    for one in again:
        assert type(one) is type(ours)
        close(one.state_dict(), ours.state_dict(), 0)


def test_saved_whole_and_loaded_in_another_process(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.GELU())
    torch.save(model, tmp_path / "model.pt")
    x = torch.ones(2, 3)
    torch.save(model(x).detach(), tmp_path / "y.pt")
    code = (
        "import sys, torch; m = torch.load(sys.argv[1], weights_only=False); "
        "assert torch.equal(m(torch.ones(2, 3)), torch.load(sys.argv[2])); assert type(m[0]).__module__ == 'derive.nn'"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.pt"), str(tmp_path / "y.pt")], check=True)


def test_a_torch_model_is_converted_in_place():
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(12, 2))
    weight, x = model[0].weight, torch.randn(1, 2, 4, 4)
    y = model(x)
    assert nn.converted(model) is model and type(model[0]) is nn.Conv2d and model[0].weight is weight
    close(model(x), y, 1e-5)
    assert bed.strangers([model(x)]) == []


# ------------------------------------------------------------------------------ transforms


@pytest.mark.parametrize("kind", KINDS)
def test_torch_func_and_functional_call(kind):
    theirs, ours = both(kind)
    x, t = given(kind), given(kind, 1)
    parameters = dict(ours.named_parameters())

    def loss(module):
        def of(p, x):
            torch.manual_seed(3)
            return torch.func.functional_call(module, p, (x,)).sin().sum()

        return of

    def pushed(module):
        torch.manual_seed(3)
        return torch.func.jvp(lambda x: torch.func.functional_call(module, parameters, (x,)), (x,), (t,))

    for module in (theirs, ours):
        module.eval()
    close(torch.func.grad(loss(ours), (0, 1))(parameters, x), torch.func.grad(loss(theirs), (0, 1))(parameters, x))
    close(pushed(ours), pushed(theirs))
    many = torch.stack([x, t, x - t])
    close(torch.func.vmap(torch.func.grad(loss(ours), 1), (None, 0))(parameters, many),
          torch.func.vmap(torch.func.grad(loss(theirs), 1), (None, 0))(parameters, many))  # fmt: skip


@pytest.mark.parametrize("kind", ["Linear", "Conv2d", "GELU", "Softmax"])
def test_double_backward(kind):
    theirs, ours = both(kind)
    x = given(kind).requires_grad_()
    found = []
    for module in (theirs, ours):
        (g,) = torch.autograd.grad(module(x).sin().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(g.square().sum(), [x, *module.parameters()], allow_unused=True))
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None) or float((a if b is None else b).abs().max()) == 0
        if a is not None and b is not None:
            close(a, b)


def test_captured_whole_by_the_compiler():
    """One graph, no break: values, gradients, buffers, random draws, several sizes."""
    made = []
    for n in (torch.nn, nn):
        torch.manual_seed(5)
        first = (n.Conv2d(2, 3, 3), n.BatchNorm2d(3), n.ReLU(inplace=True), n.MaxPool2d(2))
        last = (n.Flatten(), n.Dropout(0.5), n.Linear(12, 4), n.Softmax(-1))
        made.append(n.Sequential(*first, *last).double())
    theirs, ours = made
    captured = torch.compile(ours, fullgraph=True, backend="aot_eager")
    for seed, batch in ((0, 3), (1, 3), (2, 5)):
        x = torch.randn(batch, 2, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        results = []
        for module in (theirs, captured):
            x = x.detach().requires_grad_()
            module.zero_grad()
            y = forward(module, x)
            y.square().sum().backward()
            results.append([y, x.grad, *(p.grad for p in module.parameters()), *module.buffers()])
        close(results[1], results[0], 1e-10)


def test_the_graph_holds_generated_code_and_not_torchs_layer():
    seen = []

    def backend(graph, _):
        seen.extend(str(n.target) for n in graph.graph.nodes if n.op == "call_function")
        return graph.forward

    torch.compile(nn.GELU(), fullgraph=True, backend=backend)(torch.randn(3))
    assert len(seen) == 1 and "whole" in seen[0]


@pytest.mark.parametrize("kind", ["Linear", "Conv2d", "BatchNorm2d", "GELU", "MaxPool2d", "GroupNorm"])
def test_a_result_may_be_written_into(kind):
    theirs, ours = both(kind)
    found = []
    for module in (theirs.eval(), ours.eval()):
        x = given(kind).requires_grad_()
        z = x * 1
        y = module(z)
        y += 1
        (y.square().sum() + z.sum()).backward()
        found.append((y, z, x.grad))
    close(found[1], found[0])


# ------------------------------------------------------------------------------ precision and devices


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_answers_in_torchs_precision(kind, dtype):
    theirs, ours = (m.float() for m in both(kind))
    x = given(kind).to(dtype)
    results = []
    for module in (theirs, ours):
        with torch.autocast("cpu", torch.bfloat16):
            y = forward(module, x.clone().requires_grad_())
        y.float().square().sum().backward()
        results.append([y, *(p.grad for p in module.parameters())])
    assert results[0][0].dtype == results[1][0].dtype
    close(results[1], results[0], 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_alone_on_the_meta_device(kind):
    module = KINDS[kind][0](nn).to("meta").eval()
    expected = KINDS[kind][0](torch.nn).to("meta").eval()
    x = torch.empty(KINDS[kind][1], device="meta")
    assert module(x).shape == expected(x).shape and module(x).device.type == "meta"


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "wrong",
    [
        lambda n: n.Conv2d(3, 4, 3, groups=2),
        lambda n: n.Conv2d(3, 4, 3, padding="some"),
        lambda n: n.Conv2d(3, 4, 3, padding="same", stride=2),
        lambda n: n.Linear(3, 4, biass=False),
        lambda n: n.Dropout(1.5),
        lambda n: n.GroupNorm(2, 3),
        lambda n: n.Embedding(3, 4, padding_idx=7),
    ],
)
def test_what_torch_refuses_to_construct_is_refused_in_its_words(wrong):
    with pytest.raises(Exception) as theirs:
        wrong(torch.nn)
    with pytest.raises(type(theirs.value)) as ours:
        wrong(nn)
    assert str(ours.value) == str(theirs.value)


def test_wrong_shapes_name_the_axis_and_both_sizes():
    with pytest.raises(DeriveError, match=r"axis I of \w+ is 3.*I = 5|axis I of \w+ is 5.*I = 3"):
        nn.Linear(3, 4)(torch.randn(2, 5))
    with pytest.raises(DeriveError, match=r"axis .*C.* of \w+ is 2|axis C of weight is 3"):
        nn.Conv2d(3, 4, 3)(torch.randn(1, 2, 5, 5))


def test_an_argument_without_support_says_so_by_name():
    embedding = nn.Embedding(5, 3, sparse=True)
    with pytest.raises(DeriveError, match="sparse=True"):
        embedding(torch.tensor([1, 2]))


def test_a_function_without_a_definition_says_so():
    with pytest.raises(DeriveError, match=r"torch\.nn\.functional\.scaled_mm"):
        nn.functional.scaled_mm  # noqa: B018


def test_saved_bytes_are_small():
    """A module's pickle holds its state, not the derivation."""
    stream = io.BytesIO()
    model = nn.Linear(3, 4)
    model(torch.randn(2, 3))
    torch.save(model, stream)
    assert stream.tell() < 4000
