"""Nothing of torch.nn is forgotten: a class holds others, has a definition, or is refused with the reason."""

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
from derive.nn.outside import UNSUPPORTED
from derive.verify import modules as bed

CLASSES = [n for n in dir(torch.nn) if isinstance(v := getattr(torch.nn, n), type) and issubclass(v, torch.nn.Module)]
NAMED = {word for words in torch_names().values() for word in words}
#: Classes that compute by the modules they hold, the class they become, or the functions they choose among.
MADE_OF_OTHERS = {
    "TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder", "Transformer",
    "RNNBase", "RNNCellBase", "LazyLinear", "Unflatten", "Flatten",
    "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
}  # fmt: skip


def test_every_class_of_torch_is_accounted_for():
    computing = [n for n in CLASSES if is_computation(getattr(torch.nn, n)) and n not in UNSUPPORTED]
    assert [n for n in computing if f"nn.{n}" not in NAMED and n not in MADE_OF_OTHERS] == []


def test_every_computing_class_has_samples():
    computing = [n for n in CLASSES if is_computation(getattr(torch.nn, n)) and n not in UNSUPPORTED]
    without = {"RNNBase", "RNNCellBase", "SyncBatchNorm", "TransformerDecoder"}  # abstract; a GPU; held by Transformer
    assert [n for n in computing if n not in bed.names() and n not in without] == []


def test_a_class_that_nobody_names_is_seen():
    names = NAMED - {"nn.GELU"}
    assert [n for n in ("GELU",) if f"nn.{n}" not in names] == ["GELU"]


def test_names_that_definitions_give_exist():
    missing = [w for w in NAMED if not w.startswith("_") and _found(w) is None]
    assert missing == []


def _found(path):
    value = torch
    for word in path.split("."):
        value = getattr(value, word, None)
    return value


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_what_is_left_out_says_why(name):
    with pytest.raises(DeriveError, match=UNSUPPORTED[name][:20]):
        getattr(derive.nn, name)


def functions_of(name):
    """What the methods of a class reach under ``F``."""
    for method in vars(derived(getattr(torch.nn, name))).values():
        if isinstance(method, types.FunctionType):
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "F":
                    yield node.attr


def test_every_function_that_a_method_reaches_is_derived():
    computing = [n for n in CLASSES if is_computation(getattr(torch.nn, n)) and n not in UNSUPPORTED]
    words = {word for name in computing for word in functions_of(name) if not word.startswith("_")} - {"Tensor"}
    assert len(words) > 80
    torchs = [w for w in sorted(words) if getattr(derive.nn.functional, w) is getattr(torch.nn.functional, w)]
    assert torchs == []


def test_definitions_are_of_the_catalogue():
    assert {n for names in definitions().values() for n in names} <= set(catalogue_index())


def test_it_is_reached_from_derive_itself():
    code = "import derive; assert derive.nn.Linear(2, 3).weight.shape == (3, 2) and derive.optim"
    subprocess.run([sys.executable, "-c", code], check=True)
