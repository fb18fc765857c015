"""The wheel puts one name in site-packages, and lives beside a project with its own ``verify/`` and ``cli.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (built,) = out.glob("derive_grad-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's project, with the names we must not take."""
    (tmp_path / "verify").mkdir()
    (tmp_path / "verify" / "__init__.py").write_text("OWNER = 'the user'\n")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text("OWNER = 'the user'\n")
    (tmp_path / "cli.py").write_text("OWNER = 'the user'\n")
    (tmp_path / "test_user.py").write_text(
        "import cli, reports, verify\n"
        "import derive, derive.cli, derive.reports, derive.verify\n"
        "def test_names():\n"
        "    assert cli.OWNER == reports.OWNER == verify.OWNER == 'the user'\n"
        "    assert derive.verify.check and derive.load('softmax').name == 'softmax'\n"
    )
    return tmp_path


def run(args: list[str], cwd: Path, site: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": ""},
    )  # fmt: skip


def test_wheel_holds_one_top_level_name(wheel: Path):
    names = {n.split("/")[0] for n in zipfile.ZipFile(wheel).namelist()}
    assert {n for n in names if not n.endswith(".dist-info")} == {"derive"}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {"derive/cli.py", "derive/verify/__init__.py", "derive/reports/__init__.py"} <= inside
    assert {f"derive/reports/html/{name}" for name in ("maths.woff2", "OFL.txt", "page.css")} <= inside
    assert any(n.startswith("derive/catalogue/") for n in inside)


def test_beside_a_project_with_the_same_folder_names(installed: Path, project: Path):
    done = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_user.py"], project, installed)
    assert done.returncode == 0, done.stdout + done.stderr
    where = run(
        ["-c", "import derive, derive.verify; print(derive.__file__, derive.verify.__file__)"], project, installed
    )
    assert all(str(installed) in path for path in where.stdout.split()), where.stdout + where.stderr


def test_installed_command_prints_a_formula(installed: Path, project: Path):
    done = run(["-m", "derive", "layer", "softmax"], project, installed)
    assert done.returncode == 0, done.stderr
    assert "gradient of x" in done.stdout


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_installed_command_writes_code_that_runs(installed: Path, project: Path, target: str):
    """What a generated file is made of (support, wrapper template) is in the wheel."""
    done = run(["-m", "derive", "generate", "softmax", "--target", target, "-o", "out"], project, installed)
    assert done.returncode == 0, done.stderr
    make = "numpy.eye(3)" if target == "numpy" else "torch.eye(3)"
    alone = run(
        ["-c", f"import {target}, softmax_{target} as s; print(s.softmax({make}).sum())"], project / "out", installed
    )
    assert alone.returncode == 0 and "3." in alone.stdout, alone.stderr
