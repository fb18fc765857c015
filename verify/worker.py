"""A process that answers requests, one line of JSON each, until its input ends.

What a target prints goes to standard error, so that standard output carries answers alone; where it was when it hung
or crashed is written to the file of last words that the parent names.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import sys
import threading
import time
import warnings
from dataclasses import replace
from typing import Any

from derive.errors import DeriveError
from derive.verify.plan import where
from derive.verify.request import Request
from derive.verify.verdict import FAILED, Row, Verdict


def answered(request: Request) -> Verdict:
    """The verdict over a request; what it raises is a failed row, and whoever sweeps goes on."""
    from derive.verify.answer import run

    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            if request.is_definition:  # what our own oracles provoke in torch is nothing to a user
                warnings.simplefilter("ignore")
            verdict = run(request)
    except DeriveError as error:
        verdict = failed(request, "load", str(error))
    except (Exception, SystemExit) as error:
        verdict = failed(request, "check", f"it raised {type(error).__name__}: {error}".rstrip(": "))
    seconds = verdict.seconds or round(time.perf_counter() - start, 3)
    at = verdict.where or (where(request.target) if request.is_definition else "")
    return replace(verdict, target=verdict.target or request.target, where=at, seconds=seconds)


def failed(request: Request, check: str, detail: str, seconds: float = 0.0) -> Verdict:
    """A verdict of one failed row: what is said where no check could speak."""
    row = Row(check, "", FAILED, seed=request.seed, detail=detail)
    return Verdict(request.name, (row,), request.command, request.target, seconds=seconds)


def main(last_words: str) -> None:
    """Answers what comes on standard input."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = _asked()
    with open(last_words, "w", encoding="utf-8") as words:
        faulthandler.enable(words)
        _say(replies, {"ready": _settled()})
        while True:
            order = asked.get()
            request = Request.from_dict(order["request"])
            faulthandler.dump_traceback_later(order["timeout"], file=words, exit=True)  # even if the parent is gone
            _reseed(request.seed)
            verdict = answered(request)
            faulthandler.cancel_dump_traceback_later()
            _say(replies, verdict.to_dict())


def _asked() -> queue.Queue[Any]:
    """Requests as they come; when the parent is gone this process is, even in the middle of a check."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    waiting: queue.Queue[Any] = queue.Queue()

    def read() -> None:
        for line in requests:
            waiting.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _say(replies: Any, data: dict[str, Any]) -> None:
    replies.write(json.dumps(data, default=str) + "\n")
    replies.flush()


def _settled() -> bool:
    """Everything heavy is imported; one thread, so that workers side by side do not fight and sums keep their order."""
    import torch

    import derive.verify.answer  # noqa: F401

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    return True


def _reseed(seed: int) -> None:
    """A target that draws at random draws the same whatever was checked before it."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


if __name__ == "__main__":
    main(sys.argv[1])
