"""The same sweep shared by the processes of ``torchrun``: each takes its share, rank 0 has the verdicts.

Verdicts travel through the job's store as they come, not in a collective at the end: a collective would wait for a rank
that died.  Rank 0 reports what it has when the others are done or gone, and what never came is a failed row.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from derive.verify import plan
from derive.verify.request import Request
from derive.verify.sweep import LOADING, Report, sweep
from derive.verify.verdict import Verdict

#: Seconds between signs of life, and without one until a rank is taken for dead.
_BEAT, _SILENCE = 1.0, 30.0
#: Seconds that rank 0 goes on for when the launcher ends the job; it is killed after thirty.
_LEAVE = 10.0
_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class _Stopped(BaseException):
    """The launcher ends this process, because another one died."""


class Alone:
    """One process: the team of most runs."""

    leads = True

    def sweep(self, requests: Sequence[Request], **how: Any) -> list[Verdict]:
        return sweep(requests, **how)

    def agree(self, code: int) -> int:
        return code


def team() -> Alone | Team:
    """The processes this one was started with."""
    if all(name in os.environ for name in _NAMES) and int(os.environ["WORLD_SIZE"]) > 1:
        return Team()
    return Alone()


class Team:
    """The processes of one ``torchrun``, which see one store; gloo's, on any machine."""

    def __init__(self) -> None:
        import torch.distributed as dist

        self.store, self.rank, self.size = next(dist.rendezvous("env://", timeout=timedelta(seconds=LOADING)))
        self.lock = threading.Lock()
        self.leads = self.rank == 0
        self.heard = {rank: (-1, time.monotonic() + LOADING) for rank in range(self.size)}
        self.ending = False
        if self.leads:
            signal.signal(signal.SIGTERM, self._end)
        threading.Thread(target=self._live, daemon=True).start()

    # ------------------------------------------------------------------ the store

    def _set(self, name: str, value: str) -> None:
        with self.lock:
            self.store.set(f"derive/{name}", value)

    def _get(self, name: str) -> str | None:
        """The value, or None where there is none yet."""
        with self.lock:
            if not self.store.check([f"derive/{name}"]):
                return None
            return self.store.get(f"derive/{name}").decode()

    def _live(self) -> None:
        beats = 0
        while True:
            beats += 1
            try:
                self._set(f"beat/{self.rank}", str(beats))
            except RuntimeError:  # the job is over
                return
            time.sleep(_BEAT)

    def _alive(self, rank: int) -> bool:
        """Whether a sign of life came lately."""
        beats = int(self._get(f"beat/{rank}") or -1)
        last, until = self.heard[rank]
        if beats != last:
            self.heard[rank] = (beats, time.monotonic() + _SILENCE)
            return True
        return time.monotonic() < until

    # ------------------------------------------------------------------ the sweep

    def sweep(self, requests: Sequence[Request], on_done: Report | None = None, **how: Any) -> list[Verdict]:
        """On rank 0 every verdict, in the order of the requests; on the others their own.

        A target runs in a process of its own, so that the rank outlives it.
        """
        by_name = {r.target: r for r in requests}
        shares = [plan.share(list(by_name), rank + 1, self.size) for rank in range(self.size)]
        own: list[Verdict] = []

        def done(verdict: Verdict) -> None:
            own.append(verdict)
            if not self.leads:
                self._set(f"verdict/{verdict.target}", json.dumps(verdict.to_dict()))
            if on_done:
                on_done(verdict)

        found: dict[str, Verdict] = {}
        try:
            sweep([by_name[name] for name in shares[self.rank]], on_done=done, **{**how, "alone": True})
            if self.leads:
                self._gather(found, shares)
        except _Stopped:
            self._gather(found, shares)
        _alarm(0)
        return plan.completed(list(by_name), [*own, *found.values()]) if self.leads else own

    def _gather(self, found: dict[str, Verdict], shares: list[list[str]]) -> None:
        """What the others report, until all is there or those who miss something are dead."""
        try:
            while True:
                missing = {r: [n for n in shares[r] if n not in found] for r in range(1, self.size)}
                for name in (n for names in missing.values() for n in names):
                    text = self._get(f"verdict/{name}")
                    if text is not None:
                        found[name] = Verdict.from_dict(json.loads(text))
                late = [r for r, names in missing.items() if any(n not in found for n in names)]
                if self.ending or not late or not any(map(self._alive, late)):
                    return
                time.sleep(_BEAT / 5)
        except (_Stopped, RuntimeError):  # the launcher's second word, or the store is gone with it
            return

    # ------------------------------------------------------------------ the end

    def _end(self, *_: Any) -> None:
        """The launcher ends the job, because a rank died: what is under way may end, then this one reports."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.ending = True
        _alarm(_LEAVE)

    def agree(self, code: int) -> int:
        """Rank 0's exit code on every rank; called when its report is out."""
        try:
            return self._led(code) if self.leads else self._followed()
        except (_Stopped, RuntimeError):
            return code

    def _led(self, code: int) -> int:
        """Says the code and stays until the living have heard it: the launcher ends them when this one fails."""
        self._set("code", str(code))
        others = range(1, self.size)
        self._until(lambda: all(self._get(f"left/{r}") or not self._alive(r) for r in others), 5.0)
        return code

    def _followed(self) -> int:
        self._until(lambda: self._get("code") is not None or not self._alive(0), float("inf"))
        code = int(self._get("code") or 1)
        self._set(f"left/{self.rank}", "1")
        return code

    def _until(self, happened: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not happened() and time.monotonic() < end:
            time.sleep(_BEAT / 10)


def _stop(*_: Any) -> None:
    raise _Stopped


def _alarm(seconds: float) -> None:
    """Stops the main thread in so many seconds; 0: no more."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    elif seconds:
        _stop()
