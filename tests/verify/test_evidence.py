"""Evidence: what the pictures show of a right gradient and of planted wrong ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from derive.record import replace
from derive.verify import evidence
from derive.verify.evidence import EXACT, PLATEAU, UNSETTLED, V, bottom, fitted, folded, gather, worst_cell
from derive.verify.probes import Claim
from derive.verify.subject import Subject, subjects

X = np.array([[0.3, -0.7, 1.1, 0.4], [1.3, 0.2, -0.5, 0.9], [-1.2, 0.8, 0.1, -0.4]])
DY = np.array([[1.0, -0.6, 0.9, 1.2], [-0.8, 1.1, 0.7, -1.4], [0.5, 1.3, -0.9, 0.6]])


def claim(change=lambda g: g, function=np.tanh, slope=lambda x: 1 - np.tanh(x) ** 2):
    """y = function(x), entry by entry; ``change`` plants the fault."""
    return Claim(lambda given: {"y": function(given["x"])}, None, {"x": X}, {"y": DY}, {"x": change(DY * slope(X))})


def of(**options):
    (found,) = gather(claim(**options), "as given")
    return found


def test_a_right_gradient_makes_a_v() -> None:
    found = of()
    low = bottom(found.steps)
    assert low is not None and low.shape == V and low.height < 1e-9 and 1e-7 < low.step < 1e-3
    steps = dict(found.steps)
    right = math.log10(steps[1e-1] / steps[10**-2.5]) / 1.5
    assert right == pytest.approx(2, abs=0.1)  # truncation: h²
    assert steps[1e-9] > 30 * low.height  # rounding: ε/h


@pytest.mark.parametrize("error", [0.5, 1e-1, 1e-3, 1e-5, 1e-7])
def test_a_wrong_gradient_levels_off_at_its_relative_error(error: float) -> None:
    low = bottom(of(change=lambda g: g * (1 + error)).steps)
    assert low is not None and low.shape == PLATEAU
    assert low.height == pytest.approx(error / (1 + error), rel=0.05)


def test_taylors_remainder_has_slope_two_or_one() -> None:
    assert fitted(of().remainders) == pytest.approx(2, abs=0.05)
    assert fitted(of(change=lambda g: g * 1.001).remainders) == pytest.approx(1, abs=0.05)
    assert fitted(of(change=lambda g: -g).remainders) == pytest.approx(1, abs=0.05)


def test_a_linear_map_leaves_rounding_alone() -> None:
    found = of(function=lambda x: 2.5 * x, slope=lambda x: np.full_like(x, 2.5))
    low = bottom(found.steps)
    assert low is not None and low.shape == EXACT and found.remainders == () and fitted(found.remainders) is None


def test_a_gradient_of_noise_neither_levels_off_nor_makes_a_v() -> None:
    steps = [(10.0**-k, 10.0 ** -(k % 3)) for k in range(1, 10)]
    low = bottom(steps)
    assert low is not None and low.shape == UNSETTLED
    assert bottom([]) is None


def test_one_wrong_entry_is_the_worst_cell() -> None:
    def change(g: np.ndarray) -> np.ndarray:
        g = g.copy()
        g[1, 2] *= 1.05
        return g

    found = of(change=change)
    assert worst_cell(found.heat) == (pytest.approx(0.05 / 1.05, rel=1e-3), 1, 2)
    right = [e for i, row in enumerate(found.heat) for j, e in enumerate(row) if (i, j) != (1, 2)]
    assert max(right) < 1e-6 and found.shape == (3, 4)


def test_one_wrong_entry_among_a_million_is_seen_in_its_block() -> None:
    x, dy = np.linspace(-1, 1, 10**6).reshape(1000, 1000), np.ones((1000, 1000))
    gradient = np.cos(x)
    gradient[417, 901] += 50.0
    one = Claim(lambda given: {"y": np.sin(given["x"])}, None, {"x": x}, {"y": dy}, {"x": gradient})
    (found,) = gather(one, "large")
    n = len(found.heat)
    assert 2 <= n <= 16
    _, i, j = worst_cell(found.heat)
    assert (i, j) == (417 * n // 1000, 901 * n // 1000)


def test_maps_are_beside_the_truth_where_it_is_given() -> None:
    true = claim().gradient["x"]
    wrong = true.copy()
    wrong[2, 0] = 0.0
    (found,) = gather(held(wrong), "as given", truth={"x": true})
    assert worst_cell(found.heat) == (1.0, 2, 0) and sum(e > 0 for row in found.heat for e in row) == 1


def held(g: np.ndarray) -> Claim:
    return claim(change=lambda _: g)


def test_a_gradient_that_is_no_number_is_shown_as_such() -> None:
    found = of(change=lambda g: np.where(g == g.max(), np.nan, g))
    assert found.steps == () and worst_cell(found.heat)[0] == math.inf


def test_a_function_that_raises_when_moved_has_no_evidence() -> None:
    def picky(given):
        if not np.array_equal(given["x"], X):
            raise ValueError("as given only")
        return {"y": given["x"]}

    assert gather(Claim(picky, None, {"x": X}, {"y": DY}, {"x": DY}), "as given") == ()


def test_an_empty_input_has_no_evidence() -> None:
    empty = np.zeros((0, 3))
    assert gather(Claim(lambda given: {"y": given["x"]}, None, {"x": empty}, {"y": empty}, {"x": empty}), "empty") == ()


def test_the_same_seed_gives_the_same_evidence() -> None:
    assert gather(claim(), "as given", 5) == gather(claim(), "as given", 5) != gather(claim(), "as given", 6)


@pytest.mark.parametrize(("shape", "cut"), [((), (1, 1)), ((5,), (1, 5)), ((2, 3, 2, 2), (6, 4)), ((7, 1), (7, 1))])
def test_maps_are_cut_nearest_to_square(shape: tuple[int, ...], cut: tuple[int, int]) -> None:
    assert folded(shape) == cut


# ------------------------------------------------------------------------------ programs


def program(name: str, **scaled: float) -> Subject:
    """A catalogue entry at its first setting; these of its gradients multiplied."""
    from sympy import Rational

    from derive.program import Piece

    subject = next(iter(subjects(name)))
    assert isinstance(subject, Subject)
    vjp = subject.vjp
    statements = tuple(
        replace(s, pieces=tuple(Piece(p.indices, p.entries, p.rhs * Rational(str(scaled[s.name]))) for p in s.pieces))
        if s.name in scaled
        else s
        for s in vjp.statements
    )
    return subject.with_gradient(replace(vjp, statements=statements)) if scaled else subject


def test_a_program_whose_gradient_is_right() -> None:
    found = evidence.of_subject(program("layer_norm"))
    assert [e.input for e in found] == ["x", "weight", "bias"]
    assert [low.shape for e in found if (low := bottom(e.steps))] == [V, EXACT, EXACT]
    assert all(worst_cell(e.heat)[0] < 1e-10 for e in found)


def test_a_program_with_one_gradient_wrong_by_a_thousandth() -> None:
    found = {e.input: e for e in evidence.of_subject(program("layer_norm", dx=1.001))}
    low = bottom(found["x"].steps)
    assert low is not None and low.shape == PLATEAU and low.height == pytest.approx(1e-3, rel=0.01)
    assert min(min(row) for row in found["x"].heat) == pytest.approx(1e-3, rel=0.01)
    assert worst_cell(found["weight"].heat)[0] < 1e-10


def test_the_setting_whose_gradient_failed_is_chosen() -> None:
    from derive.verify.verdict import FAILED, PASSED, Row

    right, wrong = program("softmax"), program("softmax", dx=1.01)
    climbed = [(right, [Row("gradient, numpy", "", PASSED)]), (wrong, [Row("gradient, numpy", "", FAILED)])]
    (chosen,) = evidence.of_program(climbed)
    assert worst_cell(chosen.heat)[0] > 1e-3
    (first,) = evidence.of_program(climbed[:1])
    assert worst_cell(first.heat)[0] < 1e-10
    assert evidence.of_program([]) == ()
