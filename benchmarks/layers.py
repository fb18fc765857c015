"""Generated forward + backward against torch.nn with autograd, HIPS autograd and hand-vectorised NumPy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.measure import Row, interleaved, relative_error

#: glibc's default returns big blocks to the system at every free; the pooled setting keeps them.
MALLOC: dict[str, dict[str, str]] = {
    "default malloc": {},
    "pooled malloc": {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "200000000000",
        "MALLOC_TOP_PAD_": "1073741824",
    },
}


def rows() -> list[Row]:
    """Every case under both malloc settings, each setting in a process of its own."""
    found = []
    for setting, changed in MALLOC.items():
        command = [sys.executable, "-m", "benchmarks.layers"]
        done = subprocess.run(command, env={**os.environ, **changed}, stdout=subprocess.PIPE, text=True, check=True)
        found += [
            Row(**{**fields, "note": f"{setting} {fields['note']}".strip()}) for fields in json.loads(done.stdout)
        ]
    return found


def here() -> list[Row]:
    """Every case under this process's malloc."""
    from benchmarks.adam import adam_rows
    from benchmarks.cases import CASES

    found = []
    for case in CASES:
        print(f"  {case.title} …", file=sys.stderr, flush=True)
        found += [*_torch_rows(case), *_numpy_rows(case)]
    return found + adam_rows()


# ------------------------------------------------------------------------------ torch


def _torch_rows(case: Any, rounds: int = 9) -> list[Row]:
    """``derive.function`` and the generated file under autograd against torch's own operation under autograd."""
    import numpy as np
    import torch

    import derive

    arrays = case.inputs(np.random.default_rng(1))
    program = derive.load(case.name, **case.choices)
    ours = {
        "derive.function": derive.function(program),
        "Torch file": getattr(derive.generate(program, target="torch").module(), case.name),
    }
    leaves = [torch.from_numpy(a) for a in arrays]
    leaves = [a.requires_grad_() if a.is_floating_point() else a for a in leaves]
    with torch.no_grad():
        dys = [torch.randn_like(y) for y in _tuple(case.torch(*leaves))]

    def run(f) -> list[Any]:
        for a in leaves:
            a.grad = None
        ys = _tuple(f(*leaves))
        torch.autograd.backward(ys, dys)
        return [*ys, *(a.grad for a in leaves if a.requires_grad)]

    truth = [t.detach() for t in _in_double(case, leaves, dys)]
    errors = {
        which: max(relative_error(g.detach(), t) for g, t in zip(run(f), truth, strict=True))
        for which, f in {**ours, "torch": case.torch}.items()
    }
    took = interleaved({which: lambda f=f: run(f) for which, f in {**ours, "torch": case.torch}.items()}, rounds)
    allowed = max(1e-6, 2 * errors["torch"])  # float32 sums: no worse than twice torch's own error
    peer = took["torch"] * 1e3
    return [
        Row(f"{case.title}, {which}", took[which] * 1e3, peer, "torch", 1.0, "ms", errors[which], allowed)
        for which in ours
    ]


def _in_double(case: Any, leaves: list[Any], dys: list[Any]) -> list[Any]:
    """torch's own outputs and gradients in float64: the truth the error is taken against."""
    import torch

    wide = [a.detach().double().requires_grad_() if a.is_floating_point() else a for a in leaves]
    ys = _tuple(case.torch(*wide))
    torch.autograd.backward(ys, [dy.double() for dy in dys])
    return [*ys, *(a.grad for a in wide if a.requires_grad)]


# ------------------------------------------------------------------------------ NumPy


def _numpy_rows(case: Any, rounds: int = 5) -> list[Row]:
    """The generated NumPy forward and backward against the fastest of HIPS autograd and NumPy by hand."""
    import numpy as np

    import derive

    arrays = case.inputs(np.random.default_rng(1))
    module = derive.generate(derive.load(case.name, **case.choices), target="numpy").module()
    forward, backward = getattr(module, f"{case.name}_forward"), getattr(module, f"{case.name}_backward")
    y = _tuple(forward(*arrays)[0])
    dys = [np.random.default_rng(2).standard_normal(np.shape(v)).astype(np.float32) for v in y]

    def ours():
        y, saved = forward(*arrays)
        return [*_tuple(y), *_tuple(backward(saved, *dys))]

    peers = _peers(case, arrays, dys)
    if not peers:
        return []
    truth = _truth(case, arrays, dys)
    error = max(relative_error(g, t) for g, t in zip(ours(), truth, strict=True))
    took = interleaved({"ours": ours, **peers}, rounds, warm=1)
    best = min(peers, key=took.__getitem__)
    others = ", ".join(f"{name} {took[name] * 1e3:.0f} ms" for name in peers if name != best)
    return [Row(f"{case.title}, NumPy", took["ours"] * 1e3, took[best] * 1e3, best, 1.0, "ms", error, 3e-6, others)]


def _peers(case: Any, arrays: tuple, dys: list) -> dict[str, Any]:
    """Forward and backward by hand and by HIPS autograd, where the case has them."""
    peers: dict[str, Any] = {}
    if case.hand:
        peers["NumPy by hand"] = lambda: case.hand(*arrays, *dys)
    if case.hips:
        try:
            import autograd.numpy as hips_numpy
            from autograd import make_vjp
        except ImportError:
            return peers

        def run_hips():
            pull, y = make_vjp(lambda inputs: case.hips(hips_numpy, *inputs))(tuple(arrays))
            return [y, *pull(dys[0])]

        peers["HIPS autograd"] = run_hips
    return peers


def _truth(case: Any, arrays: tuple, dys: list) -> list[Any]:
    """The same by torch in float64, as arrays."""
    import torch

    leaves = [torch.from_numpy(a) for a in arrays]
    return [t.detach().numpy() for t in _in_double(case, leaves, [torch.from_numpy(np_array(d)) for d in dys])]


def np_array(value: Any) -> Any:
    """A writable array, for a scalar cotangent too."""
    import numpy as np

    return np.array(value)


def _tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


if __name__ == "__main__":
    print(json.dumps([{k: v for k, v in row.record().items() if k not in ("ratio", "holds")} for row in here()]))
