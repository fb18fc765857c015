"""What torch.nn.functional has and the catalogue has not is known, and said in the README with its reason."""

from pathlib import Path

import torch

import derive.nn.functional
from derive.errors import DeriveError

README = Path(__file__).resolve().parents[2] / "README.md"


def refused():
    for name, value in vars(torch.nn.functional).items():
        own = getattr(value, "__module__", None) != "typing" and not isinstance(value, type)
        if callable(value) and own and not name.startswith("_"):
            try:
                getattr(derive.nn.functional, name)
            except DeriveError:
                yield name


def test_every_function_is_there_or_said_to_be_missing():
    assert set(refused()) == {"scaled_mm", "scaled_grouped_mm"}
    assert all(f"`{name}`" in README.read_text(encoding="utf-8") for name in refused())
