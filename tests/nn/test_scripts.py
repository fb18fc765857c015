"""Training scripts as people write them, one import changed: the same numbers, in every use of a model.

Their second halves (precision, ``torch.func``, compilation, export) take what is cheap of each script.
"""

import copy
import io
import warnings

import pytest
import torch

import derive.nn as nn
from tests.nn.scripts import SCRIPTS

STEPS = 6


@pytest.fixture(autouse=True)
def in_double():
    torch.set_default_dtype(torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_default_dtype(torch.float32)


def made(namespace, name, dtype=torch.float64):
    torch.set_default_dtype(dtype)
    torch.manual_seed(0)
    return SCRIPTS[name](namespace)


def after(seed, f, *args):
    torch.manual_seed(seed)
    return f(*args)


def close(ours, theirs, tolerance=1e-10):
    pairs = zip(torch.utils._pytree.tree_leaves(ours), torch.utils._pytree.tree_leaves(theirs), strict=True)
    for a, b in pairs:
        assert a.shape == b.shape and a.dtype == b.dtype
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), (a - b).abs().max()


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


class Scored(torch.nn.Module):
    """A model and its loss on a batch, as one module."""

    def __init__(self, model, loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, k=0):
        return self.loss(self.model, k)


def trained(namespace, name):
    """Half the steps in training, half in evaluation; clipped; the gradients of two batches added up."""
    model, loss_of = made(namespace, name)
    start = copy.deepcopy(model.state_dict())
    step, losses = torch.optim.AdamW(model.parameters(), lr=3e-3), []
    for k in range(STEPS):
        model.train(k < STEPS // 2)
        loss = loss_of(model, k)
        loss.backward()
        losses.append(loss.detach())
        if k % 2:
            namespace.utils.clip_grad_norm_(model.parameters(), 1.0)
            step.step()
            step.zero_grad()
    return model, start, losses


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_training(name):
    (ours, start, losses), (theirs, their_start, their_losses) = (trained(n, name) for n in (nn, torch.nn))
    assert list(start) == list(their_start)
    close(start, their_start, 0)
    close(losses, their_losses)
    stream = io.BytesIO()
    torch.save(ours.state_dict(), stream)
    stream.seek(0)
    theirs.load_state_dict(torch.load(stream, weights_only=True), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    twin, loss_of = copy.deepcopy(ours), made(nn, name)[1]
    close(gradients(twin, after(3, loss_of, twin, 0)), gradients(ours, after(3, loss_of, ours, 0)), 0)


def narrow(namespace, name):
    model, loss_of = made(namespace, name, torch.bfloat16)
    return gradients(model, after(3, loss_of, model, 0))


def under_autocast(namespace, name):
    model, loss_of = made(namespace, name, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = after(3, loss_of, model, 0)
    return gradients(model, loss)


def checkpointed(namespace, name):
    scored = Scored(*made(namespace, name))
    start = torch.zeros((), requires_grad=True)
    run = lambda x: scored() + x  # noqa: E731
    return gradients(scored, after(3, lambda: torch.utils.checkpoint.checkpoint(run, start, use_reentrant=False)))


def hooked(namespace, name):
    """What hooks see, forward and backward."""
    model, loss_of = made(namespace, name)
    seen = []
    for part in (p for p in model.modules() if not list(p.children()) and not getattr(p, "inplace", False)):
        part.register_forward_hook(lambda _, given, y: seen.append(y))
        part.register_full_backward_hook(lambda _, dx, dy: seen.append([d for d in (*dx, *dy) if d is not None]))
    for p in model.parameters():
        p.register_hook(lambda g: 2 * g)
    return gradients(model, after(3, loss_of, model, 0)), [torch.utils._pytree.tree_leaves(s) for s in seen]


def functional(namespace, name):
    """Gradients by ``torch.func``, for several parameters at once."""
    model, loss_of = made(namespace, name)
    scored = Scored(model.eval(), loss_of)
    scored()
    parameters = dict(scored.named_parameters())
    many = {n: torch.stack([p, 1.1 * p]) for n, p in parameters.items()}
    loss = lambda p: torch.func.functional_call(scored, p)  # noqa: E731
    return torch.func.vmap(torch.func.grad(loss))(many)


def curvature(namespace, name):
    model, loss_of = made(namespace, name)
    scored = Scored(model.eval(), loss_of)
    scored()
    small = next((n, p) for n, p in reversed(list(scored.named_parameters())) if p.numel() <= 8)
    return torch.func.hessian(lambda p: torch.func.functional_call(scored, {small[0]: p}))(small[1].detach())


def captured(namespace, name):
    model, loss_of = made(namespace, name)
    torch._dynamo.reset()
    whole = torch.compile(model, backend="aot_eager", fullgraph=True)
    return gradients(model, after(3, loss_of, whole, 0))


def exported(namespace, name):
    model, loss_of = made(namespace, name)
    calls = []
    handle = model.eval().register_forward_pre_hook(lambda _, args: calls.append(args))
    loss_of(model, 0)
    handle.remove()
    return torch.export.export(model, calls[0]).module()(*calls[0])


#: A use of a model, how near it comes to torch's, the scripts it is tried on.
USES = {
    narrow: (0.1, ["unet", "gpt", "siamese"]),
    under_autocast: (0.1, ["resnet", "gpt_sdpa"]),
    checkpointed: (1e-10, ["convnet", "gpt"]),
    hooked: (1e-10, ["unet", "siamese"]),
    functional: (1e-10, ["convnet", "diffusion"]),
    curvature: (1e-9, ["convnet"]),
    captured: (1e-10, ["encoder", "recommender"]),
    exported: (1e-10, ["resnet"]),
}
CASES = [(use, name) for use, (_, names) in USES.items() for name in names]


@pytest.mark.parametrize(("use", "name"), CASES, ids=[f"{u.__name__}-{n}" for u, n in CASES])
def test_in_every_use(use, name):
    close(use(nn, name), use(torch.nn, name), USES[use][0])


def test_a_model_off_by_a_millionth_is_seen(monkeypatch):
    right = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: right(self, x) * (1 + 1e-6))
    with pytest.raises(AssertionError):
        test_the_same_training("vae")


def test_training_leaks_nothing():
    """No more tensors after the sixteenth step than after the sixth (fewer, if what came before lets some go)."""
    import gc

    model, loss_of = made(nn, "convnet")
    counts = []
    for k in range(16):
        gradients(model, loss_of(model, k % 3))
        if k in (5, 15):
            gc.collect()
            counts.append(sum(isinstance(x, torch.Tensor) for x in gc.get_objects()))
    assert counts[1] <= counts[0]


@pytest.mark.parametrize("run", [torch.jit.script, lambda m: torch.jit.trace(m, torch.randn(2, 3))])
def test_torchscript_is_refused_by_name(run):
    with pytest.raises(Exception, match=r"torch\.jit\.\w+ does not support derive\.nn\.Linear"):
        run(nn.Sequential(nn.Linear(3, 4), nn.ReLU()))


def test_a_class_is_a_subclass_as_torchs_is():
    inside = nn.MultiheadAttention(4, 2).out_proj
    assert isinstance(inside, nn.Linear) and type(inside).__module__ == "derive.nn"
    assert isinstance(nn.LazyConv2d(3, 2), nn.Conv2d) and isinstance(nn.ReLU6(), nn.Hardtanh)
    assert isinstance(nn.Linear(2, 3), torch.nn.Linear) and not isinstance(torch.nn.Linear(2, 3), nn.Linear)


def test_fx_and_subclasses_of_tensors_take_functions_over():
    class Marked(torch.Tensor):
        pass

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return nn.functional.softmax(self.linear(x), dim=-1)

    net, x = Net(), torch.randn(4, 3)
    traced = torch.fx.symbolic_trace(net)
    assert nn.functional.softmax in [n.target for n in traced.graph.nodes]
    close(traced(x), net(x), 0)
    assert type(net(x.as_subclass(Marked))) is Marked
