"""Axes put in, where what is alike along them is written once; tensors added and compared."""


@layer(torch="add")
def add(x: Real[...], other: Real[...]):
    """Sum of two tensors: x + other."""
    y[...] = x[...] + other[...]
    return y


@layer(torch="minimum")
def minimum(x: Real[...], other: Real[...]):
    """The smaller of two values; equal ones share the gradient."""
    y[...] = min(x[...], other[...])
    return y


@layer
def spread_front(x: Real[...], *, n: Int):
    """The same n times, along a new axis in front."""
    y: Real[n, ...]
    y[i, ...] = x[...]
    return y


@layer
def spread_axis(x: Real[*A, 1, *B], *, axis: Int = 1, n: Int):
    """An axis of one entry made n long."""
    assert len(A) == axis
    y: Real[*A, n, *B]
    y[*a, i, *b] = x[*a, 0, *b]
    return y
