"""Adam over 16.8 million parameters: the generated step against torch.optim and plain NumPy."""

from __future__ import annotations

from benchmarks.measure import Row, interleaved, relative_error

SIZE = 4096 * 4096


def adam_rows(rounds: int = 7) -> list[Row]:
    """One step, Torch and NumPy."""
    import numpy as np
    import torch

    import derive

    program = derive.load("adam")
    random = np.random.default_rng(3)
    theta, grad = (random.standard_normal(SIZE, dtype=np.float32) for _ in range(2))
    steps = {}
    for target, read in (("torch", torch.from_numpy), ("numpy", np.asarray)):
        module = derive.generate(program, target=target).module()
        mine, g = read(theta.copy()), read(grad)
        state = module.init_state(mine)
        steps[target] = lambda m=module, a=mine, g=g, s=state: m.adam_step(a, g, s, 1)
    parameter = torch.nn.Parameter(torch.from_numpy(theta.copy()))
    parameter.grad = torch.from_numpy(grad)
    eager = torch.optim.Adam([parameter], foreach=False)
    truth = theta.astype(np.float64) - 1e-3 * grad / (np.abs(grad).astype(np.float64) + 1e-8)
    errors = {target: relative_error(step()[0], truth) for target, step in steps.items()}
    m, v = np.zeros_like(theta), np.zeros_like(theta)

    def by_hand():
        new_m = np.float32(0.9) * m + np.float32(0.1) * grad
        new_v = np.float32(0.999) * v + np.float32(0.001) * grad * grad
        return theta - np.float32(1e-2) * new_m / (np.sqrt(new_v / np.float32(0.001)) + np.float32(1e-8))

    took = interleaved({**steps, "eager": eager.step, "hand": by_hand}, rounds, warm=1)
    ms = {name: seconds * 1e3 for name, seconds in took.items()}
    return [
        Row("Adam 16.8 M, Torch", ms["torch"], ms["eager"], "torch.optim.Adam", 1.0, "ms", errors["torch"], 1e-6),
        Row("Adam 16.8 M, NumPy", ms["numpy"], ms["hand"], "NumPy by hand", 1.0, "ms", errors["numpy"], 1e-6),
    ]
