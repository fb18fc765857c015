"""The door: sizes solved, and errors that name the axis as the definition does."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer

from derive.bind import bind
from derive.errors import InputError
from derive.program import Compare, Draw, Hyper, Letter, Parameter, Part, Read, Size

K, N, A, D = Size("K"), Size("N"), Size("*A"), Size("...")


def door(hand, *inputs, **more):
    """A program that only has inputs."""
    y = hand.tensor("y")
    return hand.program("layer", inputs, [hand.statement(y, [], Integer(0))], ["y"], **more)


def sizes(bound) -> dict[str, int]:
    return {size.name: value for size, value in bound.sizes.items()}


def test_plain_composite_and_derived_sizes(hand):
    bound = bind(hand.conv2d(), {"x": np.zeros((2, 4, 7, 8)), "weight": np.zeros((6, 2, 3, 2))})
    assert sizes(bound) == {"N": 2, "C": 2, "H": 7, "W": 8, "F": 3, "KH": 3, "KW": 2, "OH": 4, "OW": 5}
    assert bound.tensors["x"].shape == (2, 2, 2, 7, 8) and bound.tensors["bias"].shape == (2, 3)
    assert bound.shape(hand.conv2d().tensor("y")) == (2, 6, 4, 5)


def test_affine_extents_are_solved(hand):
    program = door(hand, hand.tensor("edges", 2 * K + 1))
    assert sizes(bind(program, {"edges": np.zeros(7)})) == {"K": 3}
    with pytest.raises(InputError, match=r"axis 2 \* K \+ 1 of edges is 6, expected"):
        bind(program, {"edges": np.zeros(6)})


def test_sizes_wait_for_each_other(hand):
    """A composite of two unknowns is solved once a later input shows one of them."""
    program = door(hand, hand.tensor("x", (N, K)), hand.tensor("w", K + 1))
    assert sizes(bind(program, {"x": np.zeros(6), "w": np.zeros(4)})) == {"K": 3, "N": 2}


def test_a_size_of_zero(hand):
    program = door(hand, hand.tensor("x", N, K), hand.tensor("w", K))
    assert sizes(bind(program, {"x": np.zeros((0, 3)), "w": np.zeros(3)})) == {"N": 0, "K": 3}
    with pytest.raises(InputError):
        bind(program, {"x": np.zeros((2, 0)), "w": np.zeros(3)})


def test_an_axis_solved_by_nothing(hand):
    with pytest.raises(InputError, match="leaves N, K open"):
        bind(door(hand, hand.tensor("x", (N, K))), {"x": np.zeros(6)})


def test_packs(hand):
    program = door(hand, hand.tensor("x", A, K, D), hand.tensor("a", A), hand.tensor("d", D))
    bound = bind(program, {"x": np.zeros((2, 3, 4, 5, 6)), "a": np.zeros((2, 3)), "d": np.zeros((5, 6))})
    assert sizes(bound) == {"*A": 6, "K": 4, "...": 30} and bound.packs == {A: (2, 3), D: (5, 6)}
    assert bound.tensors["x"].shape == (6, 4, 30)
    with pytest.raises(InputError, match=r"axes \.\.\. of d are \(6, 5\), but x gave \(5, 6\)"):
        bind(program, {"x": np.zeros((2, 3, 4, 5, 6)), "a": np.zeros((2, 3)), "d": np.zeros((6, 5))})
    with pytest.raises(InputError, match="x has 1 axes"):
        bind(program, {"x": np.zeros(4), "a": np.zeros((2, 3)), "d": np.zeros((5, 6))})


def test_a_pack_of_no_axes(hand):
    bound = bind(door(hand, hand.tensor("x", D)), {"x": 3.0})
    assert bound.packs == {D: ()} and bound.tensors["x"].shape == (1,)


def test_two_equal_packs_share_the_rank(hand):
    bound = bind(door(hand, hand.tensor("x", A, A)), {"x": np.zeros((2, 3, 2, 3))})
    assert bound.packs == {A: (2, 3)}


def test_wrong_size_names_the_letter_and_both_sizes(hand):
    inputs = {"x": np.zeros((2, 6, 7, 8)), "weight": np.zeros((6, 5, 3, 2))}
    with pytest.raises(InputError, match="axis C of weight is 5, but x gave C = 3"):
        bind(hand.conv2d(), inputs)


def test_wrong_composite(hand):
    inputs = {"x": np.zeros((2, 5, 7, 8)), "weight": np.zeros((6, 2, 3, 2))}
    with pytest.raises(InputError, match=r"axis \[2, C\] of x is 5, expected 2 \* C"):
        bind(hand.conv2d(), inputs)


def test_wrong_rank(hand):
    with pytest.raises(InputError, match=r"x has 3 axes \(2, 4, 7\), expected 4") as error:
        bind(hand.conv2d(), {"x": np.zeros((2, 4, 7)), "weight": np.zeros((6, 2, 3, 2))})
    assert "Real[N, [2, C], H, W]" in str(error.value)


def test_negative_derived_size(hand):
    with pytest.raises(InputError, match=r"OH = -1 is negative, from H = 2, KH = 8") as error:
        bind(hand.conv2d(2, 1, 1, 1), {"x": np.zeros((1, 1, 2, 9)), "weight": np.zeros((1, 1, 8, 3))})
    assert "padded input" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("index", [0.5, 1.5], "dtype float64, expected integers"),
        ("index", [True, False], "dtype bool, expected integers"),
        ("bool", [0, 1], "dtype int64, expected booleans"),
        ("real", [True, False], "dtype bool, expected real numbers"),
        ("real", ["a", "b"], "expected real numbers"),
        ("real", [[1.0], [1.0, 2.0]], "not an array of numbers"),
        ("real", [None, 1.0], "expected real numbers"),
    ],
)
def test_wrong_dtype(hand, kind, value, words):
    with pytest.raises(InputError, match=f"x .*{words}"):
        bind(door(hand, hand.tensor("x", N, kind=kind)), {"x": value})


def test_empty_lists_fit_every_kind(hand):
    for kind in ("real", "const", "index", "bool"):
        assert sizes(bind(door(hand, hand.tensor("x", N, kind=kind)), {"x": []})) == {"N": 0}


def test_missing_and_unknown_inputs(hand):
    with pytest.raises(InputError, match="input weight of conv2d is missing"):
        bind(hand.conv2d(), {"x": np.zeros((1, 2, 3, 3))})
    with pytest.raises(InputError, match="no input wieght") as error:
        bind(hand.conv2d(), {"x": 0, "wieght": 0})
    assert "did you mean weight?" in str(error.value)


def test_defaults_and_draws(hand):
    keep = hand.tensor("keep", N, kind="bool", default=Draw("bernoulli", (Hyper("p"),)))
    scale = hand.tensor("scale", N, default=Integer(1) / 2)
    program = door(hand, hand.tensor("x", N), keep, scale, parameters=(Parameter("p", default=Integer(1)),))
    with pytest.raises(InputError, match="keep is drawn at random"):
        bind(program, {"x": np.zeros(3)})
    bound = bind(program, {"x": np.zeros(3), "scale": None}, random=np.random.default_rng(0))
    assert bound.tensors["keep"].tolist() == [True] * 3 and bound.tensors["scale"].tolist() == [0.5] * 3


def parameters() -> tuple[Parameter, ...]:
    return (
        Parameter("kernel", "Int", 2, default=Integer(3)),
        Parameter("stride", "Int", 2, default=(Hyper("kernel[0]", True), Hyper("kernel[1]", True) + 1)),
        Parameter("eps", "Real", default=Integer(1) / 4),
        Parameter("groups", "Int", default=1, structural=True, value=1),
        Parameter("mode", "Text", default="sum", allowed=("sum", "mean"), structural=True, value="sum"),
        Parameter("lr", "Real", required=True),
        Parameter("scale", "Real"),
    )


def values(hand, **given) -> dict[str, object]:
    bound = bind(door(hand, hand.tensor("x", N), parameters=parameters()), {"x": [1.0]}, given)
    return {hyper.name: value for hyper, value in bound.hypers.items()}


def test_hyperparameters_fill_and_default(hand):
    assert values(hand, lr=1) == {
        "kernel[0]": 3, "kernel[1]": 3, "stride[0]": 3, "stride[1]": 4, "eps": 0.25, "lr": 1,
    }  # fmt: skip
    found = values(hand, lr=1, kernel=(2, 5), stride=np.int64(7), groups=1)
    assert (found["kernel[1]"], found["stride[0]"], found["stride[1]"]) == (5, 7, 7)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "hyperparameter lr of layer is missing"),
        ({"lr": 1, "strid": 2}, "no hyperparameter strid"),
        ({"lr": 1, "stride": (1, 2, 3)}, "expected 2 numbers"),
        ({"lr": (1, 2)}, "expected one number"),
        ({"lr": 1, "stride": 1.5}, "stride is 1.5, expected an integer"),
        ({"lr": 1, "stride": True}, "stride is True, expected an integer"),
        ({"lr": "fast"}, "lr is 'fast', expected a number"),
        ({"lr": 1, "groups": 2}, "groups was fixed at 1"),
        ({"lr": 1, "scale": 2}, "scale was fixed at None"),
    ],
)
def test_wrong_hyperparameters(hand, given, words):
    with pytest.raises(InputError, match=words):
        values(hand, **given)


def test_requirements(hand):
    program = door(hand, hand.tensor("x", N, K), requirements=(Compare("==", N, 3 * K),))
    bind(program, {"x": np.zeros((6, 2))})
    with pytest.raises(InputError, match=r"requires N == 3 \* K, but K = 2, N = 5"):
        bind(program, {"x": np.zeros((5, 2))})


def test_cotangents_have_derived_axes(hand):
    """An axis with a derived size is checked once the size is known, in whatever order the inputs come."""
    OH, h = Size("OH"), Letter("h")
    inputs = [hand.tensor("dy", OH), hand.tensor("x", K)]
    dx = hand.tensor("dx", K)
    program = hand.program("c", inputs, [hand.statement(dx, [h], Read("x", h))], ["dx"], sizes=((OH, K - 1),))
    assert sizes(bind(program, {"x": np.zeros(4), "dy": np.zeros(3)})) == {"K": 4, "OH": 3}
    with pytest.raises(InputError, match="axis OH of dy is 4, but its equation in c gave OH = 3"):
        bind(program, {"x": np.zeros(4), "dy": np.zeros(4)})


def test_the_halo_of_an_input_is_zero(hand):
    bound = bind(door(hand, hand.tensor("g", Part(N, below=1))), {"g": [1.0, 2.0]})
    assert bound.tensors["g"].tolist() == [0, 1, 2]
