"""What every test may use: goldens, compared byte for byte and updated on request."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

# Small tensors gain nothing by threads, which burn more time waiting for each other than the tests take.
os.environ.setdefault("OMP_NUM_THREADS", "1")
#: Rooms whose kernels share their work among threads: there are two of them there, whatever the environment says.
THREADED = ("function", "optim", "targets")

# The same examples on every run, and no test fails because the machine was busy.
hypothesis.settings.register_profile("derive", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("derive")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the goldens anew; look at the diff before committing"
    )


@pytest.fixture(autouse=True)
def two_threads_where_work_is_shared(request: pytest.FixtureRequest) -> Iterator[None]:
    """Kernels are run by two threads in the rooms that are about them."""
    if request.path.parent.name not in THREADED:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("formulas/softmax.txt", text)``: fails with the diff when the committed file differs."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text != expected:
            diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm="")
            pytest.fail("\n".join([*diff, "", "if this is meant: make golden, and read the diff"]), pytrace=False)

    return compare
