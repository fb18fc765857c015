"""Functions behind the layers: sums, products and moves along one axis."""


@layer(torch="cumsum")
def cumsum(x: Real[..., K, *B], *, dim: Int = -1):
    """Sum of everything up to each point of one axis."""
    assert dim == len(...) or dim == -len(B) - 1
    y: Real[..., K, *B]
    y[..., k, *b] = sum[j < K, j <= k](x[..., j, *b])
    return y


@layer(torch="cumprod")
def cumprod(x: Real[..., K, *B], *, dim: Int = -1):
    """Product of everything up to each point of one axis."""
    assert dim == len(...) or dim == -len(B) - 1
    y: Real[..., K, *B]
    y[..., k, *b] = prod[j < K, j <= k](x[..., j, *b])
    return y


@layer(torch="logsumexp")
def logsumexp(x: Real[..., *D, *B], *, dim: Int = -1, axes: Int = 1, keepdim: Bool = False):
    """Logarithm of the sum of exponentials along one axis, or ``axes`` of them from dim on, without overflow."""
    assert len(D) == axes
    assert dim == len(...) or dim == -len(B) - axes
    m[..., *b] = max[*d](x[..., *d, *b])
    s[..., *b] = sum[*d](exp(x[..., *d, *b] - m[..., *b]))
    if keepdim:
        assert axes == 1
        y: Real[..., 1, *B]
        y[..., 0, *b] = m[..., *b] + log(s[..., *b])
    else:
        y[..., *b] = m[..., *b] + log(s[..., *b])
    return y


@layer(torch="prod")
def prod_along(x: Real[..., *D, *B], *, dim: Int = -1, axes: Int = 1, keepdim: Bool = False):
    """Product along one axis, or ``axes`` of them from dim on; its gradient is right where factors are 0."""
    assert len(D) == axes
    assert dim == len(...) or dim == -len(B) - axes
    if keepdim:
        assert axes == 1
        y: Real[..., 1, *B]
        y[..., 0, *b] = prod[*d](x[..., *d, *b])
    else:
        y[..., *b] = prod[*d](x[..., *d, *b])
    return y


@layer(torch="gather")
def gather(x: Real[*A, K, *B], index: Index[*A, I, *B], *, dim: Int = -1):
    """Values picked along one axis by index; the other axes agree."""
    assert dim == len(A) or dim == -len(B) - 1
    y[*a, i, *b] = x[*a, index[*a, i, *b], *b]
    return y


@layer(torch="scatter_add")
def scatter_add(x: Real[*A, K, *B], index: Index[*A, I, *B], source: Real[*A, I, *B], *, dim: Int = -1):
    """Adds values at the places along one axis that an index names; the other axes agree."""
    assert dim == len(A) or dim == -len(B) - 1
    y[*a, k, *b] = x[*a, k, *b] + sum[i, index[*a, i, *b] == k](source[*a, i, *b])
    return y
