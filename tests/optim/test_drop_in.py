"""What a training script relies on: constructors, state both ways, groups, closures, schedulers, errors."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys

import pytest
import torch

import derive.optim
from derive.errors import InputError
from derive.optim.table import OWN, TORCHS
from derive.verify.references import optimizer

STEPPED = [n for n in TORCHS if n not in ("LBFGS", "SparseAdam")]


def parameters(dtype=torch.float64, shapes=((3, 2), (2, 4))):
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s, dtype=dtype)) for s in shapes]


def feed(params, seed):
    torch.manual_seed(seed)
    for p in params:
        p.grad = torch.randn_like(p)


def run(stepping, params, steps, first=0):
    for n in range(first, first + steps):
        feed(params, n)
        stepping.step()
    return torch.cat([p.detach().reshape(-1) for p in params])


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", TORCHS)
def test_constructors_are_torchs(name):
    mine, theirs = getattr(derive.optim, name), getattr(torch.optim, name)
    assert inspect.signature(mine) == inspect.signature(theirs) and issubclass(mine, theirs)


def exact(monkeypatch):
    """Muon without torch's rounding to bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("first_is_ours", [False, True])
def test_a_run_goes_on_from_the_others_state(monkeypatch, name, first_is_ours):
    exact(monkeypatch)
    whole = parameters()
    expected = run(getattr(torch.optim, name)(whole), whole, 8)
    classes = [getattr(torch.optim, name), getattr(derive.optim, name)]
    before, after = classes[::-1] if first_is_ours else classes
    params = parameters()
    one = before(params)
    run(one, params, 4)
    other = after(params)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    found = run(other, params, 4, first=4)
    assert float((found - expected).abs().max()) <= 1e-12
    assert [sorted(s) for s in other.state_dict()["state"].values()] == [
        sorted(s) for s in one.state_dict()["state"].values()
    ]


@pytest.mark.parametrize("name", [*STEPPED, *(n for n in OWN if n != "Sophia")])
def test_pickled_and_copied(name):
    params = parameters()
    stepping = getattr(derive.optim, name)(params)
    run(stepping, params, 2)
    twin_params, twin = copy.deepcopy((params, stepping))
    thawed = pickle.loads(pickle.dumps(stepping))
    assert type(thawed) is getattr(derive.optim, name)
    assert torch.equal(run(stepping, params, 2, 2), run(twin, twin_params, 2, 2))
    other = parameters()
    reloaded = getattr(derive.optim, name)(other)
    reloaded.load_state_dict(twin.state_dict())


def test_groups_closures_and_schedulers():
    found = []
    for package in (torch.optim, derive.optim):
        a, b = parameters()
        stepping = package.SGD([{"params": [a], "lr": 0.1}, {"params": [b], "momentum": 0.5}], lr=0.01, momentum=0.9)
        stepping.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "nesterov": True})
        schedule = torch.optim.lr_scheduler.OneCycleLR(stepping, 0.2, total_steps=8)

        def closure(a=a, b=b, stepping=stepping):
            stepping.zero_grad()
            loss = (a**2).sum() + (b**4).sum() + (stepping.param_groups[2]["params"][0] - 3).pow(2).sum()
            loss.backward()
            return loss

        losses = []
        for _ in range(6):
            losses.append(float(stepping.step(closure).detach()))
            schedule.step()
        found.append(losses)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_schedule_of_momentum_derives_nothing_anew():
    from derive.optim import update

    p = parameters()
    stepping = derive.optim.SGD(p, lr=0.1, momentum=0.9)
    run(stepping, p, 1)
    made = sum(map(len, update._MADE.values()))
    for n in range(5):
        stepping.param_groups[0]["momentum"] = 0.5 + 0.05 * n
        run(stepping, p, 1, n)
    assert sum(map(len, update._MADE.values())) == made


@pytest.mark.parametrize("name", ["Adam", "SGD", "NAdam", "ASGD", "Rprop"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_small_and_alone_are_one(name, dtype):
    """By kernel, gathered in one array, one by one: the same numbers."""
    shapes = ((300, 300), (7,), (5, 2), (100, 50))
    options = {"momentum": 0.9} if name == "SGD" else {}
    paths = []
    for package, more in ((torch.optim, {}), (derive.optim, {}), (derive.optim, {"foreach": False})):
        params = parameters(dtype, shapes)
        paths.append(run(getattr(package, name)(params, **options, **more), params, 4).double())
    limit = 1e-12 if dtype == torch.float64 else 3e-6
    assert float((paths[0] - paths[1]).abs().max()) <= limit
    assert float((paths[0] - paths[2]).abs().max()) <= limit


def test_without_a_compiler_the_numbers_are_the_same(monkeypatch):
    from derive.optim import update
    from derive.targets.kernels import function

    monkeypatch.setattr(update, "_MADE", {})
    monkeypatch.setattr(update, "_KNOWN", {})
    monkeypatch.setattr(function, "compiler", lambda: None)
    shapes = ((300, 300),)
    paths = []
    for package in (torch.optim, derive.optim):
        params = parameters(torch.float64, shapes)
        paths.append(run(package.AdamW(params), params, 3))
    assert float((paths[0] - paths[1]).abs().max()) <= 1e-12


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_parameters(dtype):
    paths = []
    for package in (torch.optim, derive.optim):
        params = parameters(dtype)
        paths.append(run(package.AdamW(params, lr=1e-2), params, 4).double())
    assert float((paths[0] - paths[1]).abs().max()) < 0.05


def three_steps(package, name, start, **options):
    """The squared parameters after three steps whose gradients depend on the start."""
    p = start.clone()
    stepping = getattr(package, name)([p], lr=0.1, differentiable=True, **options)
    for n in range(3):
        p.grad = start**3 + n
        stepping.step()
    return p.pow(2).sum()


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "ASGD"])
def test_differentiable_is_torchs(name):
    found = []
    for package in (torch.optim, derive.optim):
        start = torch.tensor([1.0, -2.0], requires_grad=True)
        found.append(torch.autograd.grad(three_steps(package, name, start), start)[0])
    assert float((found[0] - found[1]).abs().max()) <= 1e-12


@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9}), ("Adamax", {}), ("Lion", {})], ids=str)
def test_differentiable_where_torch_is_not(name, options):
    """torch cuts SGD's first momentum off and cannot go back through Adamax; differences tell."""
    start = torch.tensor([1.0, -2.0], requires_grad=True)
    (found,) = torch.autograd.grad(three_steps(derive.optim, name, start, **options), start)
    for k in range(2):
        h = torch.zeros(2)
        h[k] = 1e-5
        up, down = (three_steps(derive.optim, name, start.detach() + s * h, **options) for s in (1, -1))
        assert float(found[k]) == pytest.approx(float((up - down) / 2e-5), rel=1e-6)


def test_sparse_momentum_and_decay():
    paths = []
    for package in (torch.optim, derive.optim):
        p = torch.nn.Parameter(torch.ones(4, 2))
        stepping = package.SGD([p], lr=0.1, momentum=0.9)
        for n in range(4):
            grad = torch.zeros(4, 2)
            grad[n] = n + 1.0
            p.grad = grad.to_sparse(1)
            stepping.step()
        paths.append(p.detach().clone())
    assert torch.allclose(*paths, rtol=1e-12)
    p = torch.nn.Parameter(torch.ones(4))
    p.grad = torch.ones(4).to_sparse()
    for name in ("SGD", "Adagrad"):
        with pytest.raises(RuntimeError, match="sparse"):
            getattr(derive.optim, name)([p], weight_decay=0.1).step()
    for name in ("Adam", "Lion", "RMSprop"):
        with pytest.raises(RuntimeError, match="sparse"):
            getattr(derive.optim, name)([p]).step()


@pytest.mark.parametrize("name", [*TORCHS, *OWN])
def test_complex_parameters_are_refused(name):
    shape = (2, 2)
    with pytest.raises((InputError, ValueError), match=r"real|omplex|2D"):
        getattr(derive.optim, name)([torch.nn.Parameter(torch.ones(shape, dtype=torch.complex64))])


def test_what_is_not_supported_is_named():
    p = [torch.nn.Parameter(torch.ones(2))]
    with pytest.raises(InputError, match="capturable"):
        derive.optim.Adam(p, capturable=True)
    with pytest.raises(InputError, match="matrices"):
        derive.optim.Shampoo(p)
    with pytest.raises(ValueError, match="learning rate"):
        derive.optim.Adam(p, lr=-1.0)
    with pytest.raises(AttributeError, match="Adamm"):
        _ = derive.optim.Adamm


def test_parameters_without_gradients_and_without_entries():
    a, b, c = (torch.nn.Parameter(torch.ones(s)) for s in (3, 0, 2))
    a.grad, b.grad = torch.ones(3), torch.ones(0)
    stepping = derive.optim.Adam([a, b, c], lr=0.1)
    stepping.step()
    assert float(c.detach().sum()) == 2 and float(a.detach()[0]) == pytest.approx(0.9) and c not in stepping.state


def closed(model, stepping, data, wanted):
    """The closure of a model's loss."""

    def closure():
        stepping.zero_grad()
        loss = (model(data) - wanted).pow(2).mean()
        loss.backward()
        return loss

    return closure


LINES = ({}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.1, "history_size": 3}, {"tolerance_grad": 1e-2})


@pytest.mark.parametrize("options", LINES, ids=str)
def test_lbfgs_each_step_from_torchs_state(options):
    """Loops of L-BFGS amplify rounding; from the same state each step is the same."""
    torch.manual_seed(0)
    data, wanted = torch.randn(30, 4), torch.randn(30, 2)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    state = None
    for _ in range(20):
        mine = copy.deepcopy(theirs)
        pairs = [
            (model, package.LBFGS(model.parameters(), max_iter=2, **options))
            for model, package in ((theirs, torch.optim), (mine, derive.optim))
        ]
        for model, stepping in pairs:
            if state is not None:
                stepping.load_state_dict(copy.deepcopy(state))
            stepping.step(closed(model, stepping, data, wanted))
        state = pairs[0][1].state_dict()
        both = zip(theirs.parameters(), mine.parameters(), strict=True)
        assert max(float((p - q).detach().abs().max()) for p, q in both) <= 1e-12
        found = pairs[1][1].state_dict()["state"][0]
        assert set(found) >= set(state["state"][0]) - {"al"} and found["n_iter"] == state["state"][0]["n_iter"]


def test_lbfgs_says_what_it_wants():
    p = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(InputError, match="closure"):
        derive.optim.LBFGS([p]).step(None)
    stepping = derive.optim.LBFGS([p], line_search_fn="armijo")
    with pytest.raises(InputError, match="armijo"):
        stepping.step(closed(lambda x: x * p, stepping, torch.ones(2), torch.zeros(2)))


def test_a_name_is_made_when_it_is_used():
    code = "import sys, derive.optim; assert not {'torch', 'sympy'} & set(sys.modules), 'heavy'"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_gradients_for_the_paths_are_what_they_say():
    _, grads = optimizer.gradients((3,), 0)
    assert (grads[7] == 0).all() and abs(grads[4]).max() > 5 and grads[2][0] == 0 and (grads < 0).any()
