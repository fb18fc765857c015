"""Train on the digits with generated NumPy files alone: neither derive nor torch is imported.

``python -m examples.digits_numpy FOLDER EPOCHS`` reads ``cnn_loss_numpy.py``, ``cnn_numpy.py`` and
``adam_numpy.py`` from the folder and leaves ``numpy.json`` there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from examples.digits_data import TRAINED_ON, batches, digits, start
from examples.progress import progress


def train(folder: Path, epochs: int) -> dict:
    """The loss at every step and the accuracy on images never trained on."""
    sys.path.insert(0, str(folder))
    from adam_numpy import adam_step, init_state
    from cnn_loss_numpy import cnn_loss_backward, cnn_loss_forward
    from cnn_numpy import cnn

    images, labels, test_images, test_labels = digits()
    parameters = start()
    states = {name: init_state(value) for name, value in parameters.items()}
    losses = []
    steps = list(batches(epochs))
    for t, chosen in enumerate(progress(steps, "NumPy"), start=1):
        loss, saved = cnn_loss_forward(images[chosen], labels[chosen], **parameters)
        gradients = cnn_loss_backward(saved, np.ones(()))
        for name, gradient in zip(parameters, gradients, strict=True):
            parameters[name], states[name] = adam_step(parameters[name], gradient, states[name], t, lr=LR)
        losses.append(float(loss))
    right = cnn(test_images, **parameters).argmax(axis=1) == test_labels
    foreign = [name for name in ("torch", "derive", "sympy") if name in sys.modules]
    assert not foreign, f"the generated NumPy code is to stand alone, but {foreign} were imported"
    return {"losses": losses, "accuracy": float(right.mean()), "images": TRAINED_ON}


LR = 2e-3

if __name__ == "__main__":
    target = Path(sys.argv[1])
    (target / "numpy.json").write_text(json.dumps(train(target, int(sys.argv[2]))), encoding="utf-8")
