"""Richardson probes on plain NumPy functions: right ones pass, wrong ones fail, kinks are never passed in silence."""

import numpy as np
import pytest

from derive.verify import probes

RNG = np.random.default_rng(3)
X, W, DY = RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4)), RNG.normal(size=(3, 2))
INPUTS = {"x": X, "w": W}


def _forward(inputs):
    return {"y": np.tanh(inputs["x"] @ inputs["w"].T)}


def _gradient():
    da = DY * (1 - np.tanh(X @ W.T) ** 2)
    return {"x": da @ W, "w": da.T @ X}


def _run(gradient, forward=_forward, inputs=INPUTS, dy=DY):
    return probes.probes(forward, gradient, inputs, {"y": dy})


def test_right_gradient_passes_with_room():
    assert all(p.passed for p in _run(_gradient()))


@pytest.mark.parametrize("scale", [-1, 0, 2, 1 + 1e-2, 1 + 1e-3, 1 + 1e-4, 1 + 1e-6])
def test_scaled_gradient_fails(scale):
    wrong = _gradient() | {"w": scale * _gradient()["w"]}
    results = _run(wrong)
    assert all(p.conclusive for p in results) and not all(p.passed for p in results)


def test_one_wrong_entry_fails():
    wrong = _gradient()
    wrong["x"][2, 1] += 1e-5
    assert not all(p.passed for p in _run(wrong))


def test_not_a_number_fails():
    wrong = _gradient()
    wrong["x"][0, 0] = np.nan
    assert not any(p.passed for p in _run(wrong) if "x" in p.inputs)


def test_a_kink_is_inconclusive_not_passed():
    x = np.array([0.0, 1.0])
    results = _run({"x": np.array([1.0, 1.0])}, lambda i: {"y": np.abs(i["x"])}, {"x": x}, np.ones(2))
    assert not any(p.conclusive for p in results)


def test_localise_names_input_index_values_and_ratio():
    wrong = _gradient()
    wrong["w"][1, 2] *= -1
    words = probes.localise(_forward, wrong, INPUTS, {"y": DY}, {"N": 3})
    assert words.startswith("dw[1, 2]: analytic ") and words.endswith("ratio -1: the sign")


@pytest.mark.parametrize("ratio, words", [(3.0, "sum over N"), (1 / 3, "extra 1/N"), (0.0, "dropped"), (2.0, "twice")])
def test_hints(ratio, words):
    assert words in probes.hint(ratio * 0.7, 0.7, {"N": 3})
