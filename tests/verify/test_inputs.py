"""Inputs keep their promises: valid, of the kind asked for, the same for the same seed."""

import numpy as np
import pytest

import derive
from derive import interpreter
from derive.verify.inputs import KINDS, SMOOTH, make


def test_asymmetric_sizes_strides_paddings_and_dilations_all_differ():
    case = make(derive.load("conv2d"), "asymmetric")
    sizes = list(case.sizes.values())
    assert len(set(sizes)) == len(sizes) and min(sizes) >= 2
    heights, widths = zip(*(case.hypers[name] for name in ("stride", "padding", "dilation")), strict=True)
    assert len(set(heights)) == len(set(widths)) == 3
    assert all(h != w for h, w in zip(heights, widths, strict=True))


def test_equal_sizes_are_equal():
    case = make(derive.load("bilinear"), "equal")
    assert len(set(case.sizes.values())) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs(kind):
    p = derive.load("cross_entropy")
    case = make(p, kind)
    if kind == "masked":
        assert case is None
        return
    outputs = interpreter.run(p, case.inputs, case.hypers)
    assert kind not in SMOOTH or all(np.isfinite(y).all() for y in outputs.values())


def test_indices_are_in_range_and_the_ignored_one_appears():
    p = derive.load("cross_entropy", ignore_index=1)
    case = make(p, "plain", 1)
    target, classes = case.inputs["target"], case.inputs["logits"].shape[1]
    assert target.min() >= 0 and target.max() < max(classes, 2)


def test_data_moves_into_the_domain_where_it_must():
    p = derive.load("@layer\ndef f(x: Real[N]):\n    y[n] = log(x[n])\n    return y\n")
    assert make(p, "plain").inputs["x"].min() > 0


def test_the_seed_decides():
    p = derive.load("linear")
    a, b, c = (make(p, "plain", seed).inputs["x"] for seed in (0, 0, 1))
    assert (a == b).all() and (a.shape != c.shape or (a != c).any())


def test_boundary_cases_hold_what_they_say():
    p = derive.load("scaled_dot_product_attention", attn_mask=None)
    assert not make(p, "masked").inputs["keep"].any()
    assert not make(p, "zeros").inputs["query"].any()
    assert set(np.unique(make(p, "ties").inputs["query"])) <= {-1.0, 0.0, 1.0}
    assert 0 in make(p, "empty").sizes.values()
