"""One sweep over the processes of torchrun: every verdict on rank 0, and what a dead rank left undone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from derive.verify import plan, ranks
from derive.verify.request import Request
from derive.verify.verdict import PASSED, Row, Verdict
from tests.plugin.conftest import OPS

KILLERS = [f"ops:killer{i}" for i in range(8)]
OWN = f"""{OPS}
import os, time


def kill(x):
    \"\"\"Ends the process that started this one: the rank.\"\"\"
    os.kill(os.getppid(), 9)
    time.sleep(60)


{"; ".join(f"killer{i} = kill" for i in range(len(KILLERS)))}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ops.py").write_text(OWN)
    return tmp_path


def torchrun(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    """``torchrun --nproc-per-node 2 -m derive check …``, standalone, so that runs side by side share no port."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "TORCHELASTIC"))}
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "derive", "check", *arguments, "--shape", "3,4", "--json"],
        cwd=project, capture_output=True, text=True, timeout=300, env={**environment, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_ranks_share_the_sweep(project: Path) -> None:
    names = ["ops:Square", "relu", "ops:Wrong", "linear"]
    shares = [plan.share(names, i, 2) for i in (1, 2)]
    assert all(shares)
    done = torchrun(project, *names, "--junit", "report.xml")
    data = json.loads(done.stdout)  # one report, of rank 0
    assert {v["target"]: v["status"] for v in data["verdicts"]} == {
        "ops:Wrong": "failed", "ops:Square": "passed", "relu": "passed", "linear": "passed",
    }  # fmt: skip
    assert done.returncode == 1 and "exitcode: 1" in done.stderr.replace("exitcode  : 1", "exitcode: 1")
    assert "ops:Wrong" in (project / "report.xml").read_text()


def test_a_rank_that_dies_leaves_a_report(project: Path) -> None:
    """What the dead rank had is listed as not run; the living one has some seconds to end what it is at."""
    names = next(
        names
        for names in ([killer, "ops:Square", "relu", "linear"] for killer in KILLERS)
        if names[0] in plan.share(names, 2, 2)
    )
    done = torchrun(project, *names)
    data = json.loads(done.stdout)
    lost = {v["target"] for v in data["verdicts"] if v["rows"][0]["check"] == plan.NOT_RUN}
    assert {v["target"] for v in data["verdicts"]} == set(names) and done.returncode == 1
    assert lost >= set(plan.share(names, 2, 2))


# ------------------------------------------------------------------------------ without torchrun


class Store:
    """The calls that a team makes of torch's store."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def set(self, name: str, value: str) -> None:
        self.kept[name] = value.encode()

    def get(self, name: str) -> bytes:
        return self.kept[name]

    def check(self, names: list[str]) -> bool:
        return all(name in self.kept for name in names)


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch) -> Iterator[ranks.Team]:
    """Rank 0 of three, whose rank 2 shows no life."""
    import torch.distributed as dist

    monkeypatch.setattr(dist, "rendezvous", lambda *_a, **_k: iter([(Store(), 0, 3)]))
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGALRM)]
    monkeypatch.setattr(ranks, "_BEAT", 0.01)
    monkeypatch.setattr(ranks, "_SILENCE", 0.05)
    monkeypatch.setattr(ranks, "LOADING", 0.05)
    yield ranks.Team()
    for number, handler in kept:
        signal.signal(number, handler)


def test_rank_0_does_not_wait_for_the_dead(lead: ranks.Team) -> None:
    said = Verdict("a", (Row("c", "", PASSED),), target="a")
    lead._set("verdict/a", json.dumps(said.to_dict()))
    found: dict[str, Verdict] = {}
    lead._gather(found, [[], ["a"], ["b"]])
    assert found == {"a": said}
    assert [v.rows[0].check for v in plan.completed(["a", "b"], found.values())] == ["c", plan.NOT_RUN]


def test_rank_0_has_its_own_share_when_the_job_is_ended(lead: ranks.Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher's SIGTERM in the middle of a sweep: what ends in time is reported, the rest was not run."""
    monkeypatch.setattr(ranks, "_LEAVE", 0.05)
    names = ["a", "b", "c", "d", "e"]
    mine = plan.share(names, 1, 3)

    def swept(requests, on_done, **_how):  # type: ignore[no-untyped-def]
        on_done(Verdict(requests[0].name, (Row("c", "", PASSED),), target=requests[0].target))
        lead._end()
        time.sleep(60)

    monkeypatch.setattr(ranks, "sweep", swept)
    found = lead.sweep([Request(name) for name in names])
    assert [v.target for v in found if v.passed] == mine[:1] and len(found) == len(names)


def test_one_process_is_a_team_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    team = ranks.team()
    assert team.leads and team.agree(5) == 5
