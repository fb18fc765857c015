"""Similarities and distances."""


@layer(torch="nn.CosineSimilarity nn.functional.cosine_similarity")
def cosine_similarity(x1: Real[..., D, *B], x2: Real[..., D, *B], *, dim: Int = 1, eps: Real = 1e-8):
    """Cosine of the angle between two vectors, neither shorter than eps."""
    assert dim == len(...) or dim == -len(B) - 1
    n1 = vector_norm(x1, dim=dim)
    n2 = vector_norm(x2, dim=dim)
    l1[..., *b] = where(n1[..., *b] < eps, eps, n1[..., *b])
    l2[..., *b] = where(n2[..., *b] < eps, eps, n2[..., *b])
    y[..., *b] = sum[d](x1[..., d, *b]*x2[..., d, *b])/(l1[..., *b]*l2[..., *b])
    return y


@layer(torch="nn.PairwiseDistance nn.functional.pairwise_distance")
def pairwise_distance(
    x1: Real[..., D], x2: Real[..., D], *, p: Real = 2, eps: Real = 1e-6, keepdim: Bool = False,
):
    """The p-norm of x₁ − x₂ + eps along the last axis."""
    d[..., k] = x1[..., k] - x2[..., k] + eps
    if keepdim:
        a = vector_norm(d, p=p)
        y: Real[..., 1]
        y[..., 0] = a[...]
    else:
        y = vector_norm(d, p=p)
    return y


@layer(torch="linalg.vector_norm norm")
def vector_norm(x: Real[..., *D, *B], *, p: Real = 2, dim: Int = -1, axes: Int = 1, keepdim: Bool = False):
    """The p-norm along one axis, or ``axes`` of them from dim on; where it is 0, so is its gradient."""
    assert len(D) == axes
    assert dim == len(...) or dim == -len(B) - axes
    if p == 2:
        s[..., *b] = sum[*d](x[..., *d, *b]**2)
        n[..., *b] = where(s[..., *b] > 0, sqrt(s[..., *b]), 0)
    elif p == 1:
        n[..., *b] = sum[*d](abs(x[..., *d, *b]))
    elif p == inf:
        n[..., *b] = amax[*d](abs(x[..., *d, *b]))
    elif p == -inf:
        n[..., *b] = amin[*d](abs(x[..., *d, *b]))
    elif p == 0:
        n[..., *b] = sum[*d, x[..., *d, *b] != 0](1)
    else:
        s[..., *b] = sum[*d, x[..., *d, *b] != 0](abs(x[..., *d, *b])**p)
        n[..., *b] = where(s[..., *b] > 0, s[..., *b]**(1/p), 0)
    if keepdim:
        assert axes == 1
        y: Real[..., 1, *B]
        y[..., 0, *b] = n[..., *b]
        return y
    return n


@layer(torch="nn.functional.pdist pdist")
def pdist(x: Real[N, D], *, p: Real = 2):
    """The p-norm of the difference of every pair of rows: (0, 1), (0, 2), …, (1, 2), …"""
    assert p >= 0
    first: Index[N*(N - 1)//2]
    first[k] = count[i < N, (i + 1)*(2*N - i - 2)//2 <= k]()
    d[k, c] = x[first[k], c] - x[k - first[k]*(2*N - first[k] - 1)//2 + first[k] + 1, c]
    y = vector_norm(d, p=p)
    return y
