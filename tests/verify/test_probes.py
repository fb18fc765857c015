"""Richardson probes: right gradients pass, wrong ones fail however slightly, kinks are never passed in silence."""

import numpy as np
import pytest
import torch

from derive.verify import localise, probes, probing
from derive.verify.bound import Bound
from derive.verify.probes import Claim
from tests.verify.real_bugs import operation, randn

RNG = np.random.default_rng(3)
X, W, DY = RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4)), RNG.normal(size=(3, 2))
INPUTS = {"x": X, "w": W}


def _forward(inputs):
    return {"y": np.tanh(inputs["x"] @ inputs["w"].T)}


def _gradient(dy=DY):
    da = dy * (1 - np.tanh(X @ W.T) ** 2)
    return {"x": da @ W, "w": da.T @ X}


def _claim(gradient, forward=_forward, inputs=INPUTS, dy=DY):
    return Claim(forward, None, inputs, {"y": dy}, gradient)


def test_right_gradient_passes_with_room():
    found = probes.probes(_claim(_gradient()))
    assert len(found) == probes.DIRECTIONS + 2
    assert all(p.passed and p.tight for p in found)


@pytest.mark.parametrize("scale", [-1, 0, 2, 1 + 1e-2, 1 + 1e-3, 1 + 1e-4, 1 + 1e-6, 1 + 1e-8])
def test_scaled_gradient_fails(scale):
    wrong = _gradient() | {"w": scale * _gradient()["w"]}
    found = probes.probes(_claim(wrong))
    assert all(p.conclusive for p in found) and not all(p.passed for p in found)


def test_not_a_number_fails():
    wrong = _gradient()
    wrong["x"][0, 0] = np.nan
    assert not any(p.passed for p in probes.probes(_claim(wrong)) if "x" in p.inputs)
    assert probing.judged("probes", "", _claim(wrong), 0).status == "failed"


def test_a_kink_is_inconclusive_not_passed():
    claim = _claim(
        {"x": np.array([1.0, 1.0])}, lambda i: {"y": np.abs(i["x"])}, {"x": np.array([0.0, 1.0])}, np.ones(2)
    )
    assert not any(p.conclusive for p in probes.probes(claim))
    row = probing.judged("probes", "", claim, 0)
    assert row.status == "inconclusive" and "a kink" in row.reason


def test_a_kink_under_curvature_is_seen():
    """Far from the kink's size the curve hides it: only the small steps tell."""
    forward = lambda i: {"y": np.maximum(i["x"], 0) * 1e-3 + i["x"] ** 2 + i["x"]}  # noqa: E731
    claim = _claim({"x": np.array([1.0])}, forward, {"x": np.zeros(1)}, np.ones(1))
    assert probing.judged("probes", "", claim, 0).status == "inconclusive"


def test_at_a_kink_the_inputs_are_drawn_again():
    (row,) = probing.rows(Bound(torch.relu, {"x": torch.zeros(3, dtype=torch.float64)}, ("x",)), "")
    assert row.status == "passed" and "drawn again" in row.reason


def test_a_coarse_forward_is_inconclusive_not_failed():
    def coarse(inputs):
        return {"y": _forward(inputs)["y"].astype(np.float32).astype(float)}

    row = probing.judged("probes", "", _claim(_gradient(), coarse), 0)
    assert row.status == "inconclusive"


# ------------------------------------------------------------------------------ one entry in a million

N = 1000
BIG = torch.randn(N, N, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
BIG[417, 83] = 1.0
POINT = torch.randn(N, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def _off_in_one_entry(by):
    wrong = BIG.clone()
    wrong[417, 83] += by
    return operation("Map", lambda x: BIG @ x, lambda ctx, dy, x: wrong.T @ dy)


MAPS = {
    "W x": (lambda op: op.apply, POINT),
    "tanh(W x)": (lambda op: lambda x: torch.tanh(op.apply(x)), POINT / N**0.5),
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("by", "seed"), [(1e-6, 0), (1e-6, 1), (-1e-6, 2), (1e-5, 3), (1.0, 4)])
def test_one_wrong_entry_of_a_million_is_found_and_named(name, by, seed):
    made, x = MAPS[name]
    (row,) = probing.rows(Bound(made(_off_in_one_entry(by)), {"x": x}, ("x",), seed), "")
    assert row.status == "failed", row
    assert "∂output 0[417]/∂x[83]" in row.detail or ("dx[83]" in row.detail and by == 1.0), row.detail


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("seed", range(3))
def test_the_right_map_of_a_million_entries_passes(name, seed):
    made, x = MAPS[name]
    (row,) = probing.rows(Bound(made(_off_in_one_entry(0.0)), {"x": x}, ("x",), seed), "")
    assert row.status == "passed", row
    assert row.tolerance < 1e-7


def test_a_constant_good_to_nine_digits_is_not_blamed():
    """Every entry off by 2e-9 of itself is beyond rounding, but no entry is wrong."""
    op = operation("Near", torch.tanh, lambda ctx, dy, x: dy * (1 - torch.tanh(x) ** 2) * (1 + 2e-9))
    (row,) = probing.rows(Bound(op.apply, {"x": randn(50)}, ("x",)), "")
    assert row.status == "passed" and "not to its last digits" in row.reason


# ------------------------------------------------------------------------------ words


def test_localise_names_input_and_index():
    wrong = _gradient()
    wrong["w"][1, 2] *= -1
    claim = _claim(wrong)
    p = next(p for p in probes.probes(claim) if p.conclusive and not p.passed)
    place = localise.worst_entry(claim, p)
    assert (place.input, place.index) == ("w", (1, 2)) and place.wrong
    assert place.words().startswith("dw[1, 2]: analytic ") and place.words().endswith("ratio -1")


def test_the_whole_gradient_of_an_input():
    analytic, numeric = localise.whole(_claim(_gradient()), "x")
    assert np.allclose(analytic, numeric, rtol=0, atol=1e-9)


def test_the_tolerance_is_explained():
    (p, *_) = probes.probes(_claim(_gradient()))
    assert f"{p.tolerance:.1e}" in p.because() and "extrapolation" in p.because() and "rounding" in p.because()
