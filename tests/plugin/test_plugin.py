"""The pytest plugin, as its users meet it: in a project of their own, installed, nothing configured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as xml

HEAVY = {"torch", "sympy", "numpy", "click"}


def test_it_loads_nothing_heavy(project: Path) -> None:
    """A test-suite that checks no gradient does not pay for one."""
    (project / "test_ops.py").unlink()
    (project / "test_light.py").write_text(
        "import sys\n\n\ndef test_light(request):\n"
        "    assert request.config.pluginmanager.has_plugin('derive')\n"
        f"    assert not {HEAVY!r} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:cacheprovider"], cwd=project,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gradcheck" not in done.stdout


def test_it_imports_derive_alone() -> None:
    code = "import sys, pytest; before = set(sys.modules); import derive.reports.pytest_plugin; "
    code += "print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert set(done.stdout.split()) <= {"derive", "derive.reports", "derive.reports.pytest_plugin"}, done.stderr


def test_a_run_says_what_is_wrong_and_only_that(project: Path, run_pytest) -> None:
    done = run_pytest("--junitxml=report.xml")
    out = done.stdout
    assert done.returncode == 1 and "4 failed, 4 passed" in out, out + done.stderr
    failed = set(re.findall(r"^FAILED test_ops.py::(\S+)", out, re.M))
    assert failed == {"test_wrong", "test_wrong_returned", "test_of_nothing", "test_that_breaks"}

    words = out[out.index("_ test_wrong _") : out.index("_ test_wrong_returned _")]
    assert ">       gradcheck(Wrong, torch.randn(3, 4))" in words and "ops.py:" in words
    assert "again: pytest test_ops.py::test_wrong --gradcheck-seed 0" in words
    assert "derive/" not in words and "verify/" not in words and "pytest_plugin" not in out
    assert "nothing was checked" in out and "return what is to be checked" in out

    summary = out[out.index("gradcheck, worst first") :]
    names = re.findall(r"^(Square|Wrong) +(passed|failed)", summary, re.M)
    assert names == [("Wrong", "failed")] * 2 + [("Square", "passed")] * 3

    cases = {c.get("name"): c for c in xml.parse(project / "report.xml").iter("testcase")}
    about = {p.get("name"): p.get("value") for p in cases["test_wrong"].iter("property")}
    assert about["gradcheck"] == "Wrong" and about["gradcheck.status"] == "failed" and about["gradcheck.seed"] == "0"
    assert float(about["gradcheck.error"]) > float(about["gradcheck.tolerance"])
    assert {p.get("value") for p in cases["test_returned[2]"].iter("property")} >= {"Square", "passed", "3"}


def test_only_gradients_on_xdist_and_the_seed_again(run_pytest) -> None:
    """Verdicts cross from xdist's workers; the printed command fails again with the same numbers."""
    done = run_pytest("--gradcheck", "-n", "1", "--gradcheck-seed", "5", "-k", "wrong or right or other")
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"^Wrong +failed", done.stdout, re.M) and re.search(r"^Square +passed", done.stdout, re.M)
    again = re.search(r"again: pytest (test_ops.py::test_wrong) --gradcheck-seed 5", done.stdout)
    alone = run_pytest(again.group(1), "--gradcheck-seed", "5")
    (line,) = re.findall(r"^Wrong +failed.*worst.*$", alone.stdout, re.M)
    assert line.split() in [row.split() for row in done.stdout.splitlines()]


def test_without_torch_it_is_skipped_and_says_why(project: Path, run_pytest) -> None:
    (project / "test_ops.py").write_text(
        "import pytest\n\n\ndef test_fixture(gradcheck):\n    assert 0\n\n\n"
        "@pytest.mark.gradcheck\ndef test_marked():\n    assert 0\n"
    )
    (project / "conftest.py").write_text("import sys\nsys.modules['torch'] = None\n")
    done = run_pytest("-rs")
    assert done.returncode == 0 and "2 skipped" in done.stdout, done.stdout + done.stderr
    assert "gradcheck needs torch, which is not installed: pip install 'derive-grad[torch]'" in done.stdout
