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


@layer(torch="nn.Identity")
def identity(x: Real[...]):
    """The same values."""
    y[...] = x[...]
    return y


@layer(torch="nn.Flatten flatten")
def flatten(x: Real[*A, *K, *B], *, start_dim: Int = 1, end_dim: Int = -1):
    """Axes from start_dim to end_dim as one, the last of them fastest."""
    assert start_dim == len(A) or end_dim - start_dim == len(K) - 1
    assert end_dim == -len(B) - 1 or end_dim - start_dim == len(K) - 1
    y: Real[*A, [*K, 1], *B]
    y[*a, [*k, 0], *b] = x[*a, *k, *b]
    return y


@layer(torch="nn.Unflatten unflatten")
def unflatten(x: Real[*A, [sizes[0], sizes[1]], *B], *, dim: Int = 1, sizes: Int[2]):
    """One axis as two of those sizes, the second of them fastest."""
    assert dim == len(A) or dim == -len(B) - 1
    y[*a, m, k, *b] = x[*a, [m, k], *b]
    return y
