"""Nothing of torch.nn is forgotten: a class holds others or has a definition."""

import ast
import inspect
import subprocess
import sys
import textwrap
import types

import pytest
import torch

import derive.nn
from derive.errors import DeriveError
from derive.language.find import catalogue_index, torch_names
from derive.nn.binding import definitions
from derive.nn.modules import derived, is_computation
from derive.verify import modules as bed

NAMED = {word for words in torch_names().values() for word in words}


def computing():
    """Every class of torch.nn that computes."""
    classes = {n: v for n in dir(torch.nn) if isinstance(v := getattr(torch.nn, n), type)}
    return [n for n, kind in classes.items() if issubclass(kind, torch.nn.Module) and is_computation(kind)]


#: Classes that compute by the modules they hold, the class they become, or the functions they choose among.
MADE_OF_OTHERS = {
    "TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder", "Transformer",
    "RNNBase", "RNNCellBase", "LazyLinear", "Unflatten", "Flatten",
    "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "AdaptiveLogSoftmaxWithLoss",
}  # fmt: skip


def unnamed():
    return [n for n in computing() if f"nn.{n}" not in NAMED and n not in MADE_OF_OTHERS]


def test_every_class_of_torch_is_accounted_for():
    assert len(computing()) > 140 and unnamed() == []


def test_every_computing_class_has_samples():
    without = {"RNNBase", "RNNCellBase", "SyncBatchNorm", "TransformerDecoder"}  # abstract; a GPU; held by Transformer
    assert [n for n in computing() if n not in bed.names() and n not in without] == []


def test_a_class_that_torch_might_add_is_seen(monkeypatch):
    class Squareplus(torch.nn.Module):
        def forward(self, x):
            return (x + torch.sqrt(x * x + 4)) / 2

    Squareplus.__module__ = "torch.nn.modules.activation"
    monkeypatch.setattr(torch.nn, "Squareplus", Squareplus, raising=False)
    assert unnamed() == ["Squareplus"]


def test_names_that_definitions_give_exist():
    missing = [w for w in NAMED if not w.startswith("_") and _found(w) is None]
    assert missing == []


def _found(path):
    value = torch
    for word in path.split("."):
        value = getattr(value, word, None)
    return value


def test_a_function_of_torch_alone_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "squareplus", lambda x: x, raising=False)
    with pytest.raises(DeriveError, match=r"no definition stands for torch\.nn\.functional\.squareplus"):
        getattr(derive.nn.functional, "squareplus")  # noqa: B009


def functions_of(name):
    """What the methods of a class reach under ``F``."""
    for method in vars(derived(getattr(torch.nn, name))).values():
        if isinstance(method, types.FunctionType):
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "F":
                    yield node.attr


def test_every_function_that_a_method_reaches_is_derived():
    words = {word for name in computing() for word in functions_of(name) if not word.startswith("_")} - {"Tensor"}
    assert len(words) > 80
    torchs = [w for w in sorted(words) if getattr(derive.nn.functional, w) is getattr(torch.nn.functional, w)]
    assert torchs == []


def test_definitions_are_of_the_catalogue():
    assert {n for names in definitions().values() for n in names} <= set(catalogue_index())


def test_it_is_reached_from_derive_itself():
    code = "import derive; assert derive.nn.Linear(2, 3).weight.shape == (3, 2) and derive.optim"
    subprocess.run([sys.executable, "-c", code], check=True)
