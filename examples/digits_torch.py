"""Train on the digits with generated Torch files, and with torch's own modules from the same start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.digits_data import CHANNELS, batches, digits, start
from examples.digits_numpy import LR
from examples.progress import progress


def train(folder: Path, epochs: int) -> dict[str, Any]:
    """The loss at every step and the test accuracy; forward, backward and update are generated lines."""
    import torch

    sys.path.insert(0, str(folder))
    from adam_torch import adam_step, init_state
    from cnn_loss_torch import cnn_loss
    from cnn_torch import cnn

    parameters = {name: torch.from_numpy(value).requires_grad_() for name, value in start().items()}
    states = {name: init_state(value.detach()) for name, value in parameters.items()}

    def step(t: int, images: Any, labels: Any) -> Any:
        loss = cnn_loss(images, labels, **parameters)
        loss.backward()
        with torch.no_grad():
            for name, value in parameters.items():
                updated, states[name] = adam_step(value, value.grad, states[name], t, lr=LR)
                value.copy_(updated)
                value.grad = None
        return loss

    losses = _run(step, epochs, "Torch")
    with torch.no_grad():
        return {"losses": losses, "accuracy": _accuracy(lambda images: cnn(images, **parameters))}


def reference(steps: int) -> list[float]:
    """The losses of torch.nn and torch.optim.Adam over the first steps, from the same start and batches."""
    import torch
    from torch import nn

    first, second = CHANNELS
    model = nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(second * 4, 10),
    ).double()  # fmt: skip
    with torch.no_grad():
        for own, value in zip(model.parameters(), start().values(), strict=True):
            own.copy_(torch.from_numpy(value))
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)

    def step(_t: int, images: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return _run(step, None, "torch", steps)


def _run(step: Callable[[int, Any, Any], Any], epochs: int | None, title: str, limit: int | None = None) -> list[float]:
    """The loss of each step over the same batches as everyone's."""
    import torch

    torch.set_num_threads(1)  # images of 8×8: two threads would wait for each other most of the time
    images, labels, _, _ = map(torch.from_numpy, digits())
    chosen = list(batches(epochs or 1 + (limit or 0) // 20))[:limit]
    losses = []
    for t, positions in enumerate(progress(chosen, title), start=1):
        rows = torch.from_numpy(positions)
        losses.append(step(t, images[rows], labels[rows]).item())
    return losses


def _accuracy(logits: Callable[[Any], Any]) -> float:
    import torch

    _, _, images, labels = map(torch.from_numpy, digits())
    return float((logits(images).argmax(dim=1) == labels).double().mean())
