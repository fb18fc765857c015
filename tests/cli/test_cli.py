"""The command line: exit codes, messages, what is loaded, what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive.cli import parse_value, run

ROOT = Path(__file__).resolve().parents[2]

OWN = '''
@layer
def scaled(x: Real[N, K], *, factor: Real = 2.0):
    """Every value times a factor."""
    y[n, k] = factor*x[n, k]
    return y
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def fresh(*arguments: str, **more) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, **more
    )


def loaded_by(code: str) -> set[str]:
    """The top-level modules a piece of code imports in a fresh process."""
    code = f"import sys\n{code}\nprint(*{{m.partition('.')[0] for m in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


# ------------------------------------------------------------------------------ list, help


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"], ["layer", "--help"], ["--version"]])
def test_cheap_commands_load_neither_sympy_nor_torch_nor_numpy(arguments: list[str]) -> None:
    assert not loaded_by(f"from derive.cli import run; assert run({arguments!r}) == 0") & {"sympy", "torch", "numpy"}


def test_list_names_every_definition_once(capsys: pytest.CaptureFixture) -> None:
    assert run(["list", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    names = [n for family in data["families"].values() for n in family]
    assert data["schema"] == "derive.list/1" and {"conv2d", "softmax"} <= set(names) and len(names) == len(set(names))
    assert run(["list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in names) and all(len(line) <= 80 for line in out.splitlines())


def test_the_shell_completes_names() -> None:
    more = {**os.environ, "_DERIVE_COMPLETE": "bash_complete", "COMP_WORDS": "derive layer soft", "COMP_CWORD": "2"}
    done = fresh(env=more)
    assert "plain,softmax" in done.stdout.splitlines()


# ------------------------------------------------------------------------------ formulas


@pytest.mark.tiny
def test_layer_prints_the_forward_and_the_gradients(capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", "softmax"]) == 0
    out = capsys.readouterr().out
    assert "softmax · gradient of x" in out and "dx[…,k] = " in out


def test_a_path_works_like_a_name(own: Path, capsys: pytest.CaptureFixture) -> None:
    printed = []
    for target in (str(own), f"{own}:scaled"):
        assert run(["layer", target]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] and "dx[n,k] = factor · dy[n,k]" in printed[0]


def test_standard_input_works_like_a_file(own: Path) -> None:
    done = fresh("layer", "-", input=OWN)
    assert done.returncode == 0 and "dx[n,k] = factor · dy[n,k]" in done.stdout and not done.stderr


def test_values_replace_hyperparameters(own: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", str(own), "factor=3"]) == 0
    assert "dx[n,k] = 3 · dy[n,k]" in capsys.readouterr().out


@pytest.mark.parametrize("format", ["text", "latex", "markdown", "mathml", "json"])
def test_every_format_prints(format: str, capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", "linear", "--format", format]) == 0
    out = capsys.readouterr().out
    assert "weight" in out and out.endswith("\n")
    if format == "json":
        assert json.loads(out)["schema"] == "derive.formulas/1"


def test_options_choose_what_is_said(capsys: pytest.CaptureFixture) -> None:
    assert run(["layer", "linear", "--wrt", "weight"]) == 0
    out = capsys.readouterr().out
    assert "gradient of weight" in out and "gradient of x" not in out
    assert run(["layer", "linear", "--jvp", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert "tangent of y" in out and out.isascii()
    assert run(["layer", "softmax", "--order", "2"]) == 0
    assert "second order" in capsys.readouterr().out


def test_optimizer_prints_the_update_rule(capsys: pytest.CaptureFixture) -> None:
    assert run(["optimizer", "adam"]) == 0
    out = capsys.readouterr().out
    assert "theta[t,…] = theta[t − 1,…]\n      − lr · m[t,…] / " in out and "m[0,…] = 0" in out


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2), ("-1", -1), ("0.5", 0.5), ("1e-3", 1e-3), ("2,3", (2, 3)), ("(2,3)", (2, 3)),
        ("0.9,0.999", (0.9, 0.999)),
        ("True", True), ("false", False), ("None", None), ("mean", "mean"), ("", ""),
    ],
)  # fmt: skip
def test_values_are_read_as_python_would(text: str, value: object) -> None:
    read = parse_value(text)
    assert read == value and type(read) is type(value)


# ------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layer", "sofmax"], "softmax"),
        (["layer", "conv2d", "strid=2"], "stride"),
        (["layer", "conv2d", "stride=two"], "stride"),
        (["layer", "conv2d", "stride"], "name=value"),
        (["layer", "conv2d", "stride=1", "stride=2"], "twice"),
        (["layer", "no/such/file.py"], "no/such/file.py"),
        (["layer", "linear", "--wrt", "wieght"], "weight"),
        (["layer", "conv2d", "--order", "9"], "order"),
        (["layer", "conv2d", "--format", "pdf"], "format"),
        (["layer", "."], "."),
        (["layer", ""], "no definition"),
        (["generate", "softmax"], "-o"),
        (["check"], "--all"),
        (["lst"], "list"),
        (["optimizer", "softmax"], "optimizer"),
    ],
)
def test_a_mistake_is_explained_and_exits_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err and "Traceback" not in captured.err and not captured.out


def test_a_bad_definition_is_shown_where_it_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "bad.py"
    path.write_text(OWN.replace("factor*x[n, k]", "factor*z[n, k]"))
    assert run(["layer", str(path)]) == 2
    err = capsys.readouterr().err
    assert "bad.py:5" in err and "z" in err and "Traceback" not in err


def test_an_internal_error_is_one_line_and_exits_3(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import derive.doors

    monkeypatch.setattr(derive.doors, "load", lambda *a, **k: 1 // 0)
    assert run(["layer", "softmax", "--no-cache"]) == 3
    err = capsys.readouterr().err
    assert "internal error: ZeroDivisionError" in err and "report" in err and "Traceback" not in err
    monkeypatch.setenv("DERIVE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["layer", "softmax", "--no-cache"])


def test_a_missing_torch_is_explained(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    import derive.doors

    def needs_torch(*_a, **_k):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(derive.doors, "load", needs_torch)
    assert run(["layer", "softmax", "--no-cache"]) == 2
    assert "pip install" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m derive list | head -1; {sys.executable} -m derive layer softmax | true"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert not done.stderr


def test_a_definition_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, trace = tmp_path / "evil.py", tmp_path / "trace"
    path.write_text(f"open({str(trace)!r}, 'w')\n" + OWN)
    run(["layer", str(path)])
    run(["check", str(path)])
    assert not trace.exists()


# ------------------------------------------------------------------------------ generate


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_generate_writes_a_file_that_says_where_it_is(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "new" / "code"
    arguments = ["generate", "softmax", "--target", target, "-o", str(folder)]
    assert run(arguments) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.parent == folder and "def " in path.read_text() and list(folder.iterdir()) == [path]
    path.write_text("mine")
    assert run(arguments) == 2 and "--force" in capsys.readouterr().err and path.read_text() == "mine"
    assert run([*arguments, "--force"]) == 0 and "def " in path.read_text()


def test_generate_refuses_a_file_where_a_folder_should_be(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    assert run(["generate", "softmax", "-o", str(tmp_path / "file")]) == 2
    assert run(["generate", "softmax", "-o", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be made a folder" in capsys.readouterr().err


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert run(["generate", "softmax", "-o", str(tmp_path / "code"), "--force"]) == 2
    assert list((tmp_path / "code").iterdir()) == []
