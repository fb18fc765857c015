"""A user's own project in a temporary folder, with the folder names that derive must not take."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OPS = """
import torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


class Wrong(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2.0002 * x * g
"""

TESTS = """
import pytest
import torch

import verify
from ops import Square, Wrong


def test_right(gradcheck, record_property):
    assert verify.OWNER == "the user"
    assert gradcheck(Square, torch.randn(3, 4)).passed


def test_wrong(gradcheck):
    gradcheck(Wrong, torch.randn(3, 4))


@pytest.mark.gradcheck(seed=3)
@pytest.mark.parametrize("n", [2, 3])
def test_returned(n):
    return Square, torch.randn(n)


@pytest.mark.gradcheck
def test_wrong_returned():
    return Wrong, (torch.randn(2),)


@pytest.mark.gradcheck
def test_of_nothing():
    pass


@pytest.mark.gradcheck
def test_that_breaks():
    raise ValueError("mine")


def test_other():
    assert 1 + 1 == 2
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "verify").mkdir()
    (tmp_path / "verify" / "__init__.py").write_text("OWNER = 'the user'\n")
    (tmp_path / "ops.py").write_text(OPS)
    (tmp_path / "test_ops.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--strict-markers'\n")
    return tmp_path


@pytest.fixture
def run_pytest(project: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Runs pytest as the project's owner would, with nothing but what is installed."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments], cwd=project, text=True,
            capture_output=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_ADDOPTS": "", **env},
        )  # fmt: skip

    return run
