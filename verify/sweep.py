"""Many requests, answered by worker processes that may hang or die, each alone.

A worker lives long, because loading its libraries costs more than most checks; it is given one request at a time, the
costliest first.  One that takes too long is ended, one that dies is replaced, and either is a failed row.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import derive
from derive.errors import DeriveError
from derive.verify.plan import relative
from derive.verify.request import Request
from derive.verify.samples import SETTINGS
from derive.verify.verdict import FAILED, Row, Verdict

#: Seconds a target may take where no limit is asked for, and a worker to load its libraries.
LIMIT, LOADING = 300.0, 180.0
_GRACE = 2.0  # for a process that is to end by itself
TIMED_OUT, CRASHED = "timed out", "crashed"


class WorkerError(DeriveError):
    """A worker cannot even start: nothing the targets could do about it."""

    exit_code = 3


Report = Callable[[Verdict], object]


def sweep(
    requests: Sequence[Request],
    workers: int = 1,
    timeout: float | None = None,
    on_done: Report | None = None,
    alone: bool = False,
) -> list[Verdict]:
    """The verdicts, in the order of the requests, whatever the number of workers; ``on_done`` is told each as it comes.

    ``timeout``: seconds for one target.  Definitions are data, and one worker checks them in this process unless a
    limit or ``alone`` is asked for; a user's code always runs in a process that may die.
    """
    tell = on_done or (lambda verdict: None)
    if workers <= 1 and timeout is None and not alone and all(r.is_definition for r in requests):
        from derive.verify.worker import answered

        found = []
        for request in requests:
            found.append(answered(request))
            tell(found[-1])
        return found
    return _shared(requests, max(1, min(workers, len(requests))), timeout or LIMIT, tell)


def _shared(requests: Sequence[Request], workers: int, timeout: float, tell: Report) -> list[Verdict]:
    """Workers take from one queue; only this thread hears of results, so that ``tell`` need not be thread-safe."""
    waiting = deque(sorted(range(len(requests)), key=lambda i: (-cost(requests[i]), i)))
    done: queue.Queue[tuple[int, Verdict | BaseException]] = queue.Queue()
    crew = [_Worker(timeout) for _ in range(workers)]
    hands = [threading.Thread(target=_serve, args=(w, waiting, requests, done), daemon=True) for w in crew]
    for hand in hands:
        hand.start()
    found: dict[int, Verdict] = {}
    try:
        while len(found) < len(requests):
            i, verdict = done.get()
            if isinstance(verdict, BaseException):
                raise verdict
            found[i] = verdict
            tell(verdict)
    finally:
        waiting.clear()
        for worker, hand in zip(crew, hands, strict=True):
            worker.end(hand)
    return [found[i] for i in range(len(requests))]


def _serve(worker: _Worker, waiting: deque[int], requests: Sequence[Request], done: queue.Queue[Any]) -> None:
    while waiting:
        try:
            i = waiting.popleft()
        except IndexError:  # another worker was quicker
            return
        try:
            done.put((i, worker.ask(requests[i])))
        except BaseException as error:
            done.put((i, error))


# ------------------------------------------------------------------------------ one worker


class _Worker:
    """A process that answers requests, started when needed and again after it died."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.process: subprocess.Popen[str] | None = None
        self.answers = 0
        self.ended = self.late = False
        self.words = ""

    def ask(self, request: Request) -> Verdict:
        """Its answer; a process that had answered before and dies is not proof: a fresh one is asked again."""
        used = self.process is not None and self.answers > 0
        verdict = self._ask(request)
        if used and verdict.rows and verdict.rows[0].check == CRASHED and not self.ended:
            verdict = self._ask(request)
        return verdict

    def _ask(self, request: Request) -> Verdict:
        self.late = False
        if self.process is None:
            self._start()
            if not self._reply(LOADING):
                raise WorkerError("the process that checks did not start", mend="what it printed stands above")
        order = {"request": request.to_dict(), "timeout": self.timeout}
        try:
            self._pipe("stdin").write(json.dumps(order) + "\n")
            self._pipe("stdin").flush()
        except OSError:
            return self._lost(request, "the process that should have checked it died")
        asked = time.monotonic()
        data = self._reply(self.timeout + _GRACE)
        self.late = self.late or time.monotonic() - asked >= self.timeout
        if data:
            self.answers += 1
            return Verdict.from_dict(data)
        return self._lost(request, "it ended the process that checked it")

    def _reply(self, limit: float) -> dict[str, Any]:
        """One line, or nothing when the process died or had to be ended."""
        self.late = False
        timer = threading.Timer(limit, self._end_late)
        timer.start()
        try:
            line = self._pipe("stdout").readline()
            return json.loads(line) if line.endswith("\n") else {}
        finally:
            timer.cancel()

    def _end_late(self) -> None:
        self.late = True
        self._kill()

    def _lost(self, request: Request, what: str) -> Verdict:
        """The failed row of a target that hung or took its process along, with the place it had reached."""
        assert self.process is not None
        code = self._gone()
        with open(self.words, encoding="utf-8", errors="replace") as file:
            place, function = _place(file.read())
        self._forget()
        check = TIMED_OUT if self.late else CRASHED
        if self.late:
            what = f"it did not finish within {self.timeout:g} s and was stopped"
        elif code:
            what += f" ({_ending(code)})"
        detail = f"{what}; it was at {place} in {function}" if place else what
        row = Row(check, "", FAILED, seed=request.seed, detail=detail)
        seconds = self.timeout if self.late else 0.0
        return Verdict(request.name, (row,), request.command, request.target, place, seconds)

    def _gone(self) -> int:
        """Its exit code, its own if it is on its way out."""
        assert self.process is not None
        try:
            return self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._kill()
            return self.process.wait()

    def _start(self) -> None:
        handle, self.words = tempfile.mkstemp(prefix="derive-", suffix=".txt")
        os.close(handle)
        paths = [os.getcwd(), *(p for p in sys.path if p)]
        code = f"import sys; sys.path[:] = {paths!r}; from derive.verify.worker import main; main({self.words!r})"
        self.answers = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            start_new_session=True,
        )  # fmt: skip

    def _pipe(self, name: str) -> Any:
        return getattr(self.process, name)

    def _kill(self) -> None:
        """The process and all it started."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (AttributeError, ProcessLookupError, PermissionError):
            process.kill()

    def _forget(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                try:
                    pipe.close()  # type: ignore[union-attr]
                except OSError:
                    continue
            os.unlink(self.words)

    def end(self, hand: threading.Thread) -> None:
        """Nothing is left running, and nobody asks for more."""
        self.ended = True
        self._kill()
        hand.join(5)
        self._kill()
        if self.process is not None:
            self.process.wait()
        self._forget()


_FRAME = re.compile(r'File "(.+)", line (\d+) in (.+)')


def _place(words: str) -> tuple[str, str]:
    """The innermost line of the user's own code in what a process said last, as ``file:line``, and its function."""
    for file, line, function in _FRAME.findall(words):
        if os.path.isfile(file) and not os.path.abspath(file).startswith(_libraries()):
            return f"{relative(file)}:{line}", function
    return "", ""


def _libraries() -> tuple[str, ...]:
    """Folders whose code is not the user's."""
    ours = [os.path.dirname(os.path.abspath(file)) for file in (__file__, derive.__file__)]
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(os.path.join(folder, "") for folder in (*ours, *installed))


def _ending(code: int) -> str:
    """A process's exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
    return f"{name}: the system ended it, perhaps for want of memory" if name == "SIGKILL" else name


# ------------------------------------------------------------------------------ what costs most


def cost(request: Request) -> float:
    """A guess of the work, the same on every machine: unknown code first, then by text and number of settings."""
    if not request.is_definition:
        return float("inf")
    name = request.name
    return len(_text(request.target)) * max(1, len(SETTINGS.get(name, ())))


@functools.lru_cache(maxsize=1024)
def _text(target: str) -> str:
    """The definition's own lines; a target that cannot be read costs nothing."""
    from derive.language.find import catalogue_index

    if "\n" in target:
        return target
    path, _, name = target.rpartition(":")
    _, path = catalogue_index().get(target, ("", path or target))
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name]
    except (OSError, ValueError, SyntaxError):
        return ""
    return "\n".join(ast.unparse(n) for n in found) or text
