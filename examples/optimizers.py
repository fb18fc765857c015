"""Every optimizer at work: the digits' CNN and an ill-conditioned quadratic, by steps generated from definitions.

``python -m examples.optimizers [--steps 120] [--output build/optimizers]`` writes ``optimizers.svg``, the loss curves
of all of them, and ``curves.json``; it exits with 1 if one of them does not get on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.digits_data import batches, digits, start
from examples.progress import progress

CONDITION = 1000.0


@dataclass(frozen=True)
class Case:
    """A class's rate and options at each of the two tasks."""

    name: str
    digits: dict[str, Any]
    quadratic: dict[str, Any]


def _case(name: str, digits: float, quadratic: float, **options: Any) -> Case:
    return Case(name, {"lr": digits, **options}, {"lr": quadratic, **options})


#: Panels: title -> optimizers.
PANELS: dict[str, tuple[Case, ...]] = {
    "Gradient descent and signs": (
        _case("SGD", 0.2, 1e-3, momentum=0.9),
        _case("ASGD", 0.5, 1.5e-3),
        _case("Rprop", 0.003, 0.01),
        _case("SignSGD", 0.003, 0.01, momentum=0.9),
        _case("Lion", 0.002, 0.01),
        Case("LBFGS", {"lr": 1.0, "max_iter": 4, "line_search_fn": "strong_wolfe"}, {"max_iter": 1}),
    ),
    "Scaled by squares": (
        _case("Adam", 0.01, 0.1),
        _case("AdamW", 0.01, 0.1),
        _case("Adamax", 0.02, 0.1),
        _case("NAdam", 0.01, 0.1),
        _case("RAdam", 0.02, 1.5e-3),
        _case("SparseAdam", 0.01, 0.1),
    ),
    "Scaled otherwise": (
        _case("Adadelta", 3.0, 10.0),
        _case("Adagrad", 0.05, 0.5),
        _case("RMSprop", 0.003, 0.02),
        _case("AdaBelief", 0.01, 0.1, eps=1e-8),
        _case("Yogi", 0.02, 0.1),
        _case("Adan", 0.02, 0.1),
    ),
    "Whole tensors and matrices": (
        _case("LARS", 5.0, 30.0),
        _case("LAMB", 0.03, 0.05),
        _case("Adafactor", 0.05, 0.1),
        _case("Muon", 0.02, 0.05, weight_decay=0.0),
        _case("Shampoo", 0.05, 0.5),
        Case("Sophia", {"lr": 0.01, "rho": 1.0, "update_every": 1}, {"lr": 0.05, "rho": 1e-4, "update_every": 1}),
    ),
    "Without a schedule": (
        _case("ScheduleFreeSGD", 0.5, 1.5e-3),
        _case("ScheduleFreeAdamW", 0.02, 0.2),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains with each; 0 if every loss falls."""
    parser = argparse.ArgumentParser(prog="python -m examples.optimizers", description=__doc__)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--output", type=Path, default=Path("build/optimizers"))
    options = parser.parse_args(arguments)
    curves = train(options.steps)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "curves.json").write_text(json.dumps(curves), encoding="utf-8")
    (options.output / "optimizers.svg").write_text(picture(curves), encoding="utf-8")
    stuck = report(curves)
    print(f"plot: {options.output / 'optimizers.svg'}")
    return 1 if stuck else 0


Curves = dict[str, dict[str, list[float]]]


def train(steps: int) -> Curves:
    """Task -> optimizer -> the loss at every step."""
    import torch

    torch.set_num_threads(1)
    cases = [case for panel in PANELS.values() for case in panel]
    curves: Curves = {"digits": {}, "quadratic": {}}
    for case in progress(cases, "optimizers"):
        curves["digits"][case.name] = _run(case.name, case.digits, *cnn(), steps)
        curves["quadratic"][case.name] = _run(case.name, case.quadratic, *quadratic(), 2 * steps)
    return curves


Loss = Callable[[int], Any]


def cnn() -> tuple[list[Any], Loss]:
    """The CNN's parameters, and its loss on the batch of a step; both directions are derived."""
    import torch

    import derive

    images, labels, _, _ = map(torch.from_numpy, digits())
    parameters = {name: torch.from_numpy(value).requires_grad_() for name, value in start().items()}
    loss, chosen = derive.function("cnn_loss"), list(batches(20))

    def at(step: int) -> Any:
        rows = torch.from_numpy(chosen[step % len(chosen)])
        return loss(images[rows], labels[rows], **parameters)

    return list(parameters.values()), at


def quadratic() -> tuple[list[Any], Loss]:
    """Half of Σ λ x², the λ from 1 to 1000, seen along turned axes."""
    import torch

    generator = torch.Generator().manual_seed(0)
    turned = torch.linalg.qr(torch.randn(20, 20, dtype=torch.float64, generator=generator))[0]
    curvature = torch.logspace(0, float(torch.log10(torch.tensor(CONDITION))), 20, dtype=torch.float64)
    x = torch.ones(4, 5, dtype=torch.float64, requires_grad=True)
    return [x], lambda step: (curvature * (turned @ x.reshape(-1)) ** 2).sum() / 2


def _run(name: str, options: dict[str, Any], parameters: list[Any], loss: Loss, steps: int) -> list[float]:
    import torch

    stepping = _made(name, options, parameters)
    losses = []
    for step in range(steps):

        def closure(step: int = step) -> Any:
            for p in parameters:
                p.grad = None
            value = loss(step)
            value.backward()
            for p in parameters:
                if name == "SparseAdam":
                    p.grad = p.grad.to_sparse()
                p.hess = p.grad**2 if name == "Sophia" else None
            return value

        with torch.enable_grad():
            first, *_ = [optimizer.step(closure) for optimizer in stepping]
        losses.append(float(first.detach()))
    return losses


def _made(name: str, options: dict[str, Any], parameters: list[Any]) -> list[Any]:
    """The optimizer; where it takes matrices alone, AdamW has the rest."""
    import derive.optim
    from derive.optim.table import OWN, TORCHS

    entry = {**TORCHS, **OWN}[name]
    mine = [p for p in parameters if not entry.ranks or p.ndim in entry.ranks]
    rest = [p for p in parameters if entry.ranks and p.ndim not in entry.ranks]
    made = [getattr(derive.optim, name)(mine, **options)]
    return [*made, derive.optim.AdamW(rest, lr=0.01)] if rest else made


def report(curves: Curves) -> list[str]:
    """Prints first and last losses; the names of those that did not get on."""
    print(f"{'':18} {'digits':>19}   {'quadratic':>19}")
    stuck = []
    for name in curves["digits"]:
        both = [(values[0], sum(values[-10:]) / 10) for values in (curves["digits"][name], curves["quadratic"][name])]
        fell = all(last < first / 2 for first, last in both)
        stuck += [] if fell else [name]
        shown = "   ".join(f"{first:8.3g} → {last:8.2g}" for first, last in both)
        print(f"{name:18} {shown}{'' if fell else '   does not get on'}")
    return stuck


def picture(curves: Curves) -> str:
    """One SVG: a row for each task, a panel for each kind."""
    from derive.reports.svg import HEIGHT, WIDTH, line_plot

    panels = []
    for row, (task, by_name) in enumerate(curves.items()):
        for column, (title, cases) in enumerate(PANELS.items()):
            series = {case.name: [max(v, 1e-12) for v in by_name[case.name]] for case in cases}
            plot = line_plot(series, f"{title}: {task}", "step", "loss", log_y=True)
            panels.append(plot.replace("<svg ", f'<svg x="{column * WIDTH}" y="{row * HEIGHT}" ', 1))
    width, height = WIDTH * len(PANELS), HEIGHT * len(curves)
    inside = "".join(panels)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'{head} role="img" aria-label="Loss curves of every optimizer">\n{inside}</svg>\n'


if __name__ == "__main__":
    raise SystemExit(main())
