"""Generated NumPy forward + backward against HIPS autograd and plain NumPy: float32 and float64, above 1e5 elements.

``python -m benchmarks.numpy_catalogue [NAME …]`` takes the named definitions only.  The error comes first, against
HIPS autograd in float64 (or the backward by hand, where HIPS autograd has no form of it).
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.layers import MALLOC
from benchmarks.measure import Row, relative_error
from benchmarks.peers.peer import Peer

#: What is left to rounding: each precision's own, summed over as many as the largest reductions have.
ERRORS = {"float32": 2e-6, "float64": 1e-13}
SECONDS = 1.0  # a row's time, at least three rounds
PEERS = "HIPS autograd, NumPy by hand"


def rows() -> list[Row]:
    """Every row under pooled malloc and two threads, in a process of its own; then the geometric mean."""
    environment = {**os.environ, **MALLOC["pooled malloc"], "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "benchmarks.numpy_catalogue", "--json"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return with_mean([Row(**fields) for fields in json.loads(done.stdout)])


def with_mean(found: list[Row]) -> list[Row]:
    """The rows and their geometric mean, the ten worst named."""
    mean = math.exp(statistics.fmean(math.log(row.ratio) for row in found if row.ratio < math.inf))
    worst = sorted(found, key=lambda row: -row.ratio)[:10]
    note = "ten worst: " + ", ".join(f"{row.what} {row.ratio:.2f}" for row in worst)
    return [*found, Row("geometric mean", mean, 1.0, PEERS, 1.0, "×", note=note)]


def here(chosen: tuple[str, ...] = (), dtypes: tuple[str, ...] = tuple(ERRORS)) -> list[Row]:
    """Every row in this process."""
    from benchmarks.peers.losses import LOSSES
    from benchmarks.peers.norms import NORMS, SEQUENCES
    from benchmarks.peers.pointwise import POINTWISE
    from benchmarks.peers.windows import WINDOWS

    every = (*POINTWISE, *LOSSES, *NORMS, *SEQUENCES, *WINDOWS)
    unknown = [name for name in chosen if name not in {peer.name for peer in every}]
    if unknown:
        raise SystemExit(f"no row for {', '.join(unknown)}; there are {', '.join(sorted({p.name for p in every}))}")
    found = []
    for peer in every:
        if chosen and peer.name not in chosen:
            continue
        for dtype in dtypes:
            found.append(row(peer, dtype))
            said = f"{found[-1].ratio:5.2f} {found[-1].error:8.1e} {found[-1].peer_name:14} {found[-1].note}"
            print(f"  {found[-1].what:56} {said}", file=sys.stderr, flush=True)
    return found


def row(peer: Peer, dtype: str) -> Row:
    """One layer at one precision: the error, then ours and the peers in turn."""
    import numpy as np

    arrays = peer.arrays(np.random.default_rng(1), np.dtype(dtype).type)
    wide = peer.arrays(np.random.default_rng(1), np.float64)
    ours, dys = generated(peer, arrays)
    truth = in_double(peer, wide, dys)
    error = largest(ours(), truth)
    peers = {n: f for n, f in plain(peer, arrays, dys).items() if f is not None}
    for name, f in peers.items():
        off = largest(f(), truth)
        assert off < 100 * ERRORS[dtype], f"{peer.title}: {name} itself is off by {off:.1e}"
    took = least({"ours": ours, **peers})
    best = min(peers, key=took.__getitem__)
    others = ", ".join(f"{n} {took[n] * 1e3:.3g} ms" for n in peers if n != best)
    title = f"{peer.title} {'×'.join(map(str, arrays[0].shape))} {dtype}"
    return Row(title, took["ours"] * 1e3, took[best] * 1e3, best, 1.0, "ms", error, ERRORS[dtype], others)


def generated(peer: Peer, arrays: tuple) -> tuple[Callable[[], list], list]:
    """Our forward and backward, and the cotangents they are given."""
    import numpy as np

    import derive

    module = derive.generate(derive.load(peer.name, **peer.choices), target="numpy").module()
    forward, backward = getattr(module, f"{peer.name}_forward"), getattr(module, f"{peer.name}_backward")
    y = each(forward(*arrays, **peer.keywords)[0])
    real = np.result_type(*(a for a in arrays if a.dtype.kind == "f"))
    dys = [np.random.default_rng(2).standard_normal(np.shape(v)).astype(real) for v in y]
    dys = [real.type(d) if d.ndim == 0 else d for d in dys][: arguments(backward) - 1]

    def run() -> list:
        y, saved = forward(*arrays, **peer.keywords)
        return [*each(y), *each(backward(saved, *dys))]

    return run, dys


def arguments(f: Callable[..., Any]) -> int:
    """How many arguments a generated function takes."""
    import inspect

    return len(inspect.signature(f).parameters)


def plain(peer: Peer, arrays: tuple, dys: list) -> dict[str, Callable[[], list] | None]:
    """The layer's backward by hand, and its forward under HIPS autograd."""
    hand = peer.hand
    return {
        "NumPy by hand": None if hand is None else lambda: list(hand(*arrays, *dys)),
        "HIPS autograd": None if peer.plain is None else hips(peer, arrays, dys),
    }


def hips(peer: Peer, arrays: tuple, dys: list) -> Callable[[], list]:
    """The plain forward differentiated by HIPS autograd; outputs that take no cotangent are given back only."""
    import autograd.builtins
    import autograd.numpy as hips_numpy
    from autograd import make_vjp

    which = peer.differentiated(arrays)

    def forward(chosen: tuple) -> Any:
        given = list(arrays)
        for k, a in zip(which, chosen, strict=True):
            given[k] = a
        y = peer.plain(hips_numpy, *given)  # type: ignore[misc]
        return autograd.builtins.tuple(y) if isinstance(y, tuple) else y

    def run() -> list:
        import numpy as np

        pull, y = make_vjp(forward)(tuple(arrays[k] for k in which))
        if not isinstance(y, tuple):
            return [y, *pull(dys[0])]
        rest = [np.zeros_like(v) for v in y[len(dys) :]]
        return [*y, *pull((*dys, *rest))]

    return run


def in_double(peer: Peer, arrays: tuple, dys: list) -> list:
    """The truth: HIPS autograd in float64, or the backward by hand."""
    import numpy as np

    wide = [np.float64(d) if np.ndim(d) == 0 else d.astype(np.float64) for d in dys]
    peers = plain(peer, arrays, wide)
    run = peers["HIPS autograd"] or peers["NumPy by hand"]
    assert run is not None
    return run()


def largest(found: list, truth: list) -> float:
    """The worst relative error over results and gradients."""
    return max(relative_error(a, b) for a, b in zip(found, truth, strict=True))


def least(candidates: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """The fewest seconds of each candidate, all of them run in turn."""
    names = list(candidates)
    times: dict[str, list[float]] = {name: [] for name in names}
    begin, turn = time.perf_counter(), 0
    while turn < 2 * len(names) or (time.perf_counter() - begin < SECONDS and turn < 60):
        for k in range(len(names)):  # each has every place in the order: what ran before has filled the cache
            name = names[(turn + k) % len(names)]
            start = time.perf_counter()
            candidates[name]()
            times[name].append(time.perf_counter() - start)
        turn += 1
    return {name: min(seen[1:]) for name, seen in times.items()}


def each(value: Any) -> tuple:
    """One result as a tuple of one."""
    return value if isinstance(value, tuple) else (value,)


if __name__ == "__main__":
    named = tuple(a for a in sys.argv[1:] if not a.startswith("--"))
    if "--json" in sys.argv:
        print(json.dumps([dict(vars(r)) for r in here()]))
    else:
        from benchmarks.__main__ import table

        print(table("numpy_catalogue", with_mean(here(named))))
