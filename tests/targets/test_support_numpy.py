"""NumPy's support functions against NumPy's own plain forms."""

import numpy as np
import pytest

from derive.targets import support_numpy as in_numpy

SIZES = {"few": (5, 7), "many": (40, 60)}


def values(shape, dtype, seed=0):
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        x = random.standard_normal(shape).astype(dtype)
        x.reshape(-1)[:4] = np.nan, np.inf, -np.inf, -0.0
        return x
    return random.integers(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "i8"])
def test_where_chooses_as_numpy_does(shape, dtype):
    x, y = values(shape, dtype), values(shape, dtype, 1)
    wide = np.random.default_rng(2).random(shape) < 0.5
    for mask in (wide, wide[:, :1], wide[0], np.ones(shape, bool), ~np.ones(shape, bool), wide.T.copy().T):
        for a, b in ((x, y), (x, 0), (0, y), (x[0], y), (x, y[:, :1]), (2, 0), (x, -3), (x.T.copy().T, 0)):
            got, wanted = in_numpy._where(mask, a, b), np.where(mask, a, b)
            assert got.dtype == wanted.dtype and got.shape == wanted.shape
            np.testing.assert_array_equal(got, wanted)


def test_where_keeps_its_arguments_and_the_sign_of_zero():
    x, y = values((40, 60), "f4"), np.full((40, 60), -0.0, "f4")
    before = x.copy(), y.copy()
    got = in_numpy._where(np.zeros((40, 60), bool), x, y)
    assert np.signbit(got).all()
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_dots_sums_products(axes):
    random = np.random.default_rng(0)
    for shape in ((3, 4, 5), (3, 0, 5), (0, 4, 5)):
        a, b = random.standard_normal(shape), random.standard_normal(shape)
        for x, y in ((a, b), (a.transpose(2, 1, 0).copy().transpose(2, 1, 0), b), (a, b[:, :1]), (a.astype("f4"), b)):
            if x.shape == y.shape or shape == (3, 4, 5):
                np.testing.assert_allclose(in_numpy._dots(x, y, axes), (x * y).sum(axes), rtol=1e-12, atol=1e-14)


#: Zeros, products that overflow though none without one factor does, one entry, none.
FACTORS = (
    values((6, 4), "i8").astype(float),
    np.zeros((3, 3)),
    np.full((3, 2), 1e120),
    np.ones((1, 1)),
    np.ones((0, 2)),
)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("axis", [0, 1])
def test_products_of_all_but_one_and_their_adjoint(axis):
    for x in FACTORS:
        n = x.shape[axis]
        rest = [np.delete(x, k, axis).prod(axis=axis) for k in range(n)]
        wanted = np.stack(rest, axis) if n else x
        np.testing.assert_allclose(in_numpy._others(x, axis), wanted, rtol=1e-12)
        moved, f = np.moveaxis(x, axis, 0), np.moveaxis(np.cos(np.arange(x.size)).reshape(x.shape), axis, 0)
        terms = [[f[k] * np.delete(moved[: k + 1], j, 0).prod(axis=0) for k in range(j, n)] for j in range(n)]
        wanted = np.moveaxis(np.stack([sum(t) for t in terms]), 0, axis) if n else x
        got = in_numpy._chain(np.moveaxis(f, 0, axis), x, axis)
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


def test_put_adds_where_an_index_is_in_range():
    base, index = np.arange(12.0).reshape(3, 4), np.array([2, -1, 0])
    wanted = base.copy()
    wanted[0, 2] += 5
    wanted[2, 0] += 7
    np.testing.assert_array_equal(in_numpy._put(base.copy(), 1, index, np.array([5.0, 6.0, 7.0])), wanted)
    assert in_numpy._put(np.empty((3, 0)), 1, index, 1).shape == (3, 0)
