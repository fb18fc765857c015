"""Many targets mutated by several processes; the reports come in the order of the targets, whatever their number."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from typing import Any

from derive.errors import DeriveError
from derive.verify.mutation.records import Report

Done = Callable[[Report], object]


def mutate_all(names: Sequence[str], workers: int = 1, on_done: Done | None = None, **options: Any) -> list[Report]:
    """A report a target; ``on_done`` is told each as it comes, ``options`` are those of ``mutate``."""
    tell, one = on_done or (lambda report: None), partial(_attempted, options=options)
    if min(workers, len(names)) <= 1:
        return [_told(one(name), tell) for name in names]
    found: dict[str, Report] = {}
    with ProcessPoolExecutor(min(workers, len(names)), get_context("spawn"), _settle) as pool:
        made = {pool.submit(one, name): name for name in names}
        for done in as_completed(made):
            found[made[done]] = _told(done.result(), tell)
    return [found[name] for name in names]


def _attempted(name: str, options: dict[str, Any]) -> Report | DeriveError:
    """What it raises is handed over as it is: an error of the user's is said by the process that was asked."""
    from derive.verify.mutation.sweep import mutate

    try:
        return mutate(name, **options)
    except DeriveError as error:
        return error


def _told(found: Report | DeriveError, tell: Done) -> Report:
    if isinstance(found, DeriveError):
        raise found
    tell(found)
    return found


def _settle() -> None:
    """One thread a process, so that they do not fight."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
