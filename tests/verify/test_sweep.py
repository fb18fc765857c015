"""Sweeps: shares, workers that hang or die, the same verdicts whatever the number of workers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import InputError, UnknownName
from derive.language.find import catalogue_index
from derive.verify import plan
from derive.verify.request import Request
from derive.verify.sweep import CRASHED, TIMED_OUT, _ending, sweep
from derive.verify.verdict import FAILED, PASSED, Evidence, Row, Verdict

ROOT = Path(__file__).resolve().parents[2]

HOSTILE = """
import ctypes
import os
import time

import torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        print("a line that is no JSON")
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


def hang(x):
    while True:
        time.sleep(0.05)


def leave(x):
    os._exit(0)


def crash(x):
    ctypes.string_at(0)


def quit(x):
    raise SystemExit(0)
"""

# ------------------------------------------------------------------------------ shares


@given(st.lists(st.text(min_size=1), unique=True, max_size=60), st.integers(1, 9))
def test_every_target_is_in_exactly_one_share(names: list[str], n: int) -> None:
    shares = [plan.share(names, i, n) for i in range(1, n + 1)]
    assert sorted(x for part in shares for x in part) == sorted(names)
    sizes = [len(part) for part in shares]
    assert max(sizes) - min(sizes) <= 1
    assert all(part == [x for x in names if x in part] for part in shares)


def test_shares_are_the_same_on_every_machine() -> None:
    """Neither the hash seed nor the order in which targets are named decides."""
    names = list(catalogue_index())
    here = plan.share(names, 2, 3)
    assert set(here) == set(plan.share(names[::-1], 2, 3))
    code = (
        "import sys, json; from derive.verify.plan import share; print(json.dumps(share(json.load(sys.stdin), 2, 3)))"
    )
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(names), capture_output=True, text=True, cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert json.loads(done.stdout) == here, done.stderr


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/3", "1.0/2", "²/3"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no shard"):
        plan.share_of(text)


# ------------------------------------------------------------------------------ targets


def test_targets_are_named_once_and_files_by_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = "(x: Real[N]):\n    y[n] = x[n]\n    return y\n"
    Path("two.py").write_text(f"@layer\ndef f{body}\n\n@layer\ndef g{body}")
    Path("bad.py").write_text("def (:\n")
    assert plan.targets(["two.py", "relu", "two.py:g"]) == ["two.py:f", "two.py:g", "relu"]
    assert plan.targets(["bad.py"]) == ["bad.py"]
    assert plan.targets(["relu"], all_=True) == ["relu", *(n for n in catalogue_index() if n != "relu")]
    assert plan.where("two.py:g") == "two.py:8" and plan.where("no.py:g") == ""


@pytest.mark.parametrize(
    ("name", "mend"), [("sofmax", "softmax"), ("opps:Square", "ops:Square"), ("no/such.py", "path"), ("nope", "list")]
)
def test_an_unknown_name_is_refused_before_anything_runs(
    name: str, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("ops.py").write_text("")
    with pytest.raises(UnknownName) as refused:
        plan.targets([name, "relu"])
    assert mend in str(refused.value)


def test_what_was_not_reported_is_failed() -> None:
    one, again = Verdict("a", (Row("c", "", PASSED),), target="a"), Verdict("a", (Row("c", "", FAILED),), target="a")
    found = plan.completed(["a", "b"], [one, again])
    assert [v.exit_code for v in found] == [1, 1] and found[0] is again
    assert found[1].rows[0].check == plan.NOT_RUN and found[1].rerun == "derive check b --seed 0"


# ------------------------------------------------------------------------------ plain data


def test_verdicts_and_requests_survive_the_journey() -> None:
    row = Row("probes", "plain", FAILED, math.inf, 1e-12, "why", 3, "where")
    seen = Evidence("x", "plain", ((0.1, 2.0), (0.2, math.inf)), (), ((1.0, 2.0),))
    verdict = Verdict("f", (row,), "again", "m:f", "m.py:3", 1.5, (seen,))
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict(), allow_nan=False))) == verdict
    lost = Row("probes", "", FAILED, math.nan)
    assert math.isnan(Row.from_dict(json.loads(json.dumps(lost.to_dict(), allow_nan=False))).error)
    request = Request("m:f", 3, (1,), "m:x", ((2, 3), (4,)), "m:b", "m:r", True)
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    assert request.command == (
        "derive check m:f --seed 3 --inputs m:x --backward m:b --reference m:r --shape 2,3 --shape 4 --orders 1"
    )
    assert Request("@layer\ndef f(x):\n  pass\n").name == "f" and Request("a b.py:g").name == "g"
    assert Request("m:f").name == "m:f" and not Request("m:f").is_definition and Request("m.py:f").is_definition


# ------------------------------------------------------------------------------ workers


def shown(verdict: Verdict) -> tuple:
    """What must not depend on who computed it."""
    return verdict.target, verdict.rows, verdict.rerun, verdict.where


def test_a_sweep_outlives_what_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hostile.py").write_text(HOSTILE)
    names = ["hostile:Wrong", "hostile:Square", "hostile:leave", "hostile:crash", "hostile:quit"]
    requests = [Request(name, shapes=((3, 4),)) for name in names] + [Request("relu"), Request("hostile:lost")]
    told: list[str] = []
    found = sweep(requests, workers=2, on_done=lambda v: told.append(v.target))
    assert [v.target for v in found] == [r.target for r in requests] and sorted(told) == sorted(v.target for v in found)
    wrong, right, left, crashed, quitted, relu, lost = found

    assert right.passed and relu.passed and wrong.failures and wrong.where.startswith("hostile.py:")
    assert left.rows[0].check == CRASHED and "ended the process" in left.rows[0].detail
    assert (
        crashed.rows[0].check == CRASHED
        and "SIGSEGV" in crashed.rows[0].detail
        and "in crash" in crashed.rows[0].detail
    )
    assert quitted.exit_code != 0 and lost.exit_code == 1 and lost.rows[0].check == "load"
    out, err = capfd.readouterr()
    assert not out and "a line that is no JSON" in err

    alone = sweep([requests[i] for i in (5, 0, 1)], workers=1)
    assert [shown(v) for v in alone] == [shown(v) for v in (relu, wrong, right)]


def test_what_hangs_is_stopped_and_says_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hostile.py").write_text(HOSTILE)
    (hung,) = sweep([Request("hostile:hang", shapes=((3, 4),))], timeout=10)
    assert hung.rows[0].check == TIMED_OUT and hung.where.startswith("hostile.py:3") and "--shape 3,4" in hung.rerun
    assert "did not finish within 10 s" in hung.rows[0].detail and "in hang" in hung.rows[0].detail


def test_endings_are_told_in_words() -> None:
    assert "want of memory" in _ending(-9) and _ending(-11) == "SIGSEGV" and _ending(3) == "exit code 3"


def test_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted sweep ends its workers, hung ones too."""
    monkeypatch.chdir(tmp_path)
    Path("hostile.py").write_text(HOSTILE)
    started: list[subprocess.Popen] = []
    begin = subprocess.Popen.__init__

    def noted(self: subprocess.Popen, *arguments, **more) -> None:
        begin(self, *arguments, **more)
        started.append(self)

    def interrupt(verdict: Verdict) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "__init__", noted)
    with pytest.raises(KeyboardInterrupt):
        sweep([Request("hostile:hang", shapes=((2,),)), Request("relu")], workers=2, timeout=60, on_done=interrupt)
    assert len(started) == 2 and all(process.poll() is not None for process in started)
