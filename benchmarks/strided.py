"""The strided convolution's gradient of x: N = 8, C = 16, 64², 3×3, stride 2, padding 1."""

from __future__ import annotations

from benchmarks.measure import Row, interleaved, relative_error

BARS = {"torch": 1.5, "numpy": 4.0}


def rows() -> list[Row]:
    """The generated gradient of x on both targets over torch's own ``conv2d_input``."""
    import numpy as np
    import torch

    import derive

    random = np.random.default_rng(0)
    x = random.standard_normal((8, 16, 64, 64), dtype=np.float32)
    weight = random.standard_normal((16, 16, 3, 3), dtype=np.float32)
    dy = random.standard_normal((8, 16, 32, 32), dtype=np.float32)
    program = derive.load("conv2d", stride=2, padding=1, bias=None)
    modules = {target: derive.generate(program, target=target, wrt=("x",)).module() for target in BARS}
    data = {"numpy": (x, weight, dy), "torch": tuple(map(torch.from_numpy, (x, weight, dy)))}
    saved = {target: modules[target].conv2d_forward(*data[target][:2])[1] for target in BARS}
    truth = torch.nn.grad.conv2d_input(
        x.shape, *(torch.from_numpy(a.astype(np.float64)) for a in (weight, dy)), stride=2, padding=1
    )
    ours = {target: lambda t=target: modules[t].conv2d_backward(saved[t], data[t][2]) for target in BARS}

    def peer():
        return torch.nn.grad.conv2d_input(x.shape, data["torch"][1], data["torch"][2], stride=2, padding=1)

    # NumPy in rounds of its own, last: its BLAS threads spin on after a call and would take a core from Torch's.
    took = interleaved({"peer": peer, "torch": ours["torch"]}, rounds=41)
    took |= interleaved({"numpy": ours["numpy"]}, rounds=21)
    errors = {target: relative_error(_only(run()), truth) for target, run in ours.items()}
    return [
        Row(f"conv2d dx, stride 2, {t}", took[t] * 1e3, took["peer"] * 1e3, "torch", bar, "ms", errors[t], 1e-6)
        for t, bar in BARS.items()
    ]


def _only(result):
    return result[0] if isinstance(result, tuple) else result
