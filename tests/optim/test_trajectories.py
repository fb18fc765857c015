"""Ten steps and more beside torch.optim, at torch's own configurations and at every pair of options."""

from __future__ import annotations

import pytest
import torch
from torch.testing._internal.common_optimizers import optim_db

import derive.optim
from derive.verify.references import optimizer
from tests.optim.grid import OPTIONS, settings
from tests.optim.paths import TOLERANCE, by_class, by_definition, distance

TARGETS = ("interpreter", "numpy", "torch")
#: torch's configurations: (class, options), those stepped by closures, sparse gradients or in bfloat16 apart;
#: a tensor is in double precision, in which torch then computes.
APART = ("LBFGS", "SparseAdam", "Muon")
BED = [
    (o.name, {n: v.double() if isinstance(v, torch.Tensor) else v for n, v in i.kwargs.items()})
    for o in optim_db
    for i in o.optim_inputs_func(device="cpu")
]
CONFIGURATIONS = [(name, options) for name, options in BED if name not in APART]


def plain(options):
    """Tensors of one number as numbers, as definitions take them."""
    return {n: v.item() if isinstance(v, torch.Tensor) else v for n, v in options.items()}


def torchs(name, options, theta, grads):
    return by_class(lambda params: getattr(torch.optim, name)(params, **options), theta, grads)


def ours(name, options, theta, grads, **more):
    return by_class(lambda params: getattr(derive.optim, name)(params, **options), theta, grads, **more)


def test_torchs_bed_is_whole():
    assert (len(optim_db), len(BED)) == (15, 91)
    assert {o.name for o in optim_db} <= set(derive.optim.__all__)


@pytest.mark.parametrize(("name", "options"), CONFIGURATIONS, ids=str)
def test_torchs_configurations(name, options):
    theta, grads = optimizer.gradients((2, 3) if name == "Adafactor" else (3,), 1, 12)
    true = torchs(name, options, theta, grads)
    assert distance(ours(name, options, theta, grads), true) <= TOLERANCE
    definition = "adafactor" if name == "Adafactor" else OPTIONS[name][0]
    filled = {"eps": (2.220446049250313e-16, 1e-3)} if name == "Adafactor" else {}
    for target in TARGETS:
        found = by_definition(definition, {**filled, **plain(options)}, theta, grads, target)
        assert distance(found, true) <= TOLERANCE, target


@pytest.mark.parametrize("name", OPTIONS)
def test_every_pair_of_options(name):
    definition, _ = OPTIONS[name]
    theta, grads = optimizer.gradients((3,), 2, 11)
    for options in settings(name):
        true = torchs(name, options, theta, grads)
        assert distance(ours(name, options, theta, grads), true) <= TOLERANCE, options
        filled = {"eps": (2.220446049250313e-16, 1e-3), **options} if name == "Adafactor" else options
        for target in TARGETS:
            found = by_definition(definition, filled, theta, grads, target)
            assert distance(found, true) <= TOLERANCE, (options, target)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 4), (5,), ()], ids=str)
def test_adafactor_of_any_rank(shape):
    theta, grads = optimizer.gradients(shape, 3)
    options = {"lr": 0.1, "weight_decay": 0.1}
    found = ours("Adafactor", options, theta, grads)
    assert distance(found, torchs("Adafactor", options, theta, grads)) <= TOLERANCE


MUONS = [options for name, options in BED if name == "Muon"]


@pytest.mark.parametrize("shape", [(4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("options", [*MUONS, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}], ids=str)
def test_muon_without_bfloat16(monkeypatch, options, shape):
    """torch rounds to bfloat16 inside; without that the paths are the same."""
    theta, grads = optimizer.gradients(shape, 4)
    rounded = torchs("Muon", options, theta, grads)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    true = torchs("Muon", options, theta, grads)
    found = ours("Muon", options, theta, grads)
    assert distance(found, true) <= TOLERANCE
    assert TOLERANCE < distance(found, rounded) < 0.1
    for target in TARGETS:
        assert distance(by_definition("muon", plain(options), theta, grads, target), true) <= TOLERANCE


SPARSE = [(n, o) for n, o in BED if n in ("SparseAdam", "Adagrad", "SGD") and not o.get("weight_decay")]


@pytest.mark.parametrize(("name", "options"), SPARSE, ids=str)
def test_sparse_gradients(name, options):
    theta, grads = optimizer.gradients((4, 2), 5, 12)
    true = by_class(lambda params: getattr(torch.optim, name)(params, **options), theta, grads, sparse=True)
    assert distance(ours(name, options, theta, grads, sparse=True), true) <= TOLERANCE
    if name == "SparseAdam":
        for target in TARGETS:
            found = by_definition("sparse_adam", plain(options), theta, grads, target)
            assert distance(found, true) <= TOLERANCE, target


def test_a_distance_sees_what_is_not_a_number():
    nan = torch.tensor([float("nan")]).numpy()
    assert distance(nan, nan + 0) == 0 and distance(nan, torch.zeros(1).numpy()) == float("inf")
