"""``derive check``: what it says, what it writes, what it refuses, its exit codes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from derive.cli import run
from derive.verify.request import Request
from derive.verify.verdict import Row, Verdict

ROOT = Path(__file__).resolve().parents[2]

OWN = '''
@layer
def scaled(x: Real[N, K], *, factor: Real = 2.0):
    """Every value times a factor."""
    y[n, k] = factor*x[n, k]
    return y
'''


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job of GitHub's or of torchrun's around us, and a folder of our own."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Request]]:
    """``answers(relu="passed failed")``: what the checker says of a target instead of checking; what it was asked."""
    from derive.verify import answer

    def say(default: str = "passed", **rows: str) -> list[Request]:
        asked: list[Request] = []

        def answered(request: Request) -> Verdict:
            asked.append(request)
            words = rows.get(request.target, default).split()
            return Verdict(request.name, tuple(Row("c", "", word.replace("-", " ")) for word in words), request.command)

        monkeypatch.setattr(answer, "run", answered)
        return asked

    return say


# ------------------------------------------------------------------------------ for real


def test_check_says_what_was_checked_and_passes(capsys: pytest.CaptureFixture) -> None:
    assert run(["check", "own.py", "--seed", "2"]) == 0
    out = capsys.readouterr().out
    assert "scaled" in out and "passed" in out and "none failed" in out
    assert run(["check", "own.py:scaled", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["passed"] is True and data["verdicts"][0]["rows"] and data["targets"] == ["own.py:scaled"]
    assert data["verdicts"][0]["where"] == "own.py:3"


def test_what_failed_is_run_again_by_what_was_typed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "my layers.py"
    path.write_text("@layer\ndef f(x: Real[N]):\n    y = prod[n < N - 1](x[n + 2])\n    return y\n", encoding="utf-8")
    for typed in (str(path), f"{path}:f"):
        assert run(["check", typed, "--seed", "3"]) == 1
        assert f"again: derive check {shlex.quote(f'{path}:f')} --seed 3" in capsys.readouterr().out


# ------------------------------------------------------------------------------ exit codes


@pytest.mark.parametrize(
    ("rows", "code"), [("failed passed", 1), ("passed", 0), ("not-applicable", 5), ("inconclusive", 5), ("", 5)]
)
def test_the_exit_code(rows: str, code: int, answers: Callable) -> None:
    answers(rows)
    assert run(["check", "softmax"]) == code
    assert run(["check", "softmax", "relu", "--json"]) == code
    answers("not-applicable", relu=rows)
    assert run(["check", "softmax", "relu"]) == code


def test_a_bug_of_the_checker_is_a_failed_row_and_the_sweep_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from derive.verify import answer

    def broken(request: Request) -> Verdict:
        if request.target == "softmax":
            raise ZeroDivisionError("planted")
        return Verdict(request.name, (Row("c", "", "passed"),))

    monkeypatch.setattr(answer, "run", broken)
    assert run(["check", "softmax", "relu"]) == 1
    out = capsys.readouterr().out
    assert "it raised ZeroDivisionError: planted" in out and "relu" in out and "again: derive check softmax" in out


# ------------------------------------------------------------------------------ what is asked


def test_options_reach_the_checker(answers: Callable) -> None:
    asked = answers()
    assert run(["check", "own.py", "relu", "relu", "--seed", "7", "--orders", "1,2,3"]) == 0
    assert asked == [Request("own.py:scaled", 7, (1, 2, 3)), Request("relu", 7, (1, 2, 3))]


def test_all_is_the_whole_catalogue(answers: Callable) -> None:
    from derive.language.find import catalogue_index

    asked = answers()
    assert run(["check", "--all"]) == 0
    assert [r.target for r in asked] == list(catalogue_index())


def test_help_speaks_of_trust(capsys: pytest.CaptureFixture) -> None:
    assert run(["check", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "module:attribute is imported and run, so check only code that you trust" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "--all"),
        (["check", "sofmax", "relu"], "did you mean softmax"),
        (["check", "owm:Square"], "did you mean own:Square"),
        (["check", "relu", "--shard", "3/2"], "i from 1 to n"),
        (["check", "relu", "--workers", "0"], "from 1 up"),
        (["check", "relu", "--workers", "many"], "auto"),
        (["check", "relu", "--timeout", "0"], "timeout"),
        (["check", "relu", "--orders", "1,x"], "whole numbers"),
        (["check", "relu", "--orders", "0,4"], "up to order 3"),
        (["check", "relu", "--shape", "2,3"], "--shape is about code of your own"),
        (["check", "relu", "--inputs", "a:b", "--reference", "a:c"], "--inputs, --reference is about"),
        (["check", "relu", "--junit", "no/where.xml"], "there is no folder"),
        (["check", "relu", "--sarif", "."], "is a folder"),
        (["check", "relu", "--html", "own.py/page.html"], "there is no folder"),
        (["check", "relu", "--junit", "/dev/null"], "no ordinary file"),
        (["check", "relu", "--junit", "a", "--sarif", "./a"], "name the same file"),
        (["check", "--merge", "nothing.json"], "nothing.json cannot be read"),
        (["check", "--merge", "own.py"], "own.py is no report of derive check"),
        (["check", "--merge", "--all"], "name files that --json wrote"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    arguments: list[str], said: str, answers: Callable, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    asked = answers()
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err and "Traceback" not in captured.err and not captured.out
    assert asked == []


# ------------------------------------------------------------------------------ what is written


def test_progress_is_told_on_a_terminal_only(
    answers: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    answers()
    for watched in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda watched=watched: watched)
        assert run(["check", "softmax", "relu"]) == 0
        out, err = capsys.readouterr()
        assert "2/2" not in out and ("2/2" in err) == watched
    assert run(["check", "softmax"]) == 0
    assert not capsys.readouterr().err


def test_reports_are_files_whole_or_not_at_all(
    answers: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    answers(relu="failed")
    arguments = ["check", "relu", "softmax", "--junit", "j.xml", "--sarif", "s.json"]
    assert run(arguments) == 1
    assert xml.parse("j.xml").getroot().get("failures") == "1"
    assert json.loads(Path("s.json").read_text())["version"] == "2.1.0"
    assert {p.name for p in tmp_path.iterdir()} == {"own.py", "j.xml", "s.json"}

    from derive.reports import outputs

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Path("j.xml").write_text("before")
    monkeypatch.setattr(outputs.os, "replace", full)
    assert run(arguments) == 2
    assert "No space left" in capsys.readouterr().err and Path("j.xml").read_text() == "before"
    assert {p.name for p in tmp_path.iterdir()} == {"own.py", "j.xml", "s.json"}


def test_github_is_told_in_its_own_jobs(
    answers: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    answers(**{"own.py:scaled": "failed"})
    Path("summary.md").write_text("of another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    assert run(["check", "own.py", "softmax"]) == 1
    assert "::error" not in capsys.readouterr().err and "## derive" not in Path("summary.md").read_text()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["check", "own.py", "softmax", "--json"]) == 1
    out, err = capsys.readouterr()
    json.loads(out)
    assert err.startswith("::error file=own.py,line=3,title=scaled") and err.count("::error") == 1
    summary = Path("summary.md").read_text()
    assert summary.startswith("of another step\n## derive check") and "### scaled failed" in summary
    assert run(["check", "own.py", "--no-github"]) == 1 and "::error" not in capsys.readouterr().err


# ------------------------------------------------------------------------------ shards


def test_shards_together_are_the_whole_and_a_missing_one_is_seen(
    answers: Callable, capsys: pytest.CaptureFixture
) -> None:
    asked = answers(relu="failed")
    names = ["softmax", "relu", "tanh", "own.py:scaled", "linear"]
    for i in (1, 2, 3):
        assert run(["check", *names, "--shard", f"{i}/3", "--json"]) in (0, 1)
        Path(f"{i}.json").write_text(capsys.readouterr().out)
    assert sorted(r.target for r in asked) == sorted(names)
    assert json.loads(Path("2.json").read_text())["shard"] == "2/3"
    merge = ["check", "--merge", "1.json", "2.json"]
    assert run([*merge, "3.json", "--json"]) == 1
    whole = json.loads(capsys.readouterr().out)
    assert [v["name"] for v in whole["verdicts"] if v["status"] == "failed"] == ["relu"]
    assert whole["targets"] == names and len(whole["verdicts"]) == len(names)

    lost = {v["target"] for v in json.loads(Path("3.json").read_text())["verdicts"]}
    assert run([*merge, "--json", "--junit", "j.xml"]) == 1
    part = json.loads(capsys.readouterr().out)
    assert {v["target"] for v in part["verdicts"] for r in v["rows"] if r["check"] == "not run"} == lost
    assert int(xml.parse("j.xml").getroot().get("errors")) == len(lost) > 0


def test_an_empty_shard_says_so_and_is_no_pass(answers: Callable, capsys: pytest.CaptureFixture) -> None:
    answers()
    codes = {run(["check", "relu", "--shard", f"{i}/2"]) for i in (1, 2)}
    assert codes == {0, 5}
    assert "is empty: there are only 1 targets to share" in capsys.readouterr().err


# ------------------------------------------------------------------------------ mutants


def test_mutants_are_counted_by_kind(capsys: pytest.CaptureFixture) -> None:
    assert run(["check", "own.py", "--mutate", "--limit", "1", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "derive.mutations/1"
    assert run(["check", "sofmax", "--mutate"]) == 2
    assert "did you mean softmax" in capsys.readouterr().err


# ------------------------------------------------------------------------------ the README


def test_every_command_of_the_readme_is_one() -> None:
    """Each option that the README's jobs use is there, and takes what it is given."""
    from derive.cli import commands

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\$\{\{ matrix.shard \}\}", "1", text.replace("\n          --shard", " --shard"))
    lines = re.findall(r"(?:\$ |-m |run: |^ +)derive check ([^\n>#`]*)", text, re.M)
    assert len(lines) >= 6 and any("--merge" in line for line in lines) and any("--sarif" in line for line in lines)
    for line in lines:
        commands.commands["check"].make_context("check", shlex.split(line))


def test_the_tests_of_the_readme_run(tmp_path: Path) -> None:
    """The snippet for pytest is collected as it stands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(def test_square.*?)```", text, re.S)
    head = "import pytest, torch\nSquare = torch.square\nMyAttention = lambda n, heads: torch.nn.Linear(n, n)\n"
    path = tmp_path / "test_readme_snippet.py"
    path.write_text(head + snippet)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
