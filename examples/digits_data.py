"""The 1 797 handwritten digits that scikit-learn ships, and the start of a small CNN.  NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Parameters = dict[str, np.ndarray]

TRAINED_ON = 1437  # four fifths; the rest are for the test
BATCH = 64
CHANNELS = (16, 32)


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images [N, 1, 8, 8] in 0 … 1 and labels: for training, then for testing."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    images, labels = (bunch.images[order] / 16)[:, None], bunch.target[order].astype(np.int64)
    return images[:TRAINED_ON], labels[:TRAINED_ON], images[TRAINED_ON:], labels[TRAINED_ON:]


def start(seed: int = 0) -> Parameters:
    """Weights uniform in ± 1/√(fan in), in the order and under the names of the definition ``cnn_loss``."""
    random = np.random.default_rng(seed)
    first, second = CHANNELS
    shapes = {"1": (first, 1, 3, 3), "2": (second, first, 3, 3), "3": (10, second * 4)}
    parameters: Parameters = {}
    for layer, shape in shapes.items():
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        parameters[f"w{layer}"] = random.uniform(-bound, bound, shape)
        parameters[f"b{layer}"] = random.uniform(-bound, bound, shape[0])
    return parameters


def batches(epochs: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Positions of each step's images, reshuffled every epoch."""
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        order = random.permutation(TRAINED_ON)
        yield from (order[k : k + BATCH] for k in range(0, TRAINED_ON, BATCH))
