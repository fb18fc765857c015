"""Questions asked of a copy of this process, since native code may crash on sizes that it does not check."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import torch

#: Seconds an answer may take.
_PATIENCE = 30.0


class Sandbox:
    """Asks ``answer(question)`` of a forked copy; a copy that crashes or hangs is an answer too, and the last."""

    def __init__(self, answer: Callable[[Any], str]) -> None:
        self.answer, self.pid, self.ended = answer, 0, ""
        if hasattr(os, "fork") and not torch.cuda.is_initialized():
            self._start()

    def _start(self) -> None:
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid:
            theirs.close()
            self.line: Connection = ours
            return
        try:
            ours.close()
            torch.set_num_threads(1)  # the threads of the pool are not copied
            while True:
                theirs.send(self.answer(theirs.recv()))
        finally:
            os._exit(0)

    def ask(self, question: Any) -> str:
        if not self.pid:
            return self.ended or self.answer(question)
        try:
            self.line.send(question)
            if self.line.poll(_PATIENCE):
                return str(self.line.recv())
            self._end("it does not come back within 30 s")
        except (EOFError, OSError):
            self._end("")
        return self.ended

    def _end(self, words: str) -> None:
        """Ends the copy and says how it ended."""
        if words:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        self.ended = words or f"it crashes the process (signal {os.waitstatus_to_exitcode(status) * -1})"
        self.line.close()

    def close(self) -> None:
        if self.pid:
            self._end("closed")
