"""``derive check`` in a user's own project, by the installed command: code of theirs, every report, GitHub's job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from tests.plugin.conftest import OPS

LAYER = "@layer\ndef twice(x: Real[N]):\n    y[n] = 2*x[n]\n    return y\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """With folders and files of the names that derive has itself."""
    for folder in ("verify", "reports"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise ImportError('the user has nothing to import here')\n")
    (tmp_path / "cli.py").write_text("raise ImportError\n")
    (tmp_path / "ops.py").write_text(f"{OPS}\n\ndef square_inputs():\n    return torch.randn(3, 4)\n")
    (tmp_path / "layers.py").write_text(LAYER)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'theirs'\n")
    return tmp_path


def derive(project: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments], cwd=project, capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )  # fmt: skip


def test_a_job_of_github(project: Path) -> None:
    """One run, as a workflow makes it; every report points at the backward that is wrong."""
    (project / "wide").mkdir()
    targets = ["ops:Square", "ops:Wrong", "layers.py"]
    reports = ["--junit", "j.xml", "--sarif", "s.sarif", "--html", "wide/page.html"]
    done = derive(
        project, "check", *targets, "--shape", "3,4", *reports, "--workers", "2",
        GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(project / "summary.md"),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 checked" in done.stdout and "1 failed" in done.stdout and "Traceback" not in done.stderr
    assert "again: derive check ops:Wrong --seed 0 --shape 3,4" in done.stdout

    line = OPS.splitlines().index("        return 2.0002 * x * g") + 1
    lines = range(OPS.splitlines().index("class Wrong(Square):") + 1, line + 1)
    (annotation,) = [row for row in done.stderr.splitlines() if row.startswith("::error")]
    assert annotation.startswith("::error file=ops.py,line=")
    assert int(annotation.split("line=")[1].split(",")[0]) in lines

    (result,) = json.loads((project / "s.sarif").read_text())["runs"][0]["results"]
    at = result["locations"][0]["physicalLocation"]
    assert at["artifactLocation"]["uri"] == "ops.py" and at["region"]["startLine"] in lines

    suites = {s.get("name"): s for s in xml.parse(project / "j.xml").getroot()}
    assert set(suites) == {"ops:Square", "ops:Wrong", "layers.py:twice"}
    assert int(suites["ops:Wrong"].get("failures")) > 0 == int(suites["layers.py:twice"].get("failures"))
    assert "### ops:Wrong failed" in (project / "summary.md").read_text()
    page = (project / "wide" / "page.html").read_text()
    assert "ops:Wrong" in page and "twice" in page
    assert not list(project.glob(".derive-*"))


def test_help_loads_neither_sympy_nor_torch(project: Path) -> None:
    code = "import sys; from derive.cli import run; assert run(['check', '--help']) == 0; "
    code += "print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not {"torch", "sympy", "numpy"} & set(done.stderr.split())
